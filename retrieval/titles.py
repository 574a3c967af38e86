"""Titles, categories, tags and names by the beginnings of their words, in memory, for suggestions while somebody types.

Each space is read from the database when somebody who may read it first types, and then follows the change sequence.
What is found here is a proposal: whether it may be shown, the database decides (retrieval.suggest).
"""

import sys
import threading
import time
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core_api.models import IndexState, Space, User
from core_api.outbox import last_change
from retrieval.hangul import folded, initial_of, is_bare_initial, strokes, strokes_of
from retrieval.sources import SOURCE_KINDS, SourceKind
from retrieval.typed import KEY_CHARS, Typed, word_starts

# Words in memory (some 200 bytes each); spaces that nobody has typed in for longest give way.
_MAX_ENTRIES = 1_500_000
# Changes that are taken over one by one; after more, the spaces are read anew.
_MAX_CHANGES = 500
# Words of a space that are looked through (with a slip: more), and proposals by the same word (a tag, mostly).
_SCANNED, _SCANNED_FOR_SLIPS, _SAME, _PEOPLE = 2_000, 20_000, 8, 60
# Spaces that are read at once when the server starts: who types meanwhile waits for these only.
_LOADED = 20
# Somebody new is known at once, another name after so long.
_NAMES_SECONDS = 60.0

PEOPLE = "people"
"""Stands among ids of spaces for the names of all people."""

Ref = tuple[str, str]
"""A source (kind, id), or a person ("person", id)."""

_Entry = tuple[str, bool, Ref]
"""A word with what follows it, as strokes or initials; whether another word stands before it; the source."""


class _Space:
    """The words of one space, sorted."""

    def __init__(self) -> None:
        self.by_strokes: list[_Entry] = []
        self.by_initials: list[_Entry] = []
        self.texts: dict[Ref, tuple[str, ...]] = {}

    def fill(self, ref: Ref, texts: tuple[str, ...]) -> None:
        """Take a source, which is found once all is sorted."""
        self.texts[ref] = texts
        for entries, entry in self._entries(ref, texts):
            entries.append(entry)

    def sort(self) -> None:
        """Make what was filled in findable."""
        self.by_strokes.sort()
        self.by_initials.sort()

    def put(self, ref: Ref, texts: tuple[str, ...]) -> None:
        """Take a source."""
        self.texts[ref] = texts
        for entries, entry in self._entries(ref, texts):
            insort(entries, entry)

    def drop(self, ref: Ref) -> None:
        """Forget a source, if it is here."""
        for entries, entry in self._entries(ref, self.texts.pop(ref, ())):
            del entries[bisect_left(entries, entry)]

    def beginning(self, typed: Typed) -> list[_Entry]:
        """Words that begin as typed."""
        if typed.bare is None:
            return _range(self.by_strokes, typed.strokes)
        if typed.bare == 0:
            found = _range(self.by_initials, typed.initials)
        else:
            found = _range(self.by_strokes, strokes(typed.text[: typed.bare + 1]))
        return [entry for entry in found if any(map(typed.match, self.texts[entry[2]]))]

    def word_by_word(self, typed: Typed) -> list[_Entry]:
        """Sources that have words which begin as each of those typed."""
        first, *rest = typed.parts
        found = self.beginning(first)
        for word in rest if found else ():
            refs = {ref for _, _, ref in self.beginning(word)}
            found = [entry for entry in found if entry[2] in refs]
        return found

    def with_slip(self, typed: Typed) -> list[_Entry]:
        """Words that begin as typed but for one slip."""
        if typed.slip is None:
            return []
        begun = _range(self.by_strokes, typed.strokes[0], _SCANNED_FOR_SLIPS)
        return [entry for entry in begun if typed.slip.match(entry[0])]

    def _entries(self, ref: Ref, texts: Sequence[str]) -> Iterator[tuple[list[_Entry], _Entry]]:
        for text in map(folded, texts):
            starts = word_starts(text)
            if text.isascii():
                for start in starts:
                    yield self.by_strokes, (text[start : start + KEY_CHARS], start > starts[0], ref)
                continue
            typed = [strokes_of(character) for character in text]
            first = "".join(map(initial_of, text))
            for start in starts:
                inner = start > starts[0]
                yield self.by_strokes, ("".join(typed[start : start + KEY_CHARS])[:KEY_CHARS], inner, ref)
                if is_bare_initial(first[start]):
                    yield self.by_initials, (first[start : start + KEY_CHARS], inner, ref)


class TitleIndex:
    """What sources of the spaces that people have typed in lately are called, and the names of all. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spaces: OrderedDict[str, _Space] = OrderedDict()
        self._position = 0
        self._names: tuple[str | None, float] = (None, 0.0)

    def beginning(self, session: Session, space_ids: Sequence[str], typed: Typed, most: int) -> list[Ref]:
        """Sources of these spaces with words in title, category or tags that begin as typed, the likeliest first; at
        most `most` of a space."""
        found = self._find(session, space_ids, lambda space: space.beginning(typed), most)
        if not found and len(typed.words) > 1:
            found = self._find(session, space_ids, lambda space: space.word_by_word(typed), most)
        return found

    def with_slip(self, session: Session, space_ids: Sequence[str], typed: Typed, most: int) -> list[Ref]:
        """The same with one slip of the keyboard."""
        return self._find(session, space_ids, lambda space: space.with_slip(typed), most)

    def load(self, session: Session) -> None:
        """Read all spaces, as far as they have room, so that nobody who types waits for it."""
        space_ids = session.scalars(select(Space.id).order_by(Space.id)).all()
        for place in range(0, len(space_ids), _LOADED):
            with self._lock:
                self._of(session, space_ids[place : place + _LOADED])

    def _find(
        self, session: Session, space_ids: Sequence[str], find: Callable[[_Space], list[_Entry]], most: int
    ) -> list[Ref]:
        found: list[tuple[bool, int, Ref]] = []
        with self._lock:
            for space_id, space in zip(space_ids, self._of(session, space_ids), strict=True):
                same = (islice(entries, _SAME) for _, entries in groupby(find(space), key=itemgetter(0)))
                for _, inner, ref in islice(chain.from_iterable(same), _PEOPLE if space_id == PEOPLE else most):
                    found.append((inner, len(space.texts[ref][0]), ref))
        return list(dict.fromkeys(ref for *_, ref in sorted(found)))

    def _of(self, session: Session, space_ids: Sequence[str]) -> list[_Space]:
        self._follow(session)
        if PEOPLE in space_ids:
            self._read_names(session)
        if missing := [space_id for space_id in space_ids if space_id not in self._spaces]:
            self._spaces |= _read(session, missing)
        for space_id in space_ids:
            self._spaces.move_to_end(space_id)
        if missing:
            held = sum(len(space.by_strokes) for space in self._spaces.values())
            while held > _MAX_ENTRIES and len(self._spaces) > len(space_ids):
                held -= len(self._spaces.popitem(last=False)[1].by_strokes)
        return [self._spaces[space_id] for space_id in space_ids]

    def _follow(self, session: Session) -> None:
        last = last_change(session)
        if self._spaces and last > self._position:
            changes = session.execute(
                select(IndexState.source_kind, IndexState.source_id)
                .where(IndexState.change_seq > self._position)
                .limit(_MAX_CHANGES + 1)
            ).all()
            if len(changes) > _MAX_CHANGES:
                self._spaces.clear()
            else:
                self._take_over(session, [(kind, id_) for kind, id_ in changes])
        # A session that began before another one's sees less; what it does not see is taken over (again) later.
        self._position = last

    def _take_over(self, session: Session, refs: Iterable[Ref]) -> None:
        by_kind: dict[str, list[str]] = {}
        for name, id_ in refs:
            by_kind.setdefault(name, []).append(id_)
        for name in by_kind.keys() & SOURCE_KINDS.keys():
            kind, ids = SOURCE_KINDS[name], by_kind[name]
            rows = list(_rows(session, kind, kind.id.in_(ids)))
            for space in self._spaces.values():
                for id_ in ids:
                    space.drop((name, id_))
            for space_id, ref, texts in rows:
                if space_id in self._spaces:
                    self._spaces[space_id].put(ref, texts)

    def _read_names(self, session: Session) -> None:
        newest, now = session.scalar(select(func.max(User.id))), time.monotonic()
        if PEOPLE in self._spaces and newest == self._names[0] and now < self._names[1]:
            return
        names = _Space()
        for id_, name in session.execute(select(User.id, User.name).where(User.deleted_at.is_(None))):
            names.fill(("person", id_), (name,))
        names.sort()
        self._spaces[PEOPLE] = names
        self._names = (newest, now + _NAMES_SECONDS)


def _read(session: Session, space_ids: Sequence[str]) -> dict[str, _Space]:
    spaces = {space_id: _Space() for space_id in space_ids}
    for kind in SOURCE_KINDS.values():
        for space_id, ref, texts in _rows(session, kind, kind.model.space_id.in_(space_ids)):
            spaces[space_id].fill(ref, texts)
    for space in spaces.values():
        space.sort()
    return spaces


def _rows(session: Session, kind: SourceKind, condition: Any) -> Iterator[tuple[str, Ref, tuple[str, ...]]]:
    columns: list[Any] = [kind.model.space_id, kind.id, kind.title, *kind.labels]
    for space_id, id_, title, tags, category in session.execute(
        select(*columns).where(condition, kind.model.deleted_at.is_(None))
    ):
        yield space_id, (kind.name, id_), (title, *(tags or ()), *((category,) if category is not None else ()))


def _range(entries: list[_Entry], key: str, most: int = _SCANNED) -> list[_Entry]:
    """The first entries whose words begin as `key`."""
    key, nothing = key[:KEY_CHARS], ("", "")
    start = bisect_left(entries, (key, False, nothing))
    return entries[start : min(start + most, bisect_left(entries, (key + chr(sys.maxunicode), False, nothing), start))]
