"""Nothing leaks: whatever is asked, in whatever mode, with whatever filters and ids, hits come from spaces that the
asker may read."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core_api.auth.subject import Subject
from core_api.models import Document, IndexState, IndexStatus, OutboxEvent, SpaceKind, SystemRole, utcnow
from ingest.status import list_failures
from retrieval.types import Filters, Mode
from tests.retrieval.library import Library

WORDS = ("budget", "launch", "salary", "roadmap", "휴가", "서버를", "E-1042", "holiday")
TAGS = ("hr", "finance", "secret")
START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass
class World:
    library: Library
    people: list[Subject]
    readable: list[set[str]]
    space_of: dict[str, str]
    spaces: list[str]
    deleted: set[str]


@pytest.fixture(scope="module")
def world(shared_library: Library) -> World:
    """Four people, one of them a guest and one an administrator, and spaces of every kind between them."""
    library = shared_library
    roles = (SystemRole.MEMBER, SystemRole.MEMBER, SystemRole.GUEST, SystemRole.ADMIN)
    people = [library.person(f"Person {number}", role) for number, role in enumerate(roles)]
    members: list[tuple[SpaceKind, tuple[int, ...]]] = [
        (SpaceKind.COMPANY, ()),
        (SpaceKind.TEAM, (0, 1)),
        (SpaceKind.TEAM, (0,)),
        (SpaceKind.PROJECT, (1, 2)),
        (SpaceKind.CHANNEL, (0, 2)),
        (SpaceKind.CHANNEL, (3,)),
        (SpaceKind.PERSONAL, (1,)),
        (SpaceKind.PERSONAL, (2,)),
    ]
    spaces, space_of, deleted = [], {}, set()
    readable: list[set[str]] = [set() for _ in people]
    for number, (kind, inside) in enumerate(members):
        space = library.space(*(people[index] for index in inside), name=f"Space {number}", kind=kind)
        spaces.append(space)
        for index, person in enumerate(people):
            if index in inside or (kind is SpaceKind.COMPANY and person.role is not SystemRole.GUEST):
                readable[index].add(space)
        for part in range(3):
            words = " ".join(WORDS[(number + part + step) % len(WORDS)] for step in range(4))
            document = library.add(
                space,
                people[(number + part) % len(people)],
                f"{words} of space {number}.",
                f"More about {words}.",
                title=f"{WORDS[part]} {number}",
                tags=[TAGS[part]],
                category=TAGS[part] if part else None,
                updated_at=START + timedelta(days=number),
            )
            space_of[document] = space
            if part == 2 and number % 2:
                deleted.add(document)
    with library.database.transaction() as session:
        for document in deleted:
            session.get_one(Document, document).deleted_at = utcnow()
    return World(library, people, readable, space_of, spaces, deleted)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_hits_are_readable_live_and_meet_the_filters(world: World, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(world.people) - 1), label="person")
    documents = list(world.space_of)
    filters = Filters(
        space_ids=tuple(data.draw(st.lists(st.sampled_from([*world.spaces, "no-such-space"]), max_size=3))),
        kinds=tuple(data.draw(st.sampled_from([(), ("document",), ("message",)]))),
        tags=tuple(data.draw(st.lists(st.sampled_from(TAGS), max_size=2))),
        categories=tuple(data.draw(st.lists(st.sampled_from(TAGS), max_size=2))),
        not_categories=tuple(data.draw(st.lists(st.sampled_from(TAGS), max_size=1))),
        author_ids=tuple(data.draw(st.lists(st.sampled_from([p.user_id for p in world.people]), max_size=2))),
        source_ids=tuple(data.draw(st.lists(st.sampled_from([*documents, "none"]), max_size=4))),
        updated_after=data.draw(st.none() | st.integers(0, 8).map(lambda day: START + timedelta(days=day))),
    )
    text = " ".join(data.draw(st.lists(st.sampled_from(WORDS) | st.text(max_size=10), min_size=1, max_size=4)))
    mode = data.draw(st.sampled_from(list(Mode)))
    k, per_source = data.draw(st.integers(1, 30)), data.draw(st.integers(0, 3))

    hits = world.library.search(world.people[index], text, mode, k, per_source, filters).hits

    assert len(hits) <= k
    assert len({hit.chunk_id for hit in hits}) == len(hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    for hit in hits:
        assert world.space_of[hit.source.id] == hit.space_id
        assert hit.space_id in world.readable[index]
        assert hit.source.id not in world.deleted
        assert not filters.space_ids or hit.space_id in filters.space_ids
        assert not filters.source_ids or hit.source.id in filters.source_ids
        assert not filters.categories or hit.source.category in filters.categories
        assert hit.source.category not in filters.not_categories
        assert not filters.kinds or hit.source.kind in filters.kinds
        assert filters.updated_after is None or hit.updated_at >= filters.updated_after
        assert 0 <= hit.score <= 1
        if per_source:
            assert sum(other.source.id == hit.source.id for other in hits) <= per_source


@pytest.mark.parametrize("mode", list(Mode))
def test_everyone_finds_everything_that_they_may_read(world: World, mode: Mode) -> None:
    for index, person in enumerate(world.people):
        expected = {
            document
            for document, space in world.space_of.items()
            if space in world.readable[index] and document not in world.deleted
        }
        hits = world.library.search(person, " ".join(WORDS), mode, k=100, per_source=0).hits
        assert {hit.source.id for hit in hits} == expected


@pytest.mark.parametrize("mode", list(Mode))
def test_naming_a_foreign_document_or_space_finds_nothing(world: World, mode: Mode) -> None:
    for index, person in enumerate(world.people):
        for document, space in world.space_of.items():
            if space in world.readable[index]:
                continue
            for filters in (Filters(source_ids=(document,)), Filters(space_ids=(space,))):
                assert world.library.search(person, " ".join(WORDS), mode, 10, 0, filters).hits == ()


def test_who_runs_the_index_learns_what_failed_and_not_what_it_is_called(library: Library) -> None:
    kim, lee, admin = library.person("Kim"), library.person("Lee"), library.person("Root", SystemRole.ADMIN)
    document = library.add(library.space(kim), kim, "Words.", title="Secret plan")
    with library.database.transaction() as session:
        session.get_one(IndexState, ("document", document)).status = IndexStatus.FAILED
        session.query(OutboxEvent).delete()
    with library.database.reading() as session:
        titles = [[f.title for f in list_failures(session, who, None, 10)[0]] for who in (kim, lee, admin)]
    assert titles == [["Secret plan"], [], [""]]
