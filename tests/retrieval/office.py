"""An office whose documents differ in space, author, tags, category and date."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from core_api.auth.subject import Subject
from core_api.models import SystemRole
from tests.retrieval.library import Library

URL = "/api/v1/search"
START = datetime(2026, 1, 10, tzinfo=UTC)


@dataclass
class Office:
    library: Library
    kim: Subject
    lee: Subject
    guest: Subject
    handbook: str
    people: str
    closed: str
    clients: dict[str, TestClient] = field(default_factory=dict)

    def client(self, who: Subject) -> TestClient:
        if who.user_id not in self.clients:
            self.clients[who.user_id] = self.library.client(who)
        return self.clients[who.user_id]

    def ask(self, who: Subject, query: str, **body: Any) -> dict[str, Any]:
        answer = self.client(who).post(URL, json={"query": query, "log": False, **body})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def pages(self, who: Subject, query: str, **body: Any) -> list[dict[str, Any]]:
        found, cursor = [], None
        while True:
            page = self.ask(who, query, cursor=cursor, **body)
            found.append(page)
            if (cursor := page["next_cursor"]) is None:
                return found

    def titles(self, who: Subject, query: str, **body: Any) -> list[str]:
        return [hit["source"]["title"] for hit in self.ask(who, query, k=100, **body)["hits"]]

    def suggested(self, who: Subject, typed: str, limit: int = 8) -> list[tuple[str, str]]:
        answer = self.client(who).get(f"{URL}/suggest", params={"q": typed, "limit": limit})
        assert answer.status_code == 200, answer.text
        return [(one["kind"], one["text"]) for one in answer.json()["items"]]


def furnish(library: Library) -> Office:
    """Two people, a guest, and three spaces, one of which only one of them reads."""
    kim, lee = library.person("Kim Minji"), library.person("Lee Ada")
    guest = library.person("Guest", SystemRole.GUEST)
    handbook = library.space(kim, lee, name="Handbook")
    people = library.space(kim, lee, name="People team")
    closed = library.space(lee, guest, name="Closed")
    for number in range(24):
        library.add(
            handbook if number % 3 else people,
            kim if number % 2 else lee,
            f"The vacation policy, part {number}, says how many days of vacation there are.",
            f"More of part {number}: a vacation is asked for in time.",
            title=f"Vacation {number}",
            tags=["hr", "rules"] if number % 4 == 0 else ["hr"] if number % 2 else [],
            category="Policies" if number % 4 == 0 else "How to" if number % 3 == 0 else None,
            updated_at=START + timedelta(days=9 * number),
        )
    library.add(handbook, kim, "회의록은 회의가 끝난 뒤 바로 올립니다.", title="회의 운영 지침", tags=["회의"])
    library.add(handbook, kim, "육아휴직은 삼십 일 전에 신청합니다.", title="육아휴직 안내")
    library.add(
        closed,
        lee,
        "The vacation of the chimpanzee zanzibarium.",
        title="Zanzibar secret",
        tags=["hidden"],
        category="Secrets",
    )
    return Office(library, kim, lee, guest, handbook, people, closed)
