"""People at work: documents are written and changed, read and searched for, while something is broken."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from core_api.models import new_id
from tests.cluster import Api

HANGS_AFTER = 15.0
"""Seconds after which an answer counts as none: what is away must be told of sooner."""
_TOPICS = (
    "The gardeners water the tomatoes in the greenhouse before sunrise.",
    "Invoices of foreign suppliers are paid after two signatures.",
    "The lighthouse keeper repairs the lamp when the storm is over.",
    "Apprentices learn to weld copper pipes in their second year.",
    "The choir rehearses the requiem in the old chapel on Mondays.",
    "Bicycles that are left in the cellar are given away in autumn.",
    "The surgeon washes her hands for five minutes before an operation.",
    "Glaciers in the northern valley lose a metre of ice every summer.",
    "The chess club lends its clocks to schools for tournaments.",
    "Pilots read the weather report twice before they fly over mountains.",
    "The bakery sells yesterday's bread at half its price.",
    "Archaeologists found bronze coins under the market square.",
)


@dataclass
class Written:
    """A document of the load; `text` is what was acknowledged last, `sure` whether nothing was sent since that may or
    may not have arrived."""

    path: str
    topic: str
    id: str = ""
    marker: str = ""
    text: str = ""
    sure: bool = True
    old_markers: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What became of one request."""

    kind: str  # ok, degraded, unavailable; anything else is a failure
    what: str
    at: float
    took: float
    says: str = ""


class Load:
    """Three threads: one writes, one searches, one reads. Every answer is kept.

    Allowed are success, 503 with `Retry-After` and a problem document that says what is the matter, and hybrid
    searches that say that they went by keywords. `full` adds 507, of a full disk.
    """

    def __init__(self, api: Api, space: str, foreign: set[str], *, documents: int = 8) -> None:
        self._api, self._space, self._foreign = api, space, foreign
        self._headers = dict(api.client.headers)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._versions = itertools.count()
        self.answers: list[Answer] = []
        self.documents = [self._new() for _ in range(documents)]
        self._threads = [
            threading.Thread(target=self._repeat, args=(step, pause), daemon=True)
            for step, pause in ((self._write, 0.3), (self._search, 0.15), (self._read, 0.15))
        ]

    def _new(self) -> Written:
        number = next(self._versions)
        return Written(f"load/{new_id()}.md", _TOPICS[number % len(_TOPICS)])

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(4 * HANGS_AFTER)
            assert not thread.is_alive(), "a request hangs"

    # --- what is asked about it

    def kinds(self, since: float = 0.0, until: float = float("inf")) -> Counter[str]:
        """How many answers there were of each kind."""
        with self._lock:
            return Counter(answer.kind for answer in self.answers if since <= answer.at < until)

    def failures(self) -> list[Answer]:
        """The answers that are not allowed."""
        with self._lock:
            return [one for one in self.answers if one.kind not in ("ok", "degraded", "unavailable", "full")]

    def says(self, kind: str) -> set[str]:
        """What the answers of a kind say."""
        with self._lock:
            return {answer.says for answer in self.answers if answer.kind == kind}

    def slowest(self) -> float:
        """Seconds of the slowest answer."""
        with self._lock:
            return max((answer.took for answer in self.answers), default=0.0)

    # --- the work

    def _repeat(self, step: Callable[[httpx.Client, int], None], pause: float) -> None:
        with httpx.Client(
            base_url=self._api.client.base_url, headers=self._headers, timeout=httpx.Timeout(HANGS_AFTER)
        ) as client:
            for turn in itertools.count():
                if self._stop.wait(pause):
                    return
                step(client, turn)

    def _write(self, client: httpx.Client, turn: int) -> None:
        if turn % 6 == 5:
            self.documents.append(self._new())
        document = self.documents[turn % len(self.documents)]
        marker = f"mark{new_id().replace('-', '')}"
        text = f"# {document.topic}\n\n{document.topic} Its sign is {marker}.\n"
        document.sure = False
        answer = self._ask(
            "write",
            lambda: client.post(
                "/api/v1/documents/upload",
                data={"space_id": self._space, "path": document.path},
                files={"file": ("load.md", text.encode(), "text/markdown")},
            ),
        )
        if answer is not None:
            if document.marker:
                document.old_markers.append(document.marker)
            document.id, document.marker, document.text, document.sure = answer["document"]["id"], marker, text, True

    def _search(self, client: httpx.Client, turn: int) -> None:
        document = self.documents[turn % len(self.documents)]
        mode = ("hybrid", "keyword", "semantic")[turn % 3]
        body = {"query": document.topic, "mode": mode, "k": 10}
        found = self._ask(f"search {mode}", lambda: client.post("/api/v1/search", json=body), mode)
        if found is not None:
            spaces = {hit["space"]["id"] for hit in found["hits"]}
            if spaces & self._foreign:
                self._note("leak", f"search {mode}", 0.0, str(spaces & self._foreign))

    def _read(self, client: httpx.Client, turn: int) -> None:
        document = self.documents[turn % len(self.documents)]
        if turn % 4 == 0:
            self._ask("list", lambda: client.get("/api/v1/documents", params={"limit": 20}))
        elif turn % 4 == 1:
            self._ask("status", lambda: client.get("/api/v1/index/status"))
        elif turn % 4 == 2:
            self._ask("me", lambda: client.get("/api/v1/users/me"))
        elif document.id:
            self._ask("read", lambda: client.get(f"/api/v1/documents/{document.id}"))

    def _ask(self, what: str, request: Callable[[], httpx.Response], mode: str | None = None) -> Any:
        began = time.monotonic()
        try:
            response = request()
        except httpx.TransportError as error:
            self._note("broken", what, began, repr(error))
            return None
        if response.is_success:
            body = response.json()
            degraded = mode == "hybrid" and body["mode"] == "keyword"
            self._note("degraded" if degraded else "ok", what, began)
            return body
        self._note(_kind_of(response), what, began, response.text[:400])
        return None

    def _note(self, kind: str, what: str, began: float, says: str = "") -> None:
        now = time.monotonic()
        with self._lock:
            self.answers.append(Answer(kind, what, now, now - began if began else 0.0, says))


def _kind_of(response: httpx.Response) -> str:
    """`unavailable` or `full` for an answer that tells well what is the matter."""
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem = response.json()
        if response.status_code == 503 and int(response.headers.get("retry-after", 0)) > 0 and problem["detail"]:
            return "unavailable"
        if response.status_code == 507 and problem["code"] == "storage_full":
            return "full"
    return f"status {response.status_code}"
