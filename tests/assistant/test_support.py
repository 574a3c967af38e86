"""Whether a quotation supports a sentence: by figures, names, yes and no, and words."""

import pytest

from assistant.proof.support import Lack, judge
from evals.support import load_pairs, score
from retrieval.embedding import Embedder


@pytest.mark.parametrize("split", ["fit", "held_out"])
@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("by_words", [False, True])
def test_the_labelled_pairs_are_told_apart(embedder: Embedder, split: str, language: str, by_words: bool) -> None:
    """A floor. What is let through wrongly weighs more than what is left out."""
    pairs = [pair for pair in load_pairs() if pair.split == split and pair.language == language]
    assert len(pairs) > 40
    result = score(pairs, None if by_words else embedder)
    assert result.precision >= 0.92, result.wrong
    assert result.recall >= 0.8, result.wrong


@pytest.mark.parametrize(
    ("sentence", "quote", "lack"),
    [
        ("It costs 1,000 dollars.", "It costs $1000.", None),
        ("It takes ten days.", "It takes 10 days.", None),
        ("It takes 10 weeks.", "It takes 10 days.", Lack.NUMBER),
        ("It grew by 5%.", "It grew by five percent.", None),
        ("It opens on 1 March 2026.", "It opens on 2026-03-01.", None),
        ("2026년 3월 1일에 열린다.", "2026. 3. 1. 열린다.", None),
        ("It opens on 2 March 2026.", "It opens on 2026-03-01.", Lack.DATE),
        ("두 시간 걸린다.", "2시간 걸린다.", None),
        ("사흘 걸린다.", "4일 걸린다.", Lack.NUMBER),
        ("Ada leads NASA.", "Ada leads ESA.", Lack.NAME),
        ("See https://a.example/x for the plan.", "See https://a.example for the plan.", Lack.NAME),
        ("The plan is not final.", "The plan is final.", Lack.POLARITY),
        ("The plan is final.", "The plan is not final.", Lack.POLARITY),
        ("계획은 확정되지 않았다.", "계획은 확정되었다.", Lack.POLARITY),
        ("The moon is made of cheese.", "The plan is final.", Lack.WORDS),
        ("달은 치즈로 되어 있다.", "계획은 확정되었다.", Lack.WORDS),
    ],
)
def test_what_a_quotation_lacks_is_named(sentence: str, quote: str, lack: Lack | None) -> None:
    assert judge(sentence, quote).lack is lack


def test_figures_and_names_may_stand_in_the_title_but_not_everything() -> None:
    assert judge("Overtime is paid double.", "It is paid double.", context="Overtime").supported
    assert not judge("Overtime is paid double.", "Nobody knows.", context="Overtime is paid double").supported
