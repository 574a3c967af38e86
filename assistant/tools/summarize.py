"""The tool that sums up: a document, what is new in a space, or what is found about something."""

from langchain.tools import ToolRuntime, tool
from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.context import AssistantContext
from assistant.lookup import find_document, find_space
from assistant.outcomes import Outcome
from assistant.summaries.service import Summary, sentence_text, summarize_changes, summarize_document, summarize_search
from assistant.tools.giving import Given, give, nothing, outside, say, spoken
from assistant.types import Part
from assistant.wording.periods import beginning_of
from core_api.infra.errors import NotFound
from core_api.models import Conversation, ConversationMessage, utcnow

_TURNS_LOOKED_AT = 6
_WORDS = {
    "en": {
        "none": "There is no document “{name}” that you can see.",
        "which": "Say which document: give its title.",
        "no_space": "There is no space “{name}” that you can see.",
        "empty": "“{title}” holds nothing to sum up.",
        "unchanged": "Nothing has come or changed in “{title}” since {since}.",
    },
    "ko": {
        "none": "볼 수 있는 문서 가운데 “{name}”은(는) 없습니다.",
        "which": "어느 문서인지 제목으로 알려 주세요.",
        "no_space": "볼 수 있는 공간 가운데 “{name}”은(는) 없습니다.",
        "empty": "“{title}”에는 요약할 내용이 없습니다.",
        "unchanged": "{since} 이후 “{title}” 공간에 새로 생기거나 바뀐 문서가 없습니다.",
    },
}


@tool(response_format="content_and_artifact")
def summarize(
    document: str = "",
    space: str = "",
    since: str = "",
    query: str = "",
    *,
    runtime: ToolRuntime[AssistantContext],
) -> Given:
    """Sum up a document, or what is new in a space since a day, or what the sources say about something. Give one of
    `document`, `space` and `query`.

    Args:
        document: The title or id of a document.
        space: The name of a space; with `since`.
        since: A date (YYYY-MM-DD), or "today", "yesterday", "week", "month". Default: the last seven days.
        query: What to sum up from all sources.
    """
    context, words = runtime.context, _WORDS[spoken(runtime)]
    with context.database.reading() as session:
        subject, engine, filters = context.subject, context.engine, context.filters
        if space.strip():
            found = find_space(session, subject, space)
            if found is None:
                return nothing(words["no_space"].format(name=space.strip()[:100]))
            if filters.space_ids and found.id not in filters.space_ids:
                return outside(runtime)
            begin = beginning_of(since, utcnow())
            summary = summarize_changes(session, subject, engine, found.id, begin, filters=filters)
            if not summary.sections:
                text = words["unchanged"].format(title=found.name, since=f"{begin:%Y-%m-%d}")
                return give(context, Outcome((Part(text),)))
        elif query.strip():
            summary = summarize_search(session, subject, engine, query.strip()[:1_000], filters)
            if not summary.sections:
                return nothing(words["empty"].format(title=query.strip()[:100]))
        else:
            name = document.strip() or _spoken_of(session, context) or ""
            named = find_document(session, subject, engine, name, filters)
            if named is None and document.strip():
                return nothing(words["none"].format(name=document.strip()[:100]))
            if named is not None and not named.inside:
                return outside(runtime)
            try:
                summary = summarize_document(session, subject, engine, named.id if named else "")
            except NotFound:
                return say(context, words["which"])
            if not summary.sections:
                return nothing(words["empty"].format(title=summary.title))
    return give(context, outcome_of(summary))


def _spoken_of(session: Session, context: AssistantContext) -> str | None:
    """The document that the conversation is about: the one it is kept to, or the last that was cited first."""
    if len(context.document_ids) == 1:
        return context.document_ids[0]
    said = (
        select(ConversationMessage.citations)
        .join(Conversation, Conversation.id == ConversationMessage.conversation_id)
        .where(Conversation.id == context.conversation_id, Conversation.user_id == context.subject.user_id)
    )
    if context.replaces is not None:
        said = said.where(ConversationMessage.id < context.replaces)
    cited = session.scalars(said.order_by(ConversationMessage.id.desc()).limit(_TURNS_LOOKED_AT))
    return next((citations[0]["source"]["id"] for citations in cited if citations), None)


def outcome_of(summary: Summary) -> Outcome:
    """A summary as it is said: under each heading its sentences as a list, each with its marker."""
    parts: list[Part] = []
    marker = 0
    for section in summary.sections:
        for place, evidence in enumerate(section.evidence):
            marker += 1
            lead = "\n\n" if parts and place == 0 else "\n" if parts else ""
            # The heading goes with the sentence: who may not read its source does not see it either.
            heading = f"**{section.heading}**\n\n" if place == 0 and section.heading else ""
            parts.append(Part(f"{lead}{heading}- {sentence_text(evidence)} [{marker}]", (marker,)))
    return Outcome(tuple(parts), summary.evidence)
