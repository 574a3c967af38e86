"""The parts that search needs (embedder, vectors, keyword index), opened on threads so that the API answers at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy.exc import SQLAlchemyError

from core_api.infra.database import Database
from core_api.infra.errors import NexusError, Unavailable
from core_api.infra.metrics import search_step
from core_api.infra.settings import Settings
from retrieval.active_model import ServedModels
from retrieval.catalogue import Catalogue
from retrieval.embedding import Embedder
from retrieval.embedding.remembering import RememberingEmbedder
from retrieval.keywords import FOLLOW_SECONDS, KeywordIndex
from retrieval.patience import Patience
from retrieval.rerank import Reranker, load_reranker
from retrieval.titles import TitleIndex
from retrieval.usage import Usage
from retrieval.vector_follower import VectorFollower
from retrieval.vectors import VectorStore

log = structlog.get_logger()
_T = TypeVar("_T")

_LEG_THREADS = 8
_ANSWER_SECONDS = 5.0
"""How long a search waits for the vectors: not as long as writing them may take."""
_LOOK_SECONDS = 1.0
"""How often the database is asked which embedding model is active, and whether it is time to count clicks."""
_REPLICAS_OF_A_HOST = 32
_RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)


class _Part(Generic[_T]):
    """Something that is being opened on a thread. A failure (a server that is not up yet) is tried again until the
    engine closes; who asks meanwhile is told why."""

    def __init__(self, name: str, value: _T | None = None) -> None:
        self._name = name
        self._value = value
        self._error: NexusError | None = None
        self._known = threading.Event()  # there is a value or an error
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if value is not None:
            self._known.set()

    def open(self, make: Callable[[], _T]) -> None:
        self._thread = threading.Thread(target=self._open, args=(make,), name=f"open-{self._name}", daemon=True)
        self._thread.start()

    def _open(self, make: Callable[[], _T]) -> None:
        attempt = 0
        while not self._stop.is_set():
            try:
                self._value = make()
                self._error = None
                self._known.set()
                return
            except NexusError as error:
                self._error = error
            except Exception as error:  # whatever it is, it is told to whoever asks, and tried again
                log.exception("part_not_opened", part=self._name)
                self._error = Unavailable(f"The {self._name} could not be opened: {error}")
            self._known.set()
            log.warning("part_not_opened", part=self._name, error=str(self._error), attempt=attempt + 1)
            self._stop.wait(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
            attempt += 1

    def get(self, timeout: float | None = None) -> _T:
        """The part; waits while it is being opened. Raises Unavailable (or what opening raised)."""
        if not self._known.wait(timeout):
            raise Unavailable(
                f"The {self._name} is still loading; try again in a moment.", headers={"Retry-After": "2"}
            )
        if self._value is None:
            assert self._error is not None
            raise self._error
        return self._value

    @property
    def value(self) -> _T | None:
        return self._value

    def replace(self, value: _T) -> None:
        """Another from now on; who holds the one before goes on with it."""
        self._value = value

    def close(self) -> _T | None:
        """Stop opening; gives the value, if there is one, for closing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=60)
        return self._value


class RetrievalEngine:
    """The embedder, the vectors and the keyword index of one process. Thread-safe.

    `RetrievalEngine(...)` takes parts that are open; `RetrievalEngine.open` opens them in the background, follows the
    database with the keyword index, and returns at once. The properties wait for their part while it is loading and
    raise Unavailable where it could not be opened.
    """

    def __init__(
        self,
        embedder: Embedder | None,
        vectors: VectorStore | None,
        keywords: KeywordIndex | None,
        settings: Settings,
        reranker: Reranker | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self.settings = settings
        remembering = RememberingEmbedder(embedder) if embedder is not None else None
        self._embedder = _Part[RememberingEmbedder]("embedding model", remembering)
        self._vectors = _Part[VectorStore]("vector index", vectors)
        self._keywords = _Part[KeywordIndex]("keyword index", keywords)
        self._parts: tuple[_Part[RememberingEmbedder] | _Part[VectorStore] | _Part[KeywordIndex], ...] = (
            self._embedder,
            self._vectors,
            self._keywords,
        )
        self._reranker = _Part[Reranker]("reranking model", reranker)
        self.titles = TitleIndex()
        self.catalogue = catalogue or Catalogue()
        self.usage = Usage()
        self.models: ServedModels | None = None
        self._choosing = threading.Lock()
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None
        self._follower: VectorFollower | None = None
        self.pool = ThreadPoolExecutor(_LEG_THREADS, thread_name_prefix="search")
        self.vectors_asked = Patience("The vector index", self.pool, _ANSWER_SECONDS)

    @classmethod
    def open(
        cls, settings: Settings, database: Database, *, follow_seconds: float = FOLLOW_SECONDS
    ) -> "RetrievalEngine":
        """An engine whose parts load on threads; `wait` waits for them. The keyword index takes over every so many
        seconds what has changed: each time costs it the same, however much that is."""
        engine = cls(None, None, None, settings)

        def keywords() -> KeywordIndex:
            with database.reading() as session:
                engine.catalogue.follow(session)
                engine.usage.count(session)
            # In server mode several processes of a host may share the data directory; each has a replica.
            places = _REPLICAS_OF_A_HOST if settings.is_server else 1
            index = KeywordIndex.open_free(settings.keywords_dir, places)
            index.follow(database, follow_seconds)
            return index

        engine._keywords.open(keywords)
        models = engine.models = ServedModels(settings, database)

        def embedder() -> RememberingEmbedder:
            active = RememberingEmbedder(models.active())
            engine._watcher = threading.Thread(target=engine._watch, args=(database,), name="watcher", daemon=True)
            engine._watcher.start()
            return active

        engine._embedder.open(embedder)
        if settings.rerank_model:
            engine._reranker.open(lambda: load_reranker(settings))

        def vectors() -> VectorStore:
            if not settings.chroma_url:
                store = VectorStore.open(settings)
                store.warm()
                return store
            keywords = engine.keywords
            store = VectorStore.open(settings)
            engine._follower = VectorFollower(database, store, keywords, settings.resolved_resident_vectors_bytes)
            engine._follower.start()
            return store

        engine._vectors.open(vectors)
        return engine

    @property
    def embedder(self) -> Embedder:
        """The embedding model, which remembers what it was asked last."""
        return self._embedder.get()

    @property
    def vectors(self) -> VectorStore:
        """The vectors' index."""
        return self._vectors.get()

    @property
    def keywords(self) -> KeywordIndex:
        """The keyword index."""
        return self._keywords.get()

    @property
    def keyword_position(self) -> int | None:
        """The change up to which the keyword index holds everything; None while it is not open."""
        index = self._keywords.value
        return index.position if index is not None else None

    @property
    def reranker(self) -> Reranker | None:
        """The reranker, where one is set and has been loaded: search does without it meanwhile."""
        return self._reranker.value

    @property
    def ready(self) -> bool:
        """Whether every part is open that search cannot do without."""
        return all(part.value is not None for part in self._parts)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until every part is open, the reranker too. Raises Unavailable when one is still loading after
        `timeout` seconds, or what its opening raised."""
        for part in self._parts:
            part.get(timeout)
        if self.settings.rerank_model:
            self._reranker.get(timeout)

    def require_ready(self, *, semantic: bool = True) -> None:
        """Raise Unavailable, with `Retry-After`, unless what a search needs is open."""
        self._keywords.get(timeout=0)
        if semantic:
            self._embedder.get(timeout=0)
            self._vectors.get(timeout=0)

    def embed_query(self, text: str, embedder: Embedder | None = None) -> NDArray[np.float32]:
        """The vector of a question, shape (dimensions,). A search that has chosen its collections by one `embedder`
        gives it: another may have become active since."""
        embedder = embedder or self.embedder
        with search_step("embed_query"):
            vector: NDArray[np.float32] = embedder.embed_quickly([text])[0]
        return vector

    def use_active_model(self) -> None:
        """Serve with the model that the database says is active, from now on; the one before is served until it is
        loaded. Raises Unavailable when it cannot be."""
        if self.models is None:
            return
        with self._choosing:  # or one who looked before a flip could put the model before back
            embedder = self.models.active()
            if self._embedder.value is None or embedder is not self._embedder.value.embedder:
                if self._follower is not None and self._vectors.value is not None:
                    self._vectors.value.hold_nothing()  # vectors of a model that is not in use are not followed
                self._embedder.replace(RememberingEmbedder(embedder))
                log.info("embedding_model_in_use", fingerprint=embedder.fingerprint)

    def _watch(self, database: Database) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            try:
                self.use_active_model()
            except Exception as error:  # noqa: BLE001 - whatever it is, the model before is still served
                log.warning("embedding_model_not_taken_over", error=str(error))
            try:
                if self.usage.is_due:
                    with database.reading() as session:
                        self.usage.count(session)
            except SQLAlchemyError as error:
                log.warning("usage_not_counted", error=str(error))

    def close(self) -> None:
        """Stop loading and following, and let go of files and connections."""
        self._closing.set()
        self.pool.shutdown(wait=True, cancel_futures=True)
        keywords = self._keywords.close()
        vectors = self._vectors.close()
        if self._follower is not None:
            self._follower.close()
        self._embedder.close()
        self._reranker.close()
        if self._watcher is not None:
            self._watcher.join(timeout=60)
        if keywords is not None:
            keywords.close()
        if vectors is not None:
            vectors.close()
