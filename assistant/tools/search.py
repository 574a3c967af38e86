"""The tool that finds passages, with the asker's rights."""

import math
from collections.abc import Callable
from dataclasses import replace
from xml.sax.saxutils import quoteattr

from langchain.tools import ToolRuntime, tool

from assistant.context import AssistantContext
from assistant.wording.untrusted import for_model, plain_for_model
from prompts.loader import Prompt, load_prompt
from retrieval import service
from retrieval.types import Hit, Query

# Passages for one answer. More found no more answers on XQuAD and KorQuAD: the gold paragraph is among the first 8 for
# 99.5% of the questions.
PASSAGES = 8
_MAX_QUERY_CHARS = 1_000
NOTHING_FOUND = "No passages were found."


@tool(response_format="content_and_artifact")
def search(query: str, runtime: ToolRuntime[AssistantContext]) -> tuple[str, list[Hit]]:
    """Find passages of the company's documents that answer a question.

    Args:
        query: A question or keywords that stand by themselves, in the language of the user.
    """
    context = runtime.context
    asked = Query(query[:_MAX_QUERY_CHARS], PASSAGES, filters=context.filters)
    if documents := len(context.filters.source_ids):
        # Asked about few documents, there are no others to leave room for.
        asked = replace(asked, per_source=max(asked.per_source, math.ceil(PASSAGES / documents)))
    with context.database.reading() as session:
        found = service.search(session, context.subject, context.engine, asked)
    numbered = context.passages.add(found.hits)
    return describe(query, numbered, context.prompt), [hit for _, hit in numbered]


def describe(query: str, numbered: list[tuple[int, Hit]], load: Callable[[str], Prompt] = load_prompt) -> str:
    """The passages for a model: each marked as data, with its number and where it comes from."""
    if not numbered:
        return NOTHING_FOUND
    template = load("passage")
    passages = "\n\n".join(
        template.render(
            number=str(number),
            title=_attribute(hit.source.title),
            place=_attribute(" > ".join(part for part in (hit.space_name, hit.heading) if part)),
            updated=hit.updated_at.date().isoformat(),
            text=for_model(hit.text),
        )
        for number, hit in numbered
    )
    return load("search_results").render(query=query, passages=passages)


def _attribute(text: str) -> str:
    return quoteattr(" ".join(plain_for_model(text).split()))[1:-1].replace('"', "&quot;")
