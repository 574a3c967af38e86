"""A golden set made from one's own data, without a language model: questions whose right document is known.

What reviewers made of answers, answers that helped, titles, headings, the words of links between documents, and what
people opened of what they searched for. All of it comes from what the asker may read, and is asked as them. The same
data give the same set, in the same order.
"""

import hashlib
import json
import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.domains.search_log.analytics import PEOPLE_AT_LEAST
from core_api.domains.search_log.recording import normalise
from core_api.infra.errors import Invalid, NotFound
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore
from core_api.models import (
    AnswerFeedback,
    ConversationMessage,
    Document,
    DocumentVersion,
    GoldenQuestion,
    SearchClick,
    SearchLog,
    VersionText,
)
from ingest.text import restore
from ingest.types import BlockKind

ORIGINS = ("review", "helpful", "title", "heading", "link", "click")
_MOST_RIGHT = 3
"""Words that stand for more documents than this ask for nothing in particular."""
_MOST_BYTES = 2**20
_BATCH = 500
_LINK = re.compile(r"(?<!!)\[([^\]\n]{3,200})\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_HANGUL = re.compile(r"[가-힣]")
# Words of links that say nothing of where they lead.
_EMPTY_WORDS = frozenset(
    {"here", "this page", "click here", "read more", "more", "link", "여기", "링크", "자세히 보기"}
)


@dataclass(frozen=True, slots=True)
class GoldenQuery:
    """A question, the sources that are right (`kind:id`), where it comes from, and who asks."""

    id: str
    query: str
    relevant: tuple[str, ...]
    origin: str
    asker: str


def golden_path(settings: Settings) -> Path:
    """Where the set of a data directory is kept."""
    return settings.data_dir / "evals" / "golden.jsonl"


def build(
    session: Session, subject: Subject | None, files: FileStore | None = None, per_origin: int = 100
) -> list[GoldenQuery]:
    """The questions, at most `per_origin` of each origin, as `subject`; None: each as the author of the document, from
    titles and headings only. `files` is where the text of documents is read, for links."""
    found: list[tuple[str, str, str, str]] = []
    if subject is not None:
        found += [*_reviewed(session, subject), *_helpful(session, subject)]
    found += [*_titles(session, subject), *_headings(session, subject)]
    if subject is not None:
        if files is not None:
            found += _links(session, subject, files)
        found += _clicks(session, subject)
    right: dict[str, dict[str, None]] = defaultdict(dict)
    first: dict[str, tuple[str, str, str]] = {}
    for origin, query, source, asker in found:
        key = normalise(query)
        right[key][source] = None
        first.setdefault(key, (origin, query, asker))
    made = [
        GoldenQuery(_id(key), query, tuple(sorted(right[key])), origin, asker)
        for key, (origin, query, asker) in first.items()
        if origin == "review" or (len(right[key]) <= _MOST_RIGHT and _says_enough(query))
    ]
    kept: list[GoldenQuery] = []
    for origin in ORIGINS:
        # By hash: not the oldest, nor the first by the alphabet, and the same ones the next time.
        kept += sorted((one for one in made if one.origin == origin), key=lambda one: one.id)[:per_origin]
    return kept


def save(queries: Iterable[GoldenQuery], path: Path) -> None:
    """Write a set, a line of JSON for each question."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    lines = [json.dumps(asdict(query), ensure_ascii=False) for query in queries]
    temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    temporary.replace(path)


def load(path: Path) -> list[GoldenQuery]:
    """Read a set. Raises Invalid with what is wrong."""
    if not path.is_file():
        raise Invalid(f"{path} does not exist. Make a golden set with `nexus eval build`.")
    queries: list[GoldenQuery] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row: dict[str, Any] = json.loads(line)
            queries.append(GoldenQuery(**{**row, "relevant": tuple(row["relevant"])}))
        except (ValueError, TypeError, KeyError) as error:
            raise Invalid(f"{path}, line {number} is not a golden query: {error}.") from error
    return queries


def counts(queries: Iterable[GoldenQuery]) -> Mapping[str, int]:
    """How many questions come from where."""
    return Counter(query.origin for query in queries)


def _id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _says_enough(query: str) -> bool:
    if normalise(query) in _EMPTY_WORDS or len(query) > 300:
        return False
    return len(query.split()) >= 2 or len(_HANGUL.findall(query)) >= 3


def _conditions(subject: Subject | None) -> list[Any]:
    alive = [Document.deleted_at.is_(None)]
    return alive if subject is None else [*alive, readable_documents(subject)]


def _titles(session: Session, subject: Subject | None) -> Iterator[tuple[str, str, str, str]]:
    statement = select(Document.id, Document.title, Document.author_id).where(*_conditions(subject))
    for id_, title, author in session.execute(statement.order_by(Document.id)):
        yield "title", title, _source(id_), subject.user_id if subject else author


def _headings(session: Session, subject: Subject | None) -> Iterator[tuple[str, str, str, str]]:
    rows = session.execute(
        select(Document.id, Document.title, Document.author_id, VersionText)
        .join(
            DocumentVersion,
            (DocumentVersion.document_id == Document.id) & (DocumentVersion.number == Document.version),
        )
        .join(VersionText, VersionText.version_id == DocumentVersion.id)
        .where(*_conditions(subject))
        .order_by(Document.id)
        .execution_options(yield_per=50)
    )
    for id_, title, author, stored in rows:
        text = restore(stored.text, stored.blocks, stored.parser)
        for block in text.blocks:
            heading = " ".join(text.text[block.start : block.end].split())
            if block.kind == BlockKind.HEADING and normalise(heading) != normalise(title):
                yield "heading", heading, _source(id_), subject.user_id if subject else author
        session.expunge(stored)


def _links(session: Session, subject: Subject, files: FileStore) -> Iterator[tuple[str, str, str, str]]:
    rows = session.execute(
        select(Document.id, Document.space_id, Document.path, DocumentVersion)
        .join(
            DocumentVersion,
            (DocumentVersion.document_id == Document.id) & (DocumentVersion.number == Document.version),
        )
        .where(*_conditions(subject), Document.path.is_not(None))
        .order_by(Document.id)
    ).all()
    at = {(space_id, path): id_ for id_, space_id, path, _ in rows if path is not None}
    for id_, space_id, path, version in rows:
        if path is None or version.media_type != "text/markdown" or version.size > _MOST_BYTES:
            continue
        try:
            text = files.existing(version.sha256).read_text(encoding="utf-8", errors="replace")
        except NotFound:  # reconciling tells of it
            continue
        for words, address in _LINK.findall(text):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            there = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))
            target = at.get((space_id, there.lstrip("/")))
            if target is not None and target != id_:
                yield "link", words, _source(target), subject.user_id


def _clicks(session: Session, subject: Subject) -> Iterator[tuple[str, str, str, str]]:
    """What was opened: of one's own searches, and of those that so many people made that nobody is exposed."""
    common = (
        select(SearchLog.normalised)
        .group_by(SearchLog.normalised)
        .having(func.count(SearchLog.user_id.distinct()) >= PEOPLE_AT_LEAST)
    )
    rows = session.execute(
        select(SearchLog.normalised, SearchClick.source_id)
        .join(SearchClick, SearchClick.search_id == SearchLog.id)
        .join(Document, Document.id == SearchClick.source_id)
        .where(
            SearchClick.source_kind == Document.__source_kind__,
            *_conditions(subject),
            (SearchLog.user_id == subject.user_id) | SearchLog.normalised.in_(common),
        )
        .distinct()
        .order_by(SearchLog.normalised, SearchClick.source_id)
    )
    for query, source_id in rows:
        yield "click", query, _source(source_id), subject.user_id


def _reviewed(session: Session, subject: Subject) -> Iterator[tuple[str, str, str, str]]:
    """What reviewers have made a test of, where the asker may read what is right."""
    rows = session.execute(
        select(GoldenQuestion.question, GoldenQuestion.document_ids).order_by(GoldenQuestion.id)
    ).all()
    readable = _readable(session, subject, (id_ for _, ids in rows for id_ in ids))
    for question, ids in rows:
        for id_ in ids:
            if id_ in readable:
                yield "review", question, _source(id_), subject.user_id


def _helpful(session: Session, subject: Subject) -> Iterator[tuple[str, str, str, str]]:
    """What helped somebody who asked: the first question of a conversation, as later ones lean on what was said before,
    and the documents that the answer cites. What a reviewer has laid aside does not count."""
    earlier, asking = aliased(ConversationMessage), aliased(ConversationMessage)
    first = (
        select(func.min(earlier.id))
        .where(earlier.conversation_id == ConversationMessage.conversation_id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(asking.content, ConversationMessage.citations)
        .join(AnswerFeedback, AnswerFeedback.message_id == ConversationMessage.id)
        .join(asking, asking.id == first)
        .where(
            AnswerFeedback.helpful,
            AnswerFeedback.state == "new",
            ~exists(
                select(1).where(
                    earlier.conversation_id == ConversationMessage.conversation_id,
                    earlier.id > asking.id,
                    earlier.id < ConversationMessage.id,
                )
            ),
        )
        .order_by(ConversationMessage.id)
    ).all()
    cited = [
        (question, [one["source"]["id"] for one in citations if one["source"]["kind"] == Document.__source_kind__])
        for question, citations in rows
    ]
    readable = _readable(session, subject, (id_ for _, ids in cited for id_ in ids))
    for question, ids in cited:
        for id_ in dict.fromkeys(ids):
            if id_ in readable:
                yield "helpful", " ".join(question.split()), _source(id_), subject.user_id


def _readable(session: Session, subject: Subject, ids: Iterable[str]) -> set[str]:
    wanted = sorted(set(ids))
    return {
        id_
        for start in range(0, len(wanted), _BATCH)
        for id_ in session.scalars(
            select(Document.id).where(Document.id.in_(wanted[start : start + _BATCH]), *_conditions(subject))
        )
    }


def _source(document_id: str) -> str:
    return f"{Document.__source_kind__}:{document_id}"
