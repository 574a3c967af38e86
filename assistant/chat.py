"""One exchange: the question is stored, the agent runs, its words are held to their sources, the answer is stored.

No database session is open while the model works.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

from assistant.agent import Agent, AgentEvent, Finished, Searched, Searching, Token, Turn
from assistant.citations import Citation, cite, verify_all
from assistant.composition import answer_parts, not_found
from assistant.context import AssistantContext
from assistant.conversations import begin_turn, store_answer
from assistant.grounding import Grounder
from assistant.models import uses_llm
from assistant.run import Run
from assistant.schemas import AnswerAbout, ChatAnswer, ChatRequest, ConversationEvent, DeltaEvent, Scope, StepEvent
from assistant.types import Confidence, Part
from core_api.auth.subject import Subject
from core_api.infra.database import Database
from retrieval.analyzer import language
from retrieval.endpoints import HitRead

ChatEvent = ConversationEvent | StepEvent | DeltaEvent | ChatAnswer

_NEAREST = 5
_LABELS = {
    "en": {"search": "Searching your sources", "found": "{n} passages", "answer": "Choosing what answers"},
    "ko": {"search": "자료를 찾는 중", "found": "문단 {n}개", "answer": "답이 되는 내용을 고르는 중"},
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question that has been stored and waits for its answer."""

    agent: Agent
    database: Database
    subject: Subject
    conversation_id: str
    question_id: str
    turns: list[Turn]
    scope: Scope
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def language(self) -> str:
        """The language to speak: `ko`, or `en` for every other."""
        return "ko" if language(self.turns[-1].content) == "ko" else "en"


def begin(agent: Agent, database: Database, subject: Subject, request: ChatRequest) -> Exchange:
    """Store the question. Raises NotFound when the conversation is not the subject's."""
    with database.transaction() as session:
        begun = begin_turn(session, subject, request)
    return Exchange(agent, database, subject, begun.conversation_id, begun.question_id, begun.turns, begun.scope)


def answer(exchange: Exchange) -> ChatAnswer:
    """The whole answer at once. Raises what `events` raises."""
    *_, last = events(exchange)
    assert isinstance(last, ChatAnswer)
    return last


def events(exchange: Exchange) -> Iterator[ChatEvent]:
    """What happens while the question is answered; the last event is the answer.

    Raises ModelUnavailable, Unavailable while the indexes load, and Cancelled after `exchange.stop` was set.
    """
    yield ConversationEvent(conversation_id=exchange.conversation_id)
    agent = exchange.agent
    context = AssistantContext(
        exchange.subject,
        exchange.database,
        agent.engine,
        agent.settings,
        space_ids=tuple(exchange.scope.space_ids),
        document_ids=tuple(exchange.scope.document_ids),
        kinds=tuple(exchange.scope.kinds),
        as_of=exchange.scope.as_of,
        run=Run(exchange.stop),
    )
    draft: _Draft = _Extracted()
    if uses_llm(agent.settings):
        draft = _Generated(Grounder(context.passages, agent.engine.embedder))
    labels = _LABELS[exchange.language]
    composing = False
    for event in agent.run(context, exchange.turns):
        if isinstance(event, Searching):
            draft.restart()
            yield StepEvent(label=labels["search"], state="running", detail=event.query)
        elif isinstance(event, Searched):
            found = labels["found"].format(n=event.passages)
            yield StepEvent(label=labels["search"], state="done", detail=found)
            yield StepEvent(label=labels["answer"], state="running")
            composing = True
        else:
            for part in draft.take(event):
                yield DeltaEvent(text=part.text)
    if composing:
        yield StepEvent(label=labels["answer"], state="done")
    yield _store(exchange, context, draft)


def _store(exchange: Exchange, context: AssistantContext, draft: "_Draft") -> ChatAnswer:
    """Verify and keep what was written; abstain when nothing of it holds."""
    subject, database = exchange.subject, exchange.database
    hits = context.passages.hits
    abstained = not draft.citations
    parts, confidence = draft.parts, draft.confidence
    if abstained:
        parts = [Part(not_found(exchange.language, nearest=bool(hits)))]
        confidence = Confidence.NONE
    about = AnswerAbout(confidence=confidence, abstained=abstained, model=exchange.agent.model_name)
    nearest = hits[:_NEAREST] if abstained else ()
    with database.reading() as session:
        citations = verify_all(session, subject, draft.citations)
    with database.transaction() as session:
        message_id = store_answer(
            session,
            subject,
            exchange.conversation_id,
            parts=parts,
            citations=citations,
            about=about,
            nearest=nearest,
        )
    return ChatAnswer(
        **dict(about),
        answer="".join(part.text for part in parts),
        citations=citations,
        conversation_id=exchange.conversation_id,
        message_id=message_id,
        question_id=exchange.question_id,
        nearest=[HitRead.of(hit) for hit in nearest],
    )


class _Draft(ABC):
    """An answer in the making."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.citations: list[Citation] = []
        self.confidence = Confidence.NONE

    @abstractmethod
    def restart(self) -> None:
        """The model searches (again): what it has not finished saying does not count."""

    @abstractmethod
    def take(self, event: AgentEvent) -> Iterator[Part]:
        """What is new to show after an event of the agent."""


class _Extracted(_Draft):
    """Made of quotations: what the model selected is what is cited."""

    def restart(self) -> None:
        """A selection comes whole, at the end: nothing is unfinished before."""

    def take(self, event: AgentEvent) -> Iterator[Part]:
        if isinstance(event, Token):
            yield Part(event.text)
        elif isinstance(event, Finished) and event.selection is not None:
            self.parts = list(answer_parts(event.selection))
            self.citations = [cite(evidence, n) for n, evidence in enumerate(event.selection.evidence, start=1)]
            self.confidence = event.selection.confidence


class _Generated(_Draft):
    """Written by a language model: only what the passages support is shown."""

    def __init__(self, grounder: Grounder) -> None:
        super().__init__()
        self._grounder = grounder

    def restart(self) -> None:
        self._grounder.restart()

    def take(self, event: AgentEvent) -> Iterator[Part]:
        if isinstance(event, Token):
            yield from self._grounder.feed(event.text)
        elif isinstance(event, Finished):
            yield from self._grounder.finish()
            self.parts = self._grounder.parts
            self.citations = self._grounder.citations
            self.confidence = self._grounder.confidence
