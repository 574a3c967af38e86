"""HTTP for conversations: found, read, renamed, shared, exported and deleted."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response, status

from assistant.conversations import exporting
from assistant.conversations import service as conversations
from assistant.schemas import ConversationBrief, ConversationRead, ConversationUpdate
from assistant.sharing import service as sharing
from assistant.sharing.schemas import ShareCreate, ShareRead
from core_api.auth.dependencies import Reader, ReadSession, WriteSession
from core_api.http.pagination import Cursor, Limit, Page

router = APIRouter(prefix="/conversations")


@router.get("")
def list_conversations(
    subject: Reader,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Limit = 50,
    q: Annotated[
        str, Query(max_length=200, pattern=r"^[^\x00]*$", description="Words of the title, a question or an answer.")
    ] = "",
    shared: Annotated[
        bool | None, Query(description="true: those that others shared with you; false: your own; default: both.")
    ] = None,
) -> Page[ConversationBrief]:
    """Your conversations and those that were shared with you, last used first."""
    return conversations.list_conversations(session, subject, cursor, limit, text=q, shared=shared)


@router.get("/{conversation_id}")
def read_conversation(conversation_id: str, subject: Reader, session: ReadSession) -> ConversationRead:
    """A conversation with all its turns; every citation is verified now. Of one that was shared with you, you see what
    you may read the sources of."""
    return conversations.read_conversation(session, subject, conversation_id)


@router.patch("/{conversation_id}")
def rename_conversation(
    conversation_id: str, body: ConversationUpdate, subject: Reader, session: WriteSession
) -> ConversationBrief:
    """Give a conversation of yours another title."""
    return conversations.rename_conversation(session, subject, conversation_id, body.title)


@router.delete("/{conversation_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_conversation(conversation_id: str, subject: Reader, session: WriteSession) -> None:
    """Delete a conversation for good; nobody that you shared it with sees it any more."""
    conversations.delete_conversation(session, subject, conversation_id)


@router.get(
    "/{conversation_id}/export",
    response_class=Response,
    responses={200: {"content": {"text/markdown": {}, "application/json": {}}, "description": "The file."}},
)
def export_conversation(
    conversation_id: str,
    subject: Reader,
    session: WriteSession,
    format: Annotated[Literal["markdown", "json"], Query(description="Markdown to read, or JSON.")] = "markdown",
) -> Response:
    """A conversation as a file, with the citations, as you may see it now. That it was exported is recorded."""
    file = exporting.export(session, subject, conversation_id, format)
    return Response(
        file.content, media_type=file.media_type, headers={"Content-Disposition": f'attachment; filename="{file.name}"'}
    )


@router.get("/{conversation_id}/shares")
def list_shares(
    conversation_id: str, subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[ShareRead]:
    """Whom you share a conversation of yours with."""
    return sharing.list_shares(session, subject, conversation_id, cursor, limit)


@router.post("/{conversation_id}/shares", status_code=status.HTTP_201_CREATED)
def share(conversation_id: str, body: ShareCreate, subject: Reader, session: WriteSession) -> ShareRead:
    """Show a conversation of yours to a person or a team, for reading. They see your questions, and of the answers what
    they may read the sources of. What you ask in it later they see too."""
    return sharing.share(session, subject, conversation_id, body)


@router.delete("/{conversation_id}/shares/{share_id}", status_code=status.HTTP_204_NO_CONTENT)
def unshare(conversation_id: str, share_id: str, subject: Reader, session: WriteSession) -> None:
    """Take a share back, which holds for the next request; or give up one that was made to you."""
    sharing.unshare(session, subject, conversation_id, share_id)
