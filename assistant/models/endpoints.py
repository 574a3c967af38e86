"""HTTP for those who set up the assistant: what answers, how it is instructed and limited, and what it takes."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from assistant.models.choosing import available_models, has_endpoint, limits_nothing, model_name
from assistant.models.configuration import drop_options, read_options, set_options
from assistant.models.options import Options
from assistant.models.prompting import available_prompts
from assistant.models.usage import UsageRead, list_usage
from core_api.auth.dependencies import AssistantManager, ReadSession, SettingsDep, WriteSession
from core_api.http.pagination import Cursor, Limit, Page
from core_api.infra.settings import Settings

router = APIRouter(prefix="/assistant", tags=["assistant"])

_SpaceId = Annotated[str, Query(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
_SomeSpaceId = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=64,
        pattern=r"^[^\x00]*$",
        description="A space that you may read, for questions that look in this space only; default: the installation.",
    ),
]


class OptionsUpdate(Options):
    """All options anew; one that is left out has its default."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"prompt": "assistant", "most_seconds": 60, "masking": True}}
    )


class PromptRead(BaseModel):
    """A prompt to choose."""

    name: str
    version: int


class SettingsRead(BaseModel):
    """How the assistant is set up. The endpoint's address and key are in the server's environment, and not told."""

    options: Options
    own: bool = Field(description="Whether they were set here; if not, they are the installation's, or the defaults.")
    model: str = Field(description="The model that answers, by these options.")
    models: list[str] = Field(description="The models to choose from.")
    prompts: list[PromptRead] = Field(description="The prompts to choose from.")
    endpoint: bool = Field(description="Whether the environment names an endpoint for language models.")
    limits_cost: bool = Field(
        description="Whether `most_cost` can hold, where it is set: not without a price of the model (NEXUS_LLM_PRICES)"
    )


@router.get("/settings")
def read_settings(
    subject: AssistantManager, session: ReadSession, settings: SettingsDep, space_id: _SomeSpaceId = None
) -> SettingsRead:
    """How the assistant is set up, for the installation or a space."""
    own = read_options(session, subject, space_id)
    options = own or (read_options(session, subject, None) if space_id is not None else None) or Options()
    return _read(settings, options, own=own is not None)


@router.put("/settings")
def put_settings(
    body: OptionsUpdate,
    subject: AssistantManager,
    session: WriteSession,
    settings: SettingsDep,
    space_id: _SomeSpaceId = None,
) -> SettingsRead:
    """Set up the assistant, for the installation or a space. It holds from the next question on."""
    options = Options(**body.model_dump())
    set_options(session, subject, settings, options, space_id)
    return _read(settings, options, own=True)


@router.delete("/settings", status_code=status.HTTP_204_NO_CONTENT)
def delete_settings(subject: AssistantManager, session: WriteSession, space_id: _SpaceId) -> Response:
    """Have what is set for the installation hold in a space again."""
    drop_options(session, subject, space_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get("/usage")
def read_usage(
    _subject: AssistantManager,
    session: ReadSession,
    since: Annotated[date | None, Query(description="The first day (UTC).")] = None,
    until: Annotated[date | None, Query(description="The last day (UTC).")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[UsageRead]:
    """What the assistant took, by day, person and model: counts, and no words."""
    return list_usage(session, since, until, cursor, limit)


def _read(settings: Settings, options: Options, *, own: bool) -> SettingsRead:
    return SettingsRead(
        options=options,
        own=own,
        model=model_name(settings, options),
        models=list(available_models(settings)),
        prompts=[PromptRead(name=prompt.name, version=prompt.version) for prompt in available_prompts()],
        endpoint=has_endpoint(settings),
        limits_cost=not limits_nothing(settings, options),
    )
