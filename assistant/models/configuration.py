"""The options that an admin has set: for the installation, and for a space, whose text they protect in any question."""

from collections.abc import Sequence

import structlog
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.models.choosing import EXTRACTIVE, available_models, limits_nothing, model_name
from assistant.models.options import Options
from assistant.models.prompting import available_prompts
from core_api.audit import Actor, record
from core_api.auth.access import granted_document_ids, readable_space_ids
from core_api.auth.subject import Subject
from core_api.infra.errors import Invalid, NotFound
from core_api.infra.settings import Settings
from core_api.models import AssistantSetting, Document, Space, utcnow
from core_api.models.assistant import INSTALLATION

log = structlog.get_logger()

# What no text can leak by: in force where it is not known what an admin chose.
_CLOSED = Options(model=EXTRACTIVE, masking=True)


class OptionRefused(Invalid):
    """An option names something that is not there to choose, or that could not hold."""

    code, title = "option_refused", "This cannot be chosen"


def options_in_force(
    session: Session, subject: Subject, space_ids: Sequence[str], *, follows_up: bool = False
) -> Options:
    """The options for a question that looks in these spaces (none: in all).

    A space's own options hold where the question looks in that space only, the installation's otherwise. But the
    extractive model and masking hold as soon as they are chosen for any space that the question may draw from: by what
    it looks in, by a document shared out of it, or, where it `follows_up` on earlier answers, by what those have said,
    which may be of any space. Masking that is on for the installation is on everywhere.
    """
    general_row = session.get(AssistantSetting, INSTALLATION)
    general = _options(general_row) if general_row is not None else Options()
    anywhere = follows_up or not space_ids
    found = {row.id: _options(row) for row in _own_rows(session, subject, () if anywhere else space_ids)}
    drawn = list(found.values())
    if anywhere or not found.keys() >= set(space_ids):
        drawn.append(general)
    base = found.get(space_ids[0], general) if len(set(space_ids)) == 1 else general
    extractive = any(options.model == EXTRACTIVE for options in drawn)
    masking = general.masking or any(options.masking for options in drawn)
    return base.model_copy(update={"model": EXTRACTIVE if extractive else base.model, "masking": masking})


def _own_rows(session: Session, subject: Subject, space_ids: Sequence[str]) -> Sequence[AssistantSetting]:
    """The settings of those of the spaces (none: of all) out of which the subject may read something."""
    shared = select(Document.space_id).where(Document.id.in_(granted_document_ids(subject)))
    statement = select(AssistantSetting).where(
        AssistantSetting.space_id.in_(readable_space_ids(subject)) | AssistantSetting.space_id.in_(shared)
    )
    if space_ids:
        statement = statement.where(AssistantSetting.space_id.in_(space_ids))
    return session.scalars(statement).all()


def read_options(session: Session, subject: Subject, space_id: str | None) -> Options | None:
    """The options that are set for the installation or a space; None where none are. Raises NotFound."""
    _check_space(session, subject, space_id)
    row = session.get(AssistantSetting, space_id or INSTALLATION)
    return _options(row) if row is not None else None


def set_options(session: Session, subject: Subject, settings: Settings, options: Options, space_id: str | None) -> None:
    """Set the options of the installation or a space. Raises NotFound, OptionRefused."""
    _check_space(session, subject, space_id)
    models, prompts = available_models(settings), [prompt.name for prompt in available_prompts()]
    if options.model is not None and options.model not in models:
        raise OptionRefused(
            f"There is no model {options.model!r} here. Choose one of: {', '.join(models)}.", field="model"
        )
    if options.prompt not in prompts:
        raise OptionRefused(
            f"There is no prompt {options.prompt!r} here. Choose one of: {', '.join(prompts)}.", field="prompt"
        )
    if limits_nothing(settings, options):
        raise OptionRefused(
            f"The cost cannot be limited: no price is known for the model {model_name(settings, options)!r}. "
            "Set NEXUS_LLM_PRICES, or leave the limit out.",
            field="most_cost",
        )
    row = session.get(AssistantSetting, space_id or INSTALLATION)
    before = _options(row) if row is not None else Options()
    if row is None:
        row = AssistantSetting(id=space_id or INSTALLATION, space_id=space_id)
        session.add(row)
    row.options = options.model_dump(mode="json")
    row.updated_at = utcnow()
    old, new = before.model_dump(mode="json"), row.options
    changed = {name: [old[name], new[name]] for name in new if new[name] != old[name]}
    record(session, Actor.of(subject), "assistant.settings_changed", "assistant", row.id, changed=changed)


def drop_options(session: Session, subject: Subject, space_id: str) -> None:
    """Have the installation's options hold in a space again. Raises NotFound."""
    _check_space(session, subject, space_id)
    row = session.get(AssistantSetting, space_id)
    if row is not None:
        session.delete(row)
        record(session, Actor.of(subject), "assistant.settings_dropped", "assistant", space_id)


def costs_not_limited(session: Session, settings: Settings) -> list[str]:
    """The models whose cost is limited somewhere, in vain: their price is not known (any more)."""
    stored = map(_options, session.scalars(select(AssistantSetting)))
    return sorted({model_name(settings, options) for options in stored if limits_nothing(settings, options)})


def _check_space(session: Session, subject: Subject, space_id: str | None) -> None:
    if space_id is None:
        return
    readable = select(Space.id).where(Space.id == space_id, Space.id.in_(readable_space_ids(subject)))
    if session.scalar(readable) is None:
        raise NotFound(f"There is no space {space_id!r} that you may read.")


def _options(row: AssistantSetting) -> Options:
    try:
        return Options.model_validate(row.options)
    except ValidationError as error:  # of an older version with other bounds
        log.warning("assistant_options_invalid", setting=row.id, fields=[problem["loc"] for problem in error.errors()])
        return _CLOSED
