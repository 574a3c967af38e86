"""The tools that list what there is: documents by title, space, author and date; projects, teams, spaces and people."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from langchain.tools import ToolRuntime, tool
from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.answers.questions import understand
from assistant.context import AssistantContext
from assistant.lookup import MAX_NAME_CHARS, find_space
from assistant.recommending.service import matching
from assistant.tools.giving import Given, give, label, mentions, nothing, one_line, outside, spoken
from core_api.auth.access import access_space, readable_documents, readable_space_name
from core_api.domains.groups.service import list_groups
from core_api.domains.members.service import list_members
from core_api.domains.projects.service import PROJECT
from core_api.domains.spaces.service import list_spaces
from core_api.domains.teams.service import TEAM
from core_api.models import Document, Space, User
from retrieval.access import narrowed
from retrieval.people import visible_people
from retrieval.sources import SOURCE_KINDS

_MOST = 20
_WORDS = {
    "en": {
        "documents": "Documents that you can read{about}, last changed first:",
        "projects": "Your projects:",
        "teams": "Your teams:",
        "spaces": "Spaces that you can read:",
        "people": "People{about}:",
        "nothing": "There is nothing like that that you can see.",
        "no_space": "There is no space “{name}” that you can see.",
        "more": "… and more",
        "members": "members: {n}",
        "in": " in “{name}”",
        "of": " about “{name}”",
    },
    "ko": {
        "documents": "읽을 수 있는 문서{about}(최근에 바뀐 순):",
        "projects": "내 프로젝트:",
        "teams": "내 팀:",
        "spaces": "읽을 수 있는 공간:",
        "people": "사람{about}:",
        "nothing": "볼 수 있는 것 가운데 해당하는 것이 없습니다.",
        "no_space": "볼 수 있는 공간 가운데 “{name}”은(는) 없습니다.",
        "more": "… 그 밖에 더 있습니다",
        "members": "구성원 {n}명",
        "in": " — “{name}” 공간",
        "of": " — “{name}” 관련",
    },
}


@tool(response_format="content_and_artifact")
def list_documents(
    about: str = "",
    title: str = "",
    space: str = "",
    author: str = "",
    changed_after: str = "",
    changed_before: str = "",
    *,
    runtime: ToolRuntime[AssistantContext],
) -> Given:
    """List documents by what they are about, a part of their title, their space, their author, or when they changed.
    All conditions hold together. Use `search` instead when a question is to be answered from their words.

    Args:
        about: What the documents are about.
        title: A part of the title.
        space: The name of a space.
        author: A part of the author's name.
        changed_after: A date (YYYY-MM-DD), this day included.
        changed_before: A date (YYYY-MM-DD), this day left out.
    """
    context, words = runtime.context, _WORDS[spoken(runtime)]
    after, before = _day(changed_after), _day(changed_before)
    with context.database.reading() as session:
        subject = context.subject
        conditions: list[Any] = [Document.deleted_at.is_(None), readable_documents(subject)]
        conditions += narrowed(session, SOURCE_KINDS[Document.__source_kind__], context.filters)
        heading = ""
        if space.strip():
            found = find_space(session, subject, space)
            if found is None:
                return nothing(words["no_space"].format(name=space.strip()[:100]))
            if context.space_ids and found.id not in context.space_ids:
                return outside(runtime)
            conditions.append(Document.space_id == found.id)
            heading += words["in"].format(name=found.name)
        if title.strip():
            conditions.append(Document.title.icontains(_part(title), autoescape=True))
        if author.strip():
            conditions.append(User.name.icontains(_part(author), autoescape=True))
        if after is not None:
            conditions.append(Document.updated_at >= after)
        if before is not None:
            conditions.append(Document.updated_at < before)
        if about.strip():
            hits = matching(session, subject, context.engine, understand(about[:1_000]), context.filters)
            conditions.append(Document.id.in_([hit.source.id for hit in hits]))
            heading += words["of"].format(name=about.strip()[:100])
        rows = session.execute(
            select(Document.id, Document.title, readable_space_name(subject), User.name, Document.updated_at)
            .join(Space, Space.id == Document.space_id)
            .join(User, User.id == Document.author_id)
            .where(*conditions)
            .order_by(Document.updated_at.desc(), Document.id.desc())
            .limit(_MOST + 1)
        ).all()
        lines: list[tuple[str, Sequence[str]]] = []
        for document_id, name, space_name, written_by, updated_at in rows:
            particulars = ", ".join(part for part in (space_name, written_by, f"{updated_at:%Y-%m-%d}") if part)
            lines.append((f"[{label(name)}](/documents/{document_id}) — {particulars}", [document_id]))
        return _listed(session, context, words, words["documents"].format(about=heading), lines)


@tool(response_format="content_and_artifact")
def list_groups_and_people(
    kind: Literal["projects", "teams", "spaces", "people"],
    text: str = "",
    space: str = "",
    *,
    runtime: ToolRuntime[AssistantContext],
) -> Given:
    """List the asker's projects, teams or spaces, or people whose names they may see.

    Args:
        kind: What to list.
        text: A part of the name; empty: all.
        space: With `people`: the name of a space, team or project whose members to list.
    """
    context, words = runtime.context, _WORDS[spoken(runtime)]
    text = _part(text)
    about = ""
    with context.database.reading() as session:
        if kind == "people" and space.strip():
            found = find_space(session, context.subject, space)
            if found is None:
                return nothing(words["no_space"].format(name=space.strip()[:100]))
            about = words["in"].format(name=found.name)
            members = list_members(session, access_space(session, context.subject, found.id), None, _MOST + 1).items
            names = [f"{one_line(member.name)} ({member.role.value})" for member in members]
        else:
            names = _names(session, context, kind, text, words)
        return _listed(session, context, words, words[kind].format(about=about), [(name, ()) for name in names])


def _names(session: Session, context: AssistantContext, kind: str, text: str, words: dict[str, str]) -> list[str]:
    subject = context.subject
    if kind == "spaces":
        spaces = list_spaces(session, subject, None, 200).items
        return [f"{one_line(one.name)} ({one.kind.value})" for one in spaces if text.casefold() in one.name.casefold()]
    if kind == "people":
        names = sorted(visible_people(session, subject).values(), key=str.casefold)
        return [one_line(name) for name in names if text.casefold() in name.casefold()]
    rows: Sequence[Any] = (
        list_groups(session, subject, PROJECT, None, _MOST + 1, text=text or None).items
        if kind == "projects"
        else list_groups(session, subject, TEAM, None, _MOST + 1, text=text or None).items
    )
    lines = []
    for row in rows:
        description = f": {one_line(row.description)}" if row.description else ""
        lines.append(f"{one_line(row.name)} ({words['members'].format(n=row.member_count)}){description}")
    return lines


def _listed(
    session: Session,
    context: AssistantContext,
    words: dict[str, str],
    heading: str,
    lines: Sequence[tuple[str, Sequence[str]]],
) -> Given:
    if not lines:
        return nothing(words["nothing"])
    shown = [*lines[:_MOST], *([(words["more"], ())] if len(lines) > _MOST else [])]
    return give(context, mentions(session, context, heading, shown))


def _part(text: str) -> str:
    """A part of a name to look for; PostgreSQL takes no NUL."""
    return text.replace("\0", "").strip()[:MAX_NAME_CHARS]


def _day(text: str) -> datetime | None:
    try:
        day = datetime.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
    return day.replace(tzinfo=UTC) if 1970 <= day.year <= 2200 else None
