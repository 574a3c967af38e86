"""A chat model behind an OpenAI-compatible endpoint. Importing this imports langchain_openai; do it late.

What comes from the endpoint is untrusted: it may come slowly, break off, be no chat completion at all, or not end.
"""

import contextlib
import email.utils
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import openai
import structlog
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from pydantic import Field, SecretStr

from assistant.models.choosing import Failure, ModelUnavailable
from assistant.models.run import LimitReached, Run
from core_api.infra.settings import Settings

log = structlog.get_logger()

# One reply: so many tokens are asked for, and no more than so many characters are taken.
MOST_REPLY_TOKENS = 800
MOST_REPLY_CHARS = 8_000
_CONNECT_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_AHEAD = 64
# Endpoints on one's own machine usually ask for no key, but the client must send one.
_NO_KEY = "not-needed"
_OPENAI = "https://api.openai.com/v1"
_END = object()


@dataclass(slots=True)
class Watch:
    """What one call of the model is held to."""

    run: Run
    until: float  # of the whole answer, on the monotonic clock
    first_token_seconds: float
    total_seconds: float
    where: str
    started: float = field(default_factory=time.monotonic)
    began: bool = False
    wrote: bool = False
    chars: int = 0

    def look(self) -> None:
        """Raises what ends the call now: Cancelled, LimitReached, or ModelUnavailable for an endpoint too slow."""
        if self.run.stop.is_set():
            from assistant.models.run import Cancelled

            raise Cancelled
        now = time.monotonic()
        if now > self.until:
            raise LimitReached("most_seconds")
        if not self.began and now - self.started > self.first_token_seconds:
            raise self._slow(f"did not begin to answer within {self.first_token_seconds:g} s")
        if now - self.started > self.total_seconds:
            raise self._slow(f"did not answer within {self.total_seconds:g} s")

    def take(self, chunk: ChatGenerationChunk) -> None:
        """Note what has come. Raises LimitReached when it is too much."""
        message = cast("AIMessageChunk", chunk.message)
        text = chunk.text
        calls = message.tool_call_chunks
        self.began = self.began or bool(text or calls)
        self.wrote = self.wrote or bool(text)
        self.chars += len(text) + sum(len(call.get("args") or "") for call in calls)
        if self.chars > MOST_REPLY_CHARS:
            raise LimitReached("most_tokens")

    def _slow(self, words: str) -> ModelUnavailable:
        return ModelUnavailable(
            f"{self.where} {words}. "
            "Raise NEXUS_LLM_FIRST_TOKEN_SECONDS or NEXUS_LLM_TIMEOUT_SECONDS if it needs longer.",
            Failure.SLOW,
            temporary=not self.wrote,
            began=self.wrote,
        )


class EndpointModel(ChatOpenAI):
    """ChatOpenAI, its stream read on a thread of its own so that a call can be given up at any moment. The connection
    is closed then at the next piece that comes, or when none comes for as long as a first token may take."""

    watch: Any = Field(default=None, exclude=True)
    """The Watch of this call; a copy of the model is made for each."""

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        stream_usage: bool | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        watch: Watch = self.watch
        pieces: queue.Queue[object] = queue.Queue(_AHEAD)
        gone = threading.Event()

        def put(item: object) -> None:
            while not gone.is_set():
                with contextlib.suppress(queue.Full):
                    pieces.put(item, timeout=_LOOK_SECONDS)
                    return

        def read() -> None:
            try:
                source = super(EndpointModel, self)._stream(messages, stop, None, stream_usage=stream_usage, **kwargs)
                with closing(cast("Any", source)) as chunks:
                    for chunk in chunks:
                        put(chunk)
                        if gone.is_set():
                            return
                put(_END)
            except Exception as error:  # noqa: BLE001  of a remote machine: whatever it is, it is told as its failure
                put(error)

        threading.Thread(target=read, name="model-stream", daemon=True).start()
        finished = False
        try:
            while True:
                watch.look()
                try:
                    item = pieces.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    continue
                if item is _END:
                    break
                if isinstance(item, Exception):
                    raise failure_of(item, watch, self.model_name) from item
                chunk = cast("ChatGenerationChunk", item)
                watch.take(chunk)
                finished = finished or bool((chunk.generation_info or {}).get("finish_reason"))
                yield chunk
        finally:
            gone.set()
        if not finished:
            raise ModelUnavailable(
                f"{watch.where} broke off in the middle of its answer.",
                Failure.BROKEN,
                temporary=not watch.wrote,
                began=watch.wrote,
            )


def endpoint_model(settings: Settings, name: str) -> EndpointModel:
    """The model of that name at the settings' endpoint. Opens no connection."""
    first = min(settings.llm_first_token_seconds, settings.llm_timeout_seconds)
    return EndpointModel(
        model=name,
        # Named here so that the client looks for no address in the environment.
        base_url=settings.llm_base_url or _OPENAI,
        api_key=settings.openai_api_key or SecretStr(_NO_KEY),
        timeout=openai.Timeout(settings.llm_timeout_seconds, connect=min(first, _CONNECT_SECONDS), read=first),
        max_retries=0,  # assistant.middleware.retries does it, and can be cancelled
        max_completion_tokens=MOST_REPLY_TOKENS,
        streaming=True,
        stream_usage=True,
        use_responses_api=False,
    )


def endpoint_name(settings: Settings) -> str:
    """The endpoint, for messages to those who run the server."""
    return settings.llm_base_url or "the OpenAI API"


def failure_of(error: Exception, watch: Watch, model: str) -> ModelUnavailable:
    """An error of the client or of its connection, as what it means; its words say what to look at."""
    where = watch.where
    first = not watch.wrote

    def failed(words: str, failure: Failure, temporary: bool, retry_after: float | None = None) -> ModelUnavailable:
        return ModelUnavailable(
            f"{where} {words}", failure, temporary=temporary and first, retry_after=retry_after, began=watch.wrote
        )

    match error:
        # The client hands on what its HTTP library raises in the middle of a stream, under that library's names.
        case _ if "Timeout" in type(error).__name__:
            return failed(
                f"did not answer in time. Raise NEXUS_LLM_FIRST_TOKEN_SECONDS ({watch.first_token_seconds:g}) or "
                f"NEXUS_LLM_TIMEOUT_SECONDS ({watch.total_seconds:g}) if it needs longer.",
                Failure.SLOW,
                True,
            )
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return failed("refused the API key. Check OPENAI_API_KEY.", Failure.REFUSED, False)
        case openai.NotFoundError():
            return failed(
                f"has no model {model!r}. Check NEXUS_LLM_MODEL and NEXUS_LLM_BASE_URL.", Failure.REFUSED, False
            )
        case openai.RateLimitError():
            wait = _retry_after(error.response.headers)
            return failed("takes no more requests right now. Try again later.", Failure.BUSY, True, wait)
        case openai.APIStatusError():
            temporary = error.status_code >= 500 or error.status_code in (408, 409)
            wait = _retry_after(error.response.headers)
            kind = Failure.UNREACHABLE if temporary else Failure.REFUSED
            return failed(f"answered with an error ({error.status_code}).", kind, temporary, wait)
        case openai.APIConnectionError() if not watch.began:
            return failed(f"cannot be reached: {error}. Check NEXUS_LLM_BASE_URL.", Failure.UNREACHABLE, True)
    log.warning("model_stream_broken", error=type(error).__name__)  # its words may quote what the model said
    return failed("sent something that is no chat completion, or broke off.", Failure.BROKEN, True)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, as the header says (RFC 9110, 10.2.3: seconds, or a date)."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
