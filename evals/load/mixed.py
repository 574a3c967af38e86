"""`python -m evals.load.mixed`: people who search, ask, read and write at an installation that runs, of either mode."""

import asyncio
import random
import time
from collections import defaultdict
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from evals.bench.corpus import paragraph, question
from evals.load.visits import Latency

_SHARES = {"search": 50, "chat": 15, "read": 25, "write": 10}
_LONGEST_SECONDS = 30.0
_LOOK_SECONDS = 0.25
_WATCHED_EDITS = 1  # at a time: more, asked after again and again, would be load of their own


class MixedReport(BaseModel):
    """What the people met with, in milliseconds: of `chat` until the first piece of the answer."""

    visitors: int
    think_seconds: float
    seconds: float
    requests_per_second: float
    errors: int
    first_error: str
    all: Latency
    by_request: dict[str, Latency]
    edit_to_searchable: Latency | None


@dataclass
class _Crowd:
    clients: list[aiohttp.ClientSession]
    documents: list[str]
    think_seconds: float
    until: float
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lags: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""
    looking: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def visit(self, number: int) -> None:
        """One person, with one of the documents to write and one of the servers to talk to."""
        draw = random.Random(number)  # noqa: S311
        client, mine = self.clients[number % len(self.clients)], self.documents[number]
        await asyncio.sleep(draw.random() * self.think_seconds)
        while time.perf_counter() < self.until:
            name = draw.choices(list(_SHARES), list(_SHARES.values()))[0]
            start = time.perf_counter()
            try:
                taken = await self._ask(client, name, mine, draw)
                self.milliseconds[name].append((taken - start) * 1000)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                self._count(f"{name}: {error!r}")
            await asyncio.sleep(self.think_seconds * (0.5 + draw.random()))

    async def _ask(self, client: aiohttp.ClientSession, name: str, mine: str, draw: random.Random) -> float:
        """Do one thing; gives when its answer came, or began to."""
        if name == "chat":
            body = {"message": question(draw), "stream": True}
            async with client.post("assistant/chat", json=body) as response:
                began = None
                async for line in response.content:
                    if began is None and line.startswith(b"event: delta"):
                        began = time.perf_counter()
                return began or time.perf_counter()
        if name == "search":
            await _read(client.post("search", json={"query": question(draw), "k": 10}))
        elif name == "read":
            path = draw.choice(["users/me", "spaces", "documents", f"documents/{draw.choice(self.documents)}"])
            await _read(client.get(path))
        else:
            word = f"edit{draw.getrandbits(48):012x}"
            if (overtaken := self.looking.pop(mine, None)) is not None:
                overtaken.cancel()
            await _read(client.patch(f"documents/{mine}", json={"text": f"{paragraph(draw)} {word}"}))
            if len(self.looking) < _WATCHED_EDITS:
                self.looking[mine] = asyncio.create_task(self._look(client, mine, word, time.perf_counter()))
        return time.perf_counter()

    async def _look(self, client: aiohttp.ClientSession, mine: str, word: str, since: float) -> None:
        """Wait until an edit is found; one that is not found in time is an error."""
        body = {"query": word, "mode": "keyword", "k": 1, "log": False}
        while time.perf_counter() - since < _LONGEST_SECONDS:
            try:
                found = await _read(client.post("search", json=body))
            except (aiohttp.ClientError, TimeoutError) as error:
                self._count(f"edit: {error!r}")
                break
            if any(word in hit["text"] for hit in found["hits"]):
                self.lags.append((time.perf_counter() - since) * 1000)
                break
            await asyncio.sleep(_LOOK_SECONDS)
        else:
            self._count(f"edit: not found in {_LONGEST_SECONDS:.0f} s")
        del self.looking[mine]

    def _count(self, error: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or error


async def mixed(
    urls: list[str], token: str, visitors: int, documents: int, think_seconds: float, seconds: float
) -> MixedReport:
    """Write so many documents, wait until they are indexed, and let the visitors in."""
    # See evals.load.visits: what the generator takes of the machine, the servers do not have.
    clients = [
        aiohttp.ClientSession(
            f"{url.rstrip('/')}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=aiohttp.ClientTimeout(total=_LONGEST_SECONDS),
            connector=aiohttp.TCPConnector(limit=4 * visitors),
            raise_for_status=True,
        )
        for url in urls
    ]
    try:
        made = await _fill(clients[0], max(documents, visitors))
        crowd = _Crowd(clients, made, think_seconds, time.perf_counter() + seconds)
        start = time.perf_counter()
        await asyncio.gather(*(crowd.visit(number) for number in range(visitors)))
        took = time.perf_counter() - start
        if crowd.looking:
            await asyncio.wait(crowd.looking.values())
    finally:
        for client in clients:
            await client.close()
    every = [taken for times in crowd.milliseconds.values() for taken in times]
    return MixedReport(
        visitors=visitors,
        think_seconds=think_seconds,
        seconds=round(took, 1),
        requests_per_second=round(len(every) / took, 1),
        errors=crowd.errors,
        first_error=crowd.first_error,
        all=Latency.of(every),
        by_request={name: Latency.of(times) for name, times in sorted(crowd.milliseconds.items())},
        edit_to_searchable=Latency.of(crowd.lags) if crowd.lags else None,
    )


async def _fill(client: aiohttp.ClientSession, documents: int) -> list[str]:
    draw = random.Random(7)  # noqa: S311
    space = await _read(client.post("spaces", json={"name": f"Load {time.time():.0f}"}))
    made = []
    for number in range(documents):
        text = "\n\n".join(paragraph(draw) for _ in range(4))
        body = {"space_id": space["id"], "title": f"Page {number}", "path": f"{number}.md", "text": text}
        made.append(str((await _read(client.post("documents", json=body)))["id"]))
    while (await _read(client.get("index/status")))["queue"]["waiting"]:
        await asyncio.sleep(0.5)
    return made


async def _read(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> dict[str, Any]:
    async with request as response:
        answer: dict[str, Any] = await response.json()
        return answer


def main(
    url: Annotated[list[str], typer.Option(help="A server that runs; several take turns.")],
    token: Annotated[str, typer.Option(envvar="NEXUS_API_KEY", help="Of `nexus token --bearer`.")],
    visitors: Annotated[int, typer.Option(min=1, max=500)] = 50,
    documents: Annotated[int, typer.Option(min=1, max=100_000, help="How many are written first.")] = 300,
    think: Annotated[float, typer.Option(min=0.01, help="Seconds between two requests of one person.")] = 1.0,
    seconds: Annotated[float, typer.Option(min=1, max=600)] = 60,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON to this file.")] = None,
) -> None:
    """Search 50%, chat 15%, reads 25% and writes 10%. All come as one person, from one address: raise
    `NEXUS_RATE_LIMIT_REQUESTS` of the servers."""
    report = asyncio.run(mixed(url, token, visitors, documents, think, seconds))
    table = Table(title=f"{visitors} people, {think} s to think: {report.requests_per_second} requests/s")
    for column in ("", "requests", "p50 ms", "p95 ms", "p99 ms", "worst ms"):
        table.add_column(column, justify="left" if not column else "right")
    lag = {} if report.edit_to_searchable is None else {"edit to searchable": report.edit_to_searchable}
    for name, seen in ({"all": report.all} | report.by_request | lag).items():
        table.add_row(name, *(str(value) for value in (seen.requests, seen.p50, seen.p95, seen.p99, seen.worst)))
    console = Console()
    console.print(table)
    console.print(f"{report.errors} errors. {report.first_error}")
    if out is not None:
        out.write_text(report.model_dump_json(indent=2), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
