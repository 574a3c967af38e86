"""The database's word on what the indexes found: may the asker read it, does it still exist, does it meet the filters?

Indexes only propose. Nothing reaches a hit but through `hydrate`, whose SQL decides by the source's own row (its space
as it is now, not as it was when it was indexed).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from core_api.auth.access import granted_document_ids, readable, readable_space_ids, readable_space_name
from core_api.auth.subject import Subject
from core_api.infra.metrics import search_step
from core_api.models import Chunk, Document, Space, User
from retrieval.id_lists import bound, one_of
from retrieval.sources import SOURCE_KINDS, SourceKind
from retrieval.types import Filters, Passage, SourceRef

# Vectors of shared documents are asked for by their ids, at 8 us each; past this many chunks the oldest documents are
# found by keywords only.
_MAX_SHARED_CHUNKS = 5_000


@dataclass(frozen=True, slots=True)
class Shared:
    """Documents that a subject may read one by one, out of spaces that they may not read."""

    source_ids: tuple[str, ...]
    space_ids: tuple[str, ...]
    chunk_ids: tuple[str, ...]


@search_step("access")
def where_to_look(session: Session, subject: Subject, filters: Filters) -> tuple[list[str], Shared]:
    """The spaces to search, and the single documents besides: what the subject may read, of it what the filter on
    spaces names, if it names any."""
    allowed = readable(session, subject)
    wanted = set(filters.space_ids)
    spaces = sorted(allowed.space_ids & wanted if wanted else allowed.space_ids)
    if not allowed.document_ids:
        return spaces, Shared((), (), ())
    rows = session.execute(
        select(Chunk.id, Chunk.source_id, Document.space_id)
        .join(Document, Document.id == Chunk.source_id)
        .where(
            Chunk.source_kind == Document.__source_kind__,
            Chunk.source_id.in_(granted_document_ids(subject)),
            Document.space_id.not_in(readable_space_ids(subject)),
            *([Document.space_id.in_(wanted)] if wanted else []),
        )
        .order_by(Chunk.source_id.desc(), Chunk.ordinal)
    ).all()
    return spaces, Shared(
        tuple(dict.fromkeys(row.source_id for row in rows)),
        tuple(dict.fromkeys(row.space_id for row in rows)),
        tuple(row.id for row in rows[:_MAX_SHARED_CHUNKS]),
    )


@search_step("hydrate")
def hydrate(session: Session, subject: Subject, chunk_ids: Sequence[str], filters: Filters) -> dict[str, Passage]:
    """The passages of these chunks that exist, that the subject may read now, and that meet the filters.

    One query for each kind of source among them.
    """
    passages: dict[str, Passage] = {}
    for name, ids in _by_kind(chunk_ids).items():
        kind = SOURCE_KINDS[name]
        if filters.kinds and name not in filters.kinds:
            continue
        query = _passages(name, subject)
        if filters.any:
            query = query.where(*narrowed(session, kind, filters))
        for row in session.execute(query, bound(ids)):
            source = SourceRef(name, row[1], row[2], row[3], kind.url(row[1]), row[4])
            rest: tuple[Any, ...] = tuple(row)[5:]
            passages[row[0]] = Passage(row[0], source, *rest)
    return passages


def _by_kind(chunk_ids: Sequence[str]) -> dict[str, list[str]]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for chunk_id in chunk_ids:
        by_kind[chunk_id.partition(":")[0]].append(chunk_id)
    return {name: ids for name, ids in by_kind.items() if name in SOURCE_KINDS}


# Making these statements takes longer than running them; what they find is not kept. The kind is part of the chunk's
# id. As a condition it would lead SQLite to the index over kind and source, and through all chunks of the kind:
# measured with 100,000 chunks, 540 ms instead of 1 ms. And PostgreSQL, which knows nothing of tables that an import has
# just filled, would begin with all sources: 4.3 ms instead of 0.7 with 300 of them.
@lru_cache(maxsize=1_000)
def _passages(name: str, subject: Subject) -> Select[*tuple[Any, ...]]:
    kind = SOURCE_KINDS[name]
    named = select(Chunk).where(one_of(Chunk.id)).cte("named").prefix_with("MATERIALIZED", dialect="postgresql")
    chunk = aliased(Chunk, named)
    return (
        select(
            chunk.id,
            chunk.source_id,
            kind.title,
            chunk.version,
            kind.labels[1],
            Space.id,
            readable_space_name(subject),
            chunk.text,
            chunk.start,
            chunk.end,
            chunk.heading,
            chunk.page,
            User.name,
            kind.updated_at,
        )
        .join(kind.model, kind.id == chunk.source_id)
        .join(Space, Space.id == kind.model.space_id)
        .join(User, User.id == kind.author_id)
        .where(kind.model.deleted_at.is_(None), kind.readable(subject))
    )


@search_step("filter")
def matching_chunks(
    session: Session, subject: Subject, filters: Filters, limit: int
) -> list[tuple[str, str, str]] | None:
    """(chunk id, source kind, source id) of all chunks that the subject may read and that meet the filters; None when
    there are more than `limit` of them."""
    found: list[tuple[str, str, str]] = []
    for name, kind in SOURCE_KINDS.items():
        if filters.kinds and name not in filters.kinds:
            continue
        sources = select(kind.id).where(*_conditions(session, subject, kind, filters))
        query = (
            select(Chunk.id, Chunk.source_kind, Chunk.source_id)
            .where(Chunk.source_kind == name, Chunk.source_id.in_(sources))
            .limit(limit + 1 - len(found))
        )
        found.extend((row[0], row[1], row[2]) for row in session.execute(query))
        if len(found) > limit:
            return None
    return found


def _conditions(
    session: Session, subject: Subject, kind: SourceKind, filters: Filters
) -> Iterator[ColumnElement[bool]]:
    """What a source's own row must meet: alive, readable by the subject, and the filters."""
    yield kind.model.deleted_at.is_(None)
    yield kind.readable(subject)
    yield from narrowed(session, kind, filters)


def narrowed(session: Session, kind: SourceKind, filters: Filters) -> Iterator[ColumnElement[bool]]:
    """What the filters alone ask of a source's own row: not whether it is there, nor who may read it."""
    if filters.kinds and kind.name not in filters.kinds:
        yield false()
    if filters.space_ids:
        yield kind.model.space_id.in_(filters.space_ids)
    if filters.source_ids:
        yield kind.id.in_(filters.source_ids)
    if filters.author_ids:
        yield kind.author_id.in_(filters.author_ids)
    if filters.updated_after is not None:
        yield kind.updated_at >= filters.updated_after
    if filters.updated_before is not None:
        yield kind.updated_at < filters.updated_before
    if filters.tags:
        yield _has_any_tag(session, kind, filters.tags)
    if filters.categories:
        yield false() if kind.category is None else kind.category.in_(filters.categories)
    if filters.not_kinds and kind.name in filters.not_kinds:
        yield false()
    if filters.not_space_ids:
        yield kind.model.space_id.not_in(filters.not_space_ids)
    if filters.not_author_ids:
        yield kind.author_id.not_in(filters.not_author_ids)
    if filters.not_source_ids:
        yield kind.id.not_in(filters.not_source_ids)
    if filters.not_tags:
        yield not_(_has_any_tag(session, kind, filters.not_tags))
    if filters.not_categories and kind.category is not None:
        yield or_(kind.category.is_(None), kind.category.not_in(filters.not_categories))


def _has_any_tag(session: Session, kind: SourceKind, tags: Sequence[str]) -> ColumnElement[bool]:
    if kind.tags is None:
        return kind.id.is_(None)  # a kind without tags meets no tag filter
    postgresql = session.get_bind().dialect.name == "postgresql"
    unfold = func.json_array_elements_text if postgresql else func.json_each
    tag = unfold(kind.tags).table_valued("value")
    return exists(select(1).select_from(tag).where(tag.c.value.in_(tags)))
