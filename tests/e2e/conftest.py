"""The real product in a process of its own, and a real Chromium to use it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.assistant.llm_server import Endpoint, llm_endpoint
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, oidc_provider

HANDBOOK = Path(__file__).parent / "handbook"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync", "--no-first-run"]
PATIENCE_MS = 15_000

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Site:
    """A running server: its address, its data directory, and a client that is signed in as the owner."""

    url: str
    data_dir: Path
    client: httpx.Client

    def link(self) -> str:
        """A new one-time sign-in link."""
        command = [sys.executable, "-m", "nexus", "token", "--data-dir", str(self.data_dir)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def space(self, name: str) -> str:
        """The id of the space of this name, made when there is none."""
        for space in self.client.get("/api/v1/spaces", params={"limit": 200}).json()["items"]:
            if space["name"] == name:
                return str(space["id"])
        return str(self.client.post("/api/v1/spaces", json={"name": name}).json()["id"])

    def add(self, space: str, filename: str, content: bytes) -> str:
        """Upload a file and wait until it is indexed; gives the document's id."""
        files = {"file": (filename, content)}
        answer = self.client.post("/api/v1/documents/upload", data={"space_id": self.space(space)}, files=files)
        assert answer.is_success, answer.text
        document_id = str(answer.json()["document"]["id"])
        self.wait_indexed(document_id)
        return document_id

    def mailed_link(self, recipient: str, page: str) -> str:
        """The link to `page` in the newest mail to somebody."""
        found: list[str] = []

        def arrived() -> bool:
            mails = self.client.get("/api/v1/mail", params={"limit": 200}).json()["items"]
            bodies = [mail["body"] for mail in mails if mail["recipient"] == recipient and mail["body"]]
            found.extend(link for body in bodies for link in re.findall(rf"http://\S+{page}\?token=\S+", body))
            return bool(found)

        wait_until(arrived, seconds=20)
        return found[0]

    def wait_indexed(self, document_id: str) -> None:
        """Wait until a document has been read, or has failed."""
        wait_until(lambda: self.client.get(f"/api/v1/documents/{document_id}").json()["index"]["status"] != "pending")


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for `condition`, and fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture(scope="package")
def provider() -> Iterator[Provider]:
    """Another site that people may sign in with."""
    with oidc_provider() as running:
        yield running


@pytest.fixture(scope="package")
def llm() -> Iterator[Endpoint]:
    """An endpoint whose model an admin may choose; nobody has, unless a test asks for `scripted`."""
    with llm_endpoint() as running:
        yield running


@pytest.fixture
def scripted(site: Site, llm: Endpoint) -> Iterator[Endpoint]:
    """The endpoint, whose model answers everybody."""
    settings = "/api/v1/assistant/settings"
    site.client.put(settings, json={"model": "scripted"}).raise_for_status()
    yield llm
    site.client.put(settings, json={}).raise_for_status()


@pytest.fixture(scope="package")
def site(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, provider: Provider, llm: Endpoint
) -> Iterator[Site]:
    """The product with a small handbook in the space "Larkfield"."""
    data_dir = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "nexus", "serve", "--port", "0", "--data-dir", str(data_dir)]
    environment = {**os.environ, "NEXUS_MODELS_CACHE": str(model_cache), "NEXUS_LOG_LEVEL": "error"}
    # All of the tests' people come from one address.
    environment |= {"NEXUS_REGISTRATION": "open", "NEXUS_RATE_LIMIT_SIGN_IN": "1000/minute"}
    environment |= {"NEXUS_RATE_LIMIT_REQUESTS": "100000/minute"}
    other = {"name": "works", "label": "Larkfield Works", "issuer": provider.url}
    other |= {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    environment |= {"NEXUS_OIDC_PROVIDERS": json.dumps([other])}
    environment |= {"NEXUS_LLM_BASE_URL": llm.url, "NEXUS_LLM_MODELS": '["scripted"]'}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        link = next((m.group() for m in map(_LINK.search, process.stdout) if m), None)
        assert link is not None, "the server printed no sign-in link"
        url = link.split("/sign-in")[0]
        with httpx.Client(base_url=url, timeout=60, headers={"Origin": url}) as client:
            wait_until(lambda: client.get("/health/ready").is_success)
            assert client.get(link).status_code == 303
            running = Site(url, data_dir, client)
            for file in sorted(HANDBOOK.iterdir()):
                running.add("Larkfield", file.name, file.read_bytes())
            wait_until(lambda: client.get("/").is_success)
            # The first answer loads what answers need; no test has to wait for that.
            first = client.post("/api/v1/assistant/chat", json={"message": "What is Larkfield?"}, timeout=120)
            client.delete(f"/api/v1/assistant/conversations/{first.json()['conversation_id']}")
            yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


_LINK = re.compile(r"http://\S+/sign-in\?token=\S+")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the package (closed with it: it keeps an event loop in this thread)."""
    program = os.environ.get("NEXUS_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed; set NEXUS_TEST_CHROMIUM to one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Visit:
    """How a visitor's browser is set."""

    width: int = 1280
    height: int = 800
    scheme: str = "light"
    locale: str = "en-US"
    signed_in: bool = True


@pytest.fixture
def visit(site: Site, provider: Provider, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a browser of its own. At the end of the test, nothing may have failed in its scripts, and
    nothing been asked of another host."""
    faults: list[str] = []
    contexts = []
    known = (site.url, provider.url, "data:", "blob:")

    def open_page(address: str = "/", **settings: object) -> Page:
        how = Visit(**settings)  # type: ignore[arg-type]
        context = browser.new_context(
            viewport={"width": how.width, "height": how.height},
            color_scheme=how.scheme,  # type: ignore[arg-type]
            locale=how.locale,
            reduced_motion="reduce",
            base_url=site.url,
        )
        contexts.append(context)
        if how.signed_in:
            cookie = site.client.cookies["nexus_session"]
            context.add_cookies([{"name": "nexus_session", "value": cookie, "url": site.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: request.url.startswith(known) or faults.append(f"asked {request.url}"))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    """A signed-in page at desktop width."""
    return visit("/")
