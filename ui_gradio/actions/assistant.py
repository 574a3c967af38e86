"""The assistant: conversations and who sees them, feedback, proposals, summaries, review, and its settings."""

from typing import Any

from ui_gradio.actions.calls import Action, Payload, action
from ui_gradio.client import Api
from ui_gradio.visitor import Visitor


async def set_assistant_settings(api: Api, visitor: Visitor, payload: Payload) -> Any:
    """Set up the assistant, for the installation or a space (admin)."""
    params = {"space_id": payload.get("space_id")}
    return await api.call(visitor, "PUT", "/assistant/settings", params=params, body=payload.get("options"))


ACTIONS: tuple[Action, ...] = (
    # conversations
    action("conversations", "GET", "/assistant/conversations", query=("q", "shared", "cursor", "limit")),
    action("conversation", "GET", "/assistant/conversations/{id}"),
    action("rename_conversation", "PATCH", "/assistant/conversations/{id}", body=("title",)),
    action("delete_conversation", "DELETE", "/assistant/conversations/{id}"),
    action("conversation_shares", "GET", "/assistant/conversations/{id}/shares", query=("cursor",)),
    action("share_conversation", "POST", "/assistant/conversations/{id}/shares", body=("user_id", "team_id")),
    action("unshare_conversation", "DELETE", "/assistant/conversations/{id}/shares/{share_id}"),
    # answers
    action("set_feedback", "PUT", "/assistant/messages/{message_id}/feedback", body=("helpful", "reason", "comment")),
    action("delete_feedback", "DELETE", "/assistant/messages/{message_id}/feedback"),
    action("file_gap", "POST", "/assistant/gaps", body=("message_id", "user_id")),
    action("asked_questions", "GET", "/assistant/gaps", query=("limit",)),
    action("answer_asked", "PATCH", "/assistant/gaps/{id}", body=("status",)),
    action("confirm_proposal", "POST", "/assistant/proposals/{id}/confirm"),
    action("dismiss_proposal", "DELETE", "/assistant/proposals/{id}"),
    action("reminders", "GET", "/assistant/reminders", query=("due", "limit")),
    action("reminder_seen", "POST", "/assistant/reminders/{id}/seen"),
    action("summarize", "POST", "/assistant/summarize", body=("document_id", "space_id", "since", "query", "length")),
    # review
    action("reviewed_answers", "GET", "/assistant/review/answers", query=("helpful", "state", "cursor", "limit")),
    action("review_answer", "POST", "/assistant/review/answers/{id}", body=("verdict", "question", "document_ids")),
    action("gaps", "GET", "/assistant/review/gaps", query=("status", "cursor", "limit")),
    action("change_gap", "PATCH", "/assistant/review/gaps/{id}", body=("status",)),
    # setting up
    set_assistant_settings,
    action("assistant_settings", "GET", "/assistant/settings", query=("space_id",)),
    action("drop_assistant_settings", "DELETE", "/assistant/settings", query=("space_id",)),
    action("assistant_usage", "GET", "/assistant/usage", query=("since", "cursor", "limit")),
)
