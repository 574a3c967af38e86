"""Prompt templates say what they need, and take nothing else."""

import pytest

from prompts.loader import PromptError, load_prompt, parse_prompt

GOOD = "---\nname: hello\nversion: 2\nvariables: [name, day]\n---\nHello {{ name }}, it is {{day}}.\n"


def test_a_template_is_filled_in() -> None:
    prompt = parse_prompt(GOOD)
    assert (prompt.name, prompt.version) == ("hello", 2)
    assert prompt.render(name="Kim", day="Monday") == "Hello Kim, it is Monday."


def test_what_looks_like_a_placeholder_in_a_value_stays() -> None:
    assert parse_prompt(GOOD).render(name="{{ day }}", day="Monday") == "Hello {{ day }}, it is Monday."


@pytest.mark.parametrize(
    "values", [{"name": "Kim"}, {"name": "Kim", "day": "Monday", "hour": "9"}, {}], ids=["missing", "unknown", "none"]
)
def test_missing_and_unknown_variables_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(PromptError, match="hello"):
        parse_prompt(GOOD).render(**values)


@pytest.mark.parametrize(
    "source",
    [
        "Hello",
        GOOD.replace("[name, day]", "[name]"),
        GOOD.replace("[name, day]", "[name, day, hour]"),
        GOOD.replace("version: 2", "version: two"),
        GOOD.replace("version: 2\n", ""),
        GOOD.replace("version: 2", "version"),
        GOOD.replace("[name, day]", "name, day"),
    ],
)
def test_a_template_whose_front_matter_and_text_disagree_is_refused(source: str) -> None:
    with pytest.raises(PromptError, match=r"hello\.md"):
        parse_prompt(source, origin="hello.md")


def test_a_template_that_does_not_exist_is_refused() -> None:
    for name in ("nothing", "../secrets"):
        with pytest.raises(PromptError, match="no prompt"):
            load_prompt(name)


@pytest.mark.parametrize("name", ["assistant", "passage", "search_results"])
def test_the_products_templates_load(name: str) -> None:
    prompt = load_prompt(name)
    assert prompt.render(**dict.fromkeys(prompt.variables, "x"))
