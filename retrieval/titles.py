"""Titles and tags by the beginnings of their words, in memory, for suggestions while somebody types.

Each space is read from the database when somebody who may read it first types, and then follows the change sequence.
What is found here is a proposal: whether it may be shown, the database decides (retrieval.suggest).
"""

import re
import threading
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.models import IndexState
from core_api.outbox import last_change
from retrieval.hangul import has_bare_initial, initials, strokes
from retrieval.sources import SOURCE_KINDS, SourceKind

_MAX_ENTRIES = 3_000_000
# Changes that are taken over one by one; after more, the spaces are read anew.
_MAX_CHANGES = 200
_KEY_CHARS = 32
_SCANNED = 200
_MIN_TYPO_STROKES = 4
_WORD_START = re.compile(r"(?<!\w)\w")

Ref = tuple[str, str]
"""A source (kind, id)."""


def word_starts(text: str) -> list[int]:
    """Where the words of a text begin."""
    return [match.start() for match in _WORD_START.finditer(text)]


class _Space:
    """The words of one space: sorted (strokes from a word's beginning on, its source)."""

    def __init__(self) -> None:
        self.by_strokes: list[tuple[str, Ref]] = []
        self.by_initials: list[tuple[str, Ref]] = []
        self.texts: dict[Ref, tuple[str, ...]] = {}

    def put(self, ref: Ref, texts: tuple[str, ...]) -> None:
        self.take(ref)
        self.texts[ref] = texts
        for entries, key in _keys(texts):
            insort(self.by_initials if entries else self.by_strokes, (key, ref))

    def take(self, ref: Ref) -> None:
        for entries, key in _keys(self.texts.pop(ref, ())):
            held = self.by_initials if entries else self.by_strokes
            place = bisect_left(held, (key, ref))
            if place < len(held) and held[place] == (key, ref):
                del held[place]

    def fill(self, rows: Iterable[tuple[Ref, tuple[str, ...]]]) -> None:
        for ref, texts in rows:
            self.texts[ref] = texts
            for entries, key in _keys(texts):
                (self.by_initials if entries else self.by_strokes).append((key, ref))
        self.by_strokes.sort()
        self.by_initials.sort()


class TitleIndex:
    """The titles and tags of the spaces that people have typed in lately. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spaces: OrderedDict[str, _Space] = OrderedDict()
        self._position: int | None = None

    def starting_with(self, session: Session, space_ids: Sequence[str], typed: str, most: int) -> list[Ref]:
        """Sources of these spaces with a word in title or tags that begins as typed, at most `most` of a space."""
        key, bare = strokes(typed)[:_KEY_CHARS], has_bare_initial(typed)
        found: dict[Ref, None] = {}
        with self._lock:
            for space in self._of(session, space_ids):
                found.update(dict.fromkeys(_range(space.by_strokes, key, most)))
                if bare:
                    found.update(dict.fromkeys(_range(space.by_initials, initials(typed)[:_KEY_CHARS], most)))
        return list(found)

    def nearly_starting_with(self, session: Session, space_ids: Sequence[str], typed: str, most: int) -> list[Ref]:
        """The same with one slip of the keyboard after the first letter."""
        key = strokes(typed)[:_KEY_CHARS]
        if len(key) < _MIN_TYPO_STROKES:
            return []
        fixed = [key[:at] + key[at + 1 :] for at in range(1, len(key))]
        fixed += [key[:at] + key[at + 1] + key[at] + key[at + 2 :] for at in range(1, len(key) - 1)]
        found: dict[Ref, None] = {}
        with self._lock:
            for space in self._of(session, space_ids):
                for other in dict.fromkeys(fixed):
                    found.update(dict.fromkeys(_range(space.by_strokes, other, most)))
                for at in range(2, len(key)):  # a wrong letter at this place, or one that is missing
                    place = bisect_left(space.by_strokes, (key[:at], ("", "")))
                    for held, ref in space.by_strokes[place : place + _SCANNED]:
                        if held.startswith(key[:at]) and (
                            held.startswith(key[at + 1 :], at + 1) or held.startswith(key[at:], at + 1)
                        ):
                            found[ref] = None
        return list(found)

    def _of(self, session: Session, space_ids: Sequence[str]) -> Iterator[_Space]:
        self._follow(session)
        for space_id in space_ids:
            space = self._spaces.get(space_id)
            if space is None:
                space = self._spaces[space_id] = _read(session, space_id)
                while (
                    len(self._spaces) > 1 and sum(len(one.by_strokes) for one in self._spaces.values()) > _MAX_ENTRIES
                ):
                    self._spaces.popitem(last=False)
            self._spaces.move_to_end(space_id)
            yield space

    def _size(self) -> int:
        return sum(len(space.by_strokes) for space in self._spaces.values())

    def _follow(self, session: Session) -> None:
        last = last_change(session)
        if self._position is None or last < self._position:  # the beginning, or a restored backup
            self._spaces.clear()
            self._position = last
        if last == self._position or not self._spaces:
            self._position = last
            return
        changes = session.execute(
            select(IndexState.source_kind, IndexState.source_id)
            .where(IndexState.change_seq > self._position)
            .limit(_MAX_CHANGES + 1)
        ).all()
        self._position = last
        if len(changes) > _MAX_CHANGES:
            self._spaces.clear()
            return
        refs = [(kind, id_) for kind, id_ in changes]
        for space in self._spaces.values():
            for ref in refs:
                if ref in space.texts:
                    space.take(ref)
        for name in {kind for kind, _ in refs} & set(SOURCE_KINDS):
            kind = SOURCE_KINDS[name]
            ids = [id_ for kind_, id_ in refs if kind_ == name]
            for space_id, ref, texts in _rows(session, kind, kind.id.in_(ids)):
                if space_id in self._spaces:
                    self._spaces[space_id].put(ref, texts)


def _read(session: Session, space_id: str) -> _Space:
    space = _Space()
    for kind in SOURCE_KINDS.values():
        space.fill((ref, texts) for _, ref, texts in _rows(session, kind, kind.model.space_id == space_id))
    return space


def _rows(session: Session, kind: SourceKind, condition: Any) -> Iterator[tuple[str, Ref, tuple[str, ...]]]:
    columns: list[Any] = [kind.model.space_id, kind.id, kind.title]
    if kind.tags is not None:
        columns.append(kind.tags)
    for space_id, id_, title, *tags in session.execute(
        select(*columns).where(condition, kind.model.deleted_at.is_(None))
    ):
        yield space_id, (kind.name, id_), (title, *((tags[0] or ()) if tags else ()))


def _keys(texts: Sequence[str]) -> Iterator[tuple[bool, str]]:
    """(whether of initials, key) of every word of some texts."""
    for text in texts:
        for start in word_starts(text):
            rest = text[start : start + _KEY_CHARS]
            yield False, strokes(rest)[:_KEY_CHARS]
            if not rest.isascii():
                first = initials(rest)[:_KEY_CHARS]
                if has_bare_initial(first):
                    yield True, first


def _range(entries: Sequence[tuple[str, Ref]], key: str, most: int) -> Iterator[Ref]:
    place = bisect_left(entries, (key, ("", "")))
    for held, ref in entries[place : place + most]:
        if not held.startswith(key):
            return
        yield ref
