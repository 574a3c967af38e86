"""Which collection holds a space's vectors."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from core_api.infra.errors import NotFound
from core_api.models import Chunk, Space, SpaceIndex, SpaceKind
from retrieval.placement import POOL_CHUNKS, place, targets
from retrieval.vectors import Target
from tests.databases import SqliteDatabases, borrowed

MODEL = "all-minilm-l6-v2-f3d15b2e-384-fp32"


@pytest.fixture(autouse=True)
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where many teams have a collection already."""
    monkeypatch.setattr("retrieval.placement.OWN_FROM_THE_START", 0)


@pytest.fixture
def session(sqlite_databases: SqliteDatabases) -> Iterator[Session]:
    with borrowed(sqlite_databases) as database, database.transaction() as session:
        yield session


def make_space(session: Session, kind: SpaceKind, chunks: int = 0) -> str:
    space = Space(name=kind, kind=kind)
    session.add(space)
    session.flush()
    for ordinal in range(chunks):
        session.add(
            Chunk(
                id=f"document:{space.id}:{ordinal}",
                space_id=space.id,
                source_kind="document",
                source_id=space.id,
                version=1,
                ordinal=ordinal,
                title="t",
                text="x",
                start=0,
                end=1,
                language="en",
                content_sha256="0" * 64,
            )
        )
    session.flush()
    return space.id


def test_the_companys_space_has_a_collection_of_its_own(session: Session) -> None:
    space, other = make_space(session, SpaceKind.COMPANY), make_space(session, SpaceKind.TEAM)
    target = place(session, space, MODEL)
    assert target.space_ids is None
    assert place(session, space, MODEL) == target
    assert place(session, other, MODEL).collection != target.collection


def test_a_space_that_is_large_already_or_will_be_has_one_too(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.placement.OWN_CHUNKS", 5)
    small, large = make_space(session, SpaceKind.TEAM, chunks=5), make_space(session, SpaceKind.TEAM, chunks=6)
    assert place(session, small, MODEL).space_ids == (small,)
    assert place(session, large, MODEL).space_ids is None
    assert place(session, make_space(session, SpaceKind.PERSONAL), MODEL, expected_chunks=6).space_ids is None


@pytest.mark.parametrize("kind", [SpaceKind.PERSONAL, SpaceKind.CHANNEL, SpaceKind.TEAM, SpaceKind.PROJECT])
def test_small_spaces_share_a_pool_and_are_told_apart_by_a_filter(session: Session, kind: SpaceKind) -> None:
    ann, bob = make_space(session, SpaceKind.PERSONAL), make_space(session, kind)
    anns, bobs = place(session, ann, MODEL), place(session, bob, MODEL)
    assert anns.collection == bobs.collection
    assert (anns.space_ids, bobs.space_ids) == ((ann,), (bob,))


def test_a_full_pool_takes_no_more_spaces(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.placement.POOL_CHUNKS", 10)
    full = make_space(session, SpaceKind.PERSONAL, chunks=10)
    first = place(session, full, MODEL)
    half_full = place(session, make_space(session, SpaceKind.PERSONAL, chunks=4), MODEL)
    assert half_full.collection != first.collection
    assert place(session, make_space(session, SpaceKind.PERSONAL), MODEL).collection == half_full.collection
    assert place(session, full, MODEL) == first, "what is placed stays"
    assert POOL_CHUNKS == 5_000


def test_another_model_has_other_collections(session: Session) -> None:
    team, person = make_space(session, SpaceKind.COMPANY), make_space(session, SpaceKind.PERSONAL)
    for space in (team, person):
        assert place(session, space, MODEL).collection != place(session, space, "other-384-int8").collection
    assert len(targets(session, [team, person], MODEL)) == 2


def test_targets_name_each_collection_once_with_the_readable_spaces_only(session: Session) -> None:
    team = make_space(session, SpaceKind.COMPANY)
    ann, bob, cho = (make_space(session, SpaceKind.PERSONAL) for _ in range(3))
    never_indexed = make_space(session, SpaceKind.TEAM)
    own = place(session, team, MODEL)
    pool = place(session, ann, MODEL).collection
    for space in (bob, cho):
        place(session, space, MODEL)
    found = targets(session, [cho, team, ann, never_indexed, "no-such-space"], MODEL)
    assert found == [Target(pool, (ann, cho)), own], "pools take longest to ask, and come first"
    assert targets(session, [], MODEL) == []


def test_thousands_of_spaces_can_be_asked_for(session: Session) -> None:
    spaces = [make_space(session, SpaceKind.TEAM) for _ in range(3)]
    for space in spaces:
        place(session, space, MODEL, expected_chunks=5_000)
    assert len(targets(session, [*spaces, *(f"other-{i}" for i in range(3000))], MODEL)) == 3


def test_collection_names_are_valid_for_chroma_and_fit_the_column(session: Session) -> None:
    longest = "m" * 64
    for kind in SpaceKind:
        name = place(session, make_space(session, kind), longest).collection
        assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,126}[a-zA-Z0-9]", name)
        assert len(name) <= SpaceIndex.__table__.c.collection.type.length


def test_a_space_that_does_not_exist_is_not_placed(session: Session) -> None:
    with pytest.raises(NotFound):
        place(session, "no-such-space", MODEL)


def test_the_first_teams_and_projects_have_a_collection_at_once(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.placement.OWN_FROM_THE_START", 2)
    team, project, later = (make_space(session, kind) for kind in (SpaceKind.TEAM, SpaceKind.PROJECT, SpaceKind.TEAM))
    personal = make_space(session, SpaceKind.PERSONAL)
    assert place(session, personal, MODEL).space_ids == (personal,)
    assert place(session, team, MODEL).space_ids is place(session, project, MODEL).space_ids is None
    assert place(session, later, MODEL).space_ids == (later,)
