"""Documents and spaces by the names that people call them in a sentence, of what the asker may read."""

import re

from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.domains.documents.service import list_documents, read_document
from core_api.domains.spaces.schemas import SpaceRead
from core_api.domains.spaces.service import list_spaces
from core_api.infra.errors import NotFound
from core_api.models import SpaceKind
from retrieval import service
from retrieval.analyzer import analyze
from retrieval.engine import RetrievalEngine
from retrieval.suggest import suggest
from retrieval.types import Query

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


def find_document(session: Session, subject: Subject, engine: RetrievalEngine, name: str) -> tuple[str, str] | None:
    """The id and title of the document that is called so, or nearly so; None where there is none."""
    name = name.replace("\0", "").strip(_QUOTES)[:MAX_NAME_CHARS]  # PostgreSQL takes no NUL
    if _ID.fullmatch(name):
        try:
            return name, read_document(session, subject, name).title
        except NotFound:
            return None
    for wanted in dict.fromkeys((name, _bare(name))):
        if not wanted:
            continue
        titled = list_documents(session, subject, None, _LOOKED_AT, title=wanted).items
        if titled:
            # The title itself, else the one that says least besides.
            best = min(
                titled, key=lambda document: (document.title.casefold() != wanted.casefold(), len(document.title))
            )
            return best.id, best.title
    for suggestion in suggest(session, subject, engine.titles, _bare(name), 5):
        if suggestion.kind == "document" and suggestion.id is not None:
            return suggestion.id, suggestion.text
    terms = set(analyze(_bare(name)))
    if not terms:
        return None
    for hit in service.search(session, subject, engine, Query(_bare(name), 5, per_source=1)).hits:
        if len(terms & set(analyze(hit.source.title))) >= _TITLE_SHARE * len(terms):
            return hit.source.id, hit.source.title
    return None


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
