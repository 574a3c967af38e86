"""How the pages look: on a phone, in the dark, in Korean, and to people who see less contrast."""

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
PAGES = ["/", "/search", "/search?q=leave", "/knowledge", "/knowledge?add", "/status"]
PAGES += ["/account", "/account/security", "/teams", "/projects"]
PAGES += ["/admin/users", "/admin/invitations", "/admin/mail", "/admin/audit", "/admin/searches"]
PAGES += ["/admin/answers", "/admin/gaps", "/admin/assistant"]
ENTRANCE = ["/sign-in", "/register", "/forgot", "/reset?token=x", "/verify?token=x", "/join?token=x"]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# Text and the colour behind it (the nearest opaque background), by the formula of WCAG 2.2, 1.4.3.
FAINT_TEXT = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll('#nexus *, .card *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.disabled) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(`${element.className || element.tagName}: ${contrast.toFixed(2)}`);
  }
  return [...new Set(faint)];
}"""


def settled(page: Page) -> None:
    """Wait until the page shows what it came for."""
    expect(
        page.locator(
            ".main :is(.recent, .search-start, .result, .doc-row, .figures, .state, .turn, .document, .section, .rows,"
            " .side-empty, article)"
        ).first
    ).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)


def answered(page: Page) -> None:
    """Wait until the page shows a whole answer."""
    expect(page.locator(".answer-actions")).to_be_visible()


def carded(page: Page) -> None:
    """Wait until a page before sign-in shows."""
    expect(page.locator(".card h1")).to_be_visible()


WIDTH = """() => Math.max(document.documentElement.scrollWidth,
  ...[...document.querySelectorAll('#nexus .scroll, #nexus .panel-body')].map((element) => element.scrollWidth))"""


def width_of(page: Page) -> int:
    """How wide the widest part of the page that scrolls is."""
    return int(page.evaluate(WIDTH))


def faults_of(page: Page, address: str, ready: Callable[[Page], None]) -> list[str]:
    """What is wrong with a page at a phone's width, and with its colours on a desk in the light and in the dark."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address)
    ready(page)
    faults = [f"{address} is wider than a phone"] if width_of(page) > 390 else []
    page.set_viewport_size({"width": 1280, "height": 800})
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.wait_for_function("document.getAnimations().length === 0")  # colours fade into one another
        faults += [f"{address}, {scheme}: {faint}" for faint in page.evaluate(FAINT_TEXT)]
    return faults


def test_every_page_fits_a_phone_and_its_text_has_enough_contrast(visit: Visit) -> None:
    page = visit("/")
    assert [fault for address in PAGES for fault in faults_of(page, address, settled)] == []
    assert faults_of(page, "/?q=When+are+expenses+paid%3F", answered) == []


def test_long_names_make_no_page_wider_than_a_phone(site: Site, visit: Visit) -> None:
    space = site.client.get("/api/v1/spaces").json()["items"][0]["id"]
    title = "Frequently asked questions of those who travel to conferences abroad, and what they have to keep in mind"
    body = {"space_id": space, "title": title, "text": "# Asked\n\nKeep your receipts."}
    document = site.client.post("/api/v1/documents", json=body).raise_for_status().json()["id"]
    page = visit("/", width=360, height=740)
    try:
        expect(page.locator(".recent")).to_contain_text(title)
        assert width_of(page) <= 360
        page.goto("/knowledge")
        expect(page.locator(".doc-row").first).to_contain_text(title)
        assert width_of(page) <= 360
    finally:
        site.client.delete(f"/api/v1/documents/{document}").raise_for_status()


def test_the_pages_before_sign_in_fit_a_phone_and_have_enough_contrast(visit: Visit) -> None:
    page = visit("/sign-in", signed_in=False)
    assert [fault for address in ENTRANCE for fault in faults_of(page, address, carded)] == []


def test_on_a_phone_one_asks_reads_the_source_and_comes_back(visit: Visit) -> None:
    page = visit("/", width=390, height=844)
    page.get_by_role("textbox").fill("When are expenses paid?")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.locator("button.chip").first.click()
    panel = page.get_by_role("complementary", name="Passage")
    expect(panel.locator("mark").first).to_be_in_viewport()
    assert width_of(page) <= 390
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)
    page.get_by_role("button", name="List").click()
    page.get_by_role("link", name="New question").click()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    page.get_by_role("link", name="Knowledge").click()
    expect(page.locator(".doc-row").first).to_be_visible()


def test_the_appearance_follows_the_system_until_one_chooses(visit: Visit) -> None:
    page = visit("/", scheme="dark")
    settled(page)
    background = "getComputedStyle(document.getElementById('nexus')).backgroundColor"
    assert page.evaluate(background) == "rgb(15, 17, 21)"
    page.get_by_role("button", name="Account and appearance").click()
    page.get_by_role("menuitemradio", name="Light").click()
    assert page.evaluate(background) == "rgb(251, 251, 252)"
    page.reload()
    settled(page)
    assert page.evaluate(background) == "rgb(251, 251, 252)"


def test_the_words_are_korean_for_a_korean_browser_and_by_choice(site: Site, visit: Visit) -> None:
    site.client.patch("/api/v1/users/me", json={"locale": None}).raise_for_status()
    page = visit("/", locale="ko-KR")
    expect(page.get_by_role("heading", name="무엇이 궁금하신가요?")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.get_by_role("button", name="계정과 화면").click()
    page.get_by_role("menuitemradio", name="English").click()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    # It is the person's from now on, in every browser.
    elsewhere = visit("/", locale="ko-KR")
    expect(elsewhere.get_by_role("heading", name="What would you like to know?")).to_be_visible()


def test_nothing_of_gradio_shows(visit: Visit, site: Site) -> None:
    page = visit("/")
    settled(page)
    assert (
        page.locator("gradio-app").evaluate("(e) => e.getBoundingClientRect().width * e.getBoundingClientRect().height")
        == 0
    )
    assert "Nexus Stream" in page.title()
    assert "gradio" not in page.locator("body").inner_text().lower()


def test_an_address_that_is_nothing_says_so(visit: Visit) -> None:
    page = visit("/no/such/page")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.get_by_role("link", name="Go to the start").click()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
