"""What people do with answers: put the question otherwise, share, judge and report them; and who sees to that."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.assistant.llm_server import Calls, Endpoint, Reply, Says
from tests.assistant.test_llm import Messages, answering, passage_number
from tests.e2e.conftest import Site
from tests.e2e.test_accounts import register, sign_in
from tests.e2e.test_ask import QUESTION, SENTENCE, ask

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
PATIENCE_MS = 60_000  # for an answer, on a machine that others use too
UNANSWERED = "Which vaccinations does the ship's cat need?"


def ended(page: Page, turns: int) -> None:
    """Wait until so many questions have their answers."""
    expect(page.locator(".turn")).to_have_count(turns)
    expect(page.locator(".turn").nth(turns - 1).locator(".answer-actions")).to_be_visible(timeout=PATIENCE_MS)


def test_a_question_is_put_in_other_words_and_what_came_after_it_goes(page: Page) -> None:
    ask(page, "When are expenses paid?")
    ended(page, 1)
    follow_up = page.get_by_role("textbox", name="Ask a question")
    follow_up.fill("And what is the limit for a taxi trip?")
    follow_up.press("Enter")
    ended(page, 2)

    # In the empty box, the arrow takes up the last question; Escape leaves it as it was.
    follow_up.press("ArrowUp")
    editor = page.get_by_role("textbox", name="Edit the question")
    expect(editor).to_have_value("And what is the limit for a taxi trip?")
    editor.press("Escape")
    expect(editor).to_have_count(0)

    page.locator(".turn").first.hover()
    page.get_by_role("button", name="Edit the question").first.click()
    expect(page.locator(".edit-question")).to_contain_text("1 later question and its answer will be removed")
    editor.fill(QUESTION)
    editor.press("Enter")
    ended(page, 1)
    expect(page.locator(".answer-text")).to_contain_text(SENTENCE)
    page.reload()
    ended(page, 1)
    expect(page.locator(".question")).to_have_text(QUESTION)


def test_a_conversation_is_found_renamed_exported_and_shared_for_reading(
    site: Site, visit: Visit, page: Page, tmp_path: Path
) -> None:
    ask(page, QUESTION)
    ended(page, 1)
    page.get_by_role("button", name=re.compile("Actions for How many weeks")).first.click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("Title").fill("Leave for Ada's team")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("searchbox", name="Find a conversation").fill("ada's")
    found = page.get_by_role("link", name=re.compile("Leave for Ada's team"))
    expect(found).to_be_visible()
    expect(page.locator(".side-list li")).to_have_count(1)

    page.get_by_role("button", name="Actions for Leave for Ada's team").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export as Markdown").click()
    download.value.save_as(tmp_path / "conversation.md")
    assert SENTENCE in (tmp_path / "conversation.md").read_text()

    other = visit("/register", signed_in=False)
    register(site, other, "Anning Lyme", "anning@larkfield-air.com")
    page.get_by_role("button", name="Actions for Leave for Ada's team").click()
    page.get_by_role("menuitem", name="Share").click()
    box = page.get_by_role("dialog")
    expect(box).to_contain_text("Only you can see it")
    box.get_by_role("searchbox").first.fill("Anning")
    box.get_by_role("button", name=re.compile("Anning Lyme")).click()
    expect(box.locator(".row-item")).to_contain_text("Anning Lyme")
    box.get_by_role("button", name="Close").click()
    expect(page.locator(".side-list li").first).to_contain_text("shared")

    # She may not read the space: she sees the question, and of the answer nothing.
    sign_in(other, "anning@larkfield-air.com")
    other.get_by_role("button", name="Shared", exact=True).click()
    other.get_by_role("link", name=re.compile("Leave for Ada's team")).click()
    expect(other.locator(".shared-banner")).to_contain_text("for reading")
    expect(other.locator(".question")).to_have_text(QUESTION)
    expect(other.locator(".sources")).to_contain_text("You may not read this source any more")
    expect(other.locator("body")).not_to_contain_text("16 weeks")
    expect(other.get_by_role("textbox", name="Ask a question")).to_be_hidden()
    expect(other.get_by_role("button", name="Helpful", exact=True)).to_have_count(0)


def test_nothing_is_saved_or_remembered_before_one_says_so(site: Site, page: Page) -> None:
    ask(page, QUESTION)
    ended(page, 1)
    box = page.get_by_role("textbox", name="Ask a question")
    box.fill("Save this in the Larkfield space as “Leave in short”")
    box.press("Enter")
    ended(page, 2)
    proposed = page.get_by_role("region", name="Proposed")
    expect(proposed).to_contain_text("Leave in short")
    titles = {"q": "Leave in short", "limit": 50}
    assert site.client.get("/api/v1/documents", params=titles).json()["items"] == []
    proposed.get_by_role("button", name="Save the document").click()
    expect(proposed).to_contain_text("Done")

    box.fill("Remind me to plan the leave tomorrow at 9")
    box.press("Enter")
    ended(page, 3)
    proposed.last.get_by_role("button", name="Dismiss").click()
    expect(proposed.last).to_contain_text("Dismissed")

    proposed.first.get_by_role("link", name="Open").click()
    expect(page.get_by_role("heading", name="Leave in short", level=1)).to_be_attached()
    expect(page.get_by_role("article")).to_contain_text(SENTENCE)
    site.client.delete(urlsplit(page.url).path.replace("/documents", "/api/v1/documents")).raise_for_status()


def test_a_bad_answer_and_a_question_without_one_reach_the_reviewers(page: Page) -> None:
    ask(page, "How much may a hotel night cost?")
    ended(page, 1)
    page.get_by_role("button", name="Not helpful").click()
    page.get_by_role("button", name="Outdated").click()
    page.get_by_placeholder("What would have been right? (optional)").fill("It is 180 euros since May.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("button", name="Not helpful")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="New question").click()
    ask(page, UNANSWERED)
    expect(page.locator(".abstained")).to_be_visible()
    page.get_by_role("button", name="Report that this is missing").click()
    expect(page.locator(".gap")).to_contain_text("Reported")

    page.goto("/admin/answers")
    said = page.locator(".review", has_text="It is 180 euros since May.")
    expect(said).to_contain_text("Outdated")
    said.get_by_role("button", name="Make it a test").click()
    box = page.get_by_role("dialog")
    expect(box.get_by_label("Question")).to_have_value("How much may a hotel night cost?")
    expect(box).to_contain_text("Travel and expenses")
    box.get_by_role("button", name="Make the test").click()
    expect(said.locator(".badge")).to_have_text("Golden")

    page.goto("/admin/gaps")
    gap = page.locator(".review", has_text=UNANSWERED)
    gap.get_by_role("button", name="Close").click()
    expect(gap).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(gap).to_be_visible()


def test_an_answer_that_was_stopped_is_kept_as_far_as_it_had_come_and_can_be_asked_anew(
    page: Page, scripted: Endpoint
) -> None:
    def cited(messages: Messages) -> str:
        return f"{SENTENCE.removesuffix('.')} [{passage_number(messages, SENTENCE)}]."

    def slowly(messages: Messages) -> Reply:
        if messages[-1]["role"] == "user":
            return Calls([QUESTION])
        return Says(f"{cited(messages)} {'Nobody knows the rest. ' * 100}", pause=0.05)

    scripted.script = slowly
    ask(page, QUESTION)
    expect(page.locator(".answer-text")).to_contain_text(SENTENCE.removesuffix("."), timeout=PATIENCE_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".answer-rest")).to_contain_text("Stopped.")
    assert scripted.cut_off.wait(10)

    page.reload()
    turn = page.locator(".turn")
    expect(turn.locator(".question")).to_have_text(QUESTION)
    expect(turn.locator(".answer-text")).to_contain_text(SENTENCE.removesuffix("."))
    expect(turn.locator(".answer-text")).not_to_contain_text("Nobody")
    expect(turn.locator(".answer-rest")).to_contain_text("Stopped.")
    expect(turn.locator("button.source")).to_contain_text("16 weeks")

    scripted.script = answering(QUESTION, cited)
    turn.get_by_role("button", name="Ask again").first.click()
    ended(page, 1)
    expect(page.locator(".answer-text")).to_contain_text(SENTENCE.removesuffix("."))
    expect(page.locator(".answer-rest")).not_to_contain_text("Stopped.")
    page.reload()
    ended(page, 1)
    expect(page.locator(".answer-rest")).not_to_contain_text("Stopped.")


def test_a_person_who_may_know_is_asked_and_writes_it_down(site: Site, visit: Visit, scripted: Endpoint) -> None:
    question = "What is the limit for a taxi trip at night?"
    known = "The limit for a taxi trip at night is 95 euros."
    nora = visit("/register", signed_in=False)
    register(site, nora, "Nora Anning", "nora@larkfield-air.com")
    (found,) = site.client.get("/api/v1/users", params={"q": "Nora Anning"}).json()["items"]
    member = f"/api/v1/spaces/{site.space('Larkfield')}/members/{found['id']}"
    site.client.put(member, json={"role": "viewer"}).raise_for_status()
    sign_in(nora, "nora@larkfield-air.com")
    scripted.script = lambda messages: Calls([question]) if messages[-1]["role"] == "user" else Says("NOT_FOUND")
    ask(nora, question)
    people = nora.get_by_role("region", name="Who could be asked")
    expect(people).to_contain_text("Travel and expenses", timeout=PATIENCE_MS)
    people.get_by_role("button", name="Ask Owner").click()
    expect(people.get_by_role("status")).to_have_text("Asked")
    expect(nora.locator(".gap")).to_contain_text("Reported")

    owner = visit("/")
    waiting = owner.locator(".asked", has_text=question)
    expect(waiting).to_contain_text("Nora Anning asks")
    waiting.get_by_role("button", name="I do not know").click()
    expect(waiting).to_have_count(0)
    nora.reload()
    expect(people.get_by_role("status")).to_have_text("Does not know")
    owner.get_by_role("button", name="Undo").click()
    waiting.get_by_role("button", name="Write it down").click()
    box = owner.get_by_role("dialog")
    expect(box.get_by_label("Title")).to_have_value(question.removesuffix("?"))
    box.get_by_label("What you know about it").fill(known)
    box.get_by_label("Into the space").select_option("Larkfield")
    box.get_by_role("button", name="Save the document").click()
    expect(owner).to_have_url(re.compile("/documents/"))
    document = urlsplit(owner.url).path.removeprefix("/documents/")
    site.wait_indexed(document)
    owner.goto("/")
    expect(owner.locator(".example").first).to_be_visible()
    expect(waiting).to_have_count(0)

    nora.reload()
    expect(people.get_by_role("status")).to_have_text("Written down since: ask again")
    scripted.script = answering(question, lambda messages: f"{known[:-1]} [{passage_number(messages, known)}].")
    nora.get_by_role("button", name="Ask again").click()
    expect(nora.locator(".answer-text")).to_contain_text("95 euros", timeout=PATIENCE_MS)
    site.client.delete(f"/api/v1/documents/{document}").raise_for_status()


def test_a_document_and_what_is_new_in_a_space_are_summed_up_with_their_sources(page: Page) -> None:
    page.goto("/knowledge")
    page.locator(".side-list").get_by_role("link", name=re.compile("^Larkfield")).click()
    page.get_by_role("button", name="What is new").click()
    news = page.get_by_role("region", name="What is new")
    expect(news.get_by_role("heading", name="Parental leave")).to_be_visible()

    page.locator(".doc-row", has_text="Parental leave").click()
    page.get_by_role("button", name="Summarise").click()
    summary = page.get_by_role("region", name="Summary")
    summary.locator("button.chip").first.click()
    panel = page.get_by_role("complementary", name="Passage")
    expect(panel.locator("mark").first).to_be_in_viewport()
    # The arrows turn to the next citation and back.
    first = panel.locator("mark").first.inner_text()
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text(re.compile(r"2 of \d"))
    expect(panel.locator("mark").first).not_to_have_text(first)
    page.keyboard.press("ArrowLeft")
    expect(panel.locator("mark").first).to_have_text(first)
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_an_admin_sets_the_assistant_up_and_sees_what_it_takes(page: Page) -> None:
    ask(page, "When are expenses paid?")
    ended(page, 1)
    page.goto("/admin/assistant")
    page.get_by_label("Seconds").fill("90")
    page.get_by_label("Sentences that no source supports").select_option("Show and mark")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notices")).to_contain_text("Saved")
    page.reload()
    expect(page.get_by_label("Seconds")).to_have_value("90")
    used = page.get_by_role("region", name="Usage").locator("tbody tr", has_text="Sentences of the sources")
    expect(used.first).to_contain_text("Owner")
