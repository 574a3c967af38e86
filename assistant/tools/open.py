"""The tool that opens a document, or the part of it that speaks of something."""

from langchain.tools import ToolRuntime, tool
from sqlalchemy.orm import Session

from assistant.context import AssistantContext
from assistant.lookup import find_document
from assistant.outcomes import Outcome
from assistant.summaries.reading import read_passages
from assistant.summaries.service import sentence_text
from assistant.tools.giving import Given, give, label, nothing, outside, spoken
from assistant.types import Evidence, Part
from assistant.wording.untrusted import instruction_spans
from retrieval import service
from retrieval.types import Filters, Hit, Query

# Passages shown at once: about three pages.
_MOST = 6
_NEIGHBOURS = 1
_READ = 400
_WORDS = {
    "en": {"none": "There is no document “{name}” that you can see.", "empty": "“{title}” has no text to read yet."},
    "ko": {
        "none": "볼 수 있는 문서 가운데 “{name}”은(는) 없습니다.",
        "empty": "“{title}”에는 아직 읽을 텍스트가 없습니다.",
    },
}


@tool(response_format="content_and_artifact")
def open_document(document: str, about: str = "", *, runtime: ToolRuntime[AssistantContext]) -> Given:
    """Open a document by its title or id and read it from its beginning, or the passages of it about something, with
    what stands before and after them. Use it when a search result needs more context.

    Args:
        document: The title of the document, or its id.
        about: What to look for in it; empty: read its beginning.
    """
    context, words = runtime.context, _WORDS[spoken(runtime)]
    with context.database.reading() as session:
        found = find_document(session, context.subject, context.engine, document, context.filters)
        if found is None:
            return nothing(words["none"].format(name=document.strip()[:100]))
        if not found.inside:
            return outside(runtime)
        document_id, title = found.id, found.title
        hits = read_passages(session, context.subject, document_id, _READ)
        places = _places(session, context, document_id, about, hits) if about.strip() else range(_MOST)
    chosen = [hits[place] for place in sorted(places) if 0 <= place < len(hits)][:_MOST]
    if not chosen:
        return nothing(words["empty"].format(title=title))
    outcome = _outcome(title, document_id, chosen)
    return give(context, outcome) if outcome.parts else nothing(words["empty"].format(title=title))


def _places(session: Session, context: AssistantContext, document_id: str, about: str, hits: list[Hit]) -> set[int]:
    """Where the document speaks of something, and what stands beside that."""
    query = Query(about[:1_000], 2, filters=Filters(source_ids=(document_id,)), per_source=2)
    found = {hit.chunk_id for hit in service.search(session, context.subject, context.engine, query).hits}
    at = [place for place, hit in enumerate(hits) if hit.chunk_id in found]
    return {place + step for place in at for step in range(-_NEIGHBOURS, _NEIGHBOURS + 1)} or set(range(_MOST))


def _outcome(title: str, document_id: str, hits: list[Hit]) -> Outcome:
    """The document's link and the beginning of what was opened, passage by passage."""
    evidence = tuple(one for hit in hits if (one := _readable(hit)) is not None)
    lead = f"[{label(title)}](/documents/{document_id})"
    parts = []
    for marker, one in enumerate(evidence, start=1):
        # The link goes with the first passage: who may not read it any more does not see the title either.
        parts.append(Part(f"{lead}\n\n{_cut(sentence_text(one))} [{marker}]", (marker,)))
        lead = ""
    return Outcome(tuple(parts), evidence)


def _readable(hit: Hit) -> Evidence | None:
    """A passage up to where it speaks to the assistant instead of the reader; None where it begins so."""
    end = next((start for start, _ in instruction_spans(hit.text)), len(hit.text))
    text = hit.text[:end].rstrip()
    return Evidence(hit, hit.start, hit.start + len(text)) if text else None


def _cut(text: str, most: int = 600) -> str:
    return text if len(text) <= most else text[: most - 1].rsplit(" ", 1)[0] + "…"
