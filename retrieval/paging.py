"""Cursors of search results.

A cursor carries what was shown, not a place in a ranking: while documents come, go and change, ranks and dates move,
and a place in them would show some hits twice and others never. Each page ranks anew and leaves out what was shown. A
shown item costs six bytes, of its hash; the query that the cursor belongs to costs eight.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b

from core_api.auth.subject import Subject
from core_api.infra.errors import Invalid
from retrieval.types import Query

_ITEM, _QUERY = 6, 8


def shown_before(query: Query, subject: Subject) -> frozenset[bytes]:
    """What the pages before have shown, as `mark` gives it. Raises Invalid for a cursor of another query."""
    if query.cursor is None:
        return frozenset()
    try:
        data = base64.b64decode(query.cursor.encode(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise _foreign() from error
    if data[:_QUERY] != _digest(query, subject) or (len(data) - _QUERY) % _ITEM:
        raise _foreign()
    return frozenset(data[start : start + _ITEM] for start in range(_QUERY, len(data), _ITEM))


def mark(item: str) -> bytes:
    """The hash by which a cursor remembers a chunk or a source."""
    return blake2b(item.encode(), digest_size=_ITEM).digest()


def next_cursor(query: Query, subject: Subject, shown: frozenset[bytes], items: Iterable[str]) -> str:
    """The cursor after a page that shows `items`."""
    marks = sorted(shown | {mark(item) for item in items})
    return base64.urlsafe_b64encode(_digest(query, subject) + b"".join(marks)).decode()


def _digest(query: Query, subject: Subject) -> bytes:
    """What makes a query the same over its pages: not how many hits a page has, nor what is told of them."""
    same = replace(query, k=0, cursor=None, facets=False, explain=False)
    return blake2b(f"{subject.user_id} {same!r}".encode(), digest_size=_QUERY).digest()


def _foreign() -> Invalid:
    return Invalid("`cursor` belongs to another query. Start again without it.", field="cursor")
