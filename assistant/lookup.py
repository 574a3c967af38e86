"""Documents and spaces by the names that people call them in a sentence, of what the asker may read."""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.domains.documents.reading import list_documents, read_document
from core_api.domains.spaces.schemas import SpaceRead
from core_api.domains.spaces.service import list_spaces
from core_api.infra.errors import NotFound
from core_api.models import Document, SpaceKind
from retrieval import service
from retrieval.access import narrowed
from retrieval.analyzer import analyze
from retrieval.engine import RetrievalEngine
from retrieval.sources import SOURCE_KINDS
from retrieval.suggest import suggest
from retrieval.types import Filters, Query

MAX_NAME_CHARS = 200

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_QUOTES = " \t\n\"'“”‘’「」『』《》<>."
_AROUND = re.compile(
    r"^(?:the|a|an|our|my)\s+|\s+(?:document|doc|page|file|space)$|\s*(?:문서|공간|스페이스)$", re.IGNORECASE
)
_COMPANY = re.compile(r"^(?:company|everyone|회사|전사)(?:\s+space)?$", re.IGNORECASE)
_PERSONAL = re.compile(r"^(?:my|mine|personal|me|private|내|개인|제)(?:\s+space)?$", re.IGNORECASE)
_LOOKED_AT = 50
_MOST_SPACES = 500
# A title that has so many of the name's words is what was meant.
_TITLE_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Named:
    """A document that was meant by a name. `inside`: it lies where the question is to look."""

    id: str
    title: str
    inside: bool


def find_document(
    session: Session, subject: Subject, engine: RetrievalEngine, name: str, filters: Filters | None = None
) -> Named | None:
    """The document that is called so, or nearly so, of those that meet the filters, else one that does not; None where
    there is none."""
    name = name.replace("\0", "").strip(_QUOTES)[:MAX_NAME_CHARS]  # PostgreSQL takes no NUL
    filters = filters or Filters()
    for called in _called(session, subject, engine, name, filters):
        if called:
            inside = meeting(session, [id_ for id_, _ in called], filters)
            id_, title = next((one for one in called if one[0] in inside), called[0])
            return Named(id_, title, id_ in inside)
    return None


def meeting(session: Session, document_ids: Collection[str], filters: Filters) -> set[str]:
    """Which of these documents, that the subject may read, meet the filters."""
    if not filters.any:
        return set(document_ids)
    kind = SOURCE_KINDS[Document.__source_kind__]
    where = Document.id.in_(document_ids), *narrowed(session, kind, filters)
    return set(session.scalars(select(Document.id).where(*where)))


def _called(
    session: Session, subject: Subject, engine: RetrievalEngine, name: str, filters: Filters
) -> Iterator[list[tuple[str, str]]]:
    """(id, title) of what a name may mean, best first: by its id or title, by how a title begins, by a search."""
    if _ID.fullmatch(name):
        with suppress(NotFound):
            yield [(name, read_document(session, subject, name).title)]
        return
    bare = _bare(name)
    for wanted in dict.fromkeys((name, bare)):
        if wanted:
            titled = list_documents(session, subject, None, _LOOKED_AT, title=wanted).items
            # The title itself, else the one that says least besides.
            titled.sort(key=lambda document: (document.title.casefold() != wanted.casefold(), len(document.title)))
            yield [(document.id, document.title) for document in titled]
    suggestions = suggest(session, subject, engine.titles, bare, 5)
    yield [(one.id, one.text) for one in suggestions if one.kind == "document" and one.id is not None]
    if not (terms := set(analyze(bare))):
        return
    for where in dict.fromkeys((filters, Filters())):
        hits = service.search(session, subject, engine, Query(bare, 5, filters=where, per_source=1)).hits
        titles = [(hit.source.id, hit.source.title) for hit in hits]
        yield [one for one in titles if len(terms & set(analyze(one[1]))) >= _TITLE_SHARE * len(terms)]


def find_space(session: Session, subject: Subject, name: str) -> SpaceRead | None:
    """The space that is called so (also "company" and "my"); None where they may read none of that name."""
    name = name.strip(_QUOTES)[:MAX_NAME_CHARS]
    spaces = list_spaces(session, subject, None, _MOST_SPACES).items
    for wanted in dict.fromkeys((name, _bare(name))):
        if not wanted:
            continue
        folded = wanted.casefold()
        exact = [space for space in spaces if space.name.casefold() == folded or space.id == wanted]
        part = [space for space in spaces if folded in space.name.casefold()]
        if found := exact or sorted(part, key=lambda space: len(space.name)):
            return found[0]
        for pattern, kind in ((_COMPANY, SpaceKind.COMPANY), (_PERSONAL, SpaceKind.PERSONAL)):
            if pattern.match(wanted):
                return next((space for space in spaces if space.kind is kind), None)
    return None


def personal_space(session: Session, subject: Subject) -> SpaceRead | None:
    """The subject's own space."""
    spaces = list_spaces(session, subject, None, _MOST_SPACES).items
    return next((space for space in spaces if space.kind is SpaceKind.PERSONAL), None)


def _bare(name: str) -> str:
    previous = ""
    while previous != name:
        previous, name = name, _AROUND.sub("", name).strip(_QUOTES)
    return name
