"""What the assistant proposes to do, and reminders, as the API shows them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class ProposalKind(StrEnum):
    """What would be done."""

    SAVE_DOCUMENT = "save_document"
    APPEND_DOCUMENT = "append_document"
    REMIND = "remind"


class ProposalState(StrEnum):
    """Whether it waits for the person, was done, or was turned down."""

    OPEN = "open"
    DONE = "done"
    DISMISSED = "dismissed"


class ProposalRead(BaseModel):
    """Something that the assistant would do once the person confirms it: `summary` says it in one sentence, and
    `result` (an address in the product) what came of it. Nothing happens before; after `expires_at` it cannot."""

    id: str
    kind: ProposalKind
    summary: str
    parameters: dict[str, Any]
    state: ProposalState
    expires_at: datetime
    result: str | None = Field(default=None, description="Where what was done is to be seen.")


class ReminderRead(BaseModel):
    """A reminder of one's own. `due` from its time on, until it was `seen_at`; `mailed_at` when mail was on its way."""

    id: str
    text: str
    due_at: datetime
    time_zone: str
    mail: bool
    due: bool
    mailed_at: datetime | None
    seen_at: datetime | None
