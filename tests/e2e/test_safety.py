"""What a document says can never become part of the page."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
EVIL = """<script>window.hacked=1</script><img src=x onerror="window.hacked=1">"""
TEXT = f"""The wombat password is {EVIL} quokka.
![pixel](http://evil.example/pixel.png) [click](javascript:window.hacked=1)
"""


@pytest.fixture(scope="module")
def evil_document(site: Site) -> Iterator[str]:
    body = {
        "space_id": site.space("Larkfield"),
        "title": EVIL,
        "text": f"# {EVIL}\n\n```\n{TEXT}```\n\n{TEXT}",
        "tags": ["<b>x</b>"],
        "category": "<b>y</b>",
    }
    document = site.client.post("/api/v1/documents", json=body).json()
    yield str(document["id"])
    site.client.delete(f"/api/v1/documents/{document['id']}")


def assert_harmless(page: Page) -> None:
    page.wait_for_timeout(200)
    assert page.evaluate("window.hacked") is None
    assert page.locator("#nexus :is(script, iframe, object, embed)").count() == 0
    assert page.locator("#nexus img:not([src='/ui/icon.svg'])").count() == 0
    assert page.locator("#nexus a[href^='http'], #nexus a[href^='javascript']").count() == 0


@pytest.mark.parametrize("address", ["/documents/{}", "/knowledge", "/search?q=wombat+password", "/status", "/"])
def test_a_hostile_document_is_shown_as_the_text_that_it_is(evil_document: str, visit: Visit, address: str) -> None:
    page = visit(address.format(evil_document))
    if address != "/status":
        expect(page.get_by_text("<img src=x onerror", exact=False).first).to_be_visible()
    assert_harmless(page)


def test_a_hostile_passage_stays_text_in_an_answer_and_in_the_panel(evil_document: str, visit: Visit) -> None:
    page = visit("/search?q=wombat+password")
    page.locator(".result-link").first.click()
    expect(page.locator(".panel mark").first).to_be_visible()
    assert_harmless(page)
    page.goto("/?q=What+is+the+wombat+password%3F")
    expect(page.locator(".answer-rest > *").first).to_be_visible()
    assert_harmless(page)


def test_a_hostile_question_and_address_stay_text(visit: Visit) -> None:
    page = visit(f"/?q={EVIL}")
    expect(page.locator(".question")).to_have_text(EVIL)
    assert_harmless(page)
    page.goto(f"/search?q={EVIL}&space=%3Cscript%3E&mode=%3Cb%3E")
    expect(page.get_by_role("combobox", name="Search", exact=True)).to_have_value(EVIL)
    assert_harmless(page)
