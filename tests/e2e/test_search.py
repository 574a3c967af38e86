"""Finding passages."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def test_results_show_as_one_types_with_their_words_marked(visit: Visit) -> None:
    page = visit("/search")
    expect(page.get_by_role("heading", name="Find the passage, not just the file")).to_be_visible()
    page.get_by_role("searchbox").press_sequentially("doctor's note", delay=20)
    first = page.locator(".result").first
    expect(first).to_contain_text("Time off and holidays")
    expect(first.locator("mark").first).to_have_text(re.compile("doctor|note", re.IGNORECASE))
    expect(first).to_contain_text("Larkfield")
    expect(page).to_have_url(re.compile(r"/search\?q=doctor%27s\+note$"))


def test_a_search_can_be_shared_by_its_address(visit: Visit) -> None:
    page = visit("/search?q=severity&mode=keyword&days=7")
    expect(page.locator(".result").first).to_contain_text("Incident runbook")
    expect(page.get_by_role("radio", name="Exact words")).to_be_checked()
    expect(page.get_by_role("radio", name="Past week")).to_be_checked()
    page.get_by_role("radio", name="Words and meaning").check()
    expect(page).to_have_url(re.compile(r"\?q=severity&days=7$"))


def test_the_arrow_keys_preview_and_enter_opens(visit: Visit) -> None:
    page = visit("/search?q=standing+desk&mode=keyword")
    expect(page.locator(".result").first).to_contain_text("Your first week")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("complementary", name="Passage").locator("mark").first).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Passage")).to_have_count(0)
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("heading", name="Your first week", level=1)).to_be_attached()
    expect(page.locator(".document mark").first).to_be_visible()


def test_a_space_filter_holds_and_can_be_cleared(visit: Visit) -> None:
    page = visit("/search?q=severity&mode=keyword")
    expect(page.locator(".result").first).to_be_visible()
    page.get_by_role("checkbox", name="Company").check()
    expect(page.get_by_role("heading", name="Nothing found for “severity”")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".result").first).to_be_visible()


def test_the_global_box_searches_as_one_types_and_asks_with_enter(visit: Visit) -> None:
    page = visit("/status")
    expect(page.get_by_role("button", name="Search or ask")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("hotel limit")
    box = page.get_by_role("dialog")
    expect(box.get_by_role("option", name=re.compile("Travel and expenses")).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".question")).to_have_text("hotel limit")
    expect(page).to_have_url(re.compile(r"/conversations/"))


def test_when_the_server_is_gone_it_says_so_and_trying_again_works(visit: Visit) -> None:
    page = visit("/search?q=severity")
    expect(page.locator(".result").first).to_be_visible()
    page.route("**/gradio_api/component_server**", lambda route: route.abort())
    page.get_by_role("searchbox").fill("severity 1")
    expect(page.get_by_role("alert")).to_contain_text("The server did not answer")
    page.unroute("**/gradio_api/component_server**")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".result").first).to_be_visible()
