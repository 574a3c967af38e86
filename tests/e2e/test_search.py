"""Finding passages."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import Site, wait_until

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def box(page: Page) -> Locator:
    """The field that one types a search into."""
    return page.get_by_role("combobox", name="Search", exact=True)


def test_results_show_as_one_types_with_their_words_marked(visit: Visit) -> None:
    page = visit("/search")
    expect(page.get_by_role("heading", name="Find the passage, not just the file")).to_be_visible()
    box(page).press_sequentially("doctor's note", delay=20)
    first = page.locator(".result").first
    expect(first).to_contain_text("Time off and holidays")
    expect(first.locator("mark").first).to_have_text(re.compile("doctor|note", re.IGNORECASE))
    expect(first).to_contain_text("Larkfield")
    expect(page).to_have_url(re.compile(r"/search\?q=doctor%27s\+note$"))


def test_an_older_answer_never_stands_over_a_newer_one(visit: Visit) -> None:
    page = visit("/search")
    expect(page.locator(".search-start")).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        body = route.request.post_data or ""
        if '"query":"travel"' in body and not held:
            held.append(route)  # the first answer comes last
        else:
            route.continue_()

    page.route("**/gradio_api/component_server**", hold)
    box(page).fill("travel")
    expect(page.locator(".results")).to_have_attribute("aria-busy", "true")
    box(page).fill("severity")
    expect(page.locator(".result").first).to_contain_text("Incident runbook")
    with page.expect_response("**/gradio_api/component_server**"):
        held[0].continue_()
    expect(page.locator(".result").first).to_contain_text("Incident runbook")


def test_a_search_can_be_shared_by_its_address_and_one_can_go_back(visit: Visit) -> None:
    page = visit("/search?q=severity&mode=keyword&days=7")
    expect(page.locator(".result").first).to_contain_text("Incident runbook")
    expect(page.get_by_role("radio", name="Exact words")).to_be_checked()
    expect(page.get_by_role("radio", name="Past week")).to_be_checked()
    page.get_by_role("radio", name="Words and meaning").check()
    expect(page).to_have_url(re.compile(r"\?q=severity&days=7$"))
    page.get_by_label("Sort").select_option("newest")
    expect(page).to_have_url(re.compile(r"\?q=severity&sort=newest&days=7$"))
    page.go_back()
    expect(page.get_by_label("Sort")).to_have_value("relevance")
    page.go_back()
    expect(page.get_by_role("radio", name="Exact words")).to_be_checked()


def test_the_arrow_keys_preview_and_enter_opens(visit: Visit) -> None:
    page = visit("/search?q=standing+desk&mode=keyword")
    expect(page.locator(".result").first).to_contain_text("Your first week")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("complementary", name="Passage").locator("mark").first).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Passage")).to_have_count(0)
    box(page).press("Enter")
    expect(page.get_by_role("heading", name="Your first week", level=1)).to_be_attached()
    expect(page.locator(".document mark").first).to_be_visible()


def test_letters_are_keys_outside_the_box(visit: Visit) -> None:
    page = visit("/search?q=severity")
    expect(page.locator(".result").first).to_be_visible()
    box(page).blur()
    page.keyboard.press("j")
    expect(page.locator(".passage").first).to_have_class(re.compile("chosen"))
    page.keyboard.press("/")
    expect(box(page)).to_be_focused()
    expect(box(page)).to_have_value("severity")


def test_filters_are_counted_chosen_and_taken_away(site: Site, visit: Visit) -> None:
    page = visit("/search?q=severity&mode=keyword")
    space = page.get_by_role("group", name="Space").locator(".option", has_text="Larkfield")
    expect(space).to_contain_text("1")
    space.get_by_role("checkbox").check()
    expect(page).to_have_url(re.compile(f"space={site.space('Larkfield')}"))
    page.get_by_role("button", name="Remove the filter Space: Larkfield").click()
    expect(page).to_have_url(re.compile(r"\?q=severity&mode=keyword$"))
    page.goto(f"/search?q=severity&mode=keyword&space={site.space('Company')}")
    expect(page.get_by_role("heading", name="Nothing found for “severity”")).to_be_visible()
    page.get_by_role("button", name=re.compile("Without Space: Company")).click()
    expect(page.locator(".result").first).to_be_visible()


def test_a_category_is_shown_chosen_and_taken_away(site: Site, visit: Visit) -> None:
    text = "---\ncategory: Ground rules\ntags: [axolotl]\n---\n\nAn axolotl may be kept in the office."
    document = site.add("Larkfield", "axolotl.md", text.encode())
    page = visit("/search?q=axolotl&mode=keyword")
    expect(page.locator(".result-byline").first).to_contain_text("Ground rules")
    option = page.get_by_role("group", name="Category").locator(".option", has_text="Ground rules")
    expect(option.locator(".count")).to_have_text("1")
    option.get_by_role("checkbox").check()
    expect(page).to_have_url(re.compile(r"category=Ground\+rules"))
    page.get_by_role("button", name="Remove the filter Category: Ground rules").click()
    expect(page).to_have_url(re.compile(r"\?q=axolotl&mode=keyword$"))
    box(page).fill("ground")
    page.get_by_role("option", name="Ground rules").click()
    expect(box(page)).to_have_value('category:"Ground rules" ')
    expect(page.get_by_role("button", name="Remove the filter category: Ground rules")).to_be_visible()
    page.goto(f"/documents/{document}")
    expect(page.get_by_role("list", name="Labels")).to_contain_text("Ground rules")
    site.client.delete(f"/api/v1/documents/{document}")


def test_a_condition_that_names_nothing_is_said_and_can_be_dropped(visit: Visit) -> None:
    page = visit("/search?q=severity+in%3ANowhere")
    expect(page.get_by_text("You can see no space named “Nowhere”")).to_be_visible()
    expect(page.locator(".result").first).to_contain_text("Incident runbook")
    page.get_by_role("button", name="Remove the filter in: Nowhere").click()
    expect(box(page)).to_have_value("severity")
    expect(page.locator(".condition-problem")).to_have_count(0)


def test_what_is_excluded_shows_and_can_be_allowed_again(visit: Visit) -> None:
    page = visit("/search?q=severity+-%22one+person%22+-draft&mode=keyword")
    page.get_by_role("button", name="Remove the filter without: draft").click()
    expect(box(page)).to_have_value('severity -"one person"')
    page.get_by_role("button", name="Also with “one person”").click()
    expect(box(page)).to_have_value("severity")
    expect(page.locator(".result").first).to_contain_text("Incident runbook")
    expect(page.locator(".search-conditions .tag")).to_have_count(1)


def test_who_comes_back_from_a_document_finds_the_results_as_they_were(visit: Visit) -> None:
    page = visit("/search?q=leave+days&view=passages", height=420)
    last = page.locator(".passage").last
    expect(last).to_be_visible()
    count = page.locator(".passage").count()
    last.locator(".result-link").click()
    page.get_by_role("link", name="Open document").click()
    expect(page.locator(".document mark").first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.go_back()
    expect(last).to_be_in_viewport()
    expect(last).to_have_class(re.compile("chosen"))
    expect(page.locator(".passage")).to_have_count(count)
    expect(box(page)).to_have_value("leave days")
    page.keyboard.press("k")  # the keys go on from there
    expect(page.locator(".passage").nth(count - 2)).to_have_class(re.compile("chosen"))
    assert not [body for body in asked if '"query"' in body]


def test_news_of_saved_searches_are_counted_on_the_rail_until_one_looks(site: Site, visit: Visit) -> None:
    body = {"name": "Whales", "query": "narwhal", "mode": "keyword"}
    saved = str(site.client.post("/api/v1/saved-searches", json=body).json()["id"])
    site.add("Whales", "narwhal.md", b"# Narwhals\n\nThe narwhal has one tusk.\n")
    wait_until(lambda: site.client.get(f"/api/v1/saved-searches/{saved}").json()["new"] == 1, seconds=30)
    page = visit("/status")
    rail = page.get_by_role("link", name=re.compile("^Search 1 new results"))
    rail.click()
    page.locator(".saved-searches").get_by_role("link", name=re.compile("^Whales")).click()
    expect(page.get_by_role("region", name="New results")).to_contain_text("Narwhals")
    expect(rail).to_have_count(0)
    site.client.delete(f"/api/v1/saved-searches/{saved}")


def test_a_misspelt_word_is_put_right_and_can_be_searched_as_it_is(visit: Visit) -> None:
    page = visit("/search?q=severitty&mode=keyword")
    expect(page.locator(".did-you-mean")).to_contain_text("severity")
    expect(page.locator(".result").first).to_contain_text("Incident runbook")
    page.get_by_role("button", name="Search for “severitty” instead").click()
    expect(page.get_by_role("heading", name="Nothing found for “severitty”")).to_be_visible()
    expect(page).to_have_url(re.compile("exact="))


def test_suggestions_are_chosen_with_the_keys_but_not_while_a_syllable_is_composed(visit: Visit) -> None:
    page = visit("/search")
    expect(page.locator(".search-start")).to_be_visible()
    box(page).press_sequentially("lark")
    option = page.get_by_role("option", name="Larkfield")
    expect(option).to_be_visible()
    box(page).dispatch_event("keydown", {"key": "ArrowDown", "isComposing": True, "bubbles": True})
    expect(option).not_to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".suggestion").first).to_have_attribute("aria-selected", "true")
    option.click()
    expect(box(page)).to_have_value("in:Larkfield ")
    expect(page.locator(".result").first).to_be_visible()


def test_why_a_result_is_where_it_is_can_be_asked(visit: Visit) -> None:
    page = visit("/search?q=severity")
    row = page.locator(".passage").first
    row.get_by_role("button", name="Why this result").click()
    expect(row.get_by_role("table")).to_contain_text("In the end")


def test_a_search_is_kept_renamed_deleted_and_brought_back(visit: Visit) -> None:
    page = visit("/search?q=severity&mode=keyword")
    expect(page.locator(".result").first).to_be_visible()
    page.get_by_role("button", name="Save this search").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Incidents")
    dialog.get_by_label("Tell me of new results").select_option("daily")
    dialog.get_by_role("button", name="Save").click()
    kept = page.locator(".saved-searches")
    kept.get_by_role("button", name="Actions for Incidents").click()
    page.get_by_role("menuitem", name="Change name or alert").click()
    dialog.get_by_label("Name").fill("Outages")
    dialog.get_by_role("button", name="Save").click()
    page.goto("/search")
    kept.get_by_role("link", name="Outages").click()
    expect(box(page)).to_have_value("severity")
    expect(page.get_by_role("radio", name="Exact words")).to_be_checked()
    kept.get_by_role("button", name="Actions for Outages").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(kept.get_by_role("link", name="Outages")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(kept.get_by_role("link", name="Outages")).to_be_visible()


def test_what_is_opened_counts_as_a_success_in_the_figures(visit: Visit) -> None:
    page = visit("/search?q=severity&mode=keyword")
    page.locator(".passage a").first.click()
    expect(page.get_by_role("complementary", name="Passage")).to_be_visible()
    page.goto("/admin/searches")
    expect(page.locator(".figure", has_text="Successful").locator("dd")).to_have_text(re.compile(r"^\d+%$"))
    expect(page.get_by_role("img", name=re.compile("Searches by day"))).to_be_visible()


def test_a_document_names_those_like_it(site: Site, visit: Visit) -> None:
    page = visit("/search?q=severity&mode=keyword")
    page.locator(".result-title").first.click()
    expect(page.get_by_role("region", name="Similar documents").get_by_role("link").first).to_be_visible()


def test_the_global_box_searches_as_one_types_and_asks_with_enter(visit: Visit) -> None:
    page = visit("/status")
    expect(page.get_by_role("button", name="Search or ask")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("hotel limit")
    palette = page.get_by_role("dialog")
    expect(palette.get_by_role("option", name=re.compile("Travel and expenses")).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".question")).to_have_text("hotel limit")
    expect(page).to_have_url(re.compile(r"/conversations/"))


def test_when_the_server_is_gone_it_says_so_and_trying_again_works(visit: Visit) -> None:
    page = visit("/search?q=severity")
    expect(page.locator(".result").first).to_be_visible()
    page.route("**/gradio_api/component_server**", lambda route: route.abort())
    box(page).fill("severity 1")
    expect(page.locator(".main").get_by_role("alert")).to_contain_text("The server did not answer")
    page.unroute("**/gradio_api/component_server**")
    page.locator(".main").get_by_role("button", name="Try again").click()
    expect(page.locator(".result").first).to_be_visible()
