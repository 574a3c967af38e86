"""The sources behind a result, and what they have in common: counts of what the asker may read."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Select, exists, literal, select
from sqlalchemy.orm import Session

from core_api.auth.access import readable_space_name
from core_api.auth.subject import Subject
from core_api.infra.metrics import search_step
from core_api.models import Chunk, Space, User
from retrieval.id_lists import bound, one_of
from retrieval.sources import SOURCE_KINDS, SourceKind
from retrieval.types import Facets, FacetValue, Filters

# Values of one facet that are told.
_MOST_VALUES = 100
_FACETS = ("kinds", "spaces", "authors", "categories", "tags", "months")


class SourceRow(NamedTuple):
    """A live source that the asker may read, and that has a passage."""

    kind: str
    id: str
    space_id: str
    author_id: str
    updated_at: datetime
    tags: tuple[str, ...]
    category: str | None

    @property
    def key(self) -> str:
        """Names it among all sources, as the ids of its chunks do."""
        return f"{self.kind}:{self.id}"


@search_step("sources")
def sources_of(session: Session, subject: Subject, keys: Collection[str]) -> list[SourceRow]:
    """Those of these sources (by their keys) that are alive and that the subject may read."""
    by_kind: dict[str, list[str]] = {}
    for key in keys:
        name, _, id_ = key.partition(":")
        by_kind.setdefault(name, []).append(id_)
    rows: list[SourceRow] = []
    for name, ids in by_kind.items():
        if name in SOURCE_KINDS:
            rows.extend(_read(SOURCE_KINDS[name], session.execute(_named(name, subject), bound(ids))))
    return rows


def all_sources(session: Session, subject: Subject) -> list[SourceRow]:
    """Every readable source that has a passage."""
    rows: list[SourceRow] = []
    for kind in SOURCE_KINDS.values():
        first = literal(f"{kind.name}:").concat(kind.id).concat(":0")
        rows.extend(_read(kind, session.execute(_rows(kind, subject).where(exists().where(Chunk.id == first)))))
    return rows


@lru_cache(maxsize=1_000)
def _named(name: str, subject: Subject) -> Select[Any]:
    kind = SOURCE_KINDS[name]
    return _rows(kind, subject).where(one_of(kind.id))


def _rows(kind: SourceKind, subject: Subject) -> Select[Any]:
    columns: list[Any] = [kind.id, kind.model.space_id, kind.author_id, kind.updated_at, *kind.labels]
    return select(*columns).where(kind.model.deleted_at.is_(None), kind.readable(subject))


def _read(kind: SourceKind, rows: Iterable[Any]) -> Iterator[SourceRow]:
    for id_, space_id, author_id, updated_at, tags, category in rows:
        yield SourceRow(kind.name, id_, space_id, author_id, updated_at, tuple(tags or ()), category)


def meets(row: SourceRow, filters: Filters, *, without: str | None = None) -> bool:
    """Whether a source meets the filters, all but the one that the facet `without` sets."""
    return (
        (without == "kinds" or not filters.kinds or row.kind in filters.kinds)
        and (without == "spaces" or not filters.space_ids or row.space_id in filters.space_ids)
        and (without == "authors" or not filters.author_ids or row.author_id in filters.author_ids)
        and (without == "categories" or not filters.categories or row.category in filters.categories)
        and (without == "tags" or not filters.tags or any(tag in filters.tags for tag in row.tags))
        and (without == "months" or filters.updated_after is None or row.updated_at >= filters.updated_after)
        and (without == "months" or filters.updated_before is None or row.updated_at < filters.updated_before)
        and (not filters.source_ids or row.id in filters.source_ids)
        and row.kind not in filters.not_kinds
        and row.space_id not in filters.not_space_ids
        and row.author_id not in filters.not_author_ids
        and row.id not in filters.not_source_ids
        and row.category not in filters.not_categories
        and not any(tag in filters.not_tags for tag in row.tags)
    )


_USER_NAMES = select(User.id, User.name).where(one_of(User.id))


@lru_cache(maxsize=1_000)
def _space_names(subject: Subject) -> Select[str, str]:
    return select(Space.id, readable_space_name(subject)).where(one_of(Space.id))


@search_step("facets")
def count_facets(
    session: Session, subject: Subject, rows: Iterable[SourceRow], filters: Filters, *, at_least: bool
) -> Facets:
    """Each facet over those sources that meet all filters but its own; its names are read in two queries. `at_least`:
    there may be more sources than these."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in _FACETS}
    for row in rows:
        whole = not filters.any or meets(row, filters)
        values = {
            "kinds": (row.kind,),
            "spaces": (row.space_id,),
            "authors": (row.author_id,),
            "categories": (row.category,) if row.category is not None else (),
            "tags": tuple(dict.fromkeys(row.tags)),
            "months": (f"{row.updated_at:%Y-%m}",),
        }
        for name in _FACETS:
            if whole or meets(row, filters, without=name):
                counts[name].update(values[name])
    spaces = session.execute(_space_names(subject), bound(counts["spaces"]))
    authors = session.execute(_USER_NAMES, bound(counts["authors"]))
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
    counted_months = tuple(FacetValue(month, month, count) for month, count in months)
    return Facets(**told, months=counted_months, at_least=at_least)
