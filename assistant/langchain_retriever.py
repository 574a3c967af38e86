"""A LangChain retriever over a server's API: what the person of the key may read, ranked as the Search page ranks it.

retriever = NexusRetriever(base_url="https://nexus.example", api_key="…", k=8)
documents = retriever.invoke("How long is parental leave?")
"""

from typing import Any

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever, LangSmithRetrieverParams
from pydantic import Field, SecretStr

from core_api.infra.errors import NexusError
from retrieval.types import Mode

_PATH = "/api/v1/search"


class SearchFailed(NexusError):
    """The server refused a search or did not answer; `http_status` is what it said, None where it said nothing."""

    status, code, title = 502, "search_failed", "The search failed"

    def __init__(self, detail: str, http_status: int | None) -> None:
        super().__init__(detail)
        self.http_status = http_status


class NexusRetriever(BaseRetriever):
    """Passages as LangChain documents, best first.

    `page_content` is the passage. `metadata`: `source_id`, `source_kind`, `title`, `version`, `url`, `space`,
    `heading`, `page`, `author`, `updated_at`, `score` (0..1, comparable within one result), and `start`, `end`: the
    passage is that span of that version's text. `id` is the passage's.

    A query may have everything that the Search page takes: `"exact phrases"`, `-word`, `in:space`, `by:person`.
    """

    base_url: str = Field(min_length=1, description="The server's address, without /api.")
    api_key: SecretStr = Field(description="A personal API key with the scope `read`.")
    k: int = Field(default=8, ge=1, le=100, description="Passages at most.")
    mode: Mode = Mode.HYBRID
    space_ids: list[str] = Field(default=[], max_length=200, description="Search these spaces only.")
    per_source: int = Field(default=3, ge=0, le=100, description="Passages at most of one source; 0: no limit.")
    timeout_seconds: float = Field(default=30, gt=0)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        """Raises SearchFailed."""
        try:
            with httpx.Client(**self._connection()) as client:
                return self._documents(client.post(_PATH, json=self._body(query)))
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        """Raises SearchFailed."""
        try:
            async with httpx.AsyncClient(**self._connection()) as client:
                return self._documents(await client.post(_PATH, json=self._body(query)))
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _get_ls_params(self, **kwargs: Any) -> LangSmithRetrieverParams:
        return LangSmithRetrieverParams(ls_retriever_name="nexus")

    def _connection(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.api_key.get_secret_value()}"}
        return {"base_url": self.base_url, "headers": headers, "timeout": self.timeout_seconds}

    def _body(self, query: str) -> dict[str, Any]:
        return {
            **{"query": query, "k": self.k, "mode": self.mode.value, "per_source": self.per_source},
            **{"filters": {"space_ids": self.space_ids}, "log": False},  # what is opened of it is not seen here
        }

    def _documents(self, response: httpx.Response) -> list[Document]:
        if not response.is_success:
            raise SearchFailed(_reason(response), response.status_code)
        return [self._document(hit) for hit in response.json()["hits"]]

    def _document(self, hit: dict[str, Any]) -> Document:
        source = hit["source"]
        metadata = {
            "source_id": source["id"],
            "source_kind": source["kind"],
            "title": source["title"],
            "version": source["version"],
            "url": self.base_url.rstrip("/") + source["url"],
            "space": hit["space"]["name"],
            **{name: hit[name] for name in ("heading", "page", "author", "updated_at", "start", "end", "score")},
        }
        return Document(id=hit["chunk_id"], page_content=hit["text"], metadata=metadata)

    def _unreachable(self, error: httpx.TransportError) -> SearchFailed:
        return SearchFailed(f"{self.base_url} does not answer ({error}).", None)


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"The server answered {response.status_code} without a reason."
