"""The audit log, as the API shows it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel


class AuditRead(BaseModel):
    """Who did what, on what, from where, when."""

    id: int
    at: datetime
    actor_id: str | None
    actor_name: str
    action: str
    target_kind: str
    target_id: str
    address: str
    request_id: str
    details: dict[str, Any]
    sha256: str


class ExportFormat(StrEnum):
    """How the log is exported."""

    CSV = "csv"
    JSONL = "jsonl"
