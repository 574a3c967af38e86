"""One exchange: the question is stored, the agent runs, its words are held to their sources, the answer is stored.

No database session is open while the model works.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog
from sqlalchemy.orm import Session

from assistant.agent.agent import Agent, Searched, Searching, Turn
from assistant.answers.composition import not_found
from assistant.chat.drafts import Draft, Extracted, Generated, Told
from assistant.chat.notices import notice
from assistant.chat.rounding import round_off
from assistant.citations import Citation, verify_all
from assistant.context import AssistantContext
from assistant.conversations.service import USER, Begun, begin_turn, drop_question, store_answer
from assistant.models.choosing import EXTRACTIVE, Failure, ModelUnavailable, limits_nothing, model_name
from assistant.models.configuration import options_in_force
from assistant.models.options import Options
from assistant.models.run import LimitReached, Run, Spent
from assistant.models.usage import record_usage
from assistant.proof.grounding import Grounder
from assistant.schemas import (
    AnswerAbout,
    AnswerUsage,
    ChatAnswer,
    ChatRequest,
    ConversationEvent,
    DeltaEvent,
    Scope,
    StepEvent,
)
from assistant.types import Confidence, Part
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.infra.database import Database
from core_api.infra.errors import NotFound
from retrieval.analyzer import language
from retrieval.endpoints import HitRead

log = structlog.get_logger()

ChatEvent = ConversationEvent | StepEvent | DeltaEvent | ChatAnswer

_NEAREST = 5
_LABELS = {
    "en": {
        "search": "Searching your sources",
        "found": "{n} passages",
        "answer": "Choosing what answers",
        "open_document": "Opening a document",
        "list_documents": "Listing documents",
        "list_groups_and_people": "Looking who and what is there",
        "summarize": "Summing up",
        "recommend": "Looking for what is related",
        "save_answer": "Preparing a document",
        "add_to_document": "Preparing a change",
        "remind": "Preparing a reminder",
    },
    "ko": {
        "search": "자료를 찾는 중",
        "found": "문단 {n}개",
        "answer": "답이 되는 내용을 고르는 중",
        "open_document": "문서를 여는 중",
        "list_documents": "문서 목록을 만드는 중",
        "list_groups_and_people": "사람과 모임을 찾는 중",
        "summarize": "요약하는 중",
        "recommend": "관련된 것을 찾는 중",
        "save_answer": "문서를 준비하는 중",
        "add_to_document": "변경을 준비하는 중",
        "remind": "알림을 준비하는 중",
    },
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question that waits for its answer; stored, or not `kept`: then its ids are empty, and so are the answer's."""

    agent: Agent
    database: Database
    subject: Subject
    conversation_id: str
    question_id: str
    turns: list[Turn]
    scope: Scope
    options: Options = field(default_factory=Options)
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    kept: bool = True
    replaces: str | None = None

    @property
    def begun(self) -> Begun:
        """The question as it was stored."""
        return Begun(self.conversation_id, self.question_id, self.turns, self.scope, self.replaces)

    @property
    def milliseconds(self) -> int:
        """Since the question was stored."""
        return round((time.monotonic() - self.started) * 1_000)

    @property
    def language(self) -> str:
        """The language to speak: `ko`, or `en` for every other."""
        return "ko" if language(self.turns[-1].content) == "ko" else "en"


def begin(agent: Agent, database: Database, subject: Subject, request: ChatRequest) -> Exchange:
    """Store the question. Raises NotFound when the conversation is not the subject's."""
    with database.transaction() as session:
        begun = begin_turn(session, subject, request)
        options = options_in_force(session, subject, begun.scope.space_ids, follows_up=_follows_up(begun.turns))
    return Exchange(
        agent,
        database,
        subject,
        begun.conversation_id,
        begun.question_id,
        begun.turns,
        begun.scope,
        options,
        replaces=begun.replaces,
    )


def begin_unkept(agent: Agent, database: Database, subject: Subject, turns: list[Turn], scope: Scope) -> Exchange:
    """The last of `turns` as a question of which nothing is stored but what it takes."""
    with database.reading() as session:
        options = options_in_force(session, subject, scope.space_ids, follows_up=_follows_up(turns))
    return Exchange(agent, database, subject, "", "", turns, scope, options, kept=False)


def _follows_up(turns: Sequence[Turn]) -> bool:
    return any(turn.role != USER for turn in turns)


def answer(exchange: Exchange) -> ChatAnswer:
    """The whole answer at once. Raises what `events` raises."""
    *_, last = events(exchange)
    assert isinstance(last, ChatAnswer)
    return last


def events(exchange: Exchange) -> Iterator[ChatEvent]:
    """What happens while the question is answered; the last event is the answer.

    When a language model fails, reaches a limit, or writes nothing that the sources support, the extractive model
    answers instead; unless a part of the answer was shown already, which stays. The answer's `notice` says so.
    Raises Unavailable while the indexes load, and Cancelled after `exchange.stop` was set.
    """
    yield ConversationEvent(conversation_id=exchange.conversation_id)
    attempts = [_attempt(exchange, model_name(exchange.agent.settings, exchange.options))]
    stored = False
    try:
        yield from _made(exchange, attempts[0])
        if attempts[0].needs_another:
            attempts.append(_attempt(exchange, EXTRACTIVE))
            yield from _made(exchange, attempts[1])
        reply = _store(exchange, attempts)
        stored = True
        yield reply
    finally:
        if not stored:
            _end_unfinished(exchange, attempts)


@dataclass(slots=True)
class _Attempt:
    """One run of the agent with one model. `cause`: what ended it before it was done, or is wrong with its answer;
    `said`: what it has told of the answer so far."""

    model: str
    context: AssistantContext
    draft: Draft
    cause: Failure | str | None = None
    said: str = ""

    @property
    def needs_another(self) -> bool:
        """Whether the extractive model has to answer instead."""
        return self.model != EXTRACTIVE and self.cause is not None and self.draft.is_empty and not self._has_outcome

    @property
    def outcome(self) -> Draft:
        """The draft; where nothing of it has a source, what a tool has found out or prepared, if one has."""
        told = self.context.outcomes.last
        return Told(told) if self.draft.is_empty and told is not None else self.draft

    @property
    def _has_outcome(self) -> bool:
        return self.context.outcomes.last is not None or bool(self.context.outcomes.proposals)


def _attempt(exchange: Exchange, model: str) -> _Attempt:
    agent, scope = exchange.agent, exchange.scope
    if model != EXTRACTIVE and limits_nothing(agent.settings, exchange.options):
        log.warning("cost_not_limited", model=model, todo="Set NEXUS_LLM_PRICES, or take the cost limit away.")
    # The extractive model that steps in has no more than its own limits to keep.
    steps_in = model == EXTRACTIVE != model_name(agent.settings, exchange.options)
    context = AssistantContext(
        exchange.subject,
        exchange.database,
        agent.engine,
        agent.settings,
        space_ids=tuple(scope.space_ids),
        document_ids=tuple(scope.document_ids),
        kinds=tuple(scope.kinds),
        as_of=scope.as_of,
        options=Options() if steps_in else exchange.options,
        run=Run(exchange.stop),
        conversation_id=exchange.conversation_id or None,
        # Of what is not kept nobody is shown a proposal to confirm.
        replaces=exchange.replaces,
        may_propose=exchange.kept and exchange.subject.may(Permission.CONTENT_WRITE),
    )
    if model == EXTRACTIVE:
        return _Attempt(model, context, Extracted())
    question = exchange.turns[-1].content
    grounder = Grounder(
        context.passages, agent.engine.embedder, question=question, unsupported=exchange.options.unsupported
    )
    return _Attempt(model, context, Generated(grounder))


def _made(exchange: Exchange, attempt: _Attempt) -> Iterator[ChatEvent]:
    """Run the agent, and tell what happens; the attempt has the outcome."""
    labels, draft, run = _LABELS[exchange.language], attempt.draft, attempt.context.run
    composing = False
    try:
        for event in exchange.agent.run(attempt.context, exchange.turns, attempt.model):
            if isinstance(event, Searching):
                draft.restart()
                yield StepEvent(label=labels.get(event.tool, labels["search"]), state="running", detail=event.query)
            elif isinstance(event, Searched):
                found = labels["found"].format(n=event.passages) if event.tool == "search" else ""
                yield StepEvent(label=labels.get(event.tool, labels["search"]), state="done", detail=found)
                yield StepEvent(label=labels["answer"], state="running")
                composing = True
            else:
                for part in draft.take(event):
                    attempt.said += part.text
                    yield DeltaEvent(text=part.text)
        attempt.cause = Failure.UNSUPPORTED if draft.is_unbelievable else run.limit
    except LimitReached as reached:
        draft.end()
        attempt.cause = reached.limit
    except ModelUnavailable as error:
        log.warning("model_failed", model=attempt.model, failure=error.failure, error=error.detail)
        draft.end()
        attempt.cause = error.failure
    if composing:
        yield StepEvent(label=labels["answer"], state="done")


def _store(exchange: Exchange, attempts: Sequence[_Attempt]) -> ChatAnswer:
    """Verify and keep what was written; abstain when nothing of it holds."""
    subject, database, last = exchange.subject, exchange.database, attempts[-1]
    draft, hits = last.outcome, last.context.passages.hits
    abstained = draft.is_empty
    parts, confidence = draft.parts, draft.confidence
    if abstained:
        parts = [Part(not_found(exchange.language, nearest=bool(hits)))]
        confidence = Confidence.NONE
    about = AnswerAbout(
        confidence=confidence,
        support=None if draft.support is None else round(draft.support, 4),
        abstained=abstained,
        model=last.model,
        notice=_notice(exchange, attempts),
        usage=_usage(exchange, attempts),
        prompts=last.context.run.prompts if last.model != EXTRACTIVE else {},
        unsupported=draft.unsupported,
        left_out=draft.left_out,
    )
    nearest = hits[:_NEAREST] if abstained else ()
    with database.reading() as session:
        citations = verify_all(session, subject, draft.citations)
        about = about.model_copy(update=_besides(session, exchange, attempts, citations, abstained))
    with database.transaction() as session:
        message_id = ""
        if exchange.kept:
            message_id = store_answer(
                session,
                subject,
                exchange.begun,
                # What has no source is not kept: nobody could decide later who may read it.
                parts=[part for part in parts if part.supported],
                citations=citations,
                about=about.model_copy(update={"unsupported": []}),
                nearest=nearest,
            )
        _record(session, exchange, attempts, answered=True)
    return ChatAnswer(
        **dict(about),
        answer="".join(part.text for part in parts),
        citations=citations,
        conversation_id=exchange.conversation_id,
        message_id=message_id,
        question_id=exchange.question_id,
        nearest=[HitRead.of(hit) for hit in nearest],
    )


def _besides(
    session: Session, exchange: Exchange, attempts: Sequence[_Attempt], citations: Sequence[Citation], abstained: bool
) -> dict[str, Any]:
    """What to ask next or whom to ask, and what waits for the asker's word. Nobody sees it of what is not kept."""
    if not exchange.kept:
        return {}
    asked = [turn.content for turn in exchange.turns if turn.role == USER]
    agent, context = exchange.agent, attempts[-1].context
    rounded = round_off(
        session,
        exchange.subject,
        agent.engine,
        asked,
        citations,
        context.passages.hits,
        abstained=abstained,
        filters=context.filters,
    )
    waiting = [proposal for attempt in attempts for proposal in attempt.context.outcomes.proposals]
    return {"suggestions": rounded.suggestions, "experts": rounded.experts, "proposals": waiting}


def _notice(exchange: Exchange, attempts: Sequence[_Attempt]) -> str | None:
    causes = [attempt.cause for attempt in attempts if attempt.cause is not None]
    if not causes:
        return None
    empty = attempts[-1].draft.is_empty
    then = "none" if empty else "quoted" if len(attempts) > 1 else "partly"
    return notice(exchange.language, causes[0], then)


def _usage(exchange: Exchange, attempts: Sequence[_Attempt]) -> AnswerUsage:
    spent = sum((attempt.context.run.spent for attempt in attempts), Spent())
    return AnswerUsage(**asdict(spent), milliseconds=exchange.milliseconds)


def _record(session: Session, exchange: Exchange, attempts: Sequence[_Attempt], *, answered: bool) -> None:
    """Add to the sums of the day. The time is that of the model that answered, or would have."""
    for attempt in attempts:
        is_last = attempt is attempts[-1]
        record_usage(
            session,
            exchange.subject.user_id,
            attempt.model,
            attempt.context.run.spent,
            milliseconds=exchange.milliseconds if is_last else 0,
            answers=int(answered and is_last),
            fallbacks=int(not is_last),
            limits=int(isinstance(attempt.cause, str) and not isinstance(attempt.cause, Failure)),
        )


def _end_unfinished(exchange: Exchange, attempts: Sequence[_Attempt]) -> None:
    """What was taken before the asker went, or an error came, counts as well. A question that was to take the place of
    another leaves that as it was; any other that its asker stopped keeps what was said until then."""
    if exchange.replaces is not None:
        with exchange.database.transaction() as session:
            drop_question(session, exchange.question_id)
    if any(attempt.context.run.spent.model_calls for attempt in attempts):
        with exchange.database.transaction() as session:
            _record(session, exchange, attempts, answered=False)
    if exchange.stop.is_set() and exchange.kept and exchange.replaces is None:
        _store_stopped(exchange, attempts)


def _store_stopped(exchange: Exchange, attempts: Sequence[_Attempt]) -> None:
    """Keep what was said of an answer before it was stopped, of that what has its source: nothing else was verified."""
    last = attempts[-1]
    last.draft.end()
    draft = last.outcome
    parts = [part for part in _said(draft.parts, last.said) if part.supported]
    if not parts:
        return
    cited = {marker for part in parts for marker in part.markers}
    with exchange.database.reading() as session:
        citations = verify_all(session, exchange.subject, [one for one in draft.citations if one.marker in cited])
    about = AnswerAbout(
        confidence=None,
        abstained=False,
        stopped=True,
        model=last.model,
        usage=_usage(exchange, attempts),
        prompts=last.context.run.prompts if last.model != EXTRACTIVE else {},
    )
    try:
        with exchange.database.transaction() as session:
            store_answer(session, exchange.subject, exchange.begun, parts=parts, citations=citations, about=about)
    except NotFound:  # the conversation was deleted meanwhile
        log.info("stopped_answer_not_kept", conversation_id=exchange.conversation_id)


def _said(parts: Sequence[Part], text: str) -> Iterator[Part]:
    """The parts that `text` begins with."""
    for part in parts:
        if not text.startswith(part.text):
            return
        text = text.removeprefix(part.text)
        yield part
