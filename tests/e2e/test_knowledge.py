"""Adding documents, reading and deleting them, and what the index says of them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.conftest import Site
from tests.e2e.test_accounts import register, sign_in

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def test_several_files_are_uploaded_into_a_new_space_each_with_its_own_end(visit: Visit) -> None:
    page = visit("/knowledge?add")
    panel = page.get_by_role("region", name="Add documents")
    panel.get_by_role("button", name="New space").click()
    page.get_by_label("Name of the space").fill("Facilities")
    page.get_by_role("button", name="Create").click()
    expect(panel.get_by_label("Into the space")).to_contain_text("Facilities")

    panel.locator("input[type=file]").first.set_input_files(
        [
            file("bicycles.md", b"# Bicycles\n\nThe bicycle cellar opens with the blue key."),
            file("empty.pdf", b"%PDF-1.4"),
        ]
    )
    good, broken = panel.locator("li", has_text="bicycles.md"), panel.locator("li", has_text="empty.pdf")
    expect(good).to_contain_text("Ready: 1 passage")
    expect(broken).to_contain_text("Not read")
    expect(broken.locator(".doc-error")).not_to_be_empty()
    expect(broken.get_by_role("button", name="Try again")).to_be_visible()

    page.goto("/?q=Which+key+opens+the+bicycle+cellar%3F")
    expect(page.locator(".answer-text")).to_contain_text("blue key")

    page.goto("/status")
    failure = page.locator(".failure", has_text="empty")
    expect(failure.locator(".doc-error")).not_to_be_empty()
    failure.get_by_role("button", name="Try again").click()
    expect(page.locator(".notice")).to_contain_text("tried again")


def test_a_refused_file_says_why_and_can_be_sent_again(site: Site, visit: Visit) -> None:
    page = visit(f"/knowledge?space={site.space('Larkfield')}&add")
    panel = page.get_by_role("region", name="Add documents")
    expect(panel.get_by_label("Into the space")).to_have_value(site.space("Larkfield"))
    page.route("**/api/v1/documents/upload", lambda route: route.abort())
    panel.locator("input[type=file]").first.set_input_files([file("parking.md", b"# Parking\n\nPark in row C.")])
    row = panel.locator("li", has_text="parking.md")
    expect(row).to_contain_text("The server did not answer")
    page.unroute("**/api/v1/documents/upload")
    row.get_by_role("button", name="Try again").click()
    expect(row).to_contain_text("Ready: 1 passage")
    expect(page.locator(".doc-row", has_text="Parking")).to_be_visible()


def test_a_document_is_read_and_deleted_by_name(site: Site, visit: Visit) -> None:
    document = site.add(
        "Larkfield", "canteen.md", b"# The canteen\n\nLunch is served from noon.\n\n## Menu\n\nSoup every day."
    )
    page = visit("/knowledge")
    page.get_by_role("searchbox", name="Filter by title").fill("canteen")
    page.get_by_role("link", name=re.compile("The canteen")).click()
    expect(page).to_have_url(f"{site.url}/documents/{document}")
    expect(page.locator(".doc-text")).to_contain_text("Lunch is served from noon.")
    page.get_by_text("Details").click()
    expect(page.locator(".doc-details")).to_contain_text("canteen.md")

    page.get_by_role("button", name="Actions").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download original").click()
    assert download.value.suggested_filename == "canteen.md"

    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Delete document").click()
    box = page.get_by_role("dialog")
    expect(box).to_contain_text("“The canteen” will be deleted")
    box.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Actions").click()
    page.get_by_role("menuitem", name="Delete document").click()
    box.get_by_role("button", name="Delete").click()
    expect(page.locator(".notice")).to_contain_text("“The canteen” was deleted")
    expect(page.locator(".doc-row").first).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("The canteen"))).to_have_count(0)
    page.goto(f"/documents/{document}")
    expect(page.get_by_role("alert")).to_contain_text("Not found")


def test_the_status_counts_and_an_admin_can_check_the_index(visit: Visit) -> None:
    page = visit("/status")
    expect(page.locator(".figure", has_text="Ready").locator("dd")).not_to_have_text("0")
    page.get_by_role("button", name="Check the index").click()
    expect(page.locator(".notice")).to_contain_text("The index was checked")


def test_those_who_may_change_a_document_edit_its_labels_and_search_follows(site: Site, visit: Visit) -> None:
    text = b"---\ntags: [draft, badges]\ncategory: Facilities\n---\n# Visitor badges\n\nA guest wears a violet badge."
    document = site.add("Larkfield", "badges.md", text)
    page = visit(f"/documents/{document}")
    labels = page.get_by_role("list", name="Labels")
    expect(labels.get_by_role("listitem")).to_have_text(["Category: Facilities", "Tag: draft", "Tag: badges"])

    page.get_by_role("button", name="Edit labels").click()
    box = page.get_by_role("dialog")
    expect(box.locator("#labels-tags option")).not_to_have_count(0)  # what the space's documents have
    assert {"draft", "badges"} <= set(box.locator("#labels-tags option").evaluate_all("all => all.map(o => o.value)"))
    assert "Facilities" in box.locator("#labels-categories option").evaluate_all("all => all.map(o => o.value)")
    box.get_by_role("button", name="Remove the tag draft").click()
    tag = box.get_by_label("Tags")
    tag.press_sequentially("visitors, 방문")
    tag.press("Enter")
    tag.fill("badges")  # there already, and not ended
    box.get_by_role("button", name="Save").click()
    expect(box).to_have_count(0)
    expect(labels.get_by_role("listitem")).to_have_text(
        ["Category: Facilities", "Tag: badges", "Tag: visitors", "Tag: 방문"]
    )
    # What was not touched is still the file's.
    site.add("Larkfield", "badges.md", text.replace(b"Facilities", b"Reception"))
    page.reload()
    expect(labels.get_by_role("listitem").first).to_have_text("Category: Reception")

    page.goto("/search?q=violet+badge")
    page.get_by_role("group", name="Tag").get_by_label("방문").check()
    expect(page.locator(".result").first).to_contain_text("Visitor badges")
    expect(page.get_by_role("group", name="Tag")).not_to_contain_text("draft")

    page.goto(f"/documents/{document}")
    page.get_by_role("button", name="Edit labels").click()
    for _ in range(3):
        tag.press("Backspace")
    box.get_by_label("Category").fill("")
    box.get_by_role("button", name="Save").click()
    expect(labels).to_have_count(0)
    expect(page.locator(".doc-labels")).to_have_text("Add labels")
    page.get_by_role("button", name="Undo").click()
    expect(labels.get_by_role("listitem")).to_have_count(4)


def test_labels_are_shown_to_a_reader_and_edited_by_whom_a_document_is_shared_with_for_editing(
    site: Site, visit: Visit
) -> None:
    other = visit("/register", signed_in=False)
    register(site, other, "Louisa Reader", "louisa@larkfield-air.com")
    sign_in(other, "louisa@larkfield-air.com")
    document = site.add("Larkfield", "lockers.md", b"# Lockers\n\nA locker takes a coin.")
    site.client.patch(f"/api/v1/documents/{document}", json={"tags": ["keys"]}).raise_for_status()
    (louisa,) = site.client.get("/api/v1/users", params={"q": "Louisa Reader"}).json()["items"]
    grants = f"/api/v1/documents/{document}/grants"
    for role, may in (("viewer", 0), ("editor", 1)):
        site.client.put(grants, json={"user_id": louisa["id"], "role": role}).raise_for_status()
        other.goto(f"/documents/{document}")
        expect(other.get_by_role("list", name="Labels")).to_contain_text("keys")
        expect(other.get_by_role("button", name="Edit labels")).to_have_count(may)
    other.get_by_role("button", name="Edit labels").click()
    other.get_by_role("dialog").get_by_label("Category").fill("Building")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("list", name="Labels")).to_contain_text("Building")
