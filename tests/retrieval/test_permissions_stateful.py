"""Whatever people do to members, roles, grants and documents: everyone reads exactly what the rule says.

`World.may_read` is the rule in a few lines. After each step one person looks, at the end everybody, along every way by
which content is read: single documents, lists, search in all modes, citations, index status, spaces.
"""

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import assistant.chat.endpoints
import retrieval.endpoints
from assistant.citations import cite
from assistant.conversations.service import WITHHELD, begin_turn, store_answer
from assistant.schemas import AnswerAbout, ChatRequest
from assistant.types import Confidence, Evidence, Part
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.infra.vault import Vault
from core_api.models import Document, DocumentVersion, SpaceKind, SpaceMember, SystemRole, User, VersionText, utcnow
from ingest import status
from retrieval.alerts import AlertChecker
from retrieval.types import Filters, Mode
from tests.applications import application
from tests.factories import bearer
from tests.retrieval.library import Library

ROLES = (SystemRole.MEMBER, SystemRole.MEMBER, SystemRole.GUEST, SystemRole.MANAGER, SystemRole.ADMIN)
WORDS = "budget launch salary roadmap"
PERSON = st.integers(0, len(ROLES) - 1)
# Half of the time somebody who may do it.
ACTOR = st.integers(-1, len(ROLES) - 1) | st.just(-1)
ANY = st.integers(0, 30)
SPACE_ROLE = st.sampled_from(["viewer", "editor", "owner"])
RANK = {"viewer": 0, "editor": 1, "owner": 2}


@dataclass
class World:
    """What is true, as far as reading goes."""

    roles: dict[str, SystemRole] = field(default_factory=dict)
    members: dict[tuple[str, str], str] = field(default_factory=dict)  # (space, person): role
    company: str = ""
    documents: dict[str, str] = field(default_factory=dict)  # live ones: their space
    grants: dict[str, tuple[str, str]] = field(default_factory=dict)  # document and grantee, a person or a team
    team_spaces: dict[str, str] = field(default_factory=dict)

    def may_enter(self, person: str, space: str) -> bool:
        everyone = space == self.company and self.roles[person] is not SystemRole.GUEST
        return everyone or (space, person) in self.members

    def is_shared(self, person: str, document: str) -> bool:
        grantees = [grantee for shared, grantee in self.grants.values() if shared == document]
        teams = {team for team, space in self.team_spaces.items() if (space, person) in self.members}
        return any(grantee == person or grantee in teams for grantee in grantees)

    def may_read(self, person: str, document: str) -> bool:
        return self.may_enter(person, self.documents[document]) or self.is_shared(person, document)

    def role(self, person: str, space: str) -> int:
        return RANK[self.members.get((space, person), "viewer")] if self.may_enter(person, space) else -1


@dataclass
class Stage:
    """One library for all runs: each run brings its own people and spaces, and clears the company's."""

    library: Library
    company: str


@pytest.fixture(scope="module")
def stage(shared_library: Library) -> Stage:
    return Stage(shared_library, shared_library.space(name="Company", kind=SpaceKind.COMPANY))


class Machine(RuleBasedStateMachine):
    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.library, self.company = stage.library, stage.company
        self.world = World(company=self.company)
        self.people: list[Subject] = []
        self.clients: dict[str, TestClient] = {}
        self.groups: list[tuple[str, str, str]] = []  # kind, id, space
        self.spaces: list[str] = [self.company]
        self.written: list[str] = []
        self.stale: set[str] = set()  # moved or changed, and not indexed again
        self.secrets: dict[str, str] = {}  # a word of each document that is in no other
        self.conversations: list[tuple[str, str, list[str]]] = []
        self.saved: dict[str, str] = {}  # of each person a search for all there is
        self.steps = 0

    @initialize()
    def come_in(self) -> None:
        app = application(
            self.library.settings, self.library.database, [retrieval.endpoints.router, assistant.chat.endpoints.router]
        )
        app.state.engine = self.library.engine
        for number, role in enumerate(ROLES):
            person = self.library.person(f"Person {number}", role)
            self.people.append(person)
            self.world.roles[person.user_id] = role
            self.clients[person.user_id] = TestClient(app, headers=bearer(self.library.database, person))
            saved = {"name": "All", "query": WORDS, "mode": "keyword"}
            made = self.clients[person.user_id].post("/api/v1/saved-searches", json=saved)
            self.saved[person.user_id] = made.json()["id"]
            [personal] = [s["id"] for s in self.of(person, "/spaces") if s["kind"] == "personal"]
            self.spaces.append(personal)
            self.world.members[personal, person.user_id] = "owner"
        owner = self.people[-1].user_id
        with self.library.database.transaction() as session:
            session.add(SpaceMember(space_id=self.company, user_id=owner, role="owner"))
        self.world.members[self.company, owner] = "owner"
        for number, kind in ((3, "projects"), (0, "teams"), (1, "teams"), (0, "projects")):
            self.make_group(number, kind)
            self.write(number, len(self.spaces) - 1)
        self.write(len(ROLES) - 1, 0)
        # A guest reads through a team, a manager by name, what they are not in.
        first_team, project = len(self.spaces) - 3, len(self.spaces) - 1
        for whom in (1, 2):
            self.set_member(0, first_team, whom, "viewer")
        self.share(1, 2, 0, team=True, role="viewer")
        self.share(0, 3, 3, team=False, role="viewer")
        assert len(self.world.grants) == 2
        assert self.spaces[project] == self.world.documents[self.written[3]]
        self.set_member(3, first_team - 1, 1, "viewer")
        self.archive(3, 0, back=False)

    # --- what people do

    @rule(who=PERSON, kind=st.sampled_from(["teams", "projects"]))
    def make_group(self, who: int, kind: str) -> None:
        person = self.people[who].user_id
        response = self.send(who, "POST", f"/{kind}", {"name": f"Group {len(self.groups)}"})
        assert response.is_success == (self.world.roles[person] is not SystemRole.GUEST)
        if response.is_success:
            made = response.json()
            self.groups.append((kind, made["id"], made["space_id"]))
            self.spaces.append(made["space_id"])
            self.world.members[made["space_id"], person] = "owner"
            if kind == "teams":
                self.world.team_spaces[made["id"]] = made["space_id"]

    @rule(who=ACTOR, space=ANY)
    def write(self, who: int, space: int) -> None:
        where = self.spaces[space % len(self.spaces)]
        who = self.actor(who, where)
        secret = f"secret{self.people[who].user_id[-6:]}{len(self.written)}"
        body = {"space_id": where, "title": f"Note {secret}", "text": f"{WORDS} {secret}."}
        response = self.send(who, "POST", "/documents", body)
        self.check_role(who, where, "editor", response)
        if response.is_success:
            document = response.json()["id"]
            self.written.append(document)
            self.world.documents[document], self.secrets[document] = where, secret
            self.index(document)

    @rule(who=ACTOR, space=ANY, whom=PERSON, role=SPACE_ROLE)
    def set_member(self, who: int, space: int, whom: int, role: str) -> None:
        where, member = self.spaces[space % len(self.spaces)], self.people[whom].user_id
        who = self.actor(who, where)
        response = self.send(who, "PUT", f"/spaces/{where}/members/{member}", {"role": role})
        self.check_role(who, where, "owner", response)
        if response.is_success:
            self.world.members[where, member] = role

    @rule(who=ACTOR, space=ANY, whom=PERSON)
    def remove_member(self, who: int, space: int, whom: int) -> None:
        where, member = self.spaces[space % len(self.spaces)], self.people[whom].user_id
        who = self.actor(who, where)
        response = self.send(who, "DELETE", f"/spaces/{where}/members/{member}")
        self.check_role(who, where, "viewer" if who == whom else "owner", response)
        if response.is_success:
            del self.world.members[where, member]

    @rule(who=ACTOR, document=ANY, whom=PERSON, team=st.booleans(), role=st.sampled_from(["viewer", "editor"]))
    def share(self, who: int, document: int, whom: int, team: bool, role: str) -> None:
        shared = self.written[document % len(self.written)]
        who = self.actor(who, self.world.documents.get(shared))
        teams = list(self.world.team_spaces)
        grantee = teams[whom % len(teams)] if team else self.people[whom].user_id
        body = {"team_id" if team else "user_id": grantee, "role": role}
        response = self.send(who, "PUT", f"/documents/{shared}/grants", body)
        if response.is_success:
            assert self.world.role(self.people[who].user_id, self.world.documents[shared]) >= RANK["editor"]
            self.world.grants[response.json()["id"]] = (shared, grantee)

    @rule(who=ACTOR, grant=ANY)
    def unshare(self, who: int, grant: int) -> None:
        if not self.world.grants:
            return
        chosen = sorted(self.world.grants)[grant % len(self.world.grants)]
        document, grantee = self.world.grants[chosen]
        who = self.actor(who, self.world.documents[document])
        response = self.send(who, "DELETE", f"/documents/{document}/grants/{chosen}")
        if response.is_success:
            person = self.people[who].user_id
            assert grantee == person or self.world.role(person, self.world.documents[document]) >= RANK["editor"]
            del self.world.grants[chosen]

    @rule(who=ACTOR, document=ANY, space=ANY, indexed=st.booleans())
    def move(self, who: int, document: int, space: int, indexed: bool) -> None:
        moved, where = self.written[document % len(self.written)], self.spaces[space % len(self.spaces)]
        who = self.actor(who, self.world.documents.get(moved))
        response = self.send(who, "PATCH", f"/documents/{moved}", {"space_id": where})
        if response.is_success and where != self.world.documents[moved]:
            person = self.people[who].user_id
            assert self.world.role(person, self.world.documents[moved]) >= RANK["editor"]
            assert self.world.role(person, where) >= RANK["editor"]
            self.world.documents[moved] = where
            self.stale.add(moved)
            if indexed:
                self.index(moved)

    @rule(who=ACTOR, document=ANY)
    def delete(self, who: int, document: int) -> None:
        gone = self.written[document % len(self.written)]
        who = self.actor(who, self.world.documents.get(gone))
        if self.send(who, "DELETE", f"/documents/{gone}").is_success:
            assert self.world.role(self.people[who].user_id, self.world.documents[gone]) >= RANK["editor"]
            del self.world.documents[gone]
            self.world.grants = {id_: grant for id_, grant in self.world.grants.items() if grant[0] != gone}

    @rule(who=ACTOR, group=ANY, back=st.booleans())
    def archive(self, who: int, group: int, back: bool) -> None:
        kind, group_id, space = self.groups[group % len(self.groups)]
        who = self.actor(who, space)
        response = self.send(who, "POST", f"/{kind}/{group_id}/{'restore' if back else 'archive'}")
        assert response.is_success == (self.world.role(self.people[who].user_id, space) == RANK["owner"])

    @rule(who=PERSON, role=st.sampled_from([SystemRole.GUEST, SystemRole.MEMBER]))
    def change_system_role(self, who: int, role: SystemRole) -> None:
        person = self.people[who]
        with self.library.database.transaction() as session:
            session.get_one(User, person.user_id).role = role
        self.people[who] = Subject(person.user_id, person.name, role)
        self.world.roles[person.user_id] = role

    @rule()
    def check_saved_searches(self) -> None:
        engine, vault = self.library.engine, Vault.open(self.library.settings)
        AlertChecker(self.library.settings, self.library.database, engine, vault).check_due()

    @rule(who=PERSON)
    def ask(self, who: int) -> None:
        """A conversation whose answer cites all that the person finds."""
        person = self.people[who]
        hits = self.library.search(person, WORDS, k=100, per_source=1).hits
        evidence = [Evidence(hit, hit.start, hit.end) for hit in hits]
        with self.library.database.transaction() as session:
            begun = begin_turn(session, person, ChatRequest(message="What is secret?"))
            store_answer(
                session,
                person,
                begun,
                parts=[Part(f"{e.quote} [{number}] ", (number,)) for number, e in enumerate(evidence, 1)],
                citations=[cite(e, number) for number, e in enumerate(evidence, 1)],
                about=AnswerAbout(confidence=Confidence.HIGH, abstained=False, model="none"),
            )
        self.conversations.append((person.user_id, begun.conversation_id, [hit.source.id for hit in hits]))

    # --- what people see

    @invariant()
    def the_next_person_sees_what_the_rule_says(self) -> None:
        if self.people:
            self.steps += 1
            modes = list(Mode)
            self.look(self.people[self.steps % len(self.people)], [modes[self.steps % len(modes)]])

    def teardown(self) -> None:
        try:
            for person in self.people:
                self.look(person, list(Mode), thoroughly=True)
        finally:
            with self.library.database.transaction() as session:
                for document in session.query(Document).filter_by(space_id=self.company):
                    document.deleted_at = utcnow()
                session.query(SpaceMember).filter_by(space_id=self.company).delete()

    def look(self, person: Subject, modes: list[Mode], thoroughly: bool = False) -> None:
        world, me = self.world, person.user_id
        readable = {document for document in world.documents if world.may_read(me, document)}
        enterable = {space for space in self.spaces if world.may_enter(me, space)}

        assert {d["id"] for d in self.of(person, "/documents?limit=200")} == readable
        shared = {document for document in world.documents if world.is_shared(me, document)}
        assert {d["id"] for d in self.of(person, "/documents?limit=200&shared=true")} == shared
        self.look_at_spaces(person, enterable)
        for document in self.written if thoroughly else [self.written[self.steps % len(self.written)]]:
            self.look_at_document(person, document, document in readable)
        for mode in modes:
            self.look_for_everything(person, mode, readable, enterable)
        self.discover(person, readable, enterable)
        self.look_at_conversations(person, readable, enterable)
        self.look_at_the_index(person, readable)

    def look_at_spaces(self, person: Subject, enterable: set[str]) -> None:
        seen = {space["id"]: space["document_count"] for space in self.of(person, "/spaces?limit=200")}
        inside = list(self.world.documents.values())
        assert seen == {space: inside.count(space) for space in enterable}
        for kind in ("teams", "projects"):
            mine = {id_ for group_kind, id_, space in self.groups if group_kind == kind and space in enterable}
            assert {group["id"] for group in self.of(person, f"/{kind}?limit=200")} == mine

    def look_at_document(self, person: Subject, document: str, readable: bool) -> None:
        client, url = self.clients[person.user_id], f"/api/v1/documents/{document}"
        for part in ("", "/text", "/file", "/versions"):
            response = client.get(f"{url}{part}")
            assert response.status_code == (200 if readable else 404), (part, response.text)
            assert readable or self.secrets[document] not in response.text
        space = self.world.documents.get(document)
        role = self.world.role(person.user_id, space) if space is not None else -1
        expected = 200 if role >= RANK["editor"] else 403 if readable else 404
        assert client.get(f"{url}/grants").status_code == expected

    def look_for_everything(self, person: Subject, mode: Mode, readable: set[str], enterable: set[str]) -> None:
        hits = self.library.search(person, WORDS, mode, k=100, per_source=0).hits
        found = {hit.source.id for hit in hits}
        assert readable - self.stale <= found <= readable
        assert all((hit.space_name != "") == (hit.space_id in enterable) for hit in hits)
        for document in (self.written[self.steps % len(self.written)], self.written[-1]):
            named = self.library.found(person, WORDS, mode, Filters(source_ids=(document,)))
            assert document in readable if named else document not in readable - self.stale
        space = self.spaces[self.steps % len(self.spaces)]
        there = {document for document in readable if self.world.documents[document] == space}
        in_space = set(self.library.found(person, WORDS, mode, Filters(space_ids=(space,))))
        assert len(there) > 10 or there - self.stale <= in_space
        assert in_space <= there

    def discover(self, person: Subject, readable: set[str], enterable: set[str]) -> None:
        """Facets, totals, suggestions, corrections and similar documents tell of what one may read, and no more."""
        client, url = self.clients[person.user_id], "/api/v1/search"
        body = {"query": WORDS, "mode": "keyword", "k": 100, "facets": True, "group": True, "log": False}
        found = client.post(url, json=body).json()
        shown = {group["source"]["id"] for group in found["groups"]}
        assert readable - self.stale <= shown <= readable
        assert found["total"] == len(shown)
        counts = {one["value"]: one["count"] for one in found["facets"]["spaces"]}
        inside = [self.world.documents[document] for document in shown]
        assert counts == {space: inside.count(space) for space in inside}
        assert all(bool(one["label"]) == (one["value"] in enterable) for one in found["facets"]["spaces"])
        assert sum(one["count"] for one in found["facets"]["months"]) == len(shown)
        for document in (self.written[self.steps % len(self.written)], self.written[-1]):
            secret = self.secrets[document]
            suggested = client.get(f"{url}/suggest", params={"q": secret, "limit": 20}).json()["items"]
            names = {one["id"] for one in suggested if one["kind"] == "document"}
            assert names <= readable
            assert document in names or document not in readable - self.stale
            typo = {"query": f"{secret[:6]}x{secret[6:]}", "mode": "keyword", "log": False}
            meant = client.post(url, json=typo).json()["did_you_mean"]
            readable_words = {self.secrets[one] for one in readable}
            assert meant is None or meant["query"] in readable_words
            similar = client.get(f"/api/v1/documents/{document}/similar?k=20")
            assert similar.status_code == (200 if document in readable else 404)
            if document in readable:
                assert {one["source"]["id"] for one in similar.json()["items"]} <= readable - {document}
        news = self.of(person, f"/saved-searches/{self.saved[person.user_id]}/news?limit=200")
        assert {one["source"]["id"] for one in news} <= readable
        assert all(bool(one["space"]["name"]) == (one["space"]["id"] in enterable) for one in news)
        saved = client.get(f"/api/v1/saved-searches/{self.saved[person.user_id]}").json()
        assert saved["new"] == len(news)

    def look_at_conversations(self, person: Subject, readable: set[str], enterable: set[str]) -> None:
        client = self.clients[person.user_id]
        mine = [(id_, cited) for owner, id_, cited in self.conversations if owner == person.user_id]
        assert {c["id"] for c in self.of(person, "/assistant/conversations?limit=200")} == {id_ for id_, _ in mine}
        for owner, id_, _ in self.conversations[-3:]:
            expected = 200 if owner == person.user_id else 404
            assert client.get(f"/api/v1/assistant/conversations/{id_}").status_code == expected
        for id_, cited in mine[-3:]:
            answer = client.get(f"/api/v1/assistant/conversations/{id_}").json()["messages"][1]
            for document, citation in zip(cited, answer["citations"], strict=True):
                may = document in readable
                assert citation["readable"] == citation["verified"] == may
                assert bool(citation["quote"]) == bool(citation["source"]["title"]) == may
                assert (self.secrets[document] in answer["content"]) == may
                assert bool(citation["space"]["name"]) == (may and self.world.documents[document] in enterable)
            assert (WITHHELD in answer["content"]) == (not set(cited) <= readable)

    def look_at_the_index(self, person: Subject, readable: set[str]) -> None:
        if person.may(Permission.INDEX_MANAGE):
            return  # who runs the index sees its counts
        with self.library.database.reading() as session:
            counts = status.count_sources(session, person)
            assert counts.pending + counts.indexed + counts.failed + counts.parked == len(readable)
            assert status.count_chunks(session, person) == len(readable)

    # --- how

    def actor(self, who: int, space: str | None) -> int:
        """The person of this number; for -1 an owner of the space."""
        owners = [number for number, p in enumerate(self.people) if space and self.world.role(p.user_id, space) == 2]
        return who if who >= 0 else (owners or [0])[0]

    def send(self, who: int, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        response = self.clients[self.people[who].user_id].request(method, f"/api/v1{path}", json=body)
        assert response.status_code in (200, 201, 204, 403, 404, 409), response.text
        return response

    def of(self, person: Subject, path: str) -> list[dict[str, Any]]:
        page = self.clients[person.user_id].get(f"/api/v1{path}").json()
        assert page["next_cursor"] is None
        items: list[dict[str, Any]] = page["items"]
        return items

    def check_role(self, who: int, space: str, needed: str, response: Any) -> None:
        """404 for who may not read the space, 403 for whose role is too low (409: archived, the last owner...)."""
        role = self.world.role(self.people[who].user_id, space)
        if role < 0:
            assert response.status_code == 404
        elif role < RANK[needed]:
            assert response.status_code == 403
        else:
            assert response.status_code in (200, 201, 204, 404, 409)

    def index(self, document: str) -> None:
        """What the pipeline does."""
        text = f"{WORDS} {self.secrets[document]}."
        with self.library.database.transaction() as session:
            version = session.query(DocumentVersion).filter_by(document_id=document).one()
            session.merge(VersionText(version_id=version.id, text=text, blocks=[], parser="test"))
        self.library.write(document, text)
        self.stale.discard(document)


def test_everyone_reads_exactly_what_the_rule_says(stage: Stage) -> None:
    run_state_machine_as_test(
        lambda: Machine(stage),
        settings=settings(
            max_examples=3,
            stateful_step_count=20,
            deadline=None,
            database=None,
            derandomize="CI" in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
