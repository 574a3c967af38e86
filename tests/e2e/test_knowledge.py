"""Adding documents, reading and deleting them, and what the index says of them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.e2e.conftest import Site

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
