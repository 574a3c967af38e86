"""Quotations are shown as plain words."""

import pytest

from assistant.answers.composition import shown
from assistant.wording.display import plain


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("See the [guide](https://x.y/z) for *all* **rules**.", "See the guide for all rules."),
        ("## Leave policy", "Leave policy"),
        ("> It is `so`.", "It is so."),
        ("It was built in 1889.[3][12]", "It was built in 1889."),
        ("![logo](a.png) Hello <em>there</em>", "Hello there"),
        ("Use the <button> element, not <div class='x'>a box</div>.", "Use the <button> element, not a box."),
        ("{% image 'x' %}Read {{ page.title }} now", "Read now"),
        ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
        ("| Grade | Days |", "Grade, Days"),
        ("| --- | :--: |", ""),
        ("hard\nwrapped\n  lines", "hard wrapped lines"),
        (r"\*Note:\* see \[here\]", "*Note:* see [here]"),
        ("Mail <mailto:a@b.c> or <https://x.y>", "Mail mailto:a@b.c or https://x.y"),
    ],
)
def test_markup_is_taken_out(source: str, expected: str) -> None:
    assert plain(source) == expected


def test_a_list_is_shown_as_a_list_and_an_item_without_its_bullet() -> None:
    assert shown("Do this:\n\n* **Open** it. Wait.\n* Close it.") == "Do this:\n- Open it. Wait.\n- Close it."
    assert shown("1. Open it\n2) Close it") == "1. Open it\n2. Close it"
    assert shown("- Only one item here.") == "Only one item here."


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("10<sup>6</sup> users", "10 6 users"),
        ("It costs 5[1]0 won.", "It costs 5 0 won."),
        ("[a 10](x)[20 b](y), `5`6", "a 10 20 b, 5 6"),
        ("Take 12 .5 of it.", "Take 12 .5 of it."),
        ("<b>10</b>, 20", "10, 20"),
    ],
)
def test_two_numbers_are_never_shown_as_one(written: str, shown: str) -> None:
    assert plain(written) == shown
