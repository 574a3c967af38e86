"""What can be found: each kind of source, described once. A new kind is a new entry of `SOURCE_KINDS`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, null
from sqlalchemy.orm import InstrumentedAttribute

from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.models import Document, IndexedSource


@dataclass(frozen=True, slots=True)
class SourceKind:
    """Where a hit of this kind takes its particulars from. `readable` is the condition on `model` that a subject may
    read it; `url` is the address of a source's page, by its id."""

    name: str
    model: type[IndexedSource]
    id: InstrumentedAttribute[str]
    title: InstrumentedAttribute[str]
    author_id: InstrumentedAttribute[str]
    updated_at: InstrumentedAttribute[datetime]
    tags: InstrumentedAttribute[Any] | None
    category: InstrumentedAttribute[str | None] | None
    readable: Callable[[Subject], ColumnElement[bool]]
    url: Callable[[str], str]

    @property
    def labels(self) -> tuple[Any, Any]:
        """The columns of tags and category; null for what the kind does not have."""
        return null() if self.tags is None else self.tags, null() if self.category is None else self.category


SOURCE_KINDS: dict[str, SourceKind] = {
    kind.name: kind
    for kind in (
        SourceKind(
            name=Document.__source_kind__,
            model=Document,
            id=Document.id,
            title=Document.title,
            author_id=Document.author_id,
            updated_at=Document.updated_at,
            tags=Document.tags,
            category=Document.category,
            readable=readable_documents,
            url=lambda source_id: f"/documents/{source_id}",
        ),
    )
}
