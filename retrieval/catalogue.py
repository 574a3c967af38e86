"""What sources are filtered and counted by, in memory: where each is, whose, of when, and its labels.

A facet counts every source that a query matches, which may be all that there are. The catalogue follows the change
sequence. What has been edited and not been indexed since is read anew for whoever asks, so that what is told is what
the database says now; who may read it is asked there each time.
"""

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, Select, select, true
from sqlalchemy.orm import Session

from core_api.infra.metrics import search_step
from core_api.models import ChangeSequence, Document, IndexState, OutboxEvent
from core_api.outbox import changed_since
from retrieval.access import Shared
from retrieval.id_lists import bound, one_of
from retrieval.keywords import number, source_term
from retrieval.sources import SOURCE_KINDS, SourceKind

_T = TypeVar("_T")

Mask = NDArray[np.bool_]
"""One truth for each source, shape (sources,)."""

# Changes that are taken over at once, and edits that are looked at before they are indexed, the latest first.
_BATCH, _MOST_EDITS = 1_000, 2_000
_PAGE = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOWHERE = -1

Labels = tuple[str | None, tuple[str, ...]]
"""A category and tags."""


class Codes(Generic[_T]):
    """Small numbers for values that come again and again."""

    def __init__(self) -> None:
        self.values: list[_T] = []
        self._codes: dict[_T, int] = {}

    def put(self, value: _T) -> int:
        """The number of a value, a new one for a new value."""
        code = self._codes.get(value)
        if code is None:
            code = self._codes[value] = len(self.values)
            self.values.append(value)
        return code

    def known(self, values: Iterable[_T]) -> list[int]:
        """The numbers of those values that have one."""
        return [code for value in values if (code := self._codes.get(value)) is not None]


@dataclass(frozen=True, slots=True)
class Words:
    """What the numbers in the columns stand for."""

    kinds: Codes[str] = field(default_factory=Codes)
    spaces: Codes[str] = field(default_factory=Codes)
    authors: Codes[str] = field(default_factory=Codes)
    labels: Codes[Labels] = field(default_factory=Codes)


_COLUMNS = np.dtype(
    [
        ("number", "u8"),
        ("updated", "i8"),
        ("kind", "i4"),
        ("space", "i4"),
        ("author", "i4"),
        ("labels", "i4"),
        ("chunks", "i4"),
    ]
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Some sources: their `keys`, which name them among all as the ids of their chunks do, and a table of shape
    (sources,): `number` stands for the key, `kind`, `space`, `author` and `labels` for what `words` has, `updated` is
    in microseconds since 1970, and `chunks` is how many passages there are."""

    words: Words
    keys: Sequence[str]
    table: NDArray[np.void]

    def __len__(self) -> int:
        return len(self.keys)


NO_SOURCES = Sources(Words(), (), np.empty(0, dtype=_COLUMNS))


class Catalogue:
    """Every source that has a passage. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._position: int | None = None
        # Events of the outbox that were looked at. Their ids alone come again: SQLite gives them anew.
        self._edits: frozenset[tuple[int, datetime]] = frozenset()
        self._clear()

    @search_step("follow")
    def follow(self, session: Session) -> None:
        """Take over what has changed; the first time, everything."""
        news = session.execute(_NEWS).all()
        with self._lock:
            if self._position is not None and news[0].value < self._position and not _shows_one_moment(session):
                news = session.execute(_NEWS).all()  # another one was told more meanwhile
            self._follow(session, news)

    def readable(self, spaces: Collection[str], shared: Shared) -> Sources:
        """All sources of these spaces, and the documents that are shared out of others."""
        with self._lock:
            here = np.isin(self._table["space"][: self._used], self._words.spaces.known(spaces))
            return self._taken(np.union1d(np.flatnonzero(here), self._rows_of(_keys_of(shared))))

    def named(self, keys: Iterable[str], numbers: Collection[int], spaces: Collection[str], shared: Shared) -> Sources:
        """Of those `readable` the ones with these keys, in their order, then the others with these numbers."""
        with self._lock:
            named = self._rows_of(keys)
            others = np.fromiter(map(self._numbered.get, numbers, repeat(_NOWHERE)), np.intp, len(numbers))
            rows = np.concatenate([named, others[(others != _NOWHERE) & ~np.isin(others, named)]])
            here = np.isin(self._table["space"][rows], self._words.spaces.known(spaces))
            if shared.source_ids:
                here |= np.isin(rows, self._rows_of(_keys_of(shared)))
            return self._taken(rows[here])

    def dates(self, keys: Iterable[str]) -> dict[str, int]:
        """When these sources were changed last, in microseconds since 1970; who may read them is not asked."""
        with self._lock:
            rows = {key: self._rows.get(key) for key in keys}
            return {key: int(self._table["updated"][row]) for key, row in rows.items() if row is not None}

    def _rows_of(self, keys: Iterable[str]) -> NDArray[np.intp]:
        return np.array([row for key in keys if (row := self._rows.get(key)) is not None], dtype=np.intp)

    def _taken(self, rows: NDArray[np.intp]) -> Sources:
        return Sources(self._words, self._keys[rows].tolist(), self._table[rows])

    # --- following

    def _clear(self) -> None:
        self._words = Words()
        self._rows: dict[str, int] = {}  # by key
        self._numbered: dict[int, int] = {}  # by number
        self._free: list[int] = []
        self._used = 0  # rows, those that are free again among them
        self._keys = np.empty(1_024, dtype=object)
        self._table = np.empty(1_024, dtype=_COLUMNS)

    def _follow(self, session: Session, news: Sequence[Row[Any]]) -> None:
        last: int = news[0].value
        edits = [(row.id, row.created_at, row.source_kind, row.source_id) for row in news if row.id is not None]
        if self._position is not None and last < self._position and _shows_one_moment(session):
            return  # it began before another one's; what is known by now is newer than what it could read
        if self._position is None or last < self._position:  # (a restored backup)
            self._clear()
            for kind in SOURCE_KINDS.values():
                self._read_all(session, kind)
            self._position = last
        elif last > self._position:
            while states := changed_since(session, self._position, _BATCH):
                self._take_over(session, ((state.source_kind, state.source_id) for state in states))
                self._position = states[-1].change_seq
        if new := [(kind, source) for id_, at, kind, source in edits if (id_, at) not in self._edits]:
            self._take_over(session, new)
        self._edits = frozenset((id_, at) for id_, at, _, _ in edits)

    def _read_all(self, session: Session, kind: SourceKind) -> None:
        page, after = _all_of(kind).order_by(kind.id).limit(_PAGE), ""
        while rows := session.execute(page.where(kind.id > after)).all():
            for row in rows:
                self._put(kind, row)
            after = rows[-1][0]

    def _take_over(self, session: Session, sources: Iterable[tuple[str, str]]) -> None:
        by_kind: dict[str, dict[str, None]] = {}
        for name, id_ in sources:
            by_kind.setdefault(name, {})[id_] = None
        for name in by_kind.keys() & SOURCE_KINDS.keys():
            kind, gone = SOURCE_KINDS[name], by_kind[name]
            for row in session.execute(_all_of(kind).where(one_of(kind.id)), bound(gone)).all():
                self._put(kind, row)
                del gone[row[0]]
            for id_ in gone:
                self._drop(source_term(name, id_))

    def _put(self, kind: SourceKind, source: Any) -> None:
        id_, space_id, author_id, updated_at, chunks, tags, category = source
        key, words = source_term(kind.name, id_), self._words
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = self._free.pop() if self._free else self._used
            self._used = max(self._used, row + 1)
            if row == len(self._table):
                self._keys = np.concatenate([self._keys, np.empty_like(self._keys)])
                self._table = np.concatenate([self._table, np.empty_like(self._table)])
            self._numbered[number(key)] = row
            self._keys[row] = key
        labels = words.labels.put((category, tuple(dict.fromkeys(tags or ()))))
        updated = microseconds(updated_at)
        space, author = words.spaces.put(space_id), words.authors.put(author_id)
        self._table[row] = number(key), updated, words.kinds.put(kind.name), space, author, labels, chunks

    def _drop(self, key: str) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            del self._numbered[number(key)]
            self._table["space"][row] = _NOWHERE
            self._free.append(row)


_edits = (
    select(OutboxEvent.id, OutboxEvent.created_at, OutboxEvent.source_kind, OutboxEvent.source_id)
    .where(OutboxEvent.edit)
    .order_by(OutboxEvent.id.desc())
    .limit(_MOST_EDITS)
    .subquery()
)
# In one statement, of one moment: an edit leaves the outbox with the change that it comes to.
_NEWS = select(ChangeSequence.value, _edits).outerjoin(_edits, true()).where(ChangeSequence.id == 1)


def microseconds(moment: datetime) -> int:
    """A date as the catalogue has it."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _shows_one_moment(session: Session) -> bool:
    """Whether all that a session reads is of when it began; it is restored under no running server then."""
    return session.get_bind().dialect.name == "sqlite"


def _all_of(kind: SourceKind) -> Select[Any]:
    """Live sources that have a passage."""
    state, model = IndexState, kind.model
    columns: list[Any] = [kind.id, model.space_id, kind.author_id, kind.updated_at, state.chunk_count, *kind.labels]
    return (
        select(*columns)
        .join(state, (state.source_kind == kind.name) & (state.source_id == kind.id))
        .where(model.deleted_at.is_(None), state.chunk_count > 0)
    )


def _keys_of(shared: Shared) -> Iterator[str]:
    return (source_term(Document.__source_kind__, id_) for id_ in shared.source_ids)
