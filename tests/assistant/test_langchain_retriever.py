"""Chains of LangChain's find passages here, over a real connection."""

import asyncio
from collections.abc import Iterator

import pytest
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from pydantic import SecretStr

from assistant.langchain_retriever import NexusRetriever, SearchFailed
from tests.assistant.conftest import Company
from tests.assistant.loopback import loopback

pytestmark = pytest.mark.one_mode


@pytest.fixture(scope="module")
def retriever(company: Company) -> Iterator[NexusRetriever]:
    key = str(company.colleague.headers["authorization"]).removeprefix("Bearer ")
    with loopback(company.app) as url:
        yield NexusRetriever(base_url=url, api_key=SecretStr(key), k=3)


def test_a_passage_says_where_it_is_from(company: Company, retriever: NexusRetriever) -> None:
    found = retriever.invoke("How long is parental leave?")
    assert 1 <= len(found) <= 3
    best = found[0]
    assert "12 weeks" in best.page_content
    assert best.id
    about = best.metadata
    assert (about["source_id"], about["title"], about["version"]) == (company.documents["Leave"], "Leave", 1)
    assert about["url"].startswith(f"{retriever.base_url}/documents/{company.documents['Leave']}")
    text = company.owner.get(f"/api/v1/documents/{about['source_id']}/text").json()["text"]
    assert text[about["start"] : about["end"]] == best.page_content
    assert [document.metadata["score"] for document in found] == sorted(
        (document.metadata["score"] for document in found), reverse=True
    )


def test_it_works_as_a_part_of_a_chain_at_once_in_batches_and_asynchronously(retriever: NexusRetriever) -> None:
    def joined(documents: list[Document]) -> str:
        return "\n".join(document.page_content for document in documents)

    prompt = ChatPromptTemplate.from_template("{context}\n---\n{question}")
    chain = (
        {"context": retriever | joined, "question": RunnablePassthrough()}
        | prompt
        | RunnableLambda(lambda value: value.to_string())
        | StrOutputParser()
    )
    assert "Mary Jones" in chain.invoke("Who approves overtime?")
    assert "Mary Jones" in asyncio.run(chain.ainvoke("Who approves overtime?"))
    leave, office = retriever.batch(["parental leave", "사무실 주차장"])
    assert leave[0].metadata["title"] == "Leave"
    assert office[0].metadata["title"] == "사무실 안내"


def test_it_finds_what_the_person_of_the_key_may_read_and_no_more(company: Company, retriever: NexusRetriever) -> None:
    query = "merger with Bluebird Logistics"
    assert all(found.metadata["title"] != "Project Aurora" for found in retriever.invoke(query))
    key = str(company.owner.headers["authorization"]).removeprefix("Bearer ")
    owners = retriever.model_copy(update={"api_key": SecretStr(key), "space_ids": [company.secret_space]})
    assert [found.metadata["title"] for found in owners.invoke(query)] == ["Project Aurora"]


def test_a_refusal_is_told_in_the_servers_words_and_the_key_is_not(retriever: NexusRetriever) -> None:
    stranger = retriever.model_copy(update={"api_key": SecretStr("nobody")})
    with pytest.raises(SearchFailed, match="Sign in") as told:
        stranger.invoke("leave")
    assert told.value.http_status == 401
    with pytest.raises(SearchFailed, match="Write what to search for"):
        asyncio.run(retriever.ainvoke(""))
    with pytest.raises(SearchFailed, match="does not answer"):
        retriever.model_copy(update={"base_url": "http://127.0.0.1:1"}).invoke("leave")
    assert retriever.api_key.get_secret_value() not in repr(retriever)
