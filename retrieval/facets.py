"""Which sources meet a query's filters, and what those that were found have in common."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core_api.auth.access import readable_space_name
from core_api.auth.subject import Subject
from core_api.infra.metrics import search_step
from core_api.models import Space, User
from retrieval.catalogue import Labels, Mask, Sources, microseconds
from retrieval.id_lists import bound, one_of
from retrieval.types import Facets, FacetValue, Filters

# Values of one facet that are told.
_MOST_VALUES = 100


def meets(sources: Sources, filters: Filters, *, without: str | None = None) -> Mask:
    """Which sources meet the filters, all but the one that the facet `without` sets."""
    met: Mask = np.ones(len(sources), dtype=np.bool_)
    table, words = sources.table, sources.words
    for facet, column, codes, wanted, unwanted in (
        ("kinds", "kind", words.kinds, filters.kinds, filters.not_kinds),
        ("spaces", "space", words.spaces, filters.space_ids, filters.not_space_ids),
        ("authors", "author", words.authors, filters.author_ids, filters.not_author_ids),
    ):
        if wanted and without != facet:
            met &= np.isin(table[column], codes.known(wanted))
        if unwanted:
            met &= ~np.isin(table[column], codes.known(unwanted))
    if filters.categories and without != "categories":
        met &= _labelled(sources, lambda labels: labels[0] in filters.categories)
    if filters.not_categories:
        met &= ~_labelled(sources, lambda labels: labels[0] in filters.not_categories)
    if filters.tags and without != "tags":
        met &= _labelled(sources, lambda labels: not set(filters.tags).isdisjoint(labels[1]))
    if filters.not_tags:
        met &= ~_labelled(sources, lambda labels: not set(filters.not_tags).isdisjoint(labels[1]))
    if without != "months":
        if filters.updated_after is not None:
            met &= table["updated"] >= microseconds(filters.updated_after)
        if filters.updated_before is not None:
            met &= table["updated"] < microseconds(filters.updated_before)
    if filters.source_ids:
        met &= _among(sources, filters.source_ids)
    if filters.not_source_ids:
        met &= ~_among(sources, filters.not_source_ids)
    return met


def _labelled(sources: Sources, chosen: Callable[[Labels], bool]) -> Mask:
    values = sources.words.labels.values
    column = sources.table["labels"]
    return np.isin(column, [code for code in np.unique(column) if chosen(values[code])])


def _among(sources: Sources, ids: Collection[str]) -> Mask:
    wanted = set(ids)
    return np.array([key.partition(":")[2] in wanted for key in sources.keys], dtype=np.bool_)


_USER_NAMES = select(User.id, User.name).where(one_of(User.id))


@lru_cache(maxsize=1_000)
def _space_names(subject: Subject) -> Select[str, str]:
    return select(Space.id, readable_space_name(subject)).where(one_of(Space.id))


@search_step("facets")
def count_facets(session: Session, subject: Subject, sources: Sources, filters: Filters) -> Facets:
    """Each facet over those sources that meet all filters but its own; its names are read in two queries."""
    table, words = sources.table, sources.words

    def count(facet: str, column: NDArray[Any], values_of: Callable[[Any], Iterable[str]]) -> Counter[str]:
        met = column[meets(sources, filters, without=facet)] if filters.any else column
        counts: Counter[str] = Counter()
        for code, sources_with_it in zip(*np.unique(met, return_counts=True), strict=True):
            for value in values_of(code):
                counts[value] += int(sources_with_it)
        return counts

    kinds = count("kinds", table["kind"], lambda code: (words.kinds.values[code],))
    spaces = count("spaces", table["space"], lambda code: (words.spaces.values[code],))
    authors = count("authors", table["author"], lambda code: (words.authors.values[code],))
    categories = count("categories", table["labels"], lambda code: filter(None, words.labels.values[code][:1]))
    tags = count("tags", table["labels"], lambda code: words.labels.values[code][1])
    months = count("months", table["updated"].astype("M8[us]").astype("M8[M]"), lambda month: (str(month),))
    named = (*session.execute(_space_names(subject), bound(spaces)), *session.execute(_USER_NAMES, bound(authors)))
    names = {id_: str(name) for id_, name in named}
    return Facets(
        kinds=_most(kinds),
        spaces=_most(spaces, names),
        authors=_most(authors, names),
        categories=_most(categories),
        tags=_most(tags),
        months=tuple(FacetValue(month, month, months[month]) for month in sorted(months, reverse=True)[:_MOST_VALUES]),
    )


def _most(counts: Counter[str], names: Mapping[str, str] | None = None) -> tuple[FacetValue, ...]:
    """The most frequent values, called by these names; without names, by themselves."""
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_VALUES]
    return tuple(FacetValue(value, value if names is None else names.get(value, ""), count) for value, count in most)
