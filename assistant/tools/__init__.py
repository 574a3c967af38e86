"""What the agent can do. Each tool acts with the asker's rights only, which it takes from the run's context."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


def tools() -> "list[BaseTool]":
    """All tools of the agent, in the order in which a model is told of them. Imports LangChain."""
    from assistant.tools.search import search

    return [search]
