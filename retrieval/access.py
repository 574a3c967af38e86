"""The database's word on what the indexes found: may the asker read it, does it still exist, does it meet the filters?

Indexes only propose. Nothing reaches a hit but through `hydrate`, whose SQL decides by the source's own row (its space
as it is now, not as it was when it was indexed).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from core_api.auth.access import readable_space_ids
from core_api.auth.subject import Subject
from core_api.models import Chunk, Space, User
from retrieval.sources import SOURCE_KINDS, SourceKind
from retrieval.types import Filters, SourceRef


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that the asker may read, as the database has it."""

    chunk_id: str
    source: SourceRef
    space_id: str
    space_name: str
    text: str
    start: int
    end: int
    heading: str
    page: int | None
    author: str
    updated_at: datetime


def readable_spaces(session: Session, subject: Subject, filters: Filters) -> list[str]:
    """The spaces to search: those that the subject may read, of them those that the filter names, if it names any."""
    query = readable_space_ids(subject)
    readable = session.scalars(query).all()
    if not filters.space_ids:
        return list(readable)
    wanted = set(filters.space_ids)
    return [space_id for space_id in readable if space_id in wanted]


def hydrate(session: Session, subject: Subject, chunk_ids: Sequence[str], filters: Filters) -> dict[str, Passage]:
    """The passages of these chunks that exist, that the subject may read now, and that meet the filters.

    One query for each kind of source among them.
    """
    by_kind: dict[str, list[str]] = defaultdict(list)
    for chunk_id in chunk_ids:
        by_kind[chunk_id.partition(":")[0]].append(chunk_id)
    passages: dict[str, Passage] = {}
    for name, ids in by_kind.items():
        kind = SOURCE_KINDS.get(name)
        if kind is None:
            continue
        query = _allowed(
            session,
            subject,
            kind,
            filters,
            select(
                Chunk.id,
                Chunk.source_id,
                kind.title,
                Chunk.version,
                Space.id,
                Space.name,
                Chunk.text,
                Chunk.start,
                Chunk.end,
                Chunk.heading,
                Chunk.page,
                User.name,
                kind.updated_at,
            ),
        ).where(Chunk.id.in_(ids))
        for row in session.execute(query):
            source = SourceRef(name, row[1], row[2], row[3], kind.url(row[1]))
            passages[row[0]] = Passage(row[0], source, *row[4:])
    return passages


def matching_chunks(
    session: Session, subject: Subject, filters: Filters, limit: int
) -> list[tuple[str, str, str]] | None:
    """(chunk id, source kind, source id) of all chunks that the subject may read and that meet the filters; None when
    there are more than `limit` of them."""
    found: list[tuple[str, str, str]] = []
    for name, kind in SOURCE_KINDS.items():
        if filters.kinds and name not in filters.kinds:
            continue
        query = _allowed(session, subject, kind, filters, select(Chunk.id, Chunk.source_kind, Chunk.source_id))
        found.extend((row[0], row[1], row[2]) for row in session.execute(query.limit(limit + 1 - len(found))))
        if len(found) > limit:
            return None
    return found


def _allowed(
    session: Session, subject: Subject, kind: SourceKind, filters: Filters, query: Select[*tuple[Any, ...]]
) -> Select[*tuple[Any, ...]]:
    query = (
        query.join(kind.model, (kind.id == Chunk.source_id) & (Chunk.source_kind == kind.name))
        .join(Space, Space.id == kind.model.space_id)
        .join(User, User.id == kind.author_id)
        .where(kind.model.deleted_at.is_(None), kind.model.space_id.in_(readable_space_ids(subject)))
    )
    if filters.space_ids:
        query = query.where(kind.model.space_id.in_(filters.space_ids))
    if filters.kinds:
        query = query.where(Chunk.source_kind.in_(filters.kinds))
    if filters.source_ids:
        query = query.where(Chunk.source_id.in_(filters.source_ids))
    if filters.author_ids:
        query = query.where(kind.author_id.in_(filters.author_ids))
    if filters.updated_after is not None:
        query = query.where(kind.updated_at >= filters.updated_after)
    if filters.updated_before is not None:
        query = query.where(kind.updated_at < filters.updated_before)
    if filters.tags:
        query = query.where(_has_any_tag(session, kind, filters.tags))
    return query


def _has_any_tag(session: Session, kind: SourceKind, tags: Sequence[str]) -> ColumnElement[bool]:
    if kind.tags is None:
        return kind.id.is_(None)  # a kind without tags meets no tag filter
    postgresql = session.get_bind().dialect.name == "postgresql"
    unfold = func.json_array_elements_text if postgresql else func.json_each
    tag = unfold(kind.tags).table_valued("value")
    return exists(select(1).select_from(tag).where(tag.c.value.in_(tags)))
