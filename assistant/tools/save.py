"""The tools that propose to keep an answer: as a new document, or at the end of one. Nothing is written by them."""

from langchain.tools import ToolRuntime, tool
from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.context import AssistantContext
from assistant.conversations.service import access_conversation, title_of
from assistant.conversations.showing import ASSISTANT, USER
from assistant.lookup import find_document, find_space, personal_space
from assistant.proposals import proposing
from assistant.proposals.schemas import ProposalKind
from assistant.tools.giving import Given, proposed, say, spoken
from core_api.auth.access import covers
from core_api.domains.documents.reading import access_document
from core_api.infra.errors import Conflict, Forbidden
from core_api.models import ConversationMessage, SpaceRole

_TITLE_CHARS = 200
_WORDS = {
    "en": {
        "no_answer": "There is no answer in this conversation to keep yet. Ask first.",
        "no_space": "There is no space “{name}” that you can see.",
        "no_document": "There is no document “{name}” that you can see.",
        "read_only": "You may only read “{name}”, not write there.",
        "save": "Save the last answer as a document “{title}” in the space “{space}”.",
        "append": "Add the last answer to the end of the document “{title}”.",
    },
    "ko": {
        "no_answer": "이 대화에는 아직 저장할 답변이 없습니다. 먼저 질문해 주세요.",
        "no_space": "볼 수 있는 공간 가운데 “{name}”은(는) 없습니다.",
        "no_document": "볼 수 있는 문서 가운데 “{name}”은(는) 없습니다.",
        "read_only": "“{name}”은(는) 읽기만 할 수 있고 쓸 수 없습니다.",
        "save": "마지막 답변을 “{space}” 공간에 “{title}” 문서로 저장합니다.",
        "append": "마지막 답변을 “{title}” 문서 끝에 추가합니다.",
    },
}


@tool(response_format="content_and_artifact")
def save_answer(title: str = "", space: str = "", *, runtime: ToolRuntime[AssistantContext]) -> Given:
    """Propose to save the last answer of this conversation as a new document. The person confirms it; do not say that
    it has been done.

    Args:
        title: The title of the document; empty: made of the question.
        space: The name of the space to save it in; empty: the person's own space.
    """
    context, speaking = runtime.context, spoken(runtime)
    words = _WORDS[speaking]
    with context.database.transaction() as session:
        answered = _last_answer(session, context)
        if answered is None:
            return say(context, words["no_answer"])
        message_id, question = answered
        subject = context.subject
        where = find_space(session, subject, space) if space.strip() else personal_space(session, subject)
        if where is None:
            return say(context, words["no_space"].format(name=space.strip()[:100]))
        if not (where.may.write and covers(where.role, SpaceRole.EDITOR)):
            return say(context, words["read_only"].format(name=where.name))
        title = " ".join(title.split())[:_TITLE_CHARS] or title_of(question)
        summary = words["save"].format(title=title, space=where.name)
        parameters = {"message_id": message_id, "space_id": where.id, "space": where.name, "title": title}
        proposal = proposing.propose(session, subject, ProposalKind.SAVE_DOCUMENT, summary, parameters)
    return proposed(context, proposal, speaking)


@tool(response_format="content_and_artifact")
def add_to_document(document: str, *, runtime: ToolRuntime[AssistantContext]) -> Given:
    """Propose to add the last answer of this conversation to the end of a document. The person confirms it; do not say
    that it has been done.

    Args:
        document: The title or id of the document.
    """
    context, speaking = runtime.context, spoken(runtime)
    words = _WORDS[speaking]
    with context.database.transaction() as session:
        answered = _last_answer(session, context)
        if answered is None:
            return say(context, words["no_answer"])
        found = find_document(session, context.subject, context.engine, document)
        if found is None:
            return say(context, words["no_document"].format(name=document.strip()[:100]))
        document_id, title = found.id, found.title
        try:
            access_document(session, context.subject, document_id, SpaceRole.EDITOR)
        except (Forbidden, Conflict):
            return say(context, words["read_only"].format(name=title))
        parameters = {"message_id": answered[0], "document_id": document_id, "title": title}
        summary = words["append"].format(title=title)
        proposal = proposing.propose(session, context.subject, ProposalKind.APPEND_DOCUMENT, summary, parameters)
    return proposed(context, proposal, speaking)


def _last_answer(session: Session, context: AssistantContext) -> tuple[str, str] | None:
    """The message id of the last answer of the conversation that said something, and its question."""
    if context.conversation_id is None:
        return None
    access_conversation(session, context.subject, context.conversation_id)
    said = select(ConversationMessage).where(ConversationMessage.conversation_id == context.conversation_id)
    if context.replaces is not None:
        said = said.where(ConversationMessage.id < context.replaces)
    rows = session.scalars(said.order_by(ConversationMessage.id)).all()
    found: tuple[str, str] | None = None
    question = ""
    for row in rows:
        if row.role == USER:
            question = row.content
        elif row.role == ASSISTANT and row.citations and not row.answer.get("abstained"):
            found = row.id, question
    return found
