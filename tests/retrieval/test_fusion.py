"""Fusion of the legs' scores."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fusion import Leg, fuse, normalised

scores = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 40, allow_nan=False), max_size=8)


def test_scores_are_scaled_and_weighted() -> None:
    candidates = fuse(
        [Leg("keyword", {"a": 10.0, "b": 5.0}, 0.5, floor=0.0), Leg("semantic", {"b": 0.9, "c": 0.1}, 0.5)]
    )
    assert [(candidate.chunk_id, pytest.approx(candidate.score)) for candidate in candidates] == [
        ("b", 0.75),
        ("a", 0.5),
        ("c", 0.0),
    ]
    assert candidates[0].scores == {"keyword": 5.0, "semantic": 0.9}
    assert candidates[1].scores == {"keyword": 10.0}


def test_a_leg_that_is_sure_outweighs_one_that_hardly_tells_its_candidates_apart_from_the_floor() -> None:
    keyword = Leg("keyword", {"a": 20.0, "b": 2.0}, 0.5, floor=0.0)
    semantic = Leg("semantic", {"b": 0.41, "a": 0.40, "c": 0.0}, 0.5)
    assert fuse([keyword, semantic])[0].chunk_id == "a"


def test_equal_scores_are_all_best() -> None:
    assert normalised({"a": 3.0, "b": 3.0}) == {"a": 1.0, "b": 1.0}
    assert normalised({}) == {}


@given(scores, scores, st.floats(0, 1))
def test_every_candidate_comes_once_in_order_of_a_score_between_0_and_1(
    keyword: dict[str, float], semantic: dict[str, float], weight: float
) -> None:
    fused = fuse([Leg("keyword", keyword, 1 - weight), Leg("semantic", semantic, weight)])
    assert {candidate.chunk_id for candidate in fused} == set(keyword) | set(semantic)
    assert len(fused) == len(set(keyword) | set(semantic))
    assert all(0 <= candidate.score <= 1 for candidate in fused)
    assert [candidate.score for candidate in fused] == sorted((c.score for c in fused), reverse=True)


@given(scores)
def test_one_leg_alone_keeps_its_order(only: dict[str, float]) -> None:
    fused = fuse([Leg("keyword", only, 0.5)])
    values = [only[candidate.chunk_id] for candidate in fused]
    # Scaling may make neighbours equal, never swap them by more than rounding.
    assert all(a >= b or a == pytest.approx(b, rel=1e-9, abs=1e-9) for a, b in itertools.pairwise(values))


@given(scores, scores, st.floats(0.1, 10), st.floats(-5, 5))
def test_the_unit_of_a_leg_does_not_matter(
    keyword: dict[str, float], semantic: dict[str, float], factor: float, shift: float
) -> None:
    one = normalised(semantic)
    other = normalised({key: value * factor + shift for key, value in semantic.items()})
    if len({round(value, 3) for value in semantic.values()}) == len(semantic):
        assert other == pytest.approx(one, abs=1e-3)
    assert set(keyword) == set(normalised(keyword))
