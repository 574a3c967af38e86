"""Which embedding model search uses: a row of the database says so, and every process keeps to it.

The settings only give the first one. Another becomes active by a change (ingest.model_change), which turns the row; a
process that finds it turned loads the model, and serves with the one before until it has. Both have vectors of
everything meanwhile, each under a fingerprint of its own.
"""

import threading
from dataclasses import dataclass
from weakref import WeakValueDictionary

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from core_api.models import ActiveModel, IndexModel, new_id
from retrieval.embedding import Embedder, load_embedder
from retrieval.embedding.source import UnusableModel


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What is to be loaded: a model as the settings name it; with `endpoint`, at their embedding endpoint."""

    model: str
    revision: str | None
    precision: str
    endpoint: bool
    languages: tuple[str, ...]

    @classmethod
    def of_settings(cls, settings: Settings) -> "ModelSpec":
        """The model that the settings name."""
        return cls(
            settings.embedding_model,
            settings.embedding_revision,
            settings.embedding_precision,
            settings.embedding_base_url is not None,
            tuple(settings.embedding_languages),
        )

    @classmethod
    def of_row(cls, row: IndexModel) -> "ModelSpec":
        """The model of a row."""
        return cls(row.model, row.revision, row.precision, row.endpoint, tuple(row.languages))

    def load(self, settings: Settings) -> Embedder:
        """The embedder. Raises Unavailable with what to do."""
        if self.endpoint and settings.embedding_base_url is None:
            raise UnusableModel(f"{self.model!r} is served by an endpoint: set NEXUS_EMBEDDING_BASE_URL.")
        changes = {
            "embedding_model": self.model,
            "embedding_revision": self.revision,
            "embedding_precision": self.precision,
            "embedding_languages": list(self.languages),
        }
        if not self.endpoint:
            changes["embedding_base_url"] = None
        return load_embedder(settings.model_copy(update=changes))


def active_model(session: Session) -> IndexModel | None:
    """The row of the active model; None before the first start."""
    return session.scalar(
        select(IndexModel).join(ActiveModel, ActiveModel.model_id == IndexModel.id).where(ActiveModel.id == 1)
    )


def is_active(session: Session, fingerprint: str) -> bool:
    """Whether what is written under a fingerprint is what search reads. It stays so until the transaction ends."""
    pointer = session.execute(
        select(ActiveModel.model_id).where(ActiveModel.id == 1).with_for_update(read=True)
    ).scalar()
    if pointer is None:
        return True
    return session.scalar(select(IndexModel.fingerprint).where(IndexModel.id == pointer)) == fingerprint


class ServedModels:
    """The embedders of one process by their rows, each loaded once for all who hold it. Thread-safe."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._lock = threading.Lock()
        self._loaded: WeakValueDictionary[str, Embedder] = WeakValueDictionary()

    def active(self) -> Embedder:
        """The embedder of the active model; at the first start of all, that of the settings, which it becomes.

        Raises Unavailable where it cannot be loaded, or is not what it was when the index was made.
        """
        with self._database.reading() as session:
            row = active_model(session)
        if row is not None:
            return self.embedder(row)
        spec = ModelSpec.of_settings(self._settings)
        embedder = spec.load(self._settings)
        with self._database.transaction() as session:
            known = find_or_add(session, spec, embedder)
            session.execute(
                update(ActiveModel).where(ActiveModel.id == 1, ActiveModel.model_id.is_(None)).values(model_id=known.id)
            )
        with self._lock:
            self._loaded[known.id] = embedder
        return self.active()

    def embedder(self, row: IndexModel) -> Embedder:
        """The embedder of a row."""
        with self._lock:
            known = self._loaded.get(row.id)
            if known is not None:
                return known
            embedder = ModelSpec.of_row(row).load(self._settings)
            if embedder.fingerprint != row.fingerprint:
                raise Unavailable(
                    f"The embedding model {row.model!r} is not the one that the index was made with (it was "
                    f"{row.fingerprint}, now it is {embedder.fingerprint}). Put the old one back, or change to it with "
                    "`nexus index migrate`. Until then search goes by keywords."
                )
            self._loaded[row.id] = embedder
            return embedder


def find_or_add(session: Session, spec: ModelSpec, embedder: Embedder) -> IndexModel:
    """The row of a model that has been loaded, by its fingerprint."""
    known = select(IndexModel).where(IndexModel.fingerprint == embedder.fingerprint)
    row = session.scalar(known) or IndexModel(id=new_id(), fingerprint=embedder.fingerprint, position=0)
    row.model, row.revision, row.precision = spec.model, spec.revision, spec.precision
    row.endpoint, row.languages = spec.endpoint, list(spec.languages)
    row.name, row.dimensions = embedder.name, embedder.dimensions
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # Another process has just added it (PostgreSQL; on SQLite writers take turns).
        row = session.scalars(known).one()
    return row
