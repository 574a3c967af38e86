"""The embedded assistant over a synthetic company: time to the first token, and what the agent adds to its model."""

import time
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from assistant.agent.agent import Agent, Turn
from assistant.chat.exchange import begin, events
from assistant.context import AssistantContext
from assistant.schemas import ChatAnswer, ChatRequest, DeltaEvent
from core_api.auth.subject import Subject
from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.infra.settings import Settings
from evals.bench.filling import fill
from evals.bench.process import percentile, serve
from evals.bench.synthetic import Company, queries
from retrieval.engine import RetrievalEngine

_WARM_UP = 10
_SPACES = 240
_READABLE = 13


class Parameters(BaseModel):
    """What is measured."""

    chunks: int
    sentences: int
    questions: int
    work_dir: Path
    models_cache: Path
    threads: int


class Result(BaseModel):
    """Milliseconds for each question. `first_ms`: until its first token, storing the question included; `agent_ms`: the
    run of the agent; `bare_ms`: the same calls of the model and the search tool one after the other, without an agent;
    the `cpu_` ones are processor time of this process, which a busy machine changes less."""

    chunks: int
    first_ms: list[float]
    answer_ms: list[float]
    agent_ms: list[float]
    bare_ms: list[float]
    cpu_agent_ms: list[float]
    cpu_bare_ms: list[float]

    def share(self, name: str, share: float) -> float:
        """A percentile of one of the lists."""
        values: list[float] = getattr(self, name)
        return percentile(values, share)


def measure(text: str) -> Result:
    """Fill the database and the indexes directly, then ask."""
    parameters = Parameters.model_validate_json(text)
    settings = Settings(
        data_dir=parameters.work_dir / "data",
        models_cache=parameters.models_cache,
        embedding_threads=parameters.threads,
        database_url=None,
        chroma_url=None,
        llm_base_url=None,
        llm_model=None,
    )
    settings.data_dir.mkdir(parents=True)
    database = Database(settings.resolved_database_url)
    upgrade(database)
    company = Company(parameters.chunks, _SPACES, parameters.sentences)
    engine = RetrievalEngine.open(settings, database)
    try:
        engine.wait()
        filled = fill(database, engine, company, [company.readable(_READABLE)], lambda document, vectors: None)
        return _ask(Agent(settings, engine), database, filled.askers[0], parameters)
    finally:
        engine.close()
        database.dispose()


def _ask(agent: Agent, database: Database, asker: Subject, parameters: Parameters) -> Result:
    result = Result(
        chunks=parameters.chunks, first_ms=[], answer_ms=[], agent_ms=[], bare_ms=[], cpu_agent_ms=[], cpu_bare_ms=[]
    )
    bare = _without_agent(agent, database, asker)
    for n, question in enumerate(queries(parameters.questions + _WARM_UP)):
        first, answer = _exchange(agent, database, asker, question)
        context = AssistantContext(asker, database, agent.engine, agent.settings)
        ways: list[Callable[[], object]] = [
            lambda context=context, question=question: list(agent.run(context, [Turn("user", question)])),  # type: ignore[misc]
            lambda question=question: bare(question),  # type: ignore[misc]
        ]
        # In turn, so that what the first one leaves in caches helps both alike.
        timed = [_timed(way) for way in (ways if n % 2 else ways[::-1])]
        (agent_ms, cpu_agent), (bare_ms, cpu_bare) = timed if n % 2 else timed[::-1]
        if n >= _WARM_UP:
            result.first_ms.append(first)
            result.answer_ms.append(answer)
            result.agent_ms.append(agent_ms)
            result.bare_ms.append(bare_ms)
            result.cpu_agent_ms.append(cpu_agent)
            result.cpu_bare_ms.append(cpu_bare)
    return result


def _exchange(agent: Agent, database: Database, asker: Subject, question: str) -> tuple[float, float]:
    """Milliseconds until the first token, and until the answer is stored."""
    began = time.perf_counter()
    first: float | None = None
    for event in events(begin(agent, database, asker, ChatRequest(message=question))):
        if first is None and isinstance(event, DeltaEvent | ChatAnswer):
            first = time.perf_counter() - began
    assert first is not None
    return first * 1_000, (time.perf_counter() - began) * 1_000


def _without_agent(agent: Agent, database: Database, asker: Subject) -> Callable[[str], object]:
    """What the agent does for a plain question, as bare calls: the model plans, the tool searches, the model says."""
    from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

    from assistant.agent.extractive import ExtractiveChatModel
    from assistant.tools.search import PASSAGES, describe
    from retrieval.service import search
    from retrieval.types import Query

    model = ExtractiveChatModel(engine=agent.engine)

    def run(question: str) -> object:
        messages: list[BaseMessage] = [HumanMessage(question)]
        (planned,) = list(model._stream(messages))
        call = planned.message.tool_calls[0]  # type: ignore[attr-defined]
        with database.reading() as session:
            found = search(session, asker, agent.engine, Query(call["args"]["query"], PASSAGES))
        numbered = AssistantContext(asker, database, agent.engine, agent.settings).passages.add(found.hits)
        content = describe(question, numbered)
        artifact = [hit for _, hit in numbered]
        messages += [
            AIMessage("", tool_calls=[call]),
            ToolMessage(content, tool_call_id=call["id"], name="search", artifact=artifact),
        ]
        return list(model._stream(messages))

    return run


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - began) * 1_000, (time.process_time() - cpu) * 1_000


if __name__ == "__main__":
    serve(measure)
