"""How results look in a terminal."""

from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Renderer = Callable[[Console, Any], None]


def announce_server(url: str, link: str) -> None:
    """Where a server that has just started can be reached."""
    console = Console()
    console.print(f"\n[bold]Nexus Stream[/bold] serves at {url}  (API: {url}/docs)", highlight=False, soft_wrap=True)
    console.print("Sign in with this link; it works once:\n", highlight=False)
    console.print(f"    {link}\n", highlight=False, soft_wrap=True)


def search_result(console: Console, result: Any) -> None:
    """Passages, best first, with the matched words set off."""
    for field in result["query"]["filters"]:
        if field["problem"]:
            console.print(f"[yellow]{escape(field['problem'])}[/yellow]", highlight=False)
    if (meant := result["did_you_mean"]) is not None:
        says = "Nothing matched; searched for" if meant["applied"] else "Did you mean"
        console.print(f"[yellow]{says}: {escape(meant['query'])}[/yellow]", highlight=False)
    if result["by_meaning_alone"]:
        console.print("[yellow]Nothing that you may read has these words; this is nearest in meaning.[/yellow]")
    if not result["total"]:
        console.print("Nothing found that you may read. Try other words, or `--mode keyword`.")
    if result["groups"] is not None:
        for number, group in enumerate(result["groups"], 1):
            place = " › ".join(part for part in (group["space"]["name"], group["source"]["title"]) if part)
            console.print(
                f"[bold]{number}. {escape(place)}[/bold][dim]  {group['updated_at'][:10]}  {group['score']:.2f}[/dim]",
                highlight=False,
            )
            for hit in group["hits"]:
                _passage(console, hit)
    for number, hit in enumerate(result["hits"], 1):
        place = " › ".join(part for part in (hit["space"]["name"], hit["source"]["title"], hit["heading"]) if part)
        page = f", page {hit['page']}" if hit["page"] else ""
        console.print(f"[bold]{number}. {escape(place)}[/bold][dim]{page}  {hit['score']:.2f}[/dim]", highlight=False)
        _passage(console, hit)
    documents = f"{result['total']} document{'' if result['total'] == 1 else 's'}"
    console.print(f"[dim]{documents}, {result['mode']}, {result['took_ms']['total']:.0f} ms[/dim]", highlight=False)


def _passage(console: Console, hit: Any) -> None:
    """The words of a hit, and how its score came about, where that was asked for."""
    passage = Text(hit["text"])
    for start, end in hit["highlights"]:
        passage.stylize("bold yellow", start, end)
    console.print(Padding(passage, (0, 0, 1, 3)))
    if (why := hit["explain"]) is None:
        return
    for name, leg in why["legs"].items():
        line = f"{name}: rank {leg['rank']}, {leg['score']:.3f}, scaled {leg['scaled']:.3f} x {leg['weight']:.2f}"
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 5)))
    for step in why["steps"]:
        line = f"{step['name']}: {step['change']:+.3f}  {step['says']}"
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 5)))
    console.print(Padding(Text(f"score: {why['final']:.3f}", style="dim"), (0, 0, 1, 5)))


def answer(console: Console, result: Any) -> None:
    """The answer, then what each of its markers stands for."""
    console.print(Padding(Text(result["answer"]), (1, 0)))
    for citation in result["citations"]:
        place = " › ".join(part for part in (citation["source"]["title"], citation["heading"]) if part)
        state = "" if citation["verified"] else "  [red](not verified)[/red]"
        console.print(f"[bold]\\[{citation['marker']}][/bold] {escape(place)}{state}", highlight=False)
        console.print(Padding(Text(f"“{citation['quote']}”", style="dim"), (0, 0, 0, 4)))
    if result["abstained"] and result.get("nearest"):
        console.print("The nearest that I found:")
        for hit in result["nearest"]:
            console.print(f"  - {escape(hit['source']['title'])}", highlight=False)
    confidence = f"confidence: {result['confidence']}, " if result["confidence"] else ""
    console.print(f"\n[dim]{confidence}model: {escape(result['model'])}[/dim]", highlight=False)


def index_status(console: Console, result: Any) -> None:
    """Counts, the queue, and every failure with its reason."""
    sources, queue = result["sources"], result["queue"]
    counts = ", ".join(f"{count} {name}" for name, count in sources.items())
    console.print(f"Sources: {counts}. Chunks: {result['chunks']}. Waiting: {queue['waiting']}.", highlight=False)
    console.print(f"[dim]Embedding: {escape(result['embedding']['name'])}[/dim]", highlight=False)
    if result["failures"]:
        failures(console, [(failure["title"], failure["error"]) for failure in result["failures"]])


def failures(console: Console, rows: list[tuple[str, str]]) -> None:
    """What failed and why."""
    table = Table("Document", "Why", title="Not indexed", title_justify="left", expand=False)
    for name, reason in rows:
        table.add_row(escape(name), escape(reason or ""))
    console.print(table)


def report(console: Console, result: Any) -> None:
    """A flat report: a line per finding."""
    for name, value in result.items():
        console.print(f"{name.replace('_', ' ')}: {value}", highlight=False)
