"""What a person sees when an answer is slow, fails or is cut off, when a search breaks, and when a session ends.

Here the API is a small one that the tests steer; the web app before it is the real one.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui_gradio.lab import COOKIE, Lab, reset, serving_lab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def running_lab() -> Iterator[Lab]:
    with serving_lab() as lab:
        yield lab


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    reset(running_lab)
    return running_lab


@pytest.fixture
def visit(lab: Lab, browser: Browser) -> Iterator[Callable[[str], Page]]:
    context = browser.new_context(base_url=lab.url)
    context.add_cookies([{"name": "nexus_session", "value": COOKIE, "url": lab.url}])

    def open_page(address: str) -> Page:
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    context.close()


def test_an_answer_grows_while_it_is_made_and_can_be_stopped(lab: Lab, visit: Callable[[str], Page]) -> None:
    lab.assistant.words = "word " * 400
    lab.assistant.pause = 0.05
    page = visit("/?q=Tell+me+everything")
    expect(page.locator(".answer-text")).to_contain_text("word word word")
    expect(page.locator(".answer-rest")).to_be_empty()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".answer-rest")).to_contain_text("Stopped.")
    assert lab.assistant.hung_up.wait(10)  # nobody goes on writing what nobody reads
    before = page.locator(".answer-text").inner_text()
    page.wait_for_timeout(300)
    assert page.locator(".answer-text").inner_text() == before

    lab.assistant.words, lab.assistant.pause = "Short. [1]", 0.0
    page.get_by_role("textbox").fill("Then shortly")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn").nth(1).locator(".answer-text")).to_contain_text("Short.")
    assert lab.assistant.asked[-1]["conversation_id"] == "c1"


def test_an_answer_that_fails_says_why_and_can_be_asked_again(lab: Lab, visit: Callable[[str], Page]) -> None:
    lab.assistant.fails = True
    page = visit("/?q=Well%3F")
    expect(page.get_by_role("alert")).to_contain_text("The language model cannot be reached.")
    lab.assistant.fails = False
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".answer-text")).to_contain_text("Sixteen weeks.")
    expect(page.locator(".turn")).to_have_count(1)


def test_an_answer_that_is_cut_off_is_not_shown_as_whole(lab: Lab, visit: Callable[[str], Page]) -> None:
    lab.assistant.ends_early = True
    page = visit("/?q=Well%3F")
    expect(page.get_by_role("alert")).to_contain_text("The answer was cut off")


def test_markup_in_an_answer_stays_text_and_its_links_lead_nowhere(lab: Lab, visit: Callable[[str], Page]) -> None:
    hostile = "<img src=x onerror=window.hacked=1> **bold**"
    lab.assistant.words = f"{hostile} ![pixel](http://evil.example/p.png) [here](http://evil.example) [1]"
    page = visit("/?q=Well%3F")
    expect(page.locator(".answer-actions")).to_be_visible()
    text = page.locator(".answer-text")
    expect(text).to_contain_text("<img src=x onerror=window.hacked=1> bold pixel here")
    assert text.locator("img, a, script").count() == 0
    assert page.evaluate("window.hacked") is None


def test_an_error_of_the_api_is_told_in_its_own_words(visit: Callable[[str], Page]) -> None:
    page = visit("/search?q=anything")
    expect(page.get_by_role("alert")).to_contain_text("Something went wrong on the server")
    expect(page.get_by_role("alert")).to_contain_text("Its log tells more.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_document_that_one_may_not_see_is_not_found(visit: Callable[[str], Page]) -> None:
    page = visit("/documents/abc?start=1&end=5")
    expect(page.get_by_role("alert")).to_contain_text("It has been deleted, or you may not see it.")


def test_when_the_session_ends_one_signs_in_and_comes_back(lab: Lab, visit: Callable[[str], Page]) -> None:
    page = visit("/search")
    expect(page.get_by_role("combobox", name="Search")).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("combobox", name="Search").fill("leave")
    expect(page).to_have_url(f"{lab.url}/sign-in?next=%2Fsearch%3Fq%3Dleave")


def test_an_empty_house_says_what_to_do_first(visit: Callable[[str], Page]) -> None:
    page = visit("/")
    expect(page.get_by_role("heading", name="Nothing to ask about yet")).to_be_visible()
    page.goto("/knowledge")
    expect(page.get_by_role("heading", name="No documents here yet")).to_be_visible()
