"""The sources behind a result, and what they have in common: exact counts of what the asker may read."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, literal, select
from sqlalchemy.orm import Session

from core_api.auth.access import readable_space_name
from core_api.auth.subject import Subject
from core_api.models import Chunk, Space, User
from retrieval.sources import SOURCE_KINDS, SourceKind
from retrieval.types import Facets, FacetValue, Filters

# Ids bound to one query; SQLite takes 32,766.
_BATCH = 10_000
# Values of one facet that are told.
_MOST_VALUES = 100
_FACETS = ("kinds", "spaces", "authors", "tags", "months")


class SourceRow(NamedTuple):
    """A live source that the asker may read, and that has a passage."""

    kind: str
    id: str
    space_id: str
    author_id: str
    updated_at: datetime
    tags: tuple[str, ...]

    @property
    def key(self) -> str:
        """Names it among all sources, as the ids of its chunks do."""
        return f"{self.kind}:{self.id}"


def sources_of(session: Session, subject: Subject, chunk_ids: Collection[str]) -> tuple[list[SourceRow], set[str]]:
    """The readable sources of these chunks, and those of the chunks that exist and are of these sources."""
    rows: dict[str, SourceRow] = {}
    existing: list[str] = []
    by_kind: dict[str, list[str]] = {}
    for chunk_id in chunk_ids:
        by_kind.setdefault(chunk_id.partition(":")[0], []).append(chunk_id)
    for name, ids in by_kind.items():
        kind = SOURCE_KINDS.get(name)
        if kind is None:
            continue
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            existing.extend(session.scalars(select(Chunk.id).where(Chunk.id.in_(batch))))
            source_ids = {chunk_id.split(":")[1] for chunk_id in batch}
            for row in _rows(session, subject, kind, kind.id.in_(source_ids)):
                rows[row.key] = row
    return list(rows.values()), {chunk_id for chunk_id in existing if chunk_id.rpartition(":")[0] in rows}


def all_sources(session: Session, subject: Subject) -> list[SourceRow]:
    """Every readable source that has a passage."""
    rows: list[SourceRow] = []
    for kind in SOURCE_KINDS.values():
        first = literal(f"{kind.name}:").concat(kind.id).concat(":0")
        rows.extend(_rows(session, subject, kind, exists().where(Chunk.id == first)))
    return rows


def _rows(session: Session, subject: Subject, kind: SourceKind, condition: ColumnElement[bool]) -> Iterator[SourceRow]:
    columns: list[Any] = [kind.id, kind.model.space_id, kind.author_id, kind.updated_at]
    if kind.tags is not None:
        columns.append(kind.tags)
    query = select(*columns).where(condition, kind.model.deleted_at.is_(None), kind.readable(subject))
    for id_, space_id, author_id, updated_at, *tags in session.execute(query):
        yield SourceRow(kind.name, id_, space_id, author_id, updated_at, tuple(tags[0] or ()) if tags else ())


def meets(row: SourceRow, filters: Filters, *, without: str | None = None) -> bool:
    """Whether a source meets the filters, all but the one that the facet `without` sets."""
    return (
        (without == "kinds" or not filters.kinds or row.kind in filters.kinds)
        and (without == "spaces" or not filters.space_ids or row.space_id in filters.space_ids)
        and (without == "authors" or not filters.author_ids or row.author_id in filters.author_ids)
        and (without == "tags" or not filters.tags or any(tag in filters.tags for tag in row.tags))
        and (without == "months" or filters.updated_after is None or row.updated_at >= filters.updated_after)
        and (without == "months" or filters.updated_before is None or row.updated_at < filters.updated_before)
        and (not filters.source_ids or row.id in filters.source_ids)
        and row.kind not in filters.not_kinds
        and row.space_id not in filters.not_space_ids
        and row.author_id not in filters.not_author_ids
        and row.id not in filters.not_source_ids
        and not any(tag in filters.not_tags for tag in row.tags)
    )


def count_facets(session: Session, subject: Subject, rows: Iterable[SourceRow], filters: Filters) -> Facets:
    """Each facet over those sources that meet all filters but its own; its names are read in two queries."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in _FACETS}
    for row in rows:
        whole = meets(row, filters)
        values = {
            "kinds": (row.kind,),
            "spaces": (row.space_id,),
            "authors": (row.author_id,),
            "tags": tuple(dict.fromkeys(row.tags)),
            "months": (f"{row.updated_at:%Y-%m}",),
        }
        for name in _FACETS:
            if whole or meets(row, filters, without=name):
                counts[name].update(values[name])
    spaces = session.execute(select(Space.id, readable_space_name(subject)).where(Space.id.in_(counts["spaces"])))
    authors = session.execute(select(User.id, User.name).where(User.id.in_(counts["authors"])))
    labels = {id_: str(name) for id_, name in (*spaces, *authors)}
    told = {
        name: tuple(
            FacetValue(value, labels.get(value, "" if name in ("spaces", "authors") else value), count)
            for value, count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:_MOST_VALUES]
        )
        for name, counted in counts.items()
        if name != "months"
    }
    months = sorted(counts["months"].items(), reverse=True)[:_MOST_VALUES]
    return Facets(**told, months=tuple(FacetValue(month, month, count) for month, count in months))
