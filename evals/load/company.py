"""A made-up company, written into an empty database in bulk."""

import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.models import (
    Document,
    DocumentGrant,
    DocumentVersion,
    IndexState,
    IndexStatus,
    Project,
    Space,
    SpaceKind,
    SpaceMember,
    SpaceRole,
    SystemRole,
    Team,
    User,
    new_id,
    utcnow,
)

_BATCH = 5_000
_TEAM_MEMBERS, _PROJECT_MEMBERS = 20, 12
_DOCUMENTS_PER_GROUP = 10
# Of the person whose readable spaces are measured.
BUSY_MEMBERSHIPS, BUSY_GRANTS = 200, 100


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each."""

    people: int = 10_000
    teams: int = 500
    projects: int = 1_000


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who uses the API, and things that they are in."""

    key: str
    user_id: str
    team_ids: tuple[str, ...]
    project_ids: tuple[str, ...]
    space_ids: tuple[str, ...]
    document_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Company:
    """Those who will use it, and the id of a person with 200 memberships and 100 granted documents."""

    visitors: list[Visitor]
    busy_user_id: str


def fill(database: Database, sizes: Sizes, visitors: int) -> Company:
    """Make the company; everything is drawn with the same seed."""
    upgrade(database)
    draw = random.Random(7)  # noqa: S311 - the same company each time
    people = [new_id() for _ in range(sizes.people)]
    team_ids, project_ids = ([new_id() for _ in range(count)] for count in (sizes.teams, sizes.projects))
    space_of = {group: new_id() for group in [*team_ids, *project_ids]}
    personal = {person: new_id() for person in people}
    busy = people[0]

    members = {
        space_of[group]: draw.sample(people, min(count, len(people)))
        for groups, count in ((team_ids, _TEAM_MEMBERS), (project_ids, _PROJECT_MEMBERS))
        for group in groups
    }
    for space in draw.sample(sorted(members), min(BUSY_MEMBERSHIPS - 1, len(members))):
        members[space] = list(dict.fromkeys([*members[space], busy]))

    documents = [(new_id(), space) for space in space_of.values() for _ in range(_DOCUMENTS_PER_GROUP)]
    foreign = [document for document, space in documents if busy not in members[space]]
    with database.transaction() as session:
        _write(session, User, _users(people))
        _write(session, Space, _personal_spaces(personal.values()))
        _write(session, Space, _group_spaces(space_of, set(team_ids)))
        _write(session, SpaceMember, _members(personal, members))
        _write(session, Team, _groups("Team", team_ids, space_of))
        _write(session, Project, _groups("Project", project_ids, space_of))
        _write(session, Document, _documents(documents, members))
        _write(session, DocumentVersion, _versions(documents, members))
        _write(session, IndexState, _states(documents))
        _write(session, DocumentGrant, _grants(draw.sample(foreign, min(BUSY_GRANTS, len(foreign))), busy, people[1]))
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
    return Company(_visitors(database, draw, visitors, members, space_of, set(team_ids), documents), busy)


def _visitors(
    database: Database,
    draw: random.Random,
    count: int,
    members: dict[str, list[str]],
    space_of: dict[str, str],
    teams: set[str],
    documents: list[tuple[str, str]],
) -> list[Visitor]:
    groups_of: dict[str, list[str]] = {}
    for group, space in space_of.items():
        for person in members[space]:
            groups_of.setdefault(person, []).append(group)
    chosen = []
    with database.transaction() as session:
        # Guests may not list people.
        members_here = set(session.scalars(select(User.id).where(User.role == SystemRole.MEMBER)))
        able = sorted(
            person
            for person, groups in groups_of.items()
            if person in members_here and teams.intersection(groups) and not teams.issuperset(groups)
        )
        for person in draw.sample(able, min(count, len(able))):
            _, key = create_api_key(session, person, "load", [Scope.READ], timedelta(days=1))
            groups = groups_of[person]
            spaces = {space_of[group] for group in groups}
            chosen.append(
                Visitor(
                    key,
                    person,
                    tuple(group for group in groups if group in teams),
                    tuple(group for group in groups if group not in teams),
                    tuple(sorted(spaces)),
                    tuple(document for document, space in documents if space in spaces),
                )
            )
    return chosen


def _write(session: Session, model: type[Any], rows: Iterator[dict[str, Any]]) -> None:
    while batch := list(itertools.islice(rows, _BATCH)):
        session.execute(insert(model), batch)


def _users(people: list[str]) -> Iterator[dict[str, Any]]:
    for number, person in enumerate(people):
        role = SystemRole.GUEST if number % 20 == 19 else SystemRole.MEMBER
        yield {"id": person, "name": f"Person {number:05d}", "email": f"p{number}@example.com", "role": role}


def _personal_spaces(spaces: Iterable[str]) -> Iterator[dict[str, Any]]:
    for space in spaces:
        yield {"id": space, "name": "Personal", "kind": SpaceKind.PERSONAL}


def _group_spaces(space_of: dict[str, str], teams: set[str]) -> Iterator[dict[str, Any]]:
    for group, space in space_of.items():
        kind = SpaceKind.TEAM if group in teams else SpaceKind.PROJECT
        yield {"id": space, "name": f"Space {space[-6:]}", "kind": kind}


def _members(personal: dict[str, str], members: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    for person, space in personal.items():
        yield {"space_id": space, "user_id": person, "role": SpaceRole.OWNER}
    roles = (SpaceRole.OWNER, SpaceRole.EDITOR, SpaceRole.EDITOR)
    for space, inside in members.items():
        for number, person in enumerate(inside):
            role = roles[number] if number < len(roles) else SpaceRole.VIEWER
            yield {"space_id": space, "user_id": person, "role": role}


def _groups(word: str, ids: list[str], space_of: dict[str, str]) -> Iterator[dict[str, Any]]:
    for number, group in enumerate(ids):
        yield {"id": group, "name": f"{word} {number:04d}", "description": "", "space_id": space_of[group]}


def _documents(documents: list[tuple[str, str]], members: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    for number, (document, space) in enumerate(documents):
        author = members[space][0]
        yield {"id": document, "space_id": space, "title": f"Note {number}", "author_id": author, "tags": []}


def _versions(documents: list[tuple[str, str]], members: dict[str, list[str]]) -> Iterator[dict[str, Any]]:
    for document, space in documents:
        yield {
            "document_id": document,
            "number": 1,
            "sha256": "0" * 64,
            "size": 1,
            "filename": "note.md",
            "media_type": "text/markdown",
            "author_id": members[space][0],
        }


def _states(documents: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    now = utcnow()
    for document, space in documents:
        yield {
            "source_kind": Document.__source_kind__,
            "source_id": document,
            "space_id": space,
            "status": IndexStatus.INDEXED,
            "indexed_at": now,
        }


def _grants(documents: list[str], person: str, giver: str) -> Iterator[dict[str, Any]]:
    for document in documents:
        yield {"document_id": document, "user_id": person, "role": SpaceRole.VIEWER, "granted_by": giver}
