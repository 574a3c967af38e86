"""The vectors' index: Chroma collections, in the data directory or on a Chroma server.

Chroma holds ids, embeddings and two short metadata fields (`space`, `sha`), never text: the database is the truth, and
everything here can be rebuilt from it.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core_api.infra.errors import Unreachable
from core_api.infra.settings import Settings
from retrieval import chroma
from retrieval.chroma import VectorRow as VectorRow
from retrieval.chroma_client import call, connect, open_directory
from retrieval.loading import Spaces, VectorLoader
from retrieval.resident import LARGEST, Block, HeldCollection, ResidentVectors, nearest

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.collection_configuration import HNSWConfiguration

logger = logging.getLogger(__name__)
_T = TypeVar("_T")

# HNSW (Malkov & Yashunin, 2016, arXiv:1603.09320). Chroma's own M=16, ef=100 is kept for the graph; see
# tests/retrieval/test_vectors.py for the recall that these give.
_HNSW: "HNSWConfiguration" = {"space": "cosine", "max_neighbors": 16, "ef_construction": 100, "ef_search": 100}
_QUERY_THREADS = 8
_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Target:
    """A collection to ask. `space_ids` None: all of it belongs to one space, and no filter is needed."""

    collection: str
    space_ids: tuple[str, ...] | None = None


class VectorStore:
    """Collections of vectors under cosine similarity. Thread-safe. A context manager that closes itself.

    With `resident_bytes`, collections that are asked are held in memory too (retrieval.resident), where no other
    process writes to them; `hold_followed` holds what others write.
    """

    def __init__(self, client: "ClientAPI", where: str, resident_bytes: int = 0) -> None:
        # Any: `close` is not part of Chroma's declared client.
        self._client: Any = client
        self._where = where
        self._lock = threading.Lock()
        self._collections: dict[str, Any] = {}
        self._pool = ThreadPoolExecutor(_QUERY_THREADS, thread_name_prefix="vectors")
        self._resident = ResidentVectors(resident_bytes)
        self._loader = VectorLoader(self._resident, self._read_all)
        self._max_batch = self._call(client.get_max_batch_size)

    @classmethod
    def open(cls, settings: Settings) -> "VectorStore":
        """The store of these settings: `chroma_url`, or the data directory (one process at a time).

        Raises `VectorIndexBroken` when the files cannot be read, `Unavailable` when the server does not answer.
        """
        if settings.chroma_url:
            return cls(connect(settings.chroma_url), settings.chroma_url)
        client = open_directory(settings.vectors_dir)
        return cls(client, str(settings.vectors_dir), settings.resolved_resident_vectors_bytes)

    def warm(self) -> None:
        """Begin to read collections into memory, so that nobody waits for it. What is asked for meanwhile is next."""
        if self._resident.most_bytes:
            self._loader.warm(self.collections())

    def wait_until_held(self, timeout: float) -> None:
        """Wait until what is to be read into memory has been. Raises TimeoutError after `timeout` seconds."""
        self._loader.wait(timeout)

    def hold_followed(self, most_bytes: int, ids_of: Callable[[str, Spaces], dict[str, list[str]]]) -> None:
        """From now on hold what is asked for though other processes write to it: someone calls `refresh` with what has
        changed (retrieval.vector_follower). `ids_of` gives the ids of these spaces (None: of all) that the database
        places in a collection, by space."""
        self._loader.close()
        self._resident = ResidentVectors(most_bytes)
        self._loader = VectorLoader(self._resident, partial(self._read_known, ids_of))

    def refresh(self, changed: Mapping[str, tuple[str, Sequence[str]]], places: Mapping[str, Collection[str]]) -> None:
        """Take over what others have written. `changed` has the space and the ids of each source (`kind:id`), `places`
        the collections of each space. Raises Unreachable when Chroma is away; what is held stays as it was."""
        away: Unreachable | None = None
        for collection in self._resident.known():
            with self._resident.writing(collection) as held:
                if held is None:
                    continue
                for space_id in [space for space in held.spaces if collection not in places.get(space, (collection,))]:
                    held.leave(space_id)
                wanted = [
                    id_
                    for space_id, ids in changed.values()
                    if space_id in held.spaces and collection in places.get(space_id, ())
                    for id_ in ids
                ]
                try:
                    rows = self.get(collection, wanted)
                except Unreachable as error:
                    away = error
                    continue
                here = set(wanted)
                for source in changed:
                    held.remove(id_ for id_ in held.of_source(source) if id_ not in here)
                for row in rows.values():
                    held.put(row.id, row.space_id, row.embedding)
        if away is not None:
            raise away

    def hold_nothing(self) -> None:
        """Let go of all that is held in memory; what is asked for is read again."""
        self._resident.clear()

    def upsert(self, collection: str, rows: Sequence[VectorRow]) -> None:
        """Add rows, or replace those of the same id; the collection is made when it does not exist."""
        with self._resident.writing(collection) as held:
            for batch in _pages(list({row.id: row for row in rows}.values()), self._max_batch):
                self._on_collection(collection, partial(chroma.write, batch), create=True)
                if held is not None:
                    for row in batch:
                        held.put(row.id, row.space_id, row.embedding)

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Remove rows; ids that are not there are ignored, as is a collection that does not exist."""
        with self._resident.writing(collection) as held:
            for batch in _pages(list(dict.fromkeys(ids)), min(self._max_batch, _PAGE)):
                self._on_collection(collection, partial(chroma.remove, batch))
                if held is not None:
                    held.remove(batch)

    def delete_space(self, collection: str, space_id: str) -> int:
        """Remove all rows of a space from a pool; gives how many they were."""
        with self._resident.writing(collection) as held:
            ids = self._on_collection(collection, partial(chroma.ids_of_space, space_id)) or []
            for batch in _pages(ids, min(self._max_batch, _PAGE)):
                self._on_collection(collection, partial(chroma.remove_from_space, batch, space_id))
                if held is not None:
                    held.remove(batch)
        return len(ids)

    def get(self, collection: str, ids: Sequence[str]) -> dict[str, VectorRow]:
        """The rows of these ids that exist."""
        found: dict[str, VectorRow] = {}
        for batch in _pages(list(dict.fromkeys(ids)), min(self._max_batch, _PAGE)):
            for row in self._on_collection(collection, partial(chroma.read, batch)) or []:
                found[row.id] = row
        return found

    def query(
        self, targets: Sequence[Target], embedding: NDArray[np.float32], k: int, ids: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """The k nearest ids over all targets with their cosine similarity, best first.

        `embedding` has shape (dimensions,). With `ids` only those can be found, by exact search: meant for thousands
        of ids at most. Targets are asked in parallel; one whose collection does not exist gives nothing.
        """
        if k <= 0 or not targets or (ids is not None and not ids):
            return []
        blocks: list[Block] = []
        if ids is None:
            targets = self._unless_held(targets, blocks)
        ask = partial(self._query_one, embedding, k, None if ids is None else list(dict.fromkeys(ids)))
        waiting = [self._pool.submit(ask, target) for target in targets[1:]] if len(targets) > 1 else []
        parts = [nearest(blocks, embedding, k)] if blocks else []
        parts += [ask(target) for target in targets[:1]]
        parts += [answer.result() for answer in waiting]
        best: dict[str, float] = {}
        for part in parts:
            for id_, similarity in part:
                best[id_] = max(similarity, best.get(id_, -1.0))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:k]

    def vectors(self, targets: Sequence[Target], ids: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of these ids, as far as the targets hold them."""
        found: dict[str, NDArray[np.float32]] = {}
        others: list[Target] = []
        missing = list(dict.fromkeys(ids))
        for target in targets:
            held = self._held(target)
            if held is None:
                others.append(target)
                continue
            found.update(held.vectors(missing, None if target.space_ids is None else set(target.space_ids)))
            missing = [id_ for id_ in missing if id_ not in found]
        if missing and others:
            parts = self._pool.map(lambda target: (target, self.get(target.collection, missing)), others)
            for target, rows in parts:
                for row in rows.values():
                    if target.space_ids is None or row.space_id in target.space_ids:
                        found[row.id] = row.embedding
        return found

    def ids(self, collection: str) -> Iterator[tuple[str, str, str]]:
        """(id, space id, content hash) of every row, page by page; rows written meanwhile may be missed."""
        offset = 0
        while page := self._on_collection(collection, partial(chroma.read_ids, offset, _PAGE)):
            yield from page
            offset += len(page)

    def count(self, collection: str) -> int:
        """Rows of a collection; 0 when it does not exist."""
        return self._on_collection(collection, lambda held: held.count()) or 0

    def drop(self, collection: str) -> None:
        """Remove a collection with all its rows, if it exists."""
        from chromadb.errors import NotFoundError

        with self._resident.writing(collection):
            self._let_go(collection)
            try:
                self._call(lambda: self._client.delete_collection(collection))
            except NotFoundError:
                logger.debug("collection %s was gone already", collection)
            self._let_go(collection)

    def collections(self) -> list[str]:
        """Names of all collections."""
        names: list[str] = []
        while page := self._call(lambda: self._client.list_collections(limit=_PAGE, offset=len(names))):
            names.extend(held.name for held in page)
            if len(page) < _PAGE:
                break
        return names

    def close(self) -> None:
        """Let go of the files or the connection. The store cannot be used afterwards."""
        self._loader.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            self._collections.clear()
        self._resident.clear()
        self._client.close()

    def __enter__(self) -> "VectorStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _let_go(self, collection: str) -> None:
        with self._lock:
            self._collections.pop(collection, None)
        self._resident.forget(collection)

    def _held(self, target: Target) -> HeldCollection | None:
        """The collection, if what is asked of it is held."""
        held = self._resident.get(target.collection)
        return held if held is not None and held.holds(target.space_ids) else None

    def _unless_held(self, targets: Sequence[Target], blocks: list[Block]) -> Sequence[Target]:
        """The targets that are not held in memory; the blocks of those that are go to `blocks`."""
        others = []
        for target in targets:
            held = self._held(target)
            if held is not None:
                blocks += held.blocks(target.space_ids)
            else:
                others.append(target)
                self._loader.want(target.collection, target.space_ids)
        return others

    def _read_all(self, collection: str, _spaces: Spaces, held: HeldCollection) -> bool:
        """All rows of a collection to which nobody else writes."""
        if held.whole:
            return True
        count = self.count(collection)
        if count > LARGEST:
            return False
        for start in range(0, count, _PAGE):
            for row in self._on_collection(collection, partial(chroma.read_page, start, _PAGE)) or []:
                held.put(row.id, row.space_id, row.embedding)
        held.whole = True
        return True

    def _read_known(
        self,
        ids_of: Callable[[str, Spaces], dict[str, list[str]]],
        collection: str,
        spaces: Spaces,
        held: HeldCollection,
    ) -> bool:
        """The rows of these spaces that the database knows. Page by page some would be missed, where others write."""
        if self.count(collection) > LARGEST:
            return False
        for space_id, ids in ids_of(collection, spaces).items():
            if space_id not in held.spaces:
                for row in self.get(collection, ids).values():
                    held.put(row.id, space_id, row.embedding)
                held.spaces.add(space_id)
        return True

    def _query_one(
        self, embedding: NDArray[np.float32], k: int, ids: list[str] | None, target: Target
    ) -> list[tuple[str, float]]:
        if target.space_ids is not None and not target.space_ids:
            return []
        if ids is not None:
            return self._query_exactly(embedding, k, ids, target)
        return (
            self._on_collection(target.collection, partial(chroma.find_nearest, embedding, k, target.space_ids)) or []
        )

    def _query_exactly(
        self, embedding: NDArray[np.float32], k: int, ids: list[str], target: Target
    ) -> list[tuple[str, float]]:
        # Chroma's own `ids=` filter fails as a whole when one of the ids has just been deleted, and is not exact.
        held = self._held(target)
        allowed = None if target.space_ids is None else set(target.space_ids)
        scored: list[tuple[str, float]] = []
        for page in _pages(ids, _PAGE):
            if held is not None:
                rows = list(held.vectors(page, allowed))
            else:
                got = self.get(target.collection, page).values()
                rows = [(row.id, row.embedding) for row in got if allowed is None or row.space_id in allowed]
            if rows:
                matrix = np.stack([vector for _, vector in rows])
                norms = np.linalg.norm(matrix, axis=1) * np.linalg.norm(embedding)
                similarities = np.vecdot(matrix, embedding) / np.maximum(norms, 1e-12)
                scored.extend((id_, float(value)) for (id_, _), value in zip(rows, similarities, strict=True))
        return sorted(scored, key=lambda item: -item[1])[:k]

    def _on_collection(self, name: str, act: Callable[[Any], _T], *, create: bool = False) -> _T | None:
        """Act on a collection. The handle that we keep names a collection by its inner id: when the collection was
        dropped (and perhaps made again) meanwhile, a fresh handle is taken, once. None: there is no such collection."""
        from chromadb.errors import NotFoundError

        for attempt in (1, 2):
            try:
                return self._call(lambda: act(self._collection(name, create=create)))
            except NotFoundError:
                self._let_go(name)
                if attempt == 2 and create:
                    raise
        return None

    def _collection(self, name: str, *, create: bool) -> Any:
        with self._lock:
            held = self._collections.get(name)
        if held is None:
            held = (
                self._client.get_or_create_collection(name, configuration={"hnsw": _HNSW}, embedding_function=None)
                if create
                else self._client.get_collection(name, embedding_function=None)
            )
            with self._lock:
                self._collections[name] = held
        return held

    def _call(self, act: Callable[[], _T]) -> _T:
        return call(self._where, act)


def _pages(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
