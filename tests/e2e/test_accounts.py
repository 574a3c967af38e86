"""Accounts, teams and who may see what, as people meet them."""

import re
from collections.abc import Callable
from io import BytesIO
from urllib.parse import urlsplit

import pyotp
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]

PASSWORD = "nine lanterns over the harbour"
HOME = "What would you like to know?"


def path_of(link: str) -> str:
    """The address of a mailed link on this site."""
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def register(site: Site, page: Page, name: str, email: str) -> None:
    """Make an account and confirm its address."""
    page.goto("/register")
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    page.goto(path_of(site.mailed_link(email, "/verify")))
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_role("heading", name="Your e-mail address is confirmed")).to_be_visible()


def sign_in(page: Page, email: str, code: str | None = None) -> None:
    """Sign in with the password and, where it is asked for, a code."""
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    if code is not None:
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name=HOME)).to_be_visible()


def sign_out(page: Page) -> None:
    """Sign out with the menu in the rail."""
    page.get_by_role("button", name="Account and appearance").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def turn_second_factor_on(page: Page) -> tuple[pyotp.TOTP, list[str]]:
    """Set up two-step sign-in; gives what makes codes, and the recovery codes."""
    page.goto("/account/security")
    page.get_by_role("button", name="Set up two-step sign-in").click()
    page.get_by_role("dialog").get_by_label("Password").fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="Continue").click()
    box = page.get_by_role("dialog", name="Set up two-step sign-in")
    qr = box.get_by_alt_text("QR code for your authenticator app")
    expect(qr).to_be_visible()
    expect(qr).to_have_js_property("complete", True)
    assert qr.evaluate("(image) => image.naturalWidth") > 0
    totp = pyotp.TOTP(str(box.locator("[data-secret]").get_attribute("data-secret")))
    box.get_by_label("Code").fill("000000")
    box.get_by_role("button", name="Turn on").click()
    expect(box.get_by_role("alert").first).to_be_visible()
    box.get_by_label("Code").fill(totp.now())
    box.get_by_role("button", name="Turn on").click()
    codes = page.get_by_role("dialog", name="Your recovery codes")
    expect(codes).to_be_visible()
    page.keyboard.press("Escape")  # does not lose them
    shown = codes.locator("code").all_inner_texts()
    with page.expect_download() as download:
        codes.get_by_role("link", name="Download").click()
    assert download.value.path().read_text().split() == shown
    codes.get_by_role("button", name="I have kept them").click()
    expect(page.get_by_text("10 recovery codes left")).to_be_visible()
    return totp, shown


def test_a_person_registers_uses_a_second_factor_and_shares_a_team_until_they_do_not(site: Site, visit: Visit) -> None:
    # Ada registers, and turns two-step sign-in on.
    ada = visit("/register", signed_in=False)
    register(site, ada, "Ada Byron", "ada@larkfield-air.com")
    sign_in(ada, "ada@larkfield-air.com")
    _, recovery = turn_second_factor_on(ada)
    sign_out(ada)

    # A wrong code is refused in words; a recovery code signs in, once.
    ada.get_by_label("E-mail address").fill("ada@larkfield-air.com")
    ada.get_by_label("Password", exact=True).fill(PASSWORD)
    ada.get_by_role("button", name="Sign in").click()
    ada.get_by_label("Code").fill("nonsense")
    ada.get_by_role("button", name="Continue").click()
    expect(ada.get_by_role("alert")).to_contain_text("This code is not right")
    ada.get_by_label("Code").fill(recovery[0])
    ada.get_by_role("button", name="Continue").click()
    expect(ada.get_by_role("heading", name=HOME)).to_be_visible()

    # She makes a team and puts a document into it.
    ada.get_by_role("link", name="Teams").click()
    ada.get_by_role("button", name="New team").click()
    ada.get_by_role("dialog").get_by_label("Name").fill("Balloonists")
    ada.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(ada.get_by_role("heading", name="Balloonists")).to_be_visible()
    team = ada.url
    ada.get_by_role("link", name="Add documents").click()
    uploads = ada.get_by_role("region", name="Add documents")
    expect(uploads.get_by_label("Into the space")).to_contain_text("Balloonists")
    sand = b"# Ballast\n\nTake forty sacks of red sand."
    uploads.locator("input[type=file]").first.set_input_files(
        {"name": "ballast.md", "mimeType": "text/markdown", "buffer": sand}
    )
    expect(uploads.locator("li", has_text="ballast.md")).to_contain_text("Ready")

    # She invites Bert, who has no account, by mail. He joins, and sees the team's document.
    ada.goto(team)
    expect(ada.get_by_text("No invitations are waiting.")).to_be_visible()  # nothing moves under the pointer any more
    expect(ada.get_by_role("link", name="Open the documents")).to_contain_text("1 document")
    ada.get_by_label("E-mail address").fill("bert@larkfield-air.com")
    ada.get_by_role("button", name="Send invitation").click()
    expect(ada.locator(".notice")).to_contain_text("bert@larkfield-air.com is invited")
    bert = visit(path_of(site.mailed_link("bert@larkfield-air.com", "/join")), signed_in=False)
    expect(bert.get_by_text("Ada Byron invites bert@larkfield-air.com to “Balloonists”.")).to_be_visible()
    bert.get_by_label("Name").fill("Bert Auriol")
    bert.get_by_label("Password", exact=True).fill("short")
    bert.get_by_role("button", name="Create account and join").click()
    expect(bert.get_by_role("alert")).to_contain_text("10 characters")
    bert.get_by_label("Password", exact=True).fill(PASSWORD)
    bert.get_by_role("button", name="Create account and join").click()
    expect(bert.get_by_role("heading", name=HOME)).to_be_visible()
    bert.goto("/search?q=sacks+of+red+sand")
    expect(bert.locator(".result").first).to_contain_text("forty sacks")
    bert.locator(".result-link").first.click()
    bert.get_by_role("link", name="Open document").click()
    expect(bert.locator(".doc-text")).to_contain_text("forty sacks of red sand")
    document = bert.url
    # A guest administers nothing, and says so when asked for the address itself.
    expect(bert.get_by_role("link", name="Admin")).to_be_hidden()
    bert.goto("/admin/users")
    expect(bert.get_by_role("alert")).to_contain_text("You may not do this")

    # Ada removes him: from that moment he sees neither the team nor its document.
    ada.reload()
    ada.get_by_role("button", name="Remove Bert Auriol").click()
    box = ada.get_by_role("dialog")
    expect(box).to_contain_text("Bert Auriol can no longer see what is in “Balloonists”")
    box.get_by_role("button", name="Remove").click()
    expect(ada.locator(".notice")).to_contain_text("Bert Auriol is no longer in “Balloonists”")
    expect(ada.get_by_role("list", name="Members").get_by_text("Bert Auriol")).to_have_count(0)
    bert.goto(document)
    expect(bert.get_by_role("alert")).to_contain_text("Not found")
    bert.goto("/search?q=sacks+of+red+sand")
    expect(bert.get_by_text("forty sacks")).to_have_count(0)
    bert.goto(urlsplit(team).path)
    expect(bert.get_by_role("alert")).to_contain_text("Not found")


def test_a_forgotten_password_is_replaced_by_mail_and_other_sessions_end(site: Site, visit: Visit) -> None:
    first = visit("/register", signed_in=False)
    register(site, first, "Grace Murray", "grace@larkfield-air.com")
    sign_in(first, "grace@larkfield-air.com")

    second = visit("/sign-in", signed_in=False)
    second.get_by_role("link", name="Forgot your password?").click()
    second.get_by_label("E-mail address").fill("grace@larkfield-air.com")
    second.get_by_role("button", name="Send the link").click()
    expect(second.get_by_role("heading", name="Look into your mail")).to_be_visible()
    link = path_of(site.mailed_link("grace@larkfield-air.com", "/reset"))
    second.goto(link)
    second.get_by_label("New password").fill("seven quiet umbrellas at noon")
    second.get_by_role("button", name="Change password").click()
    expect(second.get_by_role("heading", name="Your password is changed")).to_be_visible()
    second.goto(link)
    second.get_by_label("New password").fill("eight quiet umbrellas at noon")
    second.get_by_role("button", name="Change password").click()
    expect(second.get_by_role("heading", name="This link does not work any more")).to_be_visible()

    first.goto("/knowledge")
    expect(first).to_have_url(re.compile("/sign-in"))
    first.get_by_label("E-mail address").fill("grace@larkfield-air.com")
    first.get_by_label("Password", exact=True).fill(PASSWORD)
    first.get_by_role("button", name="Sign in").click()
    expect(first.get_by_role("alert")).to_contain_text("The address or the password is not right.")
    first.get_by_label("Password", exact=True).fill("seven quiet umbrellas at noon")
    first.get_by_role("button", name="Sign in").click()
    expect(first).to_have_url(f"{site.url}/knowledge")


def test_one_sees_ones_devices_makes_a_key_that_is_shown_once_and_revokes_it(site: Site, visit: Visit) -> None:
    page = visit("/account/security")
    sessions = page.get_by_role("list", name="Where you are signed in")
    expect(sessions.get_by_text("this device")).to_have_count(1)
    page.get_by_role("button", name="New key").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Name").fill("Nightly <b>script</b>")
    box.get_by_role("button", name="Create key").click()
    shown = page.get_by_role("dialog", name="Nightly <b>script</b>")
    key = shown.locator("code").inner_text()
    with_key = {"Authorization": f"Bearer {key}"}
    assert site.client.get("/api/v1/spaces", headers=with_key).is_success
    shown.get_by_role("button", name="I have kept it").click()
    row = page.get_by_role("list", name="API keys").locator("li", has_text="Nightly <b>script</b>")
    expect(row).to_contain_text("read")
    expect(shown).to_have_count(0)
    assert key not in page.content()
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    assert site.client.get("/api/v1/spaces", headers=with_key).status_code == 401


def test_a_document_is_shared_with_one_person_and_no_longer(site: Site, visit: Visit) -> None:
    page = visit("/register", signed_in=False)
    register(site, page, "Hedy Kiesler", "hedy@larkfield-air.com")
    sign_in(page, "hedy@larkfield-air.com")
    document = site.add("Frequencies", "hopping.md", b"# Hopping\n\nChange the frequency eighty-eight times.")
    page.goto(f"/documents/{document}")
    expect(page.get_by_role("alert")).to_contain_text("Not found")

    owner = visit(f"/documents/{document}")
    owner.get_by_role("button", name="Actions").click()
    owner.get_by_role("menuitem", name="Share").click()
    box = owner.get_by_role("dialog", name="Share")
    box.get_by_label("Add a person").fill("hedy")
    box.get_by_role("button", name="Hedy Kiesler").click()
    row = box.get_by_role("list", name="Shared with").locator("li", has_text="Hedy Kiesler")
    expect(row).to_be_visible()
    page.reload()
    expect(page.locator(".doc-text")).to_contain_text("eighty-eight times")
    page.get_by_role("article").get_by_role("link", name="Shared with me").click()
    expect(page.get_by_role("link", name=re.compile("Hopping"))).to_be_visible()
    page.go_back()

    row.get_by_role("button", name="Stop sharing with Hedy Kiesler").click()
    owner.get_by_role("dialog", name="Stop sharing").get_by_role("button", name="Stop sharing").click()
    expect(row).to_have_count(0)
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("Not found")


def test_a_person_changes_their_profile_and_leaves_by_typing_their_name(site: Site, visit: Visit) -> None:
    page = visit("/register", signed_in=False)
    register(site, page, "Mary <i>Somerville</i>", "mary@larkfield-air.com")
    sign_in(page, "mary@larkfield-air.com")
    page.goto("/account")
    expect(page.get_by_text("Confirmed", exact=True)).to_be_visible()
    page.get_by_label("Picture", exact=True).set_input_files(
        {"name": "me.svg", "mimeType": "image/svg+xml", "buffer": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}
    )
    expect(page.locator(".notice.bad")).to_be_visible()
    picture = BytesIO()
    Image.new("RGB", (400, 300), "teal").save(picture, "JPEG")
    page.get_by_label("Picture", exact=True).set_input_files(
        {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}
    )
    face = page.locator(".section img.avatar")
    expect(face).to_be_visible()
    expect(face).to_have_js_property("naturalWidth", 256)
    page.get_by_label("Language", exact=True).select_option("ko")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("heading", name="프로필")).to_be_visible()
    page.get_by_label("언어", exact=True).select_option("en")
    page.get_by_role("button", name="저장").last.click()
    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.startswith("nexus-export")

    page.get_by_role("button", name="Delete account").click()
    box = page.get_by_role("dialog", name="Delete account")
    box.get_by_label("Password").fill(PASSWORD)
    box.get_by_label("to confirm").fill("Mary")
    box.get_by_role("button", name="Delete account").click()
    expect(box.get_by_role("alert").first).to_contain_text("That is not “Mary <i>Somerville</i>”.")
    box.get_by_label("to confirm").fill("Mary <i>Somerville</i>")
    box.get_by_label("What was written stays").select_option("under another name")
    box.get_by_role("button", name="Delete account").click()
    expect(box.get_by_role("alert").first).to_contain_text("Enter a name")
    box.get_by_label("The other name").fill("The <b>handbook</b> team")
    box.get_by_role("button", name="Delete account").click()
    expect(page).to_have_url(f"{site.url}/sign-in")


def test_an_admin_adds_disables_and_deletes_a_person_and_the_log_has_it(site: Site, visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    page.get_by_role("button", name="Add a person").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Name").fill("Sofia Krukovskaya")
    box.get_by_label("E-mail address").fill("not an address")
    box.locator("form").evaluate("(form) => { form.noValidate = true; }")
    box.get_by_role("button", name="Add").click()
    expect(box.get_by_role("alert").first).to_contain_text("Enter a whole e-mail address")
    box.get_by_label("E-mail address").fill("sofia@larkfield-air.com")
    box.get_by_role("button", name="Add").click()
    expect(box).to_have_count(0)
    page.get_by_role("searchbox", name="Find by name or address").fill("sofia@")
    rows = page.get_by_role("list", name="People").locator("li")
    expect(rows).to_have_count(1)

    # The link in her mail lets her choose a password.
    sofia = visit(path_of(site.mailed_link("sofia@larkfield-air.com", "/reset")), signed_in=False)
    sofia.get_by_label("New password").fill(PASSWORD)
    sofia.get_by_role("button", name="Change password").click()
    sign_in(sofia, "sofia@larkfield-air.com")
    sofia.goto("about:blank")  # a page that is open would go to /sign-in by itself, and get in the way

    rows.get_by_role("button", name="Actions for Sofia Krukovskaya").click()
    page.get_by_role("menuitem", name="Disable the account").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(rows).to_contain_text("Disabled")
    sofia.goto("/knowledge")
    expect(sofia).to_have_url(re.compile("/sign-in"))
    rows.get_by_role("button", name="Actions for Sofia Krukovskaya").click()
    page.get_by_role("menuitem", name="Delete the account").click()
    box = page.get_by_role("dialog")
    box.get_by_label("to confirm").fill("Sofia Krukovskaya")
    box.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nobody matches.")).to_be_visible()

    page.get_by_role("link", name="Audit log").click()
    log = page.get_by_role("list", name="Audit log")
    expect(log.get_by_text("Deleted an account").first).to_be_visible()
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="As a table (CSV)").click()
    assert "auth.signed_in" in download.value.path().read_text()
    page.get_by_role("combobox", name="About").select_option("auth")
    expect(log.get_by_text("Signed in").first).to_be_visible()
    expect(log.get_by_text("Deleted an account")).to_have_count(0)


@pytest.mark.parametrize("kind", ["team", "project"])
def test_a_group_is_archived_restored_and_deleted_by_its_name(visit: Visit, kind: str) -> None:
    page = visit(f"/{kind}s")
    page.get_by_role("button", name=f"New {kind}").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Short-lived")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Short-lived")).to_be_visible()
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Archive").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    expect(page.get_by_text("It can be read, not changed.")).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("It can be read, not changed.")).to_have_count(0)
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Delete").click()
    box = page.get_by_role("dialog")
    box.get_by_label("to confirm").fill("Short-lived")
    box.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name=f"{kind.title()}s")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Short-lived"))).to_have_count(0)
