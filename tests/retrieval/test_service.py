"""Search, as the service gives it to the API and the assistant."""

from datetime import UTC, datetime, timedelta

import pytest

from core_api.infra.errors import Unavailable
from core_api.models import Chunk, Document, SpaceKind, SpaceMember, SystemRole, User, utcnow
from retrieval.engine import RetrievalEngine
from retrieval.types import Filters, Mode
from tests.retrieval.library import Library

MODES = list(Mode)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_finds_the_passage_that_answers(library: Library, mode: Mode) -> None:
    kim = library.person()
    team = library.space(kim)
    leave = library.add(team, kim, "Parental leave is sixteen weeks with full pay.", title="Leave")
    library.add(team, kim, "The coffee machine is cleaned on Fridays.", title="Kitchen")
    library.add(team, kim, "Servers are restarted at night.", title="Operations")
    result = library.search(kim, "How long is parental leave?", mode)
    assert result.hits[0].source.id == leave
    assert result.mode is mode
    assert result.took_ms["total"] > 0


def test_a_hit_says_where_it_comes_from(library: Library) -> None:
    kim = library.person("Kim")
    team = library.space(kim, name="People")
    document = library.add(team, kim, "First part.", "Ask two weeks before your leave.", title="Leave", heading="How")
    (hit,) = library.search(kim, "ask before leave", Mode.KEYWORD, per_source=1).hits
    assert (hit.source.kind, hit.source.id, hit.source.title, hit.source.version) == ("document", document, "Leave", 1)
    assert hit.source.url == f"/documents/{document}"
    assert (hit.space_id, hit.space_name, hit.author, hit.heading) == (team, "People", "Kim", "How")
    assert hit.text == "Ask two weeks before your leave."
    assert hit.end - hit.start == len(hit.text)
    assert [hit.text[start:end] for start, end in hit.highlights] == ["Ask", "leave"]


def test_hybrid_finds_what_only_words_and_what_only_meaning_can_find(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    code = library.add(team, kim, "Error E-1042 means that the disk quota is used up.")
    meaning = library.add(team, kim, "Employees may stay at home when they are ill.")
    for number in range(5):
        library.add(team, kim, f"Minutes of meeting {number}: budgets were approved.")
    assert library.found(kim, "E-1042")[0] == code
    assert library.found(kim, "sick days")[0] == meaning
    assert library.found(kim, "sick days", Mode.KEYWORD) == []


def test_scores_are_between_0_and_1_and_fall(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    for number in range(8):
        library.add(team, kim, f"Holiday rule number {number} for the whole team.")
    hits = library.search(kim, "holiday rule").hits
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert all(-1 <= hit.scores["semantic"] <= 1 and hit.scores["keyword"] > 0 for hit in hits)


def test_a_language_that_the_model_does_not_know_is_searched_by_words(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    leave = library.add(team, kim, "육아휴직은 신청일로부터 30일 전에 인사팀에 제출해야 합니다.", title="휴가 규정")
    library.add(team, kim, "구내식당은 오전 11시에 문을 엽니다.", title="식당")
    result = library.search(kim, "육아휴직을 신청하려면?")
    assert result.mode is Mode.KEYWORD
    assert result.hits[0].source.id == leave
    marked = [result.hits[0].text[start:end] for start, end in result.hits[0].highlights]
    assert "육아휴직은" in marked


def test_at_most_so_many_hits_of_one_source(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    long = library.add(team, kim, *[f"Part {number} about travel expenses." for number in range(12)])
    other = library.add(team, kim, "Travel by train; expenses are paid later, after the trip.")
    sources = [hit.source.id for hit in library.search(kim, "travel expenses", k=5, per_source=2).hits]
    assert sources.count(long) == 2
    assert other in sources
    unlimited = library.search(kim, "travel expenses", k=20, per_source=0).hits
    assert len(unlimited) == 13


def test_filters_hold_even_when_nearly_everything_else_matches_better(library: Library) -> None:
    kim, lee = library.person("Kim"), library.person("Lee")
    team = library.space(kim, lee)
    old = datetime(2020, 5, 1, tzinfo=UTC)
    library.add(team, kim, *[f"Budget budget budget {number}" for number in range(130)], title="Budget")
    wanted = library.add(
        team, lee, "A note on the budget.", title="Rare", tags=["finance", "재무"], category="Money", updated_at=old
    )
    for filters in (
        Filters(tags=("재무", "nothing")),
        Filters(categories=("Money", "nothing")),
        Filters(author_ids=(lee.user_id,)),
        Filters(source_ids=(wanted,)),
        Filters(updated_before=old + timedelta(days=1)),
        Filters(updated_after=old, updated_before=old + timedelta(seconds=1), tags=("finance",)),
    ):
        for mode in MODES:
            assert library.found(kim, "budget", mode, filters) == [wanted], (filters, mode)
    assert library.found(kim, "budget", filters=Filters(kinds=("message",))) == []
    assert library.found(kim, "budget", filters=Filters(kinds=("document",), tags=("finance",))) == [wanted]
    assert library.found(kim, "budget", filters=Filters(tags=("finance",), author_ids=(kim.user_id,))) == []
    assert library.found(kim, "budget", filters=Filters(updated_after=utcnow())) == []


def test_a_space_filter_narrows_and_never_widens(library: Library) -> None:
    kim, lee = library.person("Kim"), library.person("Lee")
    ours, theirs, mine = library.space(kim, lee), library.space(lee), library.space(kim)
    first = library.add(ours, lee, "The roof is repaired in May.")
    secret = library.add(theirs, lee, "The roof is repaired with gold in May.")
    second = library.add(mine, kim, "My roof is repaired in June.")
    assert set(library.found(kim, "roof repaired")) == {first, second}
    assert library.found(kim, "roof repaired", filters=Filters(space_ids=(mine,))) == [second]
    for mode in MODES:
        assert library.found(kim, "roof repaired gold", mode, Filters(space_ids=(theirs,))) == []
        assert library.found(kim, "roof repaired gold", mode, Filters(source_ids=(secret,))) == []
        assert library.found(kim, "roof", mode, Filters(space_ids=(theirs, mine), author_ids=(lee.user_id,))) == []


@pytest.mark.parametrize("mode", MODES)
def test_what_was_deleted_is_hidden_before_the_indexes_know(library: Library, mode: Mode) -> None:
    kim = library.person()
    team = library.space(kim)
    gone = library.add(team, kim, "The old travel policy.")
    kept = library.add(team, kim, "The travel policy of this year.")
    with library.database.transaction() as session:
        session.get_one(Document, gone).deleted_at = utcnow()
    assert library.found(kim, "travel policy", mode) == [kept]


@pytest.mark.parametrize("mode", MODES)
def test_who_leaves_a_space_finds_nothing_of_it_from_then_on(library: Library, mode: Mode) -> None:
    kim, lee = library.person("Kim"), library.person("Lee")
    team = library.space(kim, lee)
    library.add(team, kim, "The salary table of the team.")
    assert library.found(lee, "salary table", mode)
    with library.database.transaction() as session:
        session.delete(session.get_one(SpaceMember, (team, lee.user_id)))
    assert library.found(lee, "salary table", mode) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_document_that_moved_to_a_closed_space_is_hidden_at_once(library: Library, mode: Mode) -> None:
    kim, lee = library.person("Kim"), library.person("Lee")
    shared, closed = library.space(kim, lee), library.space(kim)
    document = library.add(shared, kim, "Plans for the merger.")
    with library.database.transaction() as session:
        session.get_one(Document, document).space_id = closed
    assert library.found(lee, "merger plans", mode) == []


def test_a_guest_does_not_see_the_company_space(library: Library) -> None:
    kim, guest = library.person("Kim"), library.person("Guest", SystemRole.GUEST)
    company = library.space(kind=SpaceKind.COMPANY)
    library.add(company, kim, "The company was founded in 1999.")
    assert library.found(kim, "when was the company founded")
    assert library.found(guest, "when was the company founded") == []


def test_an_administrator_reads_only_the_spaces_that_they_are_in(library: Library) -> None:
    kim, admin = library.person("Kim"), library.person("Admin", SystemRole.ADMIN)
    library.add(library.space(kim), kim, "Notes of a private talk.")
    assert library.found(admin, "private talk") == []


def test_many_personal_spaces_in_one_pool_stay_apart(library: Library) -> None:
    people = [library.person(f"Person {number}") for number in range(6)]
    spaces = [library.space(person, kind=SpaceKind.PERSONAL) for person in people]
    documents = [
        library.add(space, person, "Dear diary, the launch went well.")
        for space, person in zip(spaces, people, strict=True)
    ]
    for person, document in zip(people, documents, strict=True):
        for mode in MODES:
            assert library.found(person, "how did the launch go", mode) == [document]


def test_an_index_that_is_ahead_of_or_behind_the_database_invents_nothing(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    document = library.add(team, kim, "First passage on invoices.", "Second passage on invoices.")
    with library.database.transaction() as session:  # the chunk is gone, the indexes still hold it
        session.delete(session.get_one(Chunk, f"document:{document}:1"))
    hits = library.search(kim, "invoices").hits
    assert [hit.chunk_id for hit in hits] == [f"document:{document}:0"]


@pytest.mark.parametrize(
    "text",
    [
        '"unclosed', "a AND (b OR", "title:leave^3 ~2 *", "+ - && || ! { } [ ] \\ /", "'; DROP TABLE chunks; --", "???",
        "🎉🎉", "\u200b", "a" * 2000, "leave " * 333, "한" * 2000, "\ud7a3\u0000x", "%_", "the of and",
    ],
)  # fmt: skip
def test_any_text_is_a_valid_query(library: Library, text: str) -> None:
    kim = library.person()
    document = library.add(library.space(kim), kim, "Leave is granted by the team lead.")
    for mode in MODES:
        found = library.found(kim, text, mode)
        assert found == [document] if "leave" in text else found in ([], [document])


def test_an_empty_query_and_a_person_without_spaces_find_nothing(library: Library) -> None:
    kim, guest = library.person("Kim"), library.person("Nobody", SystemRole.GUEST)
    library.add(library.space(kim), kim, "Words.")
    assert library.search(kim, "   ").hits == ()
    with library.database.transaction() as session:
        session.query(SpaceMember).filter(SpaceMember.user_id == guest.user_id).delete()
        assert session.get(User, guest.user_id) is not None
    assert library.search(guest, "words").hits == ()


class Unreachable:
    """An embedding endpoint that is down."""

    name = "far away"
    fingerprint = "far-away"
    dimensions = 3
    max_tokens = 256

    def covers(self, language: str) -> bool:
        return True

    def embed_queries(self, texts: object) -> object:
        raise Unavailable("The embedding endpoint does not answer.")

    embed_quickly = embed_queries


def test_without_the_embedding_model_hybrid_says_that_it_searched_by_words(library: Library) -> None:
    kim = library.person()
    document = library.add(library.space(kim), kim, "Leave is granted by the team lead.")
    engine = library.engine
    library.engine = RetrievalEngine(Unreachable(), library.vectors, library.keywords, library.settings)  # type: ignore[arg-type]
    try:
        result = library.search(kim, "who grants leave")
        assert [hit.source.id for hit in result.hits] == [document]
        assert result.mode is Mode.KEYWORD
        with pytest.raises(Unavailable):
            library.search(kim, "who grants leave", Mode.SEMANTIC)
    finally:
        library.engine = engine
