"""The fields of the search box (`in:Handbook by:me -tag:draft`) to filters: names to ids of what the asker may see.

A name that they may not see is one that does not exist: the field is not applied, and says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from core_api.auth.access import readable_space_ids
from core_api.auth.subject import Subject
from core_api.models import Space
from retrieval.people import visible_people
from retrieval.query_language import FieldTerm, parse_date
from retrieval.sources import SOURCE_KINDS
from retrieval.types import AppliedField, Filters

_FILTER_OF = {"in": "space_ids", "by": "author_ids", "category": "categories", "tag": "tags", "kind": "kinds"}
# No id, label or kind is this: a filter that nothing meets.
_NOTHING = ("",)


def apply_fields(
    session: Session, subject: Subject, terms: Iterable[FieldTerm], filters: Filters
) -> tuple[Filters, tuple[AppliedField, ...]]:
    """The filters with those of the query's text, and what came of each of these. Fields of one name are alternatives;
    together with a filter of the request both have to be met."""
    lookup = _Lookup(session, subject)
    told: list[AppliedField] = []
    named: dict[str, list[str]] = {}
    for term in terms:
        problem: str | None = None
        if term.name in ("before", "after"):
            day = parse_date(term.value)
            if day is None:
                problem = f"“{term.value}” is not a date. Write 2026, 2026-11 or 2026-11-01."
            else:
                filters = _dated(filters, term, datetime(day.year, day.month, day.day, tzinfo=UTC))
        else:
            values, problem = lookup.values(term)
            if problem is None:
                name = ("not_" if term.negated else "") + _FILTER_OF[term.name]
                named.setdefault(name, []).extend(values)
        told.append(AppliedField(term.name, term.value, term.negated, problem is None, problem))
    for name, values in named.items():
        unique, chosen = tuple(dict.fromkeys(values)), getattr(filters, name)
        if name.startswith("not_"):
            unique = (*chosen, *unique)
        elif chosen:
            unique = tuple(value for value in unique if value in chosen) or _NOTHING
        changed: dict[str, Any] = {name: unique}
        filters = replace(filters, **changed)
    return filters, tuple(told)


def _dated(filters: Filters, term: FieldTerm, day: datetime) -> Filters:
    if (term.name == "after") is not term.negated:
        after = filters.updated_after
        return replace(filters, updated_after=day if after is None else max(day, after))
    before = filters.updated_before
    return replace(filters, updated_before=day if before is None else min(day, before))


@dataclass(slots=True)
class _Lookup:
    """Names of what the subject may see, read when the first field asks for them."""

    session: Session
    subject: Subject
    _spaces: dict[str, str] | None = None
    _people: dict[str, str] | None = None
    _tags: frozenset[str] | None = None
    _categories: frozenset[str] | None = None

    def values(self, term: FieldTerm) -> tuple[list[str], str | None]:
        """The values of the filter that a field stands for, or what is wrong with it."""
        value = term.value.casefold()
        if term.name == "in":
            if self._spaces is None:
                readable = select(Space.id, Space.name).where(Space.id.in_(readable_space_ids(self.subject)))
                self._spaces = {row.id: row.name for row in self.session.execute(readable)}
            return _known(_named(self._spaces, value), f"You can see no space “{term.value}”.")
        if term.name == "by":
            if value in ("me", "나"):
                return [self.subject.user_id], None
            if self._people is None:
                self._people = visible_people(self.session, self.subject)
            return _known(
                _named(self._people, value) or _with_word(self._people, value), f"You can see nobody “{term.value}”."
            )
        if term.name == "kind":
            kinds = [name for name in SOURCE_KINDS if value in (name, f"{name}s")]
            return _known(kinds, f"There is no kind “{term.value}”. There is: {', '.join(SOURCE_KINDS)}.")
        if term.name == "category":
            if self._categories is None:
                self._categories = _readable_categories(self.session, self.subject)
            categories = [category for category in self._categories if category.casefold() == value]
            return _known(categories, f"Nothing that you can see is in the category “{term.value}”.")
        if self._tags is None:
            self._tags = _readable_tags(self.session, self.subject)
        tags = [tag for tag in self._tags if tag.casefold() == value]
        return _known(tags, f"Nothing that you can see has the tag “{term.value}”.")


def _known(values: list[str], problem: str) -> tuple[list[str], str | None]:
    return values, None if values else problem


def _named(names: Mapping[str, str], value: str) -> list[str]:
    return [id_ for id_, name in names.items() if name.casefold() == value]


def _with_word(names: Mapping[str, str], value: str) -> list[str]:
    return [id_ for id_, name in names.items() if value in name.casefold().split()]


def _readable_tags(session: Session, subject: Subject) -> frozenset[str]:
    unfold = func.json_array_elements_text if session.get_bind().dialect.name == "postgresql" else func.json_each
    found: set[str] = set()
    for kind in SOURCE_KINDS.values():
        if kind.tags is not None:
            tag = unfold(kind.tags).table_valued("value")
            query = select(tag.c.value).select_from(kind.model).join(tag, true()).distinct()
            found.update(session.scalars(query.where(kind.model.deleted_at.is_(None), kind.readable(subject))))
    return frozenset(found)


def _readable_categories(session: Session, subject: Subject) -> frozenset[str]:
    found: set[str] = set()
    for kind in SOURCE_KINDS.values():
        if kind.category is not None:
            query = select(kind.category).where(kind.category.is_not(None)).distinct()
            found.update(
                filter(None, session.scalars(query.where(kind.model.deleted_at.is_(None), kind.readable(subject))))
            )
    return frozenset(found)
