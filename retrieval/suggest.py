"""What a person may be about to type: titles, spaces, categories, tags, people, and their own past queries.

Titles, categories and tags are proposed from memory (retrieval.titles); what is shown, the database has said in this
request that the asker may read, as it is called now.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.auth.access import granted_document_ids, readable_space_ids
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.domains.search_log.service import recent_queries
from core_api.models import Space
from retrieval.people import visible_people
from retrieval.sources import SOURCE_KINDS
from retrieval.titles import PEOPLE, Ref, TitleIndex
from retrieval.typed import Match, Typed
from retrieval.types import Suggestion

# Proposals that memory is asked for, of each space at least so many, and that the database is asked about.
_PROPOSALS, _OF_SPACE, _CHECKED = 240, 4, 60
_MAX_SHARED = 200
_ORDER = {"query": 0, "document": 1, "space": 2, "category": 3, "tag": 4, "person": 5}


def suggest(session: Session, subject: Subject, titles: TitleIndex, text: str, limit: int) -> list[Suggestion]:
    """At most `limit` suggestions for what is typed, best first; of nothing typed, one's last queries."""
    typed = Typed(text)
    named = [Suggestion("query", query) for query in recent_queries(session, subject)]
    if not typed.text:
        return named[:limit]
    spaces = session.execute(select(Space.id, Space.name).where(Space.id.in_(readable_space_ids(subject)))).all()
    named += [Suggestion("space", name, id_) for id_, name in spaces]
    look_in = sorted(id_ for id_, _ in spaces)
    if subject.may(Permission.PEOPLE_READ):
        look_in.append(PEOPLE)
    else:
        named += _people(session, subject)
    shared: list[Ref] = [("document", id_) for id_ in session.scalars(granted_document_ids(subject).limit(_MAX_SHARED))]
    most = max(_OF_SPACE, _PROPOSALS // max(1, len(spaces)))
    # A slip is looked for only where nothing begins as typed.
    for match, propose in ((typed.match, titles.beginning), (typed.match_with_slip, titles.with_slip)):
        proposed = propose(session, look_in, typed, most)
        found: list[tuple[Match, Suggestion]] = []
        for one in [*named, *_readable(session, subject, proposed, shared)]:
            name = unicodedata.normalize("NFC", one.text)
            if (matched := match(name)) is not None:
                found.append((matched, Suggestion(one.kind, name, one.id, one.url, matched.spans)))
        if found:
            found.sort(key=lambda each: (each[0].rank, _ORDER[each[1].kind], len(each[1].text), each[1].text))
            return _mixed([one for _, one in found], limit)
    return []


def _people(session: Session, subject: Subject, among: Collection[str] | None = None) -> list[Suggestion]:
    return [Suggestion("person", name, id_) for id_, name in visible_people(session, subject, among).items()]


def _readable(
    session: Session, subject: Subject, proposed: Sequence[Ref], shared: Sequence[Ref]
) -> Iterator[Suggestion]:
    """What the subject may read of these sources, the labels of that, and whom of these people they may see."""
    people = [id_ for kind, id_ in proposed if kind == "person"][:_CHECKED]
    if people:
        yield from _people(session, subject, people)
    sources = [ref for ref in proposed if ref[0] in SOURCE_KINDS][:_CHECKED]
    by_kind: dict[str, set[str]] = {}
    for kind_name, id_ in (*sources, *shared):
        by_kind.setdefault(kind_name, set()).add(id_)
    labels: dict[Suggestion, None] = {}
    for kind_name, ids in by_kind.items():
        kind = SOURCE_KINDS[kind_name]
        query = select(kind.id, kind.title, *kind.labels).where(
            kind.id.in_(ids), kind.model.deleted_at.is_(None), kind.readable(subject)
        )
        for id_, title, tags, category in session.execute(query.order_by(kind.updated_at.desc())):
            yield Suggestion("document", title, id_, kind.url(id_))
            labels.update(dict.fromkeys(Suggestion("tag", tag) for tag in tags or ()))
            if category is not None:
                labels[Suggestion("category", category)] = None
    yield from labels


def _mixed(ranked: Sequence[Suggestion], limit: int) -> list[Suggestion]:
    """The first `limit`, each once; no kind takes more than half while others have something."""
    unique = list({(one.kind, one.id or one.text): one for one in ranked}.values())
    counts: Counter[str] = Counter()
    first: list[Suggestion] = []
    rest: list[Suggestion] = []
    for one in unique:
        counts[one.kind] += 1
        (first if counts[one.kind] <= max(1, limit // 2) else rest).append(one)
    chosen = {id(one) for one in (first + rest)[:limit]}
    return [one for one in unique if id(one) in chosen]
