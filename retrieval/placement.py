"""Which Chroma collection holds a space's vectors.

Most spaces are small, and every collection that is touched costs 2.6 MB of memory and 1 to 2 ms a query; so small ones
share pools, which are asked with a filter on the space. A filter costs 20-30 us per match, so a pool takes in no more
spaces once it holds about 5,000 chunks, and a space that has passed `OWN_CHUNKS` is promoted to a collection of its
own, which is asked without a filter (ingest.promotion); where spaces that came to a pool when they were small have made
it twice as big, the largest move to another. The company's space and the first teams' and projects' have a collection
from the start: one that is imported would only be written twice. (Figures: docs/search.md.)
"""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core_api.infra.errors import NotFound
from core_api.models import Chunk, IndexState, Space, SpaceIndex, SpaceKind, new_id
from retrieval.id_lists import bound, one_of
from retrieval.vectors import Target

POOL_CHUNKS = 5_000
OWN_CHUNKS = 1_000
"""A space with more chunks has a collection of its own."""

OWN_FROM_THE_START = 50
"""Collections up to which spaces of teams and projects get one at once: 130 MB if all of them are asked."""

_SHARED_KINDS = frozenset({SpaceKind.PERSONAL, SpaceKind.CHANNEL})
_POOLS_LOOKED_AT = 4
_PLACES = (
    select(SpaceIndex.space_id, SpaceIndex.collection, SpaceIndex.pooled)
    .where(SpaceIndex.fingerprint == bindparam("fingerprint"), one_of(SpaceIndex.space_id))
    .order_by(SpaceIndex.space_id)
)
_PLACEMENT_LOCK = 0x6E787370  # any number that nobody else uses


def place(session: Session, space_id: str, fingerprint: str, expected_chunks: int = 0) -> Target:
    """Where this space's vectors are to be written; decided the first time, in the caller's transaction.

    `expected_chunks`: as many will come, if the caller knows; those that are there already count of themselves. Raises
    NotFound for a space that does not exist.
    """
    placed = session.get(SpaceIndex, (space_id, fingerprint))
    if placed is None:
        space = session.get(Space, space_id)
        if space is None:
            raise NotFound(f"There is no space {space_id}.")
        pooled = _shares(session, space, fingerprint) and _chunks(session, space_id, expected_chunks) <= OWN_CHUNKS
        collection = _pool_with_room(session, fingerprint) if pooled else own_collection(space_id, fingerprint)
        placed = SpaceIndex(space_id=space_id, fingerprint=fingerprint, collection=collection, pooled=pooled)
        try:
            with session.begin_nested():
                session.add(placed)
        except IntegrityError:
            # Another writer has just placed it (PostgreSQL; on SQLite writers take turns).
            placed = session.get_one(SpaceIndex, (space_id, fingerprint))
    return _target(placed)


def targets(session: Session, space_ids: Collection[str], fingerprint: str) -> list[Target]:
    """The collections that hold these spaces, each once; spaces that were never indexed have none. Pools come first:
    they take longest to ask."""
    own: list[Target] = []
    pools: dict[str, list[str]] = defaultdict(list)
    if not space_ids:
        return []
    rows = session.execute(_PLACES, {"fingerprint": fingerprint, **bound(sorted(set(space_ids)))})
    for space_id, collection, pooled in rows:
        if pooled:
            pools[collection].append(space_id)
        else:
            own.append(Target(collection))
    return [Target(collection, tuple(spaces)) for collection, spaces in sorted(pools.items())] + own


def outgrown(session: Session, fingerprint: str) -> list[str]:
    """The spaces in pools that are to have another place, the largest first: those that have grown enough for a
    collection of their own, and of a pool that holds twice as much as it should, as many as it takes."""
    chunks = func.sum(IndexState.chunk_count)
    rows = session.execute(
        select(SpaceIndex.collection, SpaceIndex.space_id, chunks)
        .join(IndexState, IndexState.space_id == SpaceIndex.space_id)
        .where(SpaceIndex.pooled, SpaceIndex.fingerprint == fingerprint)
        .group_by(SpaceIndex.collection, SpaceIndex.space_id)
        .order_by(chunks.desc(), SpaceIndex.space_id)
    ).all()
    held: dict[str, int] = defaultdict(int)
    for collection, _, count in rows:
        held[collection] += count
    crowded = {collection for collection, count in held.items() if count > 2 * POOL_CHUNKS}
    found = []
    for collection, space_id, count in rows:
        if count > OWN_CHUNKS or (collection in crowded and held[collection] > POOL_CHUNKS):
            found.append(space_id)
            held[collection] -= count
    return found


def next_home(session: Session, space_id: str, fingerprint: str) -> tuple[str, bool]:
    """The collection that a space in a pool moves to, by its size now, and whether that is a pool as well."""
    if _chunks(session, space_id, 0) > OWN_CHUNKS:
        return own_collection(space_id, fingerprint), False
    return _pool_with_room(session, fingerprint), True


def own_collection(space_id: str, fingerprint: str) -> str:
    """A name that no collection has had, so that one that is built beside another is never taken for it."""
    return _name("space", f"{space_id}-{new_id()[-8:]}", fingerprint)


def lock_placement(session: Session) -> None:
    """Let nobody else decide, until this transaction ends, which collections are whose. On SQLite a writing transaction
    is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_PLACEMENT_LOCK)))


def _shares(session: Session, space: Space, fingerprint: str) -> bool:
    """Whether a space of this kind begins in a pool as long as it is small."""
    if space.kind == SpaceKind.COMPANY:
        return False
    if space.kind in _SHARED_KINDS:
        return True
    own = select(func.count()).where(~SpaceIndex.pooled, SpaceIndex.fingerprint == fingerprint)
    return (session.scalar(own) or 0) >= OWN_FROM_THE_START


def _chunks(session: Session, space_id: str, expected: int) -> int:
    there = session.scalar(select(func.count(Chunk.id)).where(Chunk.space_id == space_id)) or 0
    return max(there, expected)


def _target(row: SpaceIndex) -> Target:
    return Target(row.collection, (row.space_id,) if row.pooled else None)


def _pool_with_room(session: Session, fingerprint: str) -> str:
    """The newest pool if it has room (or one of those just before it: promotion may have emptied them), or a new one.
    Looking at all pools would take longer the more there are."""
    pools = session.scalars(
        select(SpaceIndex.collection)
        .where(SpaceIndex.pooled, SpaceIndex.fingerprint == fingerprint)
        .group_by(SpaceIndex.collection)
        .order_by(SpaceIndex.collection.desc())
        .limit(_POOLS_LOOKED_AT)
    ).all()
    for collection in pools:
        chunks = session.scalar(
            select(func.count(Chunk.id))
            .join(SpaceIndex, SpaceIndex.space_id == Chunk.space_id)
            .where(SpaceIndex.collection == collection, SpaceIndex.fingerprint == fingerprint)
        )
        if (chunks or 0) < POOL_CHUNKS:
            return collection
    return _name("pool", new_id(), fingerprint)


def _name(kind: str, id_: str, fingerprint: str) -> str:
    """A valid Chroma name (3-512 of [a-zA-Z0-9._-], letters or digits at both ends), at most 128 characters."""
    return f"{kind}-{id_}-{fingerprint}"
