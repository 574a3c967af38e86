"""The audit log, for those who watch over it."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from core_api.audit import Actor, record
from core_api.auth.subject import Subject
from core_api.domains.audit.schemas import AuditRead, ExportFormat
from core_api.http.pagination import Page, page_rows
from core_api.infra.database import Database
from core_api.models import AuditEvent

_BATCH = 1_000
_COLUMNS = [column.key for column in AuditEvent.__table__.columns]
# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which events; None: whichever. `action` without a dot means all of a group (`auth`)."""

    action: str | None = None
    actor_id: str | None = None
    target_id: str | None = None
    after: datetime | None = None
    before: datetime | None = None

    def apply(self, statement: Select[Any]) -> Select[Any]:
        """The statement with the conditions."""
        if self.action:
            group = AuditEvent.action.startswith(f"{self.action}.", autoescape=True)
            statement = statement.where(or_(AuditEvent.action == self.action, group))
        if self.actor_id:
            statement = statement.where(AuditEvent.actor_id == self.actor_id)
        if self.target_id:
            statement = statement.where(AuditEvent.target_id == self.target_id)
        if self.after is not None:
            statement = statement.where(AuditEvent.at >= self.after)
        if self.before is not None:
            statement = statement.where(AuditEvent.at < self.before)
        return statement


def list_events(session: Session, filters: Filters, cursor: str | None, limit: int) -> Page[AuditRead]:
    """Events, newest first."""
    rows, next_cursor = page_rows(session, filters.apply(select(AuditEvent)), [AuditEvent.id], cursor, limit)
    items = [AuditRead.model_validate(event, from_attributes=True) for (event,) in rows]
    return Page(items=items, next_cursor=next_cursor)


def record_export(session: Session, subject: Subject, filters: Filters, format_: ExportFormat) -> int:
    """Note that the subject takes a copy; gives the number of the last event that is in it."""
    last = session.scalar(select(func.max(AuditEvent.id))) or 0
    asked = {
        "action": filters.action,
        "actor_id": filters.actor_id,
        "target_id": filters.target_id,
        "after": filters.after.isoformat() if filters.after else None,
        "before": filters.before.isoformat() if filters.before else None,
    }
    given = {name: value for name, value in asked.items() if value}
    record(session, Actor.of(subject), "audit.exported", "audit", format=format_.value, filters=given)
    return last


def export(database: Database, filters: Filters, last: int, format_: ExportFormat) -> Iterator[str]:
    """The events up to number `last`, oldest first, in pieces of text; no transaction is open between them."""
    write = _csv_lines if format_ is ExportFormat.CSV else _json_lines
    if format_ is ExportFormat.CSV:
        yield ",".join(_COLUMNS) + "\r\n"
    seen = 0
    while True:
        statement = filters.apply(select(AuditEvent)).where(AuditEvent.id > seen, AuditEvent.id <= last)
        with database.reading() as session:
            events = session.scalars(statement.order_by(AuditEvent.id).limit(_BATCH)).all()
        if not events:
            return
        yield write([[getattr(event, column) for column in _COLUMNS] for event in events])
        seen = events[-1].id


def _json_lines(rows: list[list[Any]]) -> str:
    return "".join(
        json.dumps(dict(zip(_COLUMNS, map(_plain, row), strict=True)), ensure_ascii=False) + "\n" for row in rows
    )


def _csv_lines(rows: list[list[Any]]) -> str:
    target = io.StringIO()
    csv.writer(target).writerows([[_cell(_plain(value)) for value in row] for row in rows])
    return target.getvalue()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
