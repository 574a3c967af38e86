"""HTTP for what people say about answers, and for those who review it."""

from fastapi import APIRouter, status

from assistant import feedback
from assistant.review_schemas import FeedbackUpdate
from assistant.schemas import FeedbackRead
from core_api.auth.dependencies import Reader, WriteSession

router = APIRouter()


@router.put("/messages/{message_id}/feedback")
def put_feedback(message_id: str, body: FeedbackUpdate, subject: Reader, session: WriteSession) -> FeedbackRead:
    """Say whether an answer helped you. The reviewers see then the answer, your question and your comment, without your
    name; take it back, and they do not."""
    return feedback.put_feedback(session, subject, message_id, body)


@router.delete("/messages/{message_id}/feedback", status_code=status.HTTP_204_NO_CONTENT)
def delete_feedback(message_id: str, subject: Reader, session: WriteSession) -> None:
    """Take back what you said about an answer."""
    feedback.delete_feedback(session, subject, message_id)
