"""The vectors of what is searched, in memory.

Chroma takes 1 to 2 ms for a query of one collection, however small it is and whatever the threads, and 20 to 30 us more
for every chunk that a filter lets pass. To compare a question with 10,000 chunks in memory takes 0.3 ms, finds
the nearest for certain, and tells the spaces of a pool apart without a filter. So the collections of up to `LARGEST`
chunks that are asked are held here as well, as long as there is room; the big ones are left to Chroma's graph. Among
more than the processor's cache holds, the signs of all vectors are compared first (`_promising`). (docs/search.md has
the figures.)

Nothing here is the truth: whoever writes to Chroma writes here too (retrieval.vectors), or where others do, what they
have written is followed (retrieval.vector_follower).
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count, takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retrieval.signs import Signs, differing, signs_of

LARGEST = 100_000
"""Chunks above which Chroma's graph is as fast, at a tenth of the memory."""

_COMPARED_WHOLE = 20_000
"""Rows up to which all of every vector is compared: 30 MB."""
_PROMISING = 2_000
"""Rows of which it is compared otherwise, with a hundredth of all rows on top."""
_BYTES_PER_ROW = 300  # an id, and its places in a list and a dictionary; the vector comes on top
_KEPT_SECONDS = 60.0
_SMALLEST = 32

Matrix = NDArray[np.float32]


class Block:
    """The vectors of one space in one collection, for one writer and readers in many threads.

    Rows are only ever added, and one that goes loses its id, so that readers need no lock: what they have begun with
    stays as it was.
    """

    __slots__ = ("_ids", "_matrix", "_signs", "dead")

    def __init__(self, dimensions: int, capacity: int = _SMALLEST) -> None:
        capacity = max(capacity, _SMALLEST)
        self._matrix: Matrix = np.empty((capacity, dimensions), dtype=np.float32)
        self._signs: Signs = np.empty((-(-dimensions // 64), capacity), dtype=np.uint64)
        self._ids: list[str] = []
        self.dead = 0

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def bytes(self) -> int:
        return self._matrix.nbytes + self._signs.nbytes + _BYTES_PER_ROW * len(self._ids)

    def rows(self) -> tuple[Matrix, list[str]]:
        """Vectors and their ids; an empty id is a row that is gone. The list may grow meanwhile."""
        count = len(self._ids)  # before the matrix, which never holds fewer
        return self._matrix[:count], self._ids

    def signs(self, count: int) -> Signs:
        """The signs of the first `count` rows, a column for each."""
        return self._signs[:, :count]

    def add(self, id_: str, vector: Matrix) -> int:
        """Add a row; gives its number."""
        row = len(self._ids)
        if row == len(self._matrix):
            capacity = row + row // 2
            larger = np.empty((capacity, self._matrix.shape[1]), dtype=np.float32)
            larger[:row] = self._matrix
            wider = np.empty((len(self._signs), capacity), dtype=np.uint64)
            wider[:, :row] = self._signs
            self._matrix, self._signs = larger, wider
        self._matrix[row] = vector
        self._signs[:, row] = signs_of(vector)
        self._ids.append(id_)
        return row

    def remove(self, row: int) -> None:
        self._ids[row] = ""
        self.dead += 1

    def vector(self, row: int) -> Matrix:
        found: Matrix = self._matrix[row]
        return found


class _Place(NamedTuple):
    space_id: str
    block: Block
    row: int


class HeldCollection:
    """A collection that is held, as a block for each space: `whole`, or those `spaces` of it."""

    def __init__(self) -> None:
        self._blocks: dict[str, Block] = {}
        self._places: dict[str, _Place] = {}
        self.used = time.monotonic()
        self.whole = False
        self.spaces: set[str] = set()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def bytes(self) -> int:
        """What it takes of the memory."""
        return sum(block.bytes for block in list(self._blocks.values()))

    def holds(self, space_ids: Collection[str] | None) -> bool:
        """Whether all of these spaces are here; None: of the one space that has the collection for itself."""
        return self.whole or (bool(self.spaces) if space_ids is None else self.spaces.issuperset(space_ids))

    def blocks(self, space_ids: Sequence[str] | None) -> list[Block]:
        """The blocks of these spaces; None: all."""
        if space_ids is None:
            return list(self._blocks.values())
        return [block for space_id in space_ids if (block := self._blocks.get(space_id)) is not None]

    def vectors(self, ids: Iterable[str], space_ids: Container[str] | None) -> Iterator[tuple[str, Matrix]]:
        """The vectors of these ids that are there, in these spaces (None: in any)."""
        for id_ in ids:
            place = self._places.get(id_)
            if place is not None and (space_ids is None or place.space_id in space_ids):
                yield id_, place.block.vector(place.row)

    def put(self, id_: str, space_id: str, vector: Matrix) -> None:
        """Add a row, or replace the one of the same id. One writer at a time."""
        norm = float(np.linalg.norm(vector))
        block = self._blocks.get(space_id)
        if block is None:
            block = self._blocks[space_id] = Block(len(vector))
        # The new one first: between the two a reader finds both, which does less harm than none.
        place = _Place(space_id, block, block.add(id_, vector / norm if norm else vector))
        self._drop(self._places.get(id_))
        self._places[id_] = place
        self._tidy(space_id)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove the rows of these ids, where there are any. One writer at a time."""
        gone = [place for id_ in ids if (place := self._places.pop(id_, None)) is not None]
        for place in gone:
            self._drop(place)
        for space_id in {place.space_id for place in gone}:
            self._tidy(space_id)

    def of_source(self, source: str) -> list[str]:
        """The ids `source:ordinal` that are here."""
        return list(takewhile(self._places.__contains__, (f"{source}:{ordinal}" for ordinal in count())))

    def leave(self, space_id: str) -> None:
        """Hold a space no longer. One writer at a time."""
        self.spaces.discard(space_id)
        if (block := self._blocks.get(space_id)) is not None:
            self.remove([id_ for id_ in block.rows()[1] if id_])

    @staticmethod
    def _drop(place: _Place | None) -> None:
        if place is not None:
            place.block.remove(place.row)

    def _tidy(self, space_id: str) -> None:
        """Make a block anew of which a third is gone."""
        block = self._blocks[space_id]
        if 3 * block.dead <= max(len(block), _SMALLEST):
            return
        matrix, ids = block.rows()
        fresh = Block(matrix.shape[1], len(block) - block.dead)
        for row, id_ in enumerate(ids):
            if id_:
                self._places[id_] = _Place(space_id, fresh, fresh.add(id_, matrix[row]))
        if len(fresh):
            self._blocks[space_id] = fresh
        else:
            del self._blocks[space_id]


def nearest(blocks: Sequence[Block], embedding: Matrix, k: int) -> list[tuple[str, float]]:
    """The `k` rows of all blocks that are most similar to the embedding, with their cosine, in no order. Exact up to
    `_COMPARED_WHOLE` rows; beyond, hardly any of the best is missed (docs/search.md)."""
    if not blocks:
        return []
    parts = [block.rows() for block in blocks]
    dead = sum(block.dead for block in blocks)
    norm = float(np.linalg.norm(embedding))
    question = embedding / norm if norm else embedding
    if sum(len(matrix) for matrix, _ in parts) <= _COMPARED_WHOLE:
        looked_at = [np.arange(len(matrix)) for matrix, _ in parts]
    else:
        signs = [block.signs(len(matrix)) for block, (matrix, _) in zip(blocks, parts, strict=True)]
        looked_at = _promising(signs, question, max(_PROMISING, 4 * k))
    # Not `@`: BLAS would take all cores for it, which makes it no faster and everything beside it slower.
    scores = np.concatenate(
        [
            np.vecdot(matrix if len(rows) == len(matrix) else matrix[rows], question)
            for (matrix, _), rows in zip(parts, looked_at, strict=True)
        ]
    )
    best = np.argpartition(-scores, k + dead - 1)[: k + dead] if len(scores) > k + dead else np.arange(len(scores))
    ends = np.cumsum([len(rows) for rows in looked_at])
    owners = np.searchsorted(ends, best, side="right")
    found: list[tuple[str, float]] = []
    for place, owner in zip(best.tolist(), owners.tolist(), strict=True):
        rows, ids = looked_at[owner], parts[owner][1]
        if id_ := ids[rows[place - int(ends[owner]) + len(rows)]]:
            found.append((id_, float(scores[place])))
    return found if len(found) <= k else sorted(found, key=lambda item: -item[1])[:k]


def _promising(signs: Sequence[Signs], question: Matrix, most: int) -> list[NDArray[np.intp]]:
    """The rows of each block whose signs agree best with the question's: about `most`, and a hundredth of all."""
    asked = signs_of(question)
    distances = [differing(of_block, asked) for of_block in signs]
    reached = np.cumsum(np.bincount(np.concatenate(distances)))
    limit = np.searchsorted(reached, most + int(reached[-1]) // 100)
    return [np.flatnonzero(of_block <= limit) for of_block in distances]


class ResidentVectors:
    """The collections that are held, within a number of bytes. Thread-safe.

    `load` has a collection, or more spaces of it, read into memory.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._lock = threading.Lock()
        self._held: dict[str, HeldCollection] = {}
        self._writing: dict[str, threading.RLock] = defaultdict(threading.RLock)

    def get(self, collection: str) -> HeldCollection | None:
        """A collection, if it is held."""
        held = self._held.get(collection)
        if held is not None:
            held.used = time.monotonic()
        return held

    @property
    def bytes(self) -> int:
        """What all of it takes of the memory."""
        with self._lock:
            return sum(held.bytes for held in self._held.values())

    @contextmanager
    def writing(self, collection: str) -> Iterator[HeldCollection | None]:
        """Write to a collection, in Chroma and in what is yielded (None: it is not held), one thread at a time. Where
        that fails nobody knows how far it came, and the collection is let go."""
        with self._lock:
            lock = self._writing[collection]
        with lock:
            held = self._held.get(collection)
            try:
                yield held
            except BaseException:
                self.forget(collection)
                raise
            if held is not None:
                if len(held) > LARGEST:
                    self.forget(collection)
                with self._lock:
                    self._make_room(0)

    def load(self, collection: str, read: Callable[[HeldCollection], bool]) -> bool:
        """Hold what `read` puts into a collection; gives whether it is held. `read` gives False for what is not to be.
        What was not asked for longest makes room, unless all of it was asked for just now. Writers of the collection
        wait meanwhile."""
        with self.writing(collection) as before:
            held = before if before is not None else HeldCollection()
            if not read(held):
                return False
            with self._lock:
                fits = self._make_room(held.bytes if before is None else 0)
                if fits:
                    self._held[collection] = held
                else:
                    self._held.pop(collection, None)
            return fits

    def known(self) -> list[str]:
        """The collections that are held, or are being read."""
        with self._lock:
            return list(self._writing)

    def forget(self, collection: str) -> None:
        """Let go of a collection."""
        with self._lock:
            self._held.pop(collection, None)

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._held.clear()

    def _make_room(self, needed: int) -> bool:
        room = self.most_bytes - sum(held.bytes for held in self._held.values())
        eldest = sorted(self._held.items(), key=lambda item: item[1].used)
        going = []
        for name, held in eldest:
            if room >= needed or time.monotonic() - held.used < _KEPT_SECONDS:
                break
            going.append(name)
            room += held.bytes
        if room < needed:
            return False
        for name in going:
            del self._held[name]
        return True
