"""Recommendations: what else to read, whom to ask, and what was asked before; all from what the asker may read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import or_, select, union
from sqlalchemy.orm import Session

from assistant.answers.questions import Question, understand
from assistant.sharing.service import shared_conversation_ids
from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.domains.documents.reading import access_document
from core_api.infra.errors import Unavailable
from core_api.models import Conversation, ConversationMessage, Document, DocumentVersion, User
from retrieval import service
from retrieval.analyzer import analyze
from retrieval.engine import RetrievalEngine
from retrieval.similar import similar_documents
from retrieval.types import Filters, Hit, Passage, Query

log = structlog.get_logger()

_HITS = 20
# A passage has to do with a question when it has so much of its words (by their rarity), or is so near in meaning.
_COVERAGE, _COSINE = 0.5, 0.45
_RELATED = 0.35  # and a document with another
_EDITOR = 0.7  # what having changed a document counts, against having written it
_PROOF = 3
_QUESTIONS_LOOKED_AT, _EMBEDDED = 300, 40
_ALIKE, _ALIKE_IN_WORDS = 0.5, 0.45
_SAID_BY_PERSON = "user"


@dataclass(frozen=True, slots=True)
class Titled:
    """A document by its name."""

    id: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Expert:
    """Somebody who has written or changed documents that match, the best of which are the proof."""

    user_id: str
    name: str
    documents: tuple[Titled, ...]


@dataclass(frozen=True, slots=True)
class Related:
    """A document to read, with the passage of it that is nearest; `score` in 0..1 compares within one list only."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class PastQuestion:
    """A question that was asked before, by the subject or in a conversation shared with them."""

    message_id: str
    conversation_id: str
    text: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Recommendations:
    """All of it."""

    documents: tuple[Related, ...]
    people: tuple[Expert, ...]
    questions: tuple[PastQuestion, ...]


def recommend_for_question(
    session: Session, subject: Subject, engine: RetrievalEngine, text: str, k: int
) -> Recommendations:
    """What to read, whom to ask and what was asked before, about a question or topic."""
    hits = matching(session, subject, engine, understand(text))
    people = people_behind(session, subject, {hit.source.id: hit.score for hit in hits}, k)
    questions = past_questions(session, subject, engine, text, k)
    return Recommendations(tuple(Related(hit, hit.score) for hit in hits[:k]), tuple(people), tuple(questions))


def recommend_for_document(
    session: Session, subject: Subject, engine: RetrievalEngine, document_id: str, k: int
) -> Recommendations:
    """What to read, whom to ask and what was asked before, about what a document is about. Raises NotFound."""
    document = access_document(session, subject, document_id)
    related = related_to_document(session, subject, engine, document_id, k)
    counts = {one.passage.source.id: max(0.0, one.score) / 2 for one in related} | {document_id: 1.0}
    people = people_behind(session, subject, counts, k)
    questions = past_questions(session, subject, engine, document.title, k)
    return Recommendations(tuple(related), tuple(people), tuple(questions))


def matching(
    session: Session, subject: Subject, engine: RetrievalEngine, question: Question, filters: Filters | None = None
) -> list[Hit]:
    """The best passage of each document that has to do with the question, best first."""
    return _relevant(engine, question, _search(session, subject, engine, question, filters))


def related_to_document(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    document_id: str,
    k: int,
    filters: Filters | None = None,
) -> list[Related]:
    """Documents about the same. Raises NotFound where the subject may not read it."""
    found = similar_documents(session, subject, engine, document_id, k, filters)
    return [Related(one.passage, one.score) for one in found if one.score >= _RELATED]


def people_behind(
    session: Session, subject: Subject, documents: Mapping[str, float], k: int, *, but: Iterable[str] = ()
) -> list[Expert]:
    """Who has written or changed these documents (ids with what each counts), of those that the subject may read; those
    who have left or are `but` are not named. The most and best documents first."""
    if not documents:
        return []
    ids = list(documents)
    rows = session.execute(
        select(Document.id, Document.title, Document.author_id).where(
            Document.id.in_(ids), Document.deleted_at.is_(None), readable_documents(subject)
        )
    ).all()
    titles = {written.id: written.title for written in rows}
    shares: dict[str, dict[str, float]] = {}
    for row in session.execute(
        union(
            select(DocumentVersion.document_id, DocumentVersion.author_id).where(
                DocumentVersion.document_id.in_(list(titles))
            ),
            select(Document.id, Document.author_id).where(Document.id.in_(list(titles))),
        )
    ):
        shares.setdefault(row[1], {})[row[0]] = _EDITOR * documents[row[0]]
    for written in rows:
        shares.setdefault(written.author_id, {})[written.id] = documents[written.id]
    here = select(User.id, User.name).where(
        User.id.in_(list(shares)), User.deleted_at.is_(None), User.disabled_at.is_(None)
    )
    names = {row.id: row.name for row in session.execute(here)}
    left_out = set(but)
    known = [person for person in shares if person in names and person not in left_out]
    known.sort(key=lambda person: (-sum(shares[person].values()), names[person], person))
    return [Expert(person, names[person], tuple(_proof(shares[person], titles))) for person in known[:k]]


def people_who_know(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    question: Question,
    k: int,
    filters: Filters | None = None,
    *,
    found: Sequence[Hit] | None = None,
    but: Iterable[str] = (),
) -> list[Expert]:
    """Who could be asked: the people behind the documents that have to do with the question, of those `found` where
    that was searched for already."""
    if found is None:
        found = _search(session, subject, engine, question, filters)
    best = {hit.source.id: hit.score for hit in reversed(_relevant(engine, question, found))}
    return people_behind(session, subject, best, k, but=but)


def past_questions(
    session: Session, subject: Subject, engine: RetrievalEngine, text: str, k: int, *, but: str | None = None
) -> list[PastQuestion]:
    """Questions like `text` among the latest that the subject has asked or can see in conversations shared with them,
    most alike first; not the message `but`."""
    rows = session.execute(
        select(
            ConversationMessage.id,
            ConversationMessage.conversation_id,
            ConversationMessage.content,
            ConversationMessage.created_at,
        )
        .join(Conversation, Conversation.id == ConversationMessage.conversation_id)
        .where(
            ConversationMessage.role == _SAID_BY_PERSON,
            or_(Conversation.user_id == subject.user_id, Conversation.id.in_(shared_conversation_ids(subject))),
        )
        .order_by(ConversationMessage.id.desc())
        .limit(_QUESTIONS_LOOKED_AT)
    ).all()
    latest = {_folded(row.content): row for row in reversed(rows) if row.id != but}
    asked = [PastQuestion(row.id, row.conversation_id, row.content, row.created_at) for row in latest.values()]
    scores = _alike(engine, understand(text), [one.text for one in asked])
    order = sorted(range(len(asked)), key=lambda index: (-scores[index], asked[index].message_id))
    return [asked[index] for index in order if scores[index] > 0][:k]


def _alike(engine: RetrievalEngine, question: Question, texts: Sequence[str]) -> list[float]:
    """How alike each text is to the question; 0 where it is another."""
    terms = [set(analyze(text)) for text in texts]
    weights = engine.keywords.rarity(list({*question.terms, *(term for one in terms for term in one)}))
    mine = set(question.terms)

    def weight(of: set[str]) -> float:
        return sum(weights[term] for term in of)

    shared = [weight(mine & one) / (weight(mine | one) or 1.0) for one in terms]
    embedder = None
    try:
        embedder = engine.embedder if engine.embedder.covers(question.language) else None
    except Unavailable as error:
        log.warning("questions_compared_by_words", error=str(error))
    scores = [share if share >= _ALIKE_IN_WORDS else 0.0 for share in shared]
    if embedder is None or not texts:
        return scores
    # The nearest by words, and the latest, which may say the same in others.
    order = sorted(range(len(texts)), key=lambda index: -shared[index])
    chosen = list(dict.fromkeys([*order[: _EMBEDDED // 2], *range(len(texts) - 1, -1, -1)]))[:_EMBEDDED]
    try:
        vectors = embedder.embed_queries([question.text, *(texts[index] for index in chosen)])
    except Unavailable as error:
        log.warning("questions_compared_by_words", error=str(error))
        return scores
    for index, cosine in zip(chosen, vectors[1:] @ vectors[0], strict=True):
        both = 0.5 * float(cosine) + 0.5 * shared[index]
        alike = both >= _ALIKE or shared[index] >= _ALIKE_IN_WORDS
        scores[index] = both if alike else 0.0
    return scores


def _search(
    session: Session, subject: Subject, engine: RetrievalEngine, question: Question, filters: Filters | None
) -> Sequence[Hit]:
    query = Query(question.text, _HITS, filters=filters or Filters(), per_source=1)
    return service.search(session, subject, engine, query).hits


def _relevant(engine: RetrievalEngine, question: Question, hits: Iterable[Hit]) -> list[Hit]:
    weights = engine.keywords.rarity(question.terms)
    return [hit for hit in hits if _has_to_do(hit, weights)]


def _has_to_do(hit: Hit, weights: Mapping[str, float]) -> bool:
    total = sum(weights.values())
    if not total:
        return False
    there = set(analyze(f"{hit.source.title}\n{hit.heading}\n{hit.text}"))
    share = sum(weight for term, weight in weights.items() if term in there) / total
    return share >= _COVERAGE or hit.scores.get("semantic", 0.0) >= _COSINE


def _proof(shares: Mapping[str, float], titles: Mapping[str, str]) -> Iterable[Titled]:
    best = sorted(shares, key=lambda id_: (-shares[id_], id_))[:_PROOF]
    return (Titled(id_, titles[id_], f"/documents/{id_}") for id_ in best)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
