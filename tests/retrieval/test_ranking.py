"""Ranking as people see it: phrases, exclusions, identifiers, explanations; in English and Korean."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from core_api.auth.subject import Subject
from core_api.infra.settings import Settings
from core_api.models import SearchClick, SearchLog, utcnow
from retrieval.access import Shared
from retrieval.candidates import Asked, Ranking
from retrieval.embedding import Embedder
from retrieval.keywords.support import Support, Vocabulary, judge
from retrieval.query_language import parse
from retrieval.query_weights import weights_of
from retrieval.types import Mode
from tests.modes import Embedded
from tests.retrieval.conftest import new_library
from tests.retrieval.library import Library

pytestmark = pytest.mark.one_mode

Shelf = tuple[Library, Subject, str, dict[str, str]]

PASSAGES = {
    "freeze": "During the change freeze nobody deploys. It ends in January.",
    "frozen": "A freeze may change: ask before you deploy.",
    "error": "ERR_42 means that the disk quota is used up.",
    "other_error": "The error of the 42 disks has no code and means nothing, err as you may.",
    "to_be": "To be or not to be, that is the question.",
    "leave": "육아 휴직을 신청하려면 30일 전에 인사팀에 알립니다.",
    "holiday": "휴직 신청은 육아와 관계가 없어도 됩니다.",
    "version": "Release v1.5.9 came out on 2026.11.3 and mends the IL-6 pump.",
}

MIXED = {
    "code": "디스크가 차면 ERR_42가 나고 worker가 멈춥니다.",
    "code_parts": "42번 서버의 err 기록을 보면 worker 42대가 err 없이 돕니다. Err once, err 42 times.",
    "address": "휴가는 kim.minji@example.com에게 알립니다.",
    "address_parts": "Kim과 minji는 example 회사의 com 팀입니다. minji kim, example com.",
    "release": "결제 모듈은 v2.13.1에서 고쳐졌습니다.",
    "release_parts": "v2의 표 13에서 1을 봅니다. v2 13 1, v2 13 1.",
    "setting": "재시도는 max_retry_count로 정합니다.",
    "setting_parts": "The retry has a max, and the count is kept. max count, retry.",
}


def shelf_of(passages: dict[str, str], folder: Path, mode: Embedded, embedder: Embedder) -> Iterator[Shelf]:
    """A library with a document for each passage, and their names by chunk."""
    with new_library(folder, mode, embedder) as library:
        kim = library.person()
        team = library.space(kim)
        names = {f"document:{library.add(team, kim, text, title='Note')}:0": name for name, text in passages.items()}
        yield library, kim, team, names


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, embedded_mode: Embedded, embedder: Embedder) -> Iterator[Shelf]:
    yield from shelf_of(PASSAGES, tmp_path_factory.mktemp("shelf"), embedded_mode, embedder)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, embedded_mode: Embedded, embedder: Embedder) -> Iterator[Shelf]:
    yield from shelf_of(MIXED, tmp_path_factory.mktemp("mixed"), embedded_mode, embedder)


def ranked(shelf: Shelf, text: str, mode: Mode = Mode.HYBRID, *, explain: bool = False) -> Ranking:
    library, _, team, _ = shelf
    with library.database.reading() as session:
        asked = Asked.of(session, library.engine, mode, parse(text), [team], Shared((), (), ()))
        return asked.ranked(100, explain=explain)


def found(shelf: Shelf, text: str, mode: Mode = Mode.HYBRID) -> list[str]:
    return [shelf[3][candidate.chunk_id] for candidate in ranked(shelf, text, mode).candidates]


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('"change freeze"', ["freeze"]),
        ('"Change  FREEZE" deploy', ["freeze"]),
        ('"freeze change"', []),
        ('"change: freeze"', ["freeze"]),
        ('"to be or not to be"', ["to_be"]),
        ('"ERR_42"', ["error"]),
        ('"육아 휴직"', ["leave"]),
        ('"change freeze" "ends in January"', ["freeze"]),
        ('"change freeze" -January', []),
        ('freeze "nobody knows"', []),
    ],
)
def test_a_quotation_is_found_word_by_word(shelf: Shelf, query: str, names: list[str], mode: Mode) -> None:
    assert found(shelf, query, mode) == names


@pytest.mark.parametrize("mode", list(Mode))
def test_what_is_excluded_is_not_found(shelf: Shelf, mode: Mode) -> None:
    assert "freeze" in found(shelf, "deploy freeze", mode)
    assert "freeze" not in found(shelf, "deploy freeze -January", mode)
    assert "freeze" not in found(shelf, 'deploy freeze -"change freeze"', mode)
    assert "frozen" in found(shelf, 'deploy freeze -"change freeze"', mode)
    assert "leave" not in found(shelf, "신청 -휴직", mode)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("ERR_42", "error"),
        ("err-42", "error"),
        ("1.5.9", "version"),
        ("2026-11-03", "version"),
        ("IL6", "version"),
        ("육아휴직 신청 30일전", "leave"),
    ],
)
def test_a_name_is_found_however_it_is_written(shelf: Shelf, query: str, name: str) -> None:
    assert found(shelf, query)[0] == name


@pytest.mark.parametrize("query", ["how does the change freeze end", "육아 휴직 신청 방법", '"change freeze"', "disk"])
@pytest.mark.parametrize("mode", list(Mode))
def test_an_explanation_adds_up_to_the_score(shelf: Shelf, query: str, mode: Mode) -> None:
    candidates = ranked(shelf, query, mode, explain=True).candidates
    assert candidates
    for candidate in candidates:
        why = candidate.explain
        assert why is not None
        assert why.final == pytest.approx(candidate.score, abs=1e-6)
        assert why.fused + sum(step.change for step in why.steps) == pytest.approx(why.final)
        assert set(why.legs) == set(candidate.scores)
    assert all(candidate.explain is None for candidate in ranked(shelf, query, mode).candidates)


def test_only_a_hybrid_search_uses_more_than_its_leg(shelf: Shelf) -> None:
    assert all(set(c.scores) == {"keyword"} for c in ranked(shelf, "change freeze", Mode.KEYWORD).candidates)
    steps = {s.name for c in ranked(shelf, "change freeze", explain=True).candidates for s in c.explain.steps}  # type: ignore[union-attr]
    assert {"coverage", "proximity", "feedback"} <= steps


def test_of_equals_the_newer_and_the_more_used_goes_first(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    old = utcnow() - timedelta(days=900)
    texts = ("The roof is repaired in May.", "The roof is repaired in June.", "The roof is repaired in July.")
    aged, fresh, used = (
        library.add(team, kim, text, updated_at=utcnow() if number == 1 else old) for number, text in enumerate(texts)
    )
    with library.database.transaction() as session:
        log = SearchLog(user_id=kim.user_id, query="roof", normalised="roof", mode="hybrid", hits=3, took_ms=1.0)
        session.add(log)
        session.flush()
        chunk = {"chunk_id": f"document:{used}:0", "source_kind": "document", "source_id": used}
        session.add(SearchClick(search_id=log.id, position=1, **chunk))

    def steps(settings: Settings) -> dict[str, set[str]]:
        library.engine.settings = settings
        with library.database.reading() as session:
            library.engine.catalogue.follow(session)
            library.engine.usage.count(session)
            asked = Asked.of(session, library.engine, Mode.HYBRID, parse("roof repaired"), [team], Shared((), (), ()))
            ranking = asked.ranked(100, explain=True)
        found = {}
        for candidate in ranking.candidates:
            why = candidate.explain
            assert why is not None
            assert 0 <= candidate.score <= 1
            assert why.final == pytest.approx(candidate.score)
            told = {step.name for step in why.steps if step.change > 1e-3}
            found[candidate.chunk_id.split(":")[1]] = told & {"recency", "usage"}
        return found

    usual = library.settings
    assert steps(usual) == {aged: {"recency"}, fresh: {"recency"}, used: {"recency", "usage"}}
    off = usual.model_copy(update={"search_recency_weight": 0.0, "search_usage_weight": 0.0})
    assert steps(off) == {aged: set(), fresh: set(), used: set()}


def test_support_counts_rare_words_and_neighbours() -> None:
    vocabulary = Vocabulary()
    texts = ["freeze may change soon", "may change freeze x", "freeze x x x", "", "x", "soon change"]
    passages = [vocabulary.read(text) for text in texts]
    rarity = {"change": 1.0, "freeze": 3.0, "unheard": 4.0}
    apart, beside, half, nothing, other, across = judge(["change", "freeze"], rarity, passages, vocabulary)
    assert apart.coverage == beside.coverage == 1.0
    assert apart.words == pytest.approx(beside.words)
    assert beside.proximity > apart.proximity == 0.0
    assert half.coverage == 0.75
    assert half.terms == ("freeze",)
    assert nothing == other == Support(0.0, 0.0, 0.0)
    assert across.proximity == 0.0
    rare = judge(["freeze", "unheard", "freeze"], rarity, passages, vocabulary)
    assert rare[0].coverage == 0.6
    assert rare[0].words == pytest.approx(2 * half.words)
    assert judge(["unheard"], rarity, passages, vocabulary) == [nothing] * 6
    assert judge(["freeze"], rarity, [], vocabulary) == []


@pytest.mark.parametrize(
    ("query", "exact"),
    [
        ("what does ERR_42 mean", True),
        ("mail kim@example.com", True),
        ("see docs/search.md", True),
        ("upgrade to v1.5.9", True),
        ('"parental leave"', True),
        ("how long is parental leave?", False),
        ("v1.5.9에서 바뀐 것", True),
        ("the year 2026", False),
        ("육아휴직은 며칠인가요", False),
    ],
)
def test_meaning_counts_less_for_what_is_named_exactly(query: str, exact: bool) -> None:
    usual = weights_of(parse("plain words"))
    assert (weights_of(parse(query)).meaning < usual.meaning) is exact


@pytest.mark.parametrize(
    ("query", "first", "also"),
    [
        ("ERR_42", "code", "code_parts"),
        ("ERR_42가 뭐예요", "code", "code_parts"),
        ("what does ERR_42 mean", "code", "code_parts"),
        ("kim.minji@example.com", "address", "address_parts"),
        ("kim.minji@example.com에게 무엇을 알리나요", "address", "address_parts"),
        ("minji", "address", "address_parts"),
        ("v2.13.1", "release", "release_parts"),
        ("2.13.1", "release", "release_parts"),
        ("2.13.1에서 고친 것", "release", "release_parts"),
        ("max_retry_count", "setting", "setting_parts"),
        ("max_retry_count를 어디서 정하나요", "setting", "setting_parts"),
        ("retry", "setting", "setting_parts"),
    ],
)
def test_identifiers_in_mixed_text_are_found_whole_first_and_in_parts(
    mixed: Shelf, query: str, first: str, also: str
) -> None:
    for mode in (Mode.KEYWORD, Mode.HYBRID):
        names = found(mixed, query, mode)
        assert also in names
        if query not in ("minji", "retry"):  # a part tells nothing of the whole
            assert names[0] == first
        assert first in names
