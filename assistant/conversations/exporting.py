"""A conversation as a file, as its reader may see it now: Markdown to read, or JSON."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from assistant.citations import Citation
from assistant.conversations.service import USER, read_conversation
from assistant.schemas import ConversationRead, MessageRead
from core_api import audit
from core_api.audit import Actor
from core_api.auth.subject import Subject

Format = Literal["markdown", "json"]


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file to be sent."""

    name: str
    media_type: str
    content: bytes


def export(session: Session, subject: Subject, conversation_id: str, format: Format) -> ExportFile:
    """The conversation as a file; that it was exported is recorded. Raises NotFound."""
    conversation = read_conversation(session, subject, conversation_id)
    audit.record(session, Actor.of(subject), "conversation.exported", "conversation", conversation.id, format=format)
    # Of the id: a title may hold what no file name does.
    name = f"conversation-{conversation.id}"
    if format == "json":
        return ExportFile(f"{name}.json", "application/json", conversation.model_dump_json(indent=2).encode())
    return ExportFile(f"{name}.md", "text/markdown", _markdown(conversation).encode())


def _markdown(conversation: ConversationRead) -> str:
    said = [_message(message) for message in conversation.messages]
    last = f"{conversation.owner.name}, {conversation.updated_at:%Y-%m-%d %H:%M} UTC"
    return "\n\n".join([f"# {' '.join(conversation.title.split())}", last, *said]) + "\n"


def _message(message: MessageRead) -> str:
    if message.role == USER:
        # As a quotation: nothing in a question makes a heading of the file.
        return "\n".join(f"> {line}" for line in message.content.splitlines())
    cited = [_citation(citation) for citation in message.citations if citation.readable]
    stopped = ["(Stopped.)"] if message.answer is not None and message.answer.stopped else []
    return "\n\n".join([message.content, *stopped, *(["\n".join(cited)] if cited else [])])


def _citation(citation: Citation) -> str:
    quote = " ".join(citation.quote.split())
    state = "" if citation.verified else " (the source has changed since)"
    place = f"{citation.source.title}, version {citation.source.version}"
    if citation.page is not None:
        place += f", page {citation.page}"
    return f"- [{citation.marker}] {place}: “{quote}”{state} <{citation.source.url}> sha256:{citation.sha256}"
