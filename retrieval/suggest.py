"""What a person may be about to type: titles, spaces, tags, people, and their own past queries.

Proposals come from memory (retrieval.titles); what is shown, the database has said in this request that the asker may
read, as it is called now.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.auth.access import readable
from core_api.auth.subject import Subject
from core_api.domains.search_log.service import recent_queries
from core_api.models import Space
from retrieval.hangul import has_bare_initial, initials, strokes
from retrieval.people import visible_people
from retrieval.sources import SOURCE_KINDS
from retrieval.spelling import edit_distance
from retrieval.titles import Ref, TitleIndex, word_starts
from retrieval.types import Suggestion

# Proposals that memory is asked for, of each space at least so many, and that the database is asked about.
_PROPOSALS, _OF_SPACE, _CHECKED = 240, 12, 60
_FEW = 3
_MAX_SHARED = 200
_ORDER = {"query": 0, "document": 1, "space": 2, "tag": 3, "person": 4}


@dataclass(frozen=True, slots=True)
class _Match:
    """Where a text was matched: 0 from its beginning, 1 from a word's, 2 word by word, 3 nearly."""

    rank: int
    spans: tuple[tuple[int, int], ...]


def suggest(session: Session, subject: Subject, titles: TitleIndex, typed: str, limit: int) -> list[Suggestion]:
    """At most `limit` suggestions for what is typed, best first; of nothing typed, one's last queries."""
    typed = " ".join(typed.split())
    queries = recent_queries(session, subject)
    if not typed:
        return [Suggestion("query", query) for query in queries[:limit]]
    found: list[tuple[_Match, Suggestion]] = []
    for query in queries:
        _offer(found, typed, Suggestion("query", query))
    allowed = readable(session, subject)
    spaces = session.execute(select(Space.id, Space.name).where(Space.id.in_(allowed.space_ids)))
    for id_, name in spaces:
        _offer(found, typed, Suggestion("space", name, id_))
    for id_, name in visible_people(session, subject).items():
        _offer(found, typed, Suggestion("person", name, id_))
    refs = _proposed(session, titles, sorted(allowed.space_ids), typed)
    refs += [("document", id_) for id_ in sorted(allowed.document_ids, reverse=True)[:_MAX_SHARED]]
    for suggestion in _checked(session, subject, refs):
        _offer(found, typed, suggestion)
    found.sort(key=lambda one: (one[0].rank, _ORDER[one[1].kind], len(one[1].text), one[1].text, one[1].id or ""))
    return _mixed([one for _, one in found], limit)


def _proposed(session: Session, titles: TitleIndex, spaces: Sequence[str], typed: str) -> list[Ref]:
    of_space = max(_OF_SPACE, _PROPOSALS // max(1, len(spaces)))
    refs = titles.starting_with(session, spaces, typed, of_space)
    words = typed.split()
    if len(words) > 1 and len(refs) < _FEW:
        refs += titles.starting_with(session, spaces, max(words, key=len), _CHECKED)
    if len(refs) < _FEW:
        refs += titles.nearly_starting_with(session, spaces, typed, of_space)
    return list(dict.fromkeys(refs))[:_CHECKED]


def _checked(session: Session, subject: Subject, refs: Iterable[Ref]) -> Iterator[Suggestion]:
    """What the subject may read of these sources, and the tags of that."""
    by_kind: dict[str, set[str]] = {}
    for kind_name, id_ in refs:
        by_kind.setdefault(kind_name, set()).add(id_)
    tags: dict[str, None] = {}
    for name, ids in by_kind.items():
        kind = SOURCE_KINDS[name]
        columns = [kind.id, kind.title] if kind.tags is None else [kind.id, kind.title, kind.tags]
        query = select(*columns).where(kind.id.in_(ids), kind.model.deleted_at.is_(None), kind.readable(subject))
        for id_, title, *own in session.execute(query.order_by(kind.updated_at.desc())):
            yield Suggestion("document", title, id_, kind.url(id_))
            tags.update(dict.fromkeys(own[0] or () if own else ()))
    for tag in tags:
        yield Suggestion("tag", tag)


def _offer(found: list[tuple[_Match, Suggestion]], typed: str, one: Suggestion) -> None:
    match = match_prefix(typed, one.text)
    if match is not None:
        found.append((match, Suggestion(one.kind, one.text, one.id, one.url, match.spans)))


def match_prefix(typed: str, text: str) -> _Match | None:
    """How `text` has words that begin as typed; None where it has not."""
    starts = word_starts(text)
    for start in starts:
        if (end := _prefix_end(typed, text, start)) is not None:
            return _Match(0 if start == starts[0] else 1, ((start, end),))
    words = typed.split()
    if len(words) > 1:
        ends = [[(s, e) for s in starts if (e := _prefix_end(word, text, s)) is not None] for word in words]
        if all(ends):
            return _Match(2, tuple(sorted({places[0] for places in ends})))
    key = strokes(typed)
    if len(key) >= 4:
        for start in starts:
            there = strokes(text[start : start + len(typed) + 1])
            if (
                there[:1] == key[:1]
                and min(edit_distance(key, there[:length], 1) for length in (len(key) - 1, len(key), len(key) + 1)) <= 1
            ):
                return _Match(3, ((start, min(len(text), start + len(typed))),))
    return None


def _prefix_end(typed: str, text: str, start: int) -> int | None:
    """Where what was typed ends in `text`, which has it from `start` on; by strokes or initials."""
    if typed.isascii():
        end = start + len(typed)
        return end if text[start:end].lower() == typed.lower() else None
    for spell in (strokes, initials) if has_bare_initial(typed) else (strokes,):
        key, there = spell(typed), ""
        for place in range(start, min(len(text), start + len(key) + 1)):
            there += spell(text[place])
            if there.startswith(key):
                return place + 1
            if not key.startswith(there):
                break
    return None


def _mixed(ranked: Sequence[Suggestion], limit: int) -> list[Suggestion]:
    """The first `limit`, each text of a kind once; no kind takes more than half while others have something."""
    unique = list({(one.kind, one.id or one.text): one for one in ranked}.values())
    counts: dict[str, int] = {}
    first: list[Suggestion] = []
    for one in unique:
        counts[one.kind] = counts.get(one.kind, 0) + 1
        if counts[one.kind] <= max(1, limit // 2):
            first.append(one)
    chosen = first[:limit]
    chosen += [one for one in unique if one not in chosen][: limit - len(chosen)]
    order = {id(one): place for place, one in enumerate(unique)}
    return sorted(chosen, key=lambda one: order[id(one)])
