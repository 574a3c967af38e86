"""Summaries in the sources' own sentences: of a document, of what has changed in a space, of what a search finds.

Each sentence is evidence, with its span, so that it is cited and verified as an answer's is.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.answers.candidates import Candidate, candidates
from assistant.answers.composition import shown
from assistant.answers.questions import Question, understand
from assistant.summaries.reading import outline, read_passages, vectors_of
from assistant.summaries.salience import Measure, pick
from assistant.types import Evidence
from core_api.auth.access import access_space, readable_documents
from core_api.auth.subject import Subject
from core_api.domains.documents.reading import access_document
from core_api.infra.errors import Unavailable
from core_api.models import Document, DocumentVersion, VersionText
from retrieval import service
from retrieval.access import narrowed
from retrieval.analyzer import language
from retrieval.embedding import Embedder
from retrieval.engine import RetrievalEngine
from retrieval.sources import SOURCE_KINDS
from retrieval.types import Filters, Hit, Query

log = structlog.get_logger()


class Length(StrEnum):
    """How long a summary may be."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


MOST_SENTENCES = {Length.SHORT: 4, Length.MEDIUM: 8, Length.LONG: 16}
MOST_DOCUMENTS = 20
"""Documents that a summary of changes tells of, newest first."""

_OF_A_CHANGE = {Length.SHORT: 1, Length.MEDIUM: 2, Length.LONG: 4}
# A summary of a short text is shorter still.
_FEWEST, _MOST_SHARE = 3, 0.4
_CHANGE_PASSAGES = 60
_HITS, _PER_SOURCE = 12, 6
_LANGUAGE_SAMPLE = 40


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a summary: sentences that stand together under a heading ("" for none), in reading order."""

    heading: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary. The citations of its sentences are numbered from 1 in the order in which they stand."""

    title: str
    sections: tuple[Section, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The evidence of all sentences; the n-th has marker n."""
        return tuple(one for section in self.sections for one in section.evidence)


def summarize_document(
    session: Session, subject: Subject, engine: RetrievalEngine, document_id: str, length: Length = Length.MEDIUM
) -> Summary:
    """What a document says, headed by its sections. Raises NotFound where the subject may not read it."""
    title = access_document(session, subject, document_id).title
    hits = read_passages(session, subject, document_id)
    pool = _sentences(hits)
    headings = outline(session, document_id, hits[0].source.version) if hits else []
    sections = section_names(headings, [one.evidence.start for one in pool])
    measure = _measure(session, engine, hits)
    most = min(MOST_SENTENCES[length], max(_FEWEST, round(_MOST_SHARE * len(pool))))
    chosen = sorted(pick(pool, sections, measure, most))
    return Summary(title, _sections([pool[index] for index in chosen], [sections[index] for index in chosen]))


def summarize_changes(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    space_id: str,
    since: datetime,
    length: Length = Length.MEDIUM,
    *,
    filters: Filters | None = None,
) -> Summary:
    """What is new in a space since a time: the documents that have come or whose text has changed, the last changed
    first, each with what it says that it did not say before; of those that meet the filters. Raises NotFound for a
    space that they may not read."""
    space = access_space(session, subject, space_id)
    documents = session.scalars(
        select(Document)
        .where(
            Document.space_id == space_id,
            Document.deleted_at.is_(None),
            Document.updated_at >= since,
            readable_documents(subject),
            *narrowed(session, SOURCE_KINDS[Document.__source_kind__], filters or Filters()),
        )
        .order_by(Document.updated_at.desc(), Document.id.desc())
        .limit(MOST_DOCUMENTS)
    ).all()
    sections = []
    for document in documents:
        before = _text_at(session, document, since)
        hits = read_passages(session, subject, document.id, _CHANGE_PASSAGES)
        known = {_folded(sentence) for sentence in before.splitlines()} if before else set()
        pool = [one for one in _sentences(hits) if not before or not _stood_in(before, known, one)]
        chosen = sorted(pick(pool, [""] * len(pool), _measure(session, engine, hits), _OF_A_CHANGE[length]))
        if chosen:
            sections.append(Section(document.title, tuple(pool[index].evidence for index in chosen)))
    return Summary(space.name, tuple(sections))


def summarize_search(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    query: str,
    filters: Filters | None = None,
    length: Length = Length.MEDIUM,
) -> Summary:
    """What the sources say about something, under the titles of the documents, the best first."""
    asked = Query(query, _HITS, filters=filters or Filters(), per_source=_PER_SOURCE)
    hits = service.search(session, subject, engine, asked).hits
    return Summary(query, summarize_hits(engine, hits, understand(query), MOST_SENTENCES[length]))


def summarize_hits(engine: RetrievalEngine, hits: Sequence[Hit], question: Question, most: int) -> tuple[Section, ...]:
    """The sentences of these passages, best first, that have to do with the question, by document."""
    pool = _sentences(hits)
    ids = [one.evidence.hit.source.id for one in pool]
    measure = Measure(engine.keywords.rarity, _embedder(engine, question.language), {})
    chosen = pick(pool, ids, measure, most, question)
    order = {id_: place for place, id_ in enumerate(dict.fromkeys(hit.source.id for hit in hits))}
    chosen.sort(key=lambda index: (order[ids[index]], pool[index].evidence.start))
    found = [pool[index] for index in chosen]
    return _sections(found, [one.evidence.hit.source.title for one in found])


def sentence_text(evidence: Evidence) -> str:
    """A sentence of a summary as it is shown: on one line."""
    return " ".join(shown(evidence.quote).split())


def section_names(headings: Sequence[tuple[int, int, str]], places: Sequence[int]) -> list[str]:
    """The section that each place of a text lies in, "" for before the first. Sections are cut at the uppermost level
    of `headings` (place, level, words) that has more than one, else at the second: a single one over all is the
    title."""
    counts = Counter(level for _, level, _ in headings)
    levels = sorted(counts)
    depth = next((level for level in levels if counts[level] > 1), levels[1] if len(levels) > 1 else None)
    if depth is None:
        return [""] * len(places)
    # What stands over the sections ends one as well.
    cuts = [(start, words if level == depth else "") for start, level, words in headings if level <= depth]
    starts = [start for start, _ in cuts]
    found = [bisect_right(starts, place) - 1 for place in places]
    return [cuts[index][1] if index >= 0 else "" for index in found]


def _sentences(hits: Sequence[Hit]) -> list[Candidate]:
    """Single sentences in reading order; lists only by their items, and fragments only where there is nothing else."""
    pool = [one for one in candidates(hits) if one.list_items == 0]
    return [one for one in pool if not one.fragment] or pool


def _sections(chosen: Sequence[Candidate], headings: Sequence[str]) -> tuple[Section, ...]:
    by_heading: dict[str, list[Evidence]] = {}
    for one, heading in zip(chosen, headings, strict=True):
        by_heading.setdefault(heading, []).append(one.evidence)
    return tuple(Section(heading, tuple(evidence)) for heading, evidence in by_heading.items())


def _measure(session: Session, engine: RetrievalEngine, hits: Sequence[Hit]) -> Measure:
    languages = Counter(language(hit.text) for hit in hits[:_LANGUAGE_SAMPLE])
    spoken = languages.most_common(1)[0][0] if languages else "en"
    embedder = _embedder(engine, spoken)
    vectors = vectors_of(session, engine, hits) if embedder is not None else {}
    return Measure(engine.keywords.rarity, embedder, vectors)


def _embedder(engine: RetrievalEngine, spoken: str) -> Embedder | None:
    try:
        embedder = engine.embedder
    except Unavailable as error:
        log.warning("summary_without_embedding", error=str(error))
        return None
    return embedder if embedder.covers(spoken) else None


def _text_at(session: Session, document: Document, since: datetime) -> str | None:
    """The text that the document had at a time; None where it was not there, or its text is not kept."""
    return session.scalar(
        select(VersionText.text)
        .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
        .where(DocumentVersion.document_id == document.id, DocumentVersion.created_at < since)
        .order_by(DocumentVersion.number.desc())
        .limit(1)
    )


def _stood_in(before: str, lines: set[str], one: Candidate) -> bool:
    quote = one.evidence.quote
    return quote in before or _folded(quote) in lines


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
