"""The options that an admin has set: for the installation, and for a space where a question is asked in that one."""

from collections.abc import Sequence

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.models.choosing import available_models
from assistant.models.options import Options
from assistant.models.prompting import available_prompts
from core_api.audit import Actor, record
from core_api.auth.access import readable_space_ids
from core_api.auth.subject import Subject
from core_api.infra.errors import Invalid, NotFound
from core_api.infra.settings import Settings
from core_api.models import AssistantSetting, Space, utcnow
from core_api.models.assistant import INSTALLATION


class OptionRefused(Invalid):
    """An option names something that is not there to choose."""

    code, title = "option_refused", "This cannot be chosen"


def options_in_force(session: Session, subject: Subject, space_ids: Sequence[str]) -> Options:
    """The options for a question that looks in these spaces (none: in all).

    A space's own options hold where the question looks in that space only. Masking that is on for the installation is
    on everywhere: what was said before in a conversation may come from elsewhere.
    """
    keys = [INSTALLATION, *(space_ids if len(space_ids) == 1 else ())]
    readable = AssistantSetting.space_id.in_(readable_space_ids(subject))
    rows = session.scalars(
        select(AssistantSetting).where(AssistantSetting.id.in_(keys), (AssistantSetting.id == INSTALLATION) | readable)
    ).all()
    found = {row.id: _options(row) for row in rows}
    general = found.pop(INSTALLATION, Options())
    if not found:
        return general
    (own,) = found.values()
    return own.model_copy(update={"masking": own.masking or general.masking})


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


def _check_space(session: Session, subject: Subject, space_id: str | None) -> None:
    if space_id is None:
        return
    readable = select(Space.id).where(Space.id == space_id, Space.id.in_(readable_space_ids(subject)))
    if session.scalar(readable) is None:
        raise NotFound(f"There is no space {space_id!r} that you may read.")


def _options(row: AssistantSetting) -> Options:
    try:
        return Options.model_validate(row.options)
    except ValidationError:  # of an older version with other bounds
        return Options()
