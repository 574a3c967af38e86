"""How what the legs found becomes one ranking."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.fusion import Candidate, Evidence, Legs, Weights, alone, fuse
from retrieval.keywords import Support

scores = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 40, allow_nan=False), max_size=8)
NOTHING = Evidence({}, None, {})


def towards(*cosines: float) -> dict[str, np.ndarray]:
    """Vectors a, b, c ... with these cosines to the first axis."""
    vectors = [np.array([value, (1 - value**2) ** 0.5], dtype=np.float32) for value in cosines]
    return dict(zip("abcdefgh", vectors, strict=False))


QUESTION = np.array([1.0, 0.0], dtype=np.float32)


def order(candidates: list[Candidate]) -> str:
    return "".join(candidate.chunk_id for candidate in candidates)


def test_what_covers_the_query_goes_before_what_repeats_a_word_of_it() -> None:
    support = {"a": Support(10.0, 0.0, 0.4), "b": Support(9.0, 0.0, 1.0)}
    fused = fuse(Legs({"a": 10.0, "b": 9.0}, {}), Evidence(support, None, {}), Weights())
    assert order(fused) == "ba"


def test_neighbours_decide_between_equals() -> None:
    support = {"a": Support(9.0, 0.0, 1.0), "b": Support(9.0, 1.0, 1.0)}
    assert order(fuse(Legs({"a": 9.0, "b": 9.0}, {}), Evidence(support, None, {}), Weights())) == "ba"


def test_meaning_and_words_find_together_what_neither_finds_first() -> None:
    legs = Legs({"a": 10.0, "b": 8.0}, {"c": 0.9, "b": 0.8})
    support = {"a": Support(10.0, 0.0, 0.9), "b": Support(8.0, 0.0, 0.8), "c": Support(0.0, 0.0, 0.0)}
    fused = fuse(legs, Evidence(support, QUESTION, towards(0.1, 0.8, 0.9)), Weights())
    assert order(fused)[0] == "b"
    assert fused[0].scores == {"keyword": 8.0, "semantic": 0.8}


def test_without_a_question_meaning_counts_nothing() -> None:
    legs, support = Legs({"a": 4.0, "b": 2.0}, {}), {"a": Support(4.0, 0, 1.0), "b": Support(2.0, 0, 0.5)}
    fused = fuse(legs, Evidence(support, None, {}), Weights())
    assert [candidate.score for candidate in fused] == [pytest.approx(1.0), pytest.approx(0.5)]


def test_feedback_brings_up_what_is_like_the_best() -> None:
    # c and d are equally far from the question, on its two sides; c stands on the side of the best two.
    def at(degrees: float) -> np.ndarray:
        return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], dtype=np.float32)

    vectors = {"a": at(20), "b": at(25), "c": at(40), "d": at(-40)}
    cosines = {id_: float(vector[0]) for id_, vector in vectors.items()}
    fused = fuse(Legs({"a": 5.0, "b": 5.0}, cosines), Evidence({}, QUESTION, vectors), Weights(), explain=True)
    assert order(fused).index("c") < order(fused).index("d")
    by_id = {candidate.chunk_id: candidate for candidate in fused}
    feedback = {
        id_: next((step.change for step in by_id[id_].explain.steps if step.name == "feedback"), 0.0)  # type: ignore[union-attr]
        for id_ in "cd"
    }
    assert feedback["c"] > feedback["d"]


def test_an_explanation_adds_up() -> None:
    legs = Legs({"a": 10.0, "b": 8.0}, {"c": 0.9, "b": 0.8})
    support = {"a": Support(10.0, 1.0, 0.9), "b": Support(8.0, 0.5, 0.8), "c": Support(1.0, 0.0, 0.2)}
    for candidate in fuse(legs, Evidence(support, QUESTION, towards(0.1, 0.8, 0.9)), Weights(), explain=True):
        why = candidate.explain
        assert why is not None
        assert why.final == pytest.approx(candidate.score)
        assert why.fused == pytest.approx(sum(part.scaled * part.weight for part in why.legs.values()))
        assert set(why.legs) == set(candidate.scores)
        assert all(part.score == candidate.scores[name] for name, part in why.legs.items())
        assert all(step.says.endswith(".") for step in why.steps)
    assert fuse(legs, NOTHING, Weights())[0].explain is None


def test_one_leg_alone_is_scaled_and_explained() -> None:
    assert [(c.chunk_id, c.score) for c in alone("keyword", {"a": 2.0, "b": 8.0})] == [("b", 1.0), ("a", 0.25)]
    assert [c.score for c in alone("semantic", {"a": 0.2, "b": 0.6})] == [1.0, 0.0]
    (only,) = alone("semantic", {"a": 0.2}, explain=True)
    assert only.explain is not None
    assert (only.explain.legs["semantic"].rank, only.explain.final) == (1, 1.0)
    assert alone("keyword", {}) == []


def test_what_is_not_on_the_shortlist_follows_it() -> None:
    keyword = {f"{number:03}": 500.0 - number for number in range(300)}
    legs = Legs(keyword, {})
    near = legs.shortlist
    assert len(near) == 100
    fused = fuse(legs, Evidence({id_: Support(1.0, 0.0, 0.1) for id_ in near}, None, {}), Weights())
    assert [candidate.chunk_id for candidate in fused[100:]] == sorted(keyword)[100:]
    values = [candidate.score for candidate in fused]
    assert values == sorted(values, reverse=True)


def test_looking_deeper_changes_nothing_at_the_top() -> None:
    keyword = {f"{number:03}": 500.0 - number for number in range(300)}
    semantic = {f"{number:03}": number / 300 for number in range(299, 100, -1)}
    short = Legs(dict(list(keyword.items())[:100]), dict(list(semantic.items())[:100]))
    assert short.shortlist == Legs(keyword, semantic).shortlist


@settings(deadline=None)
@given(scores, scores, st.booleans())
def test_every_candidate_comes_once_in_order_of_a_score_between_0_and_1(
    keyword: dict[str, float], semantic: dict[str, float], asks_meaning: bool
) -> None:
    keyword = {id_: max(0.0, score) for id_, score in keyword.items()}
    semantic = {id_: score / 41 for id_, score in semantic.items()}
    evidence = Evidence({}, QUESTION, towards(0.9, 0.5, 0.1, -0.2, 0.3)) if asks_meaning else NOTHING
    fused = fuse(Legs(keyword, semantic), evidence, Weights())
    assert sorted(order(fused)) == sorted(set(keyword) | set(semantic))
    assert all(0 <= candidate.score <= 1 + 1e-9 for candidate in fused)
    assert all(a.score >= b.score for a, b in itertools.pairwise(fused))
    assert fused == fuse(Legs(keyword, semantic), evidence, Weights())
