"""People who read or search: with time to think between two requests, or as fast as they get answers."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

import aiohttp
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from evals.bench.corpus import question
from evals.bench.process import percentile
from evals.load.company import Visitor


class Latency(BaseModel):
    """Answers of one kind, in milliseconds."""

    requests: int
    p50: float
    p95: float
    p99: float
    worst: float

    @classmethod
    def of(cls, milliseconds: list[float]) -> "Latency":
        """The percentiles of what was measured."""
        return cls(
            requests=len(milliseconds),
            p50=round(percentile(milliseconds, 0.5), 2),
            p95=round(percentile(milliseconds, 0.95), 2),
            p99=round(percentile(milliseconds, 0.99), 2),
            worst=round(max(milliseconds), 2),
        )


class Visit(BaseModel):
    """What a number of visitors met with."""

    visitors: int
    think_seconds: float
    seconds: float
    requests_per_second: float
    errors: int
    first_error: str
    all: Latency
    by_request: dict[str, Latency]


@dataclass
class _Seen:
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: int = 0
    first_error: str = ""

    def note_error(self, words: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or words


class Request(NamedTuple):
    """Something that a visitor asks for; with a body it is posted."""

    name: str
    path: str
    body: dict[str, Any] | None = None


Mix = Callable[[Visitor, random.Random], Sequence[Request]]
"""What a visitor may ask for next; one of it is drawn."""


def visit(url: str, visitors: Sequence[Visitor], think_seconds: float, seconds: float, mix: Mix | None = None) -> Visit:
    """Let all visitors ask for so long; default: what reading the CRUD API is made of."""
    return asyncio.run(_visit(url, visitors, think_seconds, seconds, mix or _reading))


def searching(_visitor: Visitor, draw: random.Random) -> Sequence[Request]:
    """Searches only, hardly any of them twice."""
    return [Request("search", "/search", {"query": question(draw), "k": 10})]


def looking(_visitor: Visitor, draw: random.Random) -> Sequence[Request]:
    """What the search page asks for: groups of passages, with facets."""
    return [Request("page", "/search", {"query": question(draw), "k": 20, "group": True, "facets": True})]


def typing(_visitor: Visitor, draw: random.Random) -> Sequence[Request]:
    """The beginning of something, as the search box asks what it may become."""
    words = question(draw).split()
    typed = " ".join(words[-3:])
    return [Request("suggest", f"/search/suggest?q={quote(typed[: draw.randint(1, len(typed))])}")]


async def _visit(url: str, visitors: Sequence[Visitor], think_seconds: float, seconds: float, mix: Mix) -> Visit:
    seen = _Seen()
    # aiohttp takes a third of the processor time that httpx takes for a request: what the generator takes of the
    # machine, the server does not have.
    connector, timeout = aiohttp.TCPConnector(limit=len(visitors)), aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(url, connector=connector, timeout=timeout) as client:
        start = time.perf_counter()
        await asyncio.gather(
            *(
                _one(client, visitor, random.Random(f"{number} {start}"), think_seconds, start + seconds, seen, mix)  # noqa: S311
                for number, visitor in enumerate(visitors)
            )
        )
        took = time.perf_counter() - start
    times = [value for values in seen.milliseconds.values() for value in values]
    return Visit(
        visitors=len(visitors),
        think_seconds=think_seconds,
        seconds=round(took, 2),
        requests_per_second=round(len(times) / took, 1),
        errors=seen.errors,
        first_error=seen.first_error,
        all=Latency.of(times),
        by_request={name: Latency.of(values) for name, values in sorted(seen.milliseconds.items())},
    )


async def _one(
    client: aiohttp.ClientSession,
    visitor: Visitor,
    draw: random.Random,
    think_seconds: float,
    until: float,
    seen: _Seen,
    mix: Mix,
) -> None:
    headers = {"Authorization": f"Bearer {visitor.key}"}
    await asyncio.sleep(draw.random() * think_seconds)  # nobody begins at the same moment
    while time.perf_counter() < until:
        name, path, body = draw.choice(mix(visitor, draw))
        start = time.perf_counter()
        try:
            method = "GET" if body is None else "POST"
            async with client.request(method, f"/api/v1{path}", headers=headers, json=body) as response:
                answer = await response.read()
            if response.status != 200:
                seen.note_error(f"{path}: {response.status} {answer[:300]!r}")
        except (aiohttp.ClientError, TimeoutError) as error:
            seen.note_error(f"{path}: {error!r}")
        seen.milliseconds[name].append((time.perf_counter() - start) * 1000)
        if think_seconds:
            await asyncio.sleep(think_seconds * (0.5 + draw.random()))


def _reading(visitor: Visitor, draw: random.Random) -> Sequence[Request]:
    team, project = draw.choice(visitor.team_ids), draw.choice(visitor.project_ids)
    space = draw.choice(visitor.space_ids)
    return [
        Request("me", "/users/me"),
        Request("teams", "/teams"),
        Request("team", f"/teams/{team}"),
        Request("team members", f"/teams/{team}/members"),
        Request("projects", "/projects"),
        Request("project", f"/projects/{project}"),
        Request("project members", f"/projects/{project}/members"),
        Request("users", "/users"),
        Request("users by name", f"/users?q=Person%200{draw.randrange(10)}"),
        Request("spaces", "/spaces"),
        Request("space", f"/spaces/{space}"),
        Request("documents", "/documents"),
        Request("documents of a space", f"/documents?space_id={space}"),
        Request("document", f"/documents/{draw.choice(visitor.document_ids)}"),
    ]


def print_visits(console: Console, title: str, thinking: Visit, saturation: list[Visit]) -> None:
    """Show what people met with who thought, and how much more the server can take."""
    table = Table(title=title)
    for column in ("", "requests/s", "p50 ms", "p95 ms", "p99 ms", "worst ms", "errors"):
        table.add_column(column, justify="left" if not column else "right")

    def add(name: str, visit: Visit) -> None:
        seen = visit.all
        figures = (visit.requests_per_second, seen.p50, seen.p95, seen.p99, seen.worst, visit.errors)
        table.add_row(name, *(str(figure) for figure in figures))

    add(f"{thinking.visitors} people, {thinking.think_seconds} s to think", thinking)
    if len(thinking.by_request) > 1:
        for name, seen in thinking.by_request.items():
            table.add_row(f"  {name}", "", str(seen.p50), str(seen.p95), str(seen.p99), str(seen.worst), "")
    for step in saturation:
        add(f"{step.visitors} without a pause", step)
    console.print(table)
    best = max(saturation, key=lambda step: step.requests_per_second)
    console.print(f"Saturation: {best.requests_per_second} requests/s (with {best.visitors} at a time).")
    errors = [step.first_error for step in (thinking, *saturation) if step.first_error]
    if errors:
        console.print(f"First error: {errors[0]}")
