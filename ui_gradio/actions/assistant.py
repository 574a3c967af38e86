"""The assistant: conversations and who sees them, feedback, proposals, summaries, review, and its settings."""

from ui_gradio.actions.calls import Action, action

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
    action("file_gap", "POST", "/assistant/gaps", body=("message_id",)),
    action("confirm_proposal", "POST", "/assistant/proposals/{id}/confirm"),
    action("dismiss_proposal", "DELETE", "/assistant/proposals/{id}"),
    action("summarize", "POST", "/assistant/summarize", body=("document_id", "space_id", "since", "query", "length")),
    # review
    action("reviewed_answers", "GET", "/assistant/review/answers", query=("helpful", "state", "cursor", "limit")),
    action("review_answer", "POST", "/assistant/review/answers/{id}", body=("verdict", "question", "document_ids")),
    action("gaps", "GET", "/assistant/review/gaps", query=("status", "cursor", "limit")),
    action("change_gap", "PATCH", "/assistant/review/gaps/{id}", body=("status",)),
)
