"""Coming in and going out."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def test_a_visitor_signs_in_and_comes_to_where_they_wanted_to_go(site: Site, visit: Visit) -> None:
    page = visit("/search?q=hotel", signed_in=False)
    expect(page.get_by_role("heading", name="Nexus Stream")).to_be_visible()
    page.get_by_text("I have a sign-in link").click()
    page.get_by_label("Sign-in link or token").fill(site.link())
    page.get_by_role("button", name="Use the link").click()
    expect(page).to_have_url(f"{site.url}/search?q=hotel")
    expect(page.locator(".result").first).to_be_visible()


def test_the_printed_link_opens_the_app_and_a_used_one_says_so(site: Site, visit: Visit) -> None:
    link = site.link()
    first = visit(link, signed_in=False)
    expect(first.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    second = visit(link, signed_in=False)
    expect(second.get_by_role("alert")).to_contain_text("used already")


def test_signing_out_ends_the_session(site: Site, visit: Visit) -> None:
    page = visit(site.link(), signed_in=False)
    page.get_by_role("button", name="Account and appearance").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/sign-in")
    page.goto("/knowledge")
    expect(page).to_have_url(f"{site.url}/sign-in?next=%2Fknowledge")
