"""The tool that recommends: related documents, people who know, and what was asked before."""

from collections.abc import Sequence
from typing import Literal

from langchain.tools import ToolRuntime, tool

from assistant.answers.questions import understand
from assistant.context import AssistantContext
from assistant.lookup import find_document
from assistant.recommending import service as recommending
from assistant.recommending.service import Expert, Related
from assistant.tools.giving import Given, give, label, mentions, nothing, one_line, outside, spoken

_DOCUMENTS, _PEOPLE, _QUESTIONS = 6, 5, 6
_WORDS = {
    "en": {
        "documents": "Related documents:",
        "people": "These people have written about it:",
        "questions": "Asked before:",
        "none": "I have found nothing to recommend for this in what you may read.",
        "none_chosen": "I have found nothing to recommend for this in what you chose.",
        "wrote": "wrote or changed",
    },
    "ko": {
        "documents": "관련 문서:",
        "people": "이 주제로 글을 쓴 사람:",
        "questions": "전에 한 질문:",
        "none": "읽을 수 있는 자료에서 추천할 것을 찾지 못했습니다.",
        "none_chosen": "선택하신 범위에서 추천할 것을 찾지 못했습니다.",
        "wrote": "쓰거나 고친 문서",
    },
}


@tool(response_format="content_and_artifact")
def recommend(
    kind: Literal["documents", "people", "questions"],
    about: str,
    *,
    runtime: ToolRuntime[AssistantContext],
) -> Given:
    """Recommend documents that are related to a document or a topic, people who know about a topic (with the documents
    that show it), or similar questions that the asker has asked before.

    Args:
        kind: What to recommend.
        about: A topic or question; for documents also the title of a document.
    """
    context, words = runtime.context, _WORDS[spoken(runtime)]
    lines: list[tuple[str, Sequence[str]]]
    unproven: Sequence[str] = ()
    about = about.strip()[:1_000]
    with context.database.reading() as session:
        subject, engine, filters = context.subject, context.engine, context.filters
        if kind == "documents":
            named = find_document(session, subject, engine, about, filters)
            if named is not None and not named.inside:
                return outside(runtime)
            if named is not None:
                related = recommending.related_to_document(session, subject, engine, named.id, _DOCUMENTS, filters)
            else:
                hits = recommending.matching(session, subject, engine, understand(about), filters)
                related = [Related(hit, hit.score) for hit in hits[:_DOCUMENTS]]
            lines = [(_document_line(one), [one.passage.source.id]) for one in related]
        elif kind == "people":
            experts = recommending.people_who_know(session, subject, engine, understand(about), _PEOPLE, filters)
            lines = [(_person_line(one, words["wrote"]), [proof.id for proof in one.documents]) for one in experts]
        else:
            asked = recommending.past_questions(session, subject, engine, about, _QUESTIONS + 2)
            # The one that asks for them is among them.
            itself = {about.casefold(), _last_question(runtime).casefold()}
            lines = [(one_line(one.text), unproven) for one in asked if one.text.casefold() not in itself][:_QUESTIONS]
        if not lines:
            return nothing(words["none_chosen" if filters.any and kind != "questions" else "none"])
        return give(context, mentions(session, context, words[kind], lines))


def _last_question(runtime: ToolRuntime[AssistantContext]) -> str:
    return next((message.text for message in reversed(runtime.state["messages"]) if message.type == "human"), "")


def _document_line(related: Related) -> str:
    source = related.passage.source
    space = f" — {related.passage.space_name}" if related.passage.space_name else ""
    return f"[{label(source.title)}]({source.url}){space}"


def _person_line(expert: Expert, wrote: str) -> str:
    documents = ", ".join(f"[{label(one.title)}]({one.url})" for one in expert.documents)
    return f"{one_line(expert.name)} ({wrote}: {documents})"
