"""What makes a row a source: something that is indexed and found."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column


class IndexedSource:
    """Mixin of every table whose rows are searched. A change of such a row writes an outbox event (core_api.outbox)."""

    __source_kind__: ClassVar[str]

    deleted_at: Mapped[datetime | None]

    @declared_attr
    def space_id(cls) -> Mapped[str]:
        return mapped_column(String(36), ForeignKey("spaces.id"), index=True)
