"""Signing in with another site: a real OpenID Connect provider on loopback, in a real browser."""

from datetime import datetime

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Site
from tests.e2e.test_accounts import HOME, Visit, register, sign_in, sign_out, turn_second_factor_on
from tests.oidc_provider import Provider

pytestmark = pytest.mark.browser

BUTTON = "Continue with Larkfield Works"


def test_whoever_is_new_gets_an_account_and_a_refusal_is_told(site: Site, visit: Visit, provider: Provider) -> None:
    provider.person("wilbur-1", "wilbur@larkfield-air.com", name="Wilbur Wright")
    page = visit("/sign-in", signed_in=False)
    provider.authorize_error = "access_denied"
    page.get_by_role("link", name=BUTTON).click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_be_visible()
    provider.authorize_error = ""

    page.get_by_role("link", name=BUTTON).click()
    expect(page.get_by_role("heading", name=HOME)).to_be_visible()
    page.goto("/account")
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Wilbur Wright")
    sign_out(page)
    # Where one wanted to go is where one arrives.
    page.goto("/search?q=leave")
    page.get_by_role("link", name=BUTTON).click()
    expect(page).to_have_url(f"{site.url}/search?q=leave")


def test_an_account_is_linked_after_proof_asks_for_its_second_factor_and_is_unlinked(
    site: Site, visit: Visit, provider: Provider
) -> None:
    page = visit("/register", signed_in=False)
    register(site, page, "Orville Wright", "orville@larkfield-air.com")
    sign_in(page, "orville@larkfield-air.com")
    totp, _ = turn_second_factor_on(page)

    provider.person("orville-1", "somebody@elsewhere.com", name="O. W.")
    page.goto("/account/security")
    page.get_by_role("link", name="Link Larkfield Works").click()
    linked = page.get_by_role("list", name="Linked accounts").get_by_role("listitem")
    expect(linked).to_contain_text("somebody@elsewhere.com")

    sign_out(page)
    page.get_by_role("link", name=BUTTON).click()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is not right")
    # The code of now was used when the second factor was turned on, and works once.
    page.get_by_label("Code").fill(totp.at(datetime.now(), counter_offset=1))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name=HOME)).to_be_visible()

    page.goto("/account/security")
    linked.get_by_role("button", name="Unlink").click()
    page.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    expect(linked).to_have_count(0)
    assert site.client.get("/api/v1/audit", params={"action": "auth.identity_unlinked"}).json()["items"]
