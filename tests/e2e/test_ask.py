"""Asking, and checking what the answer stands on."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
QUESTION = "How many weeks of fully paid parental leave do I get?"
SENTENCE = "You get 16 weeks of fully paid parental leave once you have worked here for six months."


def ask(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="Ask a question").fill(question)
    page.keyboard.press("Enter")


def test_the_start_shows_what_one_can_ask_about(page: Page) -> None:
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile(r"Larkfield \d+ documents"))).to_be_visible()
    expect(page.locator(".recent a").first).to_be_visible()
    page.locator(".example").first.click()
    expect(page.locator(".question")).to_be_visible()
    expect(page.locator(".sources, .abstained").first).to_be_visible()


def test_a_citation_opens_the_quoted_passage_in_its_document(page: Page) -> None:
    ask(page, QUESTION)
    chip = page.locator("button.chip").first
    expect(chip).to_be_visible()
    expect(page.locator(".answer-text")).to_contain_text("16 weeks")
    expect(page.locator(".confidence")).to_contain_text("Answered from 1 document")
    expect(page.locator(".steps")).not_to_have_attribute("open", "")
    source = page.locator("button.source", has_text="16 weeks").first
    expect(page.locator(".source-head").first).to_contain_text("Larkfield")

    number = source.locator(".chip").inner_text()
    page.locator("button.chip", has_text=number).hover()
    expect(page.get_by_role("tooltip")).to_contain_text(SENTENCE)

    page.locator("button.chip", has_text=number).click()
    panel = page.get_by_role("complementary", name="Passage")
    expect(panel.locator("mark")).to_contain_text(SENTENCE)
    expect(panel).to_contain_text("Quote checked against version 1")
    expect(panel).to_contain_text("Birth parents get six more weeks")
    expect(panel.locator("mark").first).to_be_in_viewport()

    panel.get_by_role("link", name="Open document").click()
    expect(page).to_have_url(re.compile(r"/documents/[^/]+\?.*start=\d+&end=\d+"))
    expect(page.get_by_role("heading", name="Parental leave", level=1)).to_be_attached()
    expect(page.locator(".document mark")).to_contain_text(SENTENCE)
    expect(page.locator(".document mark")).to_be_in_viewport()
    expect(page.get_by_role("navigation", name="Outline")).to_contain_text("Coming back")


def test_a_conversation_can_be_left_continued_and_deleted(page: Page) -> None:
    ask(page, "Which limit holds for a hotel night?")
    expect(page.locator("button.chip").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"/conversations/"))
    address = page.url
    ask_again = page.get_by_role("textbox")
    ask_again.fill("And when are expenses paid?")
    ask_again.press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").nth(1).locator(".answer-actions")).to_be_visible()
    assert page.url == address

    page.get_by_role("link", name="New question").click()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    page.get_by_role("link", name=re.compile("Which limit holds")).click()
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").nth(0).locator("button.chip").first).to_be_visible()

    page.get_by_role("button", name=re.compile("Actions for Which limit holds")).click()
    page.get_by_role("menuitem", name="Delete").click()
    box = page.get_by_role("dialog")
    expect(box).to_contain_text("Which limit holds")
    box.get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.get_by_role("link", name=re.compile("Which limit holds"))).to_have_count(0)
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text("Not found")


def test_without_support_it_says_so_and_shows_the_closest_passages(page: Page) -> None:
    ask(page, "Who painted the ceiling of the Sistine Chapel?")
    expect(page.locator(".answer-text")).to_contain_text("I could not find this")
    expect(page.locator("button.chip")).to_have_count(0)


def test_a_korean_question_gets_a_korean_answer_with_its_source(visit: Visit) -> None:
    page = visit("/", locale="ko-KR")
    page.get_by_role("textbox", name="질문을 입력하세요").fill("재택근무는 일주일에 며칠까지 할 수 있나요?")
    page.keyboard.press("Enter")
    expect(page.locator("button.chip").first).to_be_visible()
    expect(page.locator(".answer-text")).to_contain_text("사흘")
    expect(page.get_by_role("heading", name="출처")).to_be_visible()


def test_the_question_can_be_kept_to_a_space(page: Page) -> None:
    page.get_by_role("button", name="Ask in: All spaces").click()
    page.get_by_role("menuitemcheckbox", name="Company").click()
    chip = page.get_by_role("button", name="Do not keep to: Company")
    expect(chip).to_be_visible()
    ask(page, QUESTION)
    expect(page.locator(".answer-text")).to_contain_text("I could not find this")
    expect(page.locator(".asked-in")).to_have_text("Company")
    # It stays with the conversation, until it is taken away.
    page.reload()
    expect(page.locator(".abstained")).to_be_visible()
    chip.click()
    page.locator(".turn").hover()
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator(".answer-text")).to_contain_text("16 weeks")
    expect(page.locator(".turn")).to_have_count(1)


def test_a_quote_that_its_document_no_longer_says_is_marked(site: Site, page: Page) -> None:
    words = "The archive room opens at seven. "
    body = {"space_id": site.space("Larkfield"), "title": "Archive", "text": f"# Archive 📚📚\n\n🗝️ {words}"}
    document = site.client.post("/api/v1/documents", json=body).json()
    site.wait_indexed(document["id"])
    ask(page, "When does the archive room open?")
    page.locator("button.chip").first.click()
    # Characters outside the basic plane stand before the passage: the mark must not slip.
    expect(page.locator(".panel mark")).to_have_text(re.compile(f"^(🗝️ )?{words.strip()}$"))
    expect(page.locator(".panel")).to_contain_text("Quote checked against version 1")

    changed = site.client.patch(f"/api/v1/documents/{document['id']}", json={"text": "# Archive\n\nIt is closed."})
    assert changed.json()["version"] == 2
    site.wait_indexed(document["id"])
    page.reload()
    expect(page.locator(".sources")).to_contain_text("The document has changed since")
    page.locator("button.chip").first.click()
    expect(page.locator(".panel-notes")).to_contain_text("The document has changed since")
    expect(page.locator(".panel mark")).to_contain_text(words.strip())

    site.client.delete(f"/api/v1/documents/{document['id']}")
    page.reload()
    expect(page.locator(".sources")).to_contain_text(
        re.compile("You may not read this source any more|This source was deleted")
    )
    expect(page.locator("button.chip")).to_have_count(0)
