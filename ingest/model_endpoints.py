"""HTTP for the change of the embedding model."""

import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, status
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core_api.audit import Actor, record
from core_api.auth.dependencies import DatabaseDep, IndexManager, ReadSession, SettingsDep
from core_api.auth.subject import Subject
from core_api.infra.database import Database
from core_api.infra.errors import Invalid
from core_api.models import ModelChange
from ingest import model_change
from ingest.model_change import ChangeBehind
from ingest.runtime import IngestRuntime
from retrieval.active_model import ModelSpec
from retrieval.embedding.source import UnusableModel
from retrieval.engine import RetrievalEngine

router = APIRouter(prefix="/index/models", tags=["index"])

_PATIENCE_SECONDS = 25.0
"""How long a flip waits for the new vectors to hold the last changes; a page waits 30 s for an answer."""

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
_Language = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z]{2,3}(-[A-Za-z0-9]{1,8})*)$", max_length=35)]


class ModelRead(BaseModel):
    """An embedding model; `endpoint`: at the one of the settings."""

    name: str
    model: str
    revision: str | None
    precision: str
    endpoint: bool
    languages: list[str]
    fingerprint: str
    dimensions: int


class ChangeRead(BaseModel):
    """A change to another model. `done` and `total` are passages; `gate` compares search by the two models."""

    id: str
    model: ModelRead
    state: str = Field(description="building, ready, failed, active or rolled_back.")
    done: int
    total: int
    eta_seconds: float | None
    gate: dict[str, Any] | None
    error: str | None


class ModelsRead(BaseModel):
    """The model that search uses, and the change that there is, or of which something is kept."""

    active: ModelRead | None
    change: ChangeRead | None


class ModelRefused(Invalid):
    """The model that is asked for cannot be used."""

    code, title = UnusableModel.code, UnusableModel.title


class MigrateRequest(BaseModel):
    """The model to change to."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")
    ] = Field(description="As NEXUS_EMBEDDING_MODEL: `default`, a path on the server, a hub name, or an endpoint's.")
    revision: _Text | None = None
    precision: Literal["fp32", "int8"] = "fp32"
    endpoint: bool = Field(default=False, description="At NEXUS_EMBEDDING_BASE_URL.")
    languages: list[_Language] | None = Field(
        default=None, min_length=1, max_length=100, description="That it knows, `*`: all; default: the settings'."
    )
    share: float | None = Field(
        default=None, gt=0, le=1, description="Of the time, on one core; 1: all cores; default: the settings'."
    )


class FlipRequest(BaseModel):
    """`force`: whatever the gate says."""

    model_config = ConfigDict(extra="forbid")

    force: bool = False


@router.get("")
def read_models(_subject: IndexManager, session: ReadSession) -> ModelsRead:
    """The embedding model that search uses, and how far a change to another has come."""
    return ModelsRead(**model_change.report(model_change.standing(session)))


@router.post("", status_code=status.HTTP_202_ACCEPTED)
def migrate(
    body: MigrateRequest, request: Request, subject: IndexManager, database: DatabaseDep, settings: SettingsDep
) -> ModelsRead:
    """Begin to build the vectors of another embedding model beside those in use, or go on with it. Search is not
    affected until the flip."""
    languages = body.languages or settings.embedding_languages
    spec = ModelSpec(body.model, body.revision, body.precision, body.endpoint, tuple(languages))
    # No transaction waits for a model to be loaded. The first time it is exported, which takes some 15 s.
    try:
        embedder = spec.load(settings)
    except UnusableModel as error:  # of the model that is asked for: the one in use is as well as before
        raise ModelRefused(error.detail, field="model") from error
    with database.transaction() as session:
        change = model_change.start(session, spec, embedder, body.share or settings.model_change_share)
        _audit(subject, session, "index.model_change_begun", change, fingerprint=embedder.fingerprint)
    _runtime(request).follower.wake()
    return _shown(database)


@router.post("/flip")
def flip(request: Request, subject: IndexManager, database: DatabaseDep, body: FlipRequest | None = None) -> ModelsRead:
    """Have search use the new model. The vectors of the one before are kept up to date, for `rollback`."""
    force = body is not None and body.force

    def act() -> None:
        with database.transaction() as session:
            change = model_change.flip(session, force=force)
            _audit(subject, session, "index.model_flipped", change, force=force)

    _turn(request, act)
    return _shown(database)


@router.post("/rollback")
def rollback(request: Request, subject: IndexManager, database: DatabaseDep) -> ModelsRead:
    """Have search use the model before again, at once."""

    def act() -> None:
        with database.transaction() as session:
            _audit(subject, session, "index.model_rolled_back", model_change.rollback(session))

    _turn(request, act)
    return _shown(database)


@router.delete("/change")
def drop(request: Request, subject: IndexManager, database: DatabaseDep) -> ModelsRead:
    """End the change: the vectors of the model that is not in use are deleted."""
    engine: RetrievalEngine = request.app.state.engine
    with database.transaction() as session:
        collections = model_change.drop(session)
        record(session, Actor.of(subject), "index.model_change_ended", "index", collections=len(collections))
    # A crash here leaves collections that nobody knows; reconciling removes them.
    for collection in collections:
        engine.vectors.drop(collection)
    return _shown(database)


def _turn(request: Request, act: Callable[[], None]) -> None:
    """Do it as soon as the other vectors hold everything. Raises ChangeBehind when that takes longer; indexing waits
    for some time yet, so that the next try is likely to succeed."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    asked = False
    while True:
        try:
            act()
            break
        except ChangeBehind:
            if time.monotonic() > deadline:
                raise
            if not asked:
                with request.app.state.database.transaction() as session:
                    model_change.ask_for_turn(session)
                _runtime(request).follower.wake()
                asked = True
            time.sleep(0.1)
    engine: RetrievalEngine = request.app.state.engine
    engine.use_active_model()


def _runtime(request: Request) -> IngestRuntime:
    runtime: IngestRuntime = request.app.state.ingest
    return runtime


def _shown(database: Database) -> ModelsRead:
    with database.reading() as session:
        return ModelsRead(**model_change.report(model_change.standing(session)))


def _audit(subject: Subject, session: Any, action: str, change: ModelChange, **details: Any) -> None:
    record(session, Actor.of(subject), action, "index_model", change.model_id, **details)
