"""Documents and their versions."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified, utcnow
from core_api.models.sources import IndexedSource

MAX_TAGS = 50
MAX_LABEL_CHARS = 64
"""Of a tag, and of a category."""


class Document(Identified, IndexedSource, Base):
    """A document: its words live in its versions."""

    __tablename__ = "documents"
    __source_kind__ = "document"
    __table_args__ = (
        # A path names one live document of a space, so that importing again updates and never duplicates.
        Index(
            "uq_documents_space_path_live",
            "space_id",
            "path",
            unique=True,
            sqlite_where=text("deleted_at IS NULL AND path IS NOT NULL"),
            postgresql_where=text("deleted_at IS NULL AND path IS NOT NULL"),
        ),
    )

    title: Mapped[str] = mapped_column(String(500))
    # Whether a person chose the title; if not, the pipeline takes the one it finds in the content.
    title_given: Mapped[bool] = mapped_column(default=False)
    path: Mapped[str | None] = mapped_column(String(1024))
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    category: Mapped[str | None] = mapped_column(String(MAX_LABEL_CHARS))
    # Whether a person chose them; if not, they are those that the content itself names.
    tags_given: Mapped[bool] = mapped_column(default=False, server_default=true())
    category_given: Mapped[bool] = mapped_column(default=False, server_default=false())
    author_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    version: Mapped[int] = mapped_column(default=1)


class DocumentVersion(Identified, Base):
    """One state of a document's content; the bytes are in the file store under their SHA-256."""

    __tablename__ = "document_versions"
    __table_args__ = (UniqueConstraint("document_id", "number"),)

    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    number: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int]
    filename: Mapped[str] = mapped_column(String(500))
    media_type: Mapped[str] = mapped_column(String(200))
    author_id: Mapped[str] = mapped_column(ForeignKey("users.id"))


class VersionText(Base):
    """The text extracted from a version; every span in the product counts characters of it."""

    __tablename__ = "version_texts"

    version_id: Mapped[str] = mapped_column(ForeignKey("document_versions.id", ondelete="CASCADE"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    blocks: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    parser: Mapped[str] = mapped_column(String(64))
