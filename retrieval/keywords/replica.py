"""The keyword index as a replica of the chunks table.

It follows the database by the change sequence: every source whose index state changed after `position` is deleted and
added again, then the position is saved. The position is saved after Tantivy's commit, so a crash in between replays
changes, which does no harm. An index that is missing, broken, made by another layout or analyser, or ahead of its
database (a restored backup) is thrown away and built again by the next `catch_up`.
"""

import contextlib
import json
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import structlog
import tantivy
from filelock import FileLock, Timeout
from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.infra.errors import StorageFull, Unavailable
from core_api.models import Chunk, IndexStatus
from core_api.outbox import changed_since, last_change
from retrieval import analyzer
from retrieval.keywords import layout

log = structlog.get_logger()

FOLLOW_SECONDS = 0.2
"""How late people may find what has been indexed."""
_WRITER_HEAP_BYTES = 32_000_000
# Sources read from the database, and chunks given to Tantivy between two commits, at once.
_BATCH_SOURCES = 1000
_LONGEST_PAUSE_SECONDS = 30.0
# A commit costs as much for one change as for hundreds, and a search after it reads anew what it knew: where changes
# come one after another they are taken together, so that following takes a twentieth of the time.
_REST = 19
_LONGEST_REST_SECONDS = 0.6
_TRIES_BEFORE_REBUILD = 3
_TANTIVY_ERRORS = (ValueError, OSError, RuntimeError)


class KeywordIndexBroken(Unavailable):
    """Tantivy cannot work with the files of the index."""

    code, title = "keyword_index_broken", "The keyword index cannot be written"


class ReplicaInUse(Unavailable):
    """Another process writes to the index."""


class Replica:
    """The files of the index and their one writer.

    `catch_up` brings it up to date; `follow` does so on a thread until `close`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()  # of the writer and the position
        self._moved = threading.Condition()
        self._stop = threading.Event()
        self._follower: threading.Thread | None = None
        self._position = 0
        self._schema = layout.schema()
        # Not thread-local: it is opened on one thread and closed on another.
        self._directory_lock = FileLock(f"{path}.lock", thread_local=False)
        self._index: tantivy.Index
        self._writer: tantivy.IndexWriter | None = None
        # The keys of chunks that searches have met, by id. A new one after every change of the index: whoever takes it
        # before a searcher finds nothing older than that searcher in it.
        self._met: dict[str, int] = {}

    @classmethod
    def open(cls, path: Path) -> Self:
        """The index in a directory, made where there is none.

        Raises Unavailable when another process writes to it or the directory cannot be written.
        """
        index = cls(path)
        index._lock_directory()
        try:
            try:
                index._open()
            except _TANTIVY_ERRORS as error:
                log.warning("keyword_index_rebuilt", reason=str(error), path=str(path))
                index._reset()
        except BaseException:
            index._directory_lock.release()
            raise
        return index

    @classmethod
    def open_free(cls, path: Path, places: int) -> Self:
        """The first index of so many that no other process has open: in `path`, `path-2`, `path-3` and so on.

        Raises Unavailable when all are, as `open` does.
        """
        for number in range(1, places):
            place = path if number == 1 else path.with_name(f"{path.name}-{number}")
            with contextlib.suppress(ReplicaInUse):
                return cls.open(place)
        return cls.open(path if places == 1 else path.with_name(f"{path.name}-{places}"))

    @property
    def position(self) -> int:
        """The change sequence up to which the index holds everything."""
        return self._position

    def __len__(self) -> int:
        """Chunks in the index."""
        return int(self._index.searcher().num_docs)

    # --- following

    def catch_up(self, database: Database) -> int:
        """Take over every change of the database that is not in the index yet; gives the number of sources.

        Raises StorageFull or KeywordIndexBroken when the index cannot be written; what was committed stays.
        """
        with self._lock:
            try:
                done = self._catch_up(database)
            except _TANTIVY_ERRORS as error:
                if "No space left" in str(error):
                    raise StorageFull(f"The disk of {self._path} is full: the keyword index falls behind.") from error
                raise KeywordIndexBroken(f"The keyword index in {self._path} cannot be written: {error}") from error
        if done:
            with self._moved:
                self._moved.notify_all()
        return done

    def _catch_up(self, database: Database) -> int:
        done = 0
        while True:
            with database.reading() as session:
                last = last_change(session)
                if self._position > last:
                    log.warning("keyword_index_rebuilt", reason="it is ahead of its database", path=str(self._path))
                    self._reset()
                # (Asked several times a second, for nothing mostly.)
                states = changed_since(session, self._position, _BATCH_SOURCES) if last > self._position else ()
            if not states:
                return done
            writer = self._open_writer()
            live: dict[str, list[str]] = defaultdict(list)
            for kind, source_id, _space, status, _seq in states:
                writer.delete_documents_by_term("source", layout.source_term(kind, source_id))
                if status != IndexStatus.DELETED:
                    live[kind].append(source_id)
            with database.streaming() as session:
                for kind, source_ids in live.items():
                    self._add(session, writer, kind, source_ids)
            writer.commit()
            self._index.reload()
            self._met = {}
            self._save(states[-1].change_seq)
            done += len(states)

    def _add(self, session: Session, writer: tantivy.IndexWriter, kind: str, source_ids: Sequence[str]) -> None:
        rows = session.execute(
            select(Chunk.id, Chunk.space_id, Chunk.source_id, Chunk.title, Chunk.heading, Chunk.text)
            .where(Chunk.source_kind == kind, Chunk.source_id.in_(source_ids))
            .execution_options(yield_per=500)
        )
        for chunk_id, space_id, source_id, title, heading, text in rows:
            source = layout.source_term(kind, source_id)
            writer.add_document(layout.document(chunk_id, source, space_id, title, heading, text))

    def follow(self, database: Database, interval: float = FOLLOW_SECONDS) -> None:
        """Keep up with the database on a thread, looking every `interval` seconds, until `close`."""
        if self._follower is not None:
            raise RuntimeError("the keyword index follows already")
        self._follower = threading.Thread(
            target=self._follow, args=(database, interval), name="keyword-follower", daemon=True
        )
        self._follower.start()

    def _follow(self, database: Database, interval: float) -> None:
        failures, broken, pause = 0, 0, interval
        while not self._stop.wait(pause):
            began = time.monotonic()
            try:
                if broken == _TRIES_BEFORE_REBUILD:
                    broken += 1  # once: an index that breaks again is not helped by it
                    self.rebuild()
                changed = self.catch_up(database)
                failures, broken = 0, 0
                rest = min(_REST * (time.monotonic() - began), _LONGEST_REST_SECONDS) if changed else 0.0
                pause = max(interval, rest)
            except Exception as error:  # the thread must outlive a database that is away and a full disk
                failures += 1
                broken += isinstance(error, KeywordIndexBroken)
                pause = min(interval * 2 ** min(failures, 16), _LONGEST_PAUSE_SECONDS)
                log.exception("keyword_index_behind", position=self._position, failures=failures)

    def wait_for(self, position: int, timeout: float) -> bool:
        """Wait until the index holds everything up to a change; whether it does within `timeout` seconds."""
        with self._moved:
            return self._moved.wait_for(lambda: self._position >= position, timeout)

    def rebuild(self) -> None:
        """Throw the index away; the next `catch_up` builds it again from the database."""
        with self._lock:
            self._reset()

    def close(self) -> None:
        """Stop following and release the writer. What is committed stays searchable by the next process."""
        self._stop.set()
        if self._follower is not None:
            self._follower.join(timeout=30)
        with self._lock:
            self._close_writer()
        self._directory_lock.release()

    # --- the files

    def _lock_directory(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._directory_lock.acquire(timeout=0)
        except Timeout as error:
            raise ReplicaInUse(
                f"Another process has the keyword index in {self._path} open: stop it, or talk to it over HTTP."
            ) from error
        except OSError as error:
            raise Unavailable(f"The keyword index cannot be made in {self._path}: {error}") from error

    def _open(self) -> None:
        position = _saved_position(self._path)
        if position is None:
            self._reset()
            return
        self._index = tantivy.Index.open(str(self._path))
        self._index.config_reader("manual")
        self._open_writer()
        self._index.reload()
        searcher = self._index.searcher()
        searcher.search(tantivy.Query.all_query(), limit=1)
        self._position = position

    def _reset(self) -> None:
        self._close_writer()
        try:
            if self._path.exists():
                shutil.rmtree(self._path)
            self._path.mkdir(parents=True)
        except OSError as error:
            raise Unavailable(f"The keyword index cannot be made in {self._path}: {error}") from error
        self._position = 0
        self._index = tantivy.Index(self._schema, path=str(self._path))
        self._index.config_reader("manual")
        self._met = {}
        self._open_writer()
        self._save(0)

    def _open_writer(self) -> tantivy.IndexWriter:
        if self._writer is None:
            self._writer = self._index.writer(heap_size=_WRITER_HEAP_BYTES, num_threads=1)
        return self._writer

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.rollback()
            writer.wait_merging_threads()
        except _TANTIVY_ERRORS as error:  # it is being closed because it is broken, or will be found so
            log.warning("keyword_index_not_closed", reason=str(error), path=str(self._path))

    def _save(self, position: int) -> None:
        state = {"layout": layout.VERSION, "analyzer": analyzer.VERSION, "position": position}
        temporary = self._path / "replica.json.new"
        temporary.write_text(json.dumps(state))
        temporary.replace(self._path / "replica.json")
        self._position = position


def _saved_position(path: Path) -> int | None:
    """The position of the index in a directory; None where there is none that this code can continue."""
    try:
        state = json.loads((path / "replica.json").read_text())
        if (state["layout"], state["analyzer"]) == (layout.VERSION, analyzer.VERSION):
            return int(state["position"])
        reason = "made by another version"
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"unreadable replica.json: {error}"
    log.warning("keyword_index_rebuilt", reason=reason, path=str(path))
    return None
