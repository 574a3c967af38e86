"""`nexus index models|migrate|rollback|cleanup`: the embedding model, and the change to another."""

import asyncio
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from core_api.infra.errors import Conflict, NexusError
from nexus.connection import checked

PATH = "/api/v1/index/models"
_LOOK_SECONDS = 0.5
_TURN_TRIES = 10
"""The server waits some 25 s for the last changes each time."""

ModelOption = Annotated[
    str, typer.Option("--model", help="`default`, a path on the server, a hub name, or an endpoint's model.")
]
RevisionOption = Annotated[str | None, typer.Option(help="Revision of a hub model.")]
PrecisionOption = Annotated[str, typer.Option(help="fp32 or int8.")]
EndpointOption = Annotated[bool, typer.Option("--endpoint", help="At NEXUS_EMBEDDING_BASE_URL.")]
LanguageOption = Annotated[
    list[str] | None, typer.Option("--language", help="A language that it knows, `*` for all (may be repeated).")
]
ThrottleOption = Annotated[
    float | None,
    typer.Option(
        "--throttle",
        min=0.01,
        max=1.0,
        help="Share of the time, on one core, that building takes; 1: all cores, for when nobody searches.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Use the new model whatever the gate says.")]
NoFlipOption = Annotated[bool, typer.Option("--no-flip", help="Build and compare only.")]


class ChangeFailed(NexusError):
    """The vectors of the new model could not be built."""

    code, title = "model_change_failed", "The change of the embedding model failed"


async def migrate(
    client: httpx.AsyncClient, body: dict[str, Any], *, force: bool, flip: bool, console: Console | None
) -> Any:
    """Begin (or go on), wait until it is built, and have search use it if the gate allows; gives how things are then.

    Raises ServerError, and ChangeFailed or Conflict where it ends before.
    """
    state = checked(await client.post(PATH, json=body))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console or Console(stderr=True), disable=console is None) as bar:
        task = bar.add_task("Building", total=None, left="")
        while (change := state["change"]) is not None and change["state"] == "building":
            eta = change["eta_seconds"]
            left = "" if eta is None else f"{eta // 3600:.0f}:{eta // 60 % 60:02.0f}:{eta % 60:02.0f} left"
            left = escape(change["error"] or left)  # it is waiting for something that it needs
            bar.update(task, completed=change["done"], total=change["total"], left=left)
            await asyncio.sleep(_LOOK_SECONDS)
            state = checked(await client.get(PATH))
    if change is None:
        raise ChangeFailed("Somebody ended the change meanwhile.")
    if change["state"] == "failed":
        raise ChangeFailed(f"{change['error']} What is built is kept; the same command goes on with it.")
    if not flip or change["state"] != "ready":
        return state
    if change["gate"] is not None and not change["gate"]["passed"] and not force:
        raise Conflict(f"The gate says no: {change['gate']['says']} `--force` uses the new model nevertheless.")
    return await turn(client, "flip", {"force": force})


async def turn(client: httpx.AsyncClient, step: str, body: dict[str, Any] | None = None) -> Any:
    """Flip or roll back, however long the last changes take."""
    for _ in range(_TURN_TRIES):
        response = await client.post(f"{PATH}/{step}", json=body)
        if response.status_code != httpx.codes.CONFLICT or response.json()["code"] != "model_change_behind":
            break
    return checked(response)


def show(console: Console, result: Any) -> None:
    """The model in use, and the change."""
    active, change = result["active"], result["change"]
    if active is not None:
        console.print(f"In use: {_name(active)}", highlight=False, soft_wrap=True)
    if change is None:
        return
    state = change["state"].replace("_", " ")
    console.print(f"Change to {_name(change['model'])}: {state}, {change['done']} of {change['total']} passages.",
                  highlight=False, soft_wrap=True)  # fmt: skip
    if change["gate"] is not None:
        verdict = "passed" if change["gate"]["passed"] else "not passed"
        console.print(f"Gate {verdict}: {escape(change['gate']['says'])}", highlight=False, soft_wrap=True)
    if change["error"]:
        console.print(f"[red]{escape(change['error'])}[/red]", highlight=False, soft_wrap=True)
    if change["state"] == "active":
        console.print(
            "The vectors of the model before are kept up to date: `nexus index rollback` goes back to it, `nexus index "
            "cleanup` deletes them. `nexus index reconcile` cuts passages anew for the new model.",
            highlight=False,
        )


def _name(model: Any) -> str:
    return f"{escape(model['name'])} [dim]({escape(model['fingerprint'])})[/dim]"
