"""What the agent can do. Each tool acts with the asker's rights only, which it takes from the run's context."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

# The tools that keep a proposal for the person to confirm. All others only read.
PROPOSING = frozenset({"save_answer", "add_to_document", "remind"})


def tools() -> "list[BaseTool]":
    """All tools of the agent, in the order in which a model is told of them. Imports LangChain."""
    from assistant.tools.listing import list_documents, list_groups_and_people
    from assistant.tools.open import open_document
    from assistant.tools.recommend import recommend
    from assistant.tools.remind import remind
    from assistant.tools.save import add_to_document, save_answer
    from assistant.tools.search import search
    from assistant.tools.summarize import summarize

    return [
        search,
        open_document,
        list_documents,
        list_groups_and_people,
        summarize,
        recommend,
        save_answer,
        add_to_document,
        remind,
    ]
