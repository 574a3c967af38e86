"""Measures, against values worked out by hand."""

import math

import pytest

from evals.metrics import auroc, calibration_error, mean, ndcg, percentile, recall, reciprocal_rank, sign_test


def test_ndcg_of_binary_judgements() -> None:
    # Relevant at ranks 1 and 3 of two relevant: (1 + 1/2) / (1 + 1/log2(3)) = 1.5 / 1.63093
    assert ndcg(["a", "x", "b"], {"a": 1, "b": 1}, 10) == pytest.approx(0.919721, abs=1e-6)


def test_ndcg_of_graded_judgements() -> None:
    # DCG = 1/1 + 3/log2(3) = 2.892789; ideal = 3/1 + 2/log2(3) + 1/2 = 4.761860
    assert ndcg(["c", "a"], {"a": 3, "b": 2, "c": 1}, 10) == pytest.approx(2.892789 / 4.761860, abs=1e-6)


def test_ndcg_looks_at_the_first_k_only_and_normalises_by_them() -> None:
    assert ndcg(["x", "y", "a"], {"a": 1}, 2) == 0
    assert ndcg(["a", "b"], {"a": 1, "b": 1, "c": 1}, 2) == pytest.approx(1)
    assert ndcg([], {"a": 1}, 10) == 0
    assert ndcg(["a"], {}, 10) == 0


def test_recall() -> None:
    assert recall(["a", "x", "b"], {"a": 1, "b": 2, "c": 1}, 10) == pytest.approx(2 / 3)
    assert recall(["a", "x", "b"], {"a": 1, "b": 2, "c": 1}, 2) == pytest.approx(1 / 3)
    assert recall([], {}, 10) == 0


def test_reciprocal_rank() -> None:
    assert reciprocal_rank(["x", "y", "a"], {"a": 1}, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "y", "a"], {"a": 1}, 2) == 0


def test_percentile_interpolates_between_neighbours() -> None:
    assert percentile([4, 1, 3, 2], 0.5) == pytest.approx(2.5)
    assert percentile([1, 2, 3, 4, 5], 0.95) == pytest.approx(4.8)
    assert percentile([7], 0.95) == 7
    assert percentile([], 0.5) == 0


def test_mean() -> None:
    assert mean([1, 2, 6]) == 3
    assert mean([]) == 0


def test_sign_test() -> None:
    assert sign_test(5, 5) == 1
    assert sign_test(10, 0) == pytest.approx(2 / 1024)
    assert sign_test(0, 0) == 1
    assert math.isclose(sign_test(8, 2), sign_test(2, 8))


def test_auroc_counts_ties_half() -> None:
    # Of the four pairs of a positive and a negative, 0.9 wins two, 0.4 ties one and loses none but that to 0.6.
    assert auroc([0.9, 0.4, 0.6, 0.4], [True, True, False, False]) == pytest.approx(2.5 / 4)
    assert auroc([0.3, 0.2], [True, True]) == 0.5


def test_calibration_error_weighs_each_bin_by_its_size() -> None:
    # Two at 0.95, one right: 0.45 apart; two at 0.15, none right: 0.15 apart.
    assert calibration_error([0.95, 0.95, 0.15, 0.15], [True, False, False, False]) == pytest.approx(0.3)
    assert calibration_error([1.0], [True]) == 0
    assert calibration_error([], []) == 0
