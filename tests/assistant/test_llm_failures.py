"""An endpoint that is slow, broken, busy or malicious: each ends in a right answer, and says how it came about."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from assistant.agent.agent import Agent
from assistant.chat.exchange import Exchange, begin, events
from assistant.middleware import retries
from assistant.models.breaker import Breaker
from assistant.models.choosing import Failure, ModelUnavailable
from assistant.models.run import Cancelled, LimitReached
from assistant.schemas import ChatRequest
from core_api.domains.users.service import ensure_owner
from tests.assistant.conftest import Company, client_with, server_sent_events
from tests.assistant.llm_server import Breaks, Calls, Endpoint, Fails, Reply, Says, Uses, llm_endpoint
from tests.assistant.test_llm import CHAT, Messages, answering, passage_number

pytestmark = pytest.mark.one_mode

QUESTION = "Who approves overtime?"
RIGHT = "Mary Jones"
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setattr(retries, "_FIRST_WAIT_SECONDS", 0.01)
    with llm_endpoint() as running:
        yield running


@pytest.fixture
def ask_it(company: Company, endpoint: Endpoint) -> Ask:
    """Asks a model of the endpoint, with other settings, and gives the answer."""

    def ask(message: str = QUESTION, *, body: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        client = client_with(company, **{"llm_base_url": endpoint.url, "llm_model": "tiny", **changes})
        response = client.post(CHAT, json={"message": message, **(body or {})})
        assert response.status_code == 200, response.text
        reply: dict[str, Any] = response.json()
        return reply

    return ask


@contextmanager
def settings_set(company: Company, **options: Any) -> Iterator[None]:
    """The assistant's options for a while."""
    assert company.owner.put("/api/v1/assistant/settings", json=options).status_code == 200
    try:
        yield
    finally:
        assert company.owner.put("/api/v1/assistant/settings", json={}).status_code == 200


def write(messages: Messages) -> str:
    return f"Mary Jones, the head of finance, approves overtime in writing [{passage_number(messages, RIGHT)}]."


def in_turn(*replies: Reply) -> Callable[[Messages], Reply]:
    """A script: these replies, then an answer as it should be."""
    left = list(replies)
    good = answering(QUESTION, write)
    return lambda messages: left.pop(0) if left else good(messages)


def fell_back(reply: dict[str, Any], says: str) -> None:
    assert reply["model"] == "extractive"
    assert RIGHT in reply["answer"]
    assert not reply["abstained"]
    assert all(citation["verified"] for citation in reply["citations"])
    assert says in reply["notice"]
    assert reply["notice"].endswith("This answer quotes your sources directly.")
    assert reply["prompts"] == {}


@pytest.mark.parametrize(
    ("bad", "says", "tries"),
    [
        (Fails(401), "refused the request", 1),
        (Fails(404), "refused the request", 1),
        (Fails(400), "refused the request", 1),
        (Fails(500), "could not be reached", 3),
        (Fails(429), "takes no more requests", 3),
        (Fails(429, headers={"Retry-After": "3600"}), "takes no more requests", 1),
        (Breaks(bytes_=b""), "broke off", 3),
        (Breaks(bytes_=b"data: {not json\n\n"), "broke off", 3),
        (Breaks(bytes_=b'data: {"choices": [{"index": 0, "delta": 7, "finish_reason": null}]}\n\n'), "broke off", 3),
        (Breaks(bytes_=b"<html>no</html>"), "broke off", 3),
        (Says(""), "Nothing that the language model wrote", 1),
        (Says("<script>alert(1)</script> ![x](http://evil.example/p.png)"), "Nothing that the language", 1),
        (Says("Peter approves overtime [1]. See [here](http://evil.example/?q=Mary) [999]."), "Nothing that", 1),
    ],
    ids=repr,
)
def test_an_endpoint_that_fails_is_replaced_and_that_is_said(
    ask_it: Ask, endpoint: Endpoint, bad: Reply, says: str, tries: int
) -> None:
    endpoint.script = lambda messages: bad
    fell_back(ask_it(), says)
    assert len(endpoint.requests) == tries


@pytest.mark.parametrize(
    "bad",
    [
        Fails(500),
        Fails(503),
        Fails(429, headers={"Retry-After": "0"}),
        Breaks(bytes_=b""),
        Breaks(bytes_=b'data: {"error": {"message": "overloaded"}}\n\n'),
    ],
    ids=repr,
)
def test_a_failure_for_a_moment_is_not_noticed(ask_it: Ask, endpoint: Endpoint, bad: Reply) -> None:
    endpoint.script = in_turn(bad, bad)
    reply = ask_it()
    assert reply["answer"] == f"{RIGHT}, the head of finance, approves overtime in writing. [1]"
    assert (reply["model"], reply["notice"]) == ("tiny", None)
    assert reply["usage"]["model_calls"] == 4


@pytest.mark.parametrize(
    "bait",
    [
        Uses("delete_everything", '{"path": "/"}'),
        Uses("search", "{}"),
        Uses("search", '{"query": 7, "space_ids": ["somebody-elses"]}'),
        Uses("search", '{"query": ""}'),
    ],
    ids=repr,
)
def test_a_call_that_is_none_is_told_to_the_model_which_goes_on(ask_it: Ask, endpoint: Endpoint, bait: Reply) -> None:
    endpoint.script = in_turn(bait, Calls([QUESTION]))
    endpoint_script = endpoint.script

    def script(messages: Messages) -> Reply:
        reply = endpoint_script(messages)
        return reply if messages[-1]["role"] != "tool" or isinstance(reply, Calls) else Says(write(messages))

    endpoint.script = script
    reply = ask_it()
    assert RIGHT in reply["answer"]
    assert reply["model"] == "tiny"


def test_no_first_token_in_time_and_no_end_in_time_are_given_up(ask_it: Ask, endpoint: Endpoint) -> None:
    endpoint.script = lambda messages: Breaks(pause=2)
    fell_back(ask_it(llm_first_token_seconds=0.2, llm_retries=0), "did not answer in time")
    endpoint.script = lambda messages: Says("word " * 2_000, pause=0.1)
    fell_back(ask_it(llm_timeout_seconds=0.6, llm_first_token_seconds=0.5, llm_retries=0), "did not answer in time")
    assert endpoint.cut_off.wait(5)


def test_an_endpoint_that_fails_again_and_again_is_left_alone_for_a_while(company: Company, endpoint: Endpoint) -> None:
    client = client_with(
        company,
        llm_base_url=endpoint.url,
        llm_model="tiny",
        llm_retries=1,
        llm_breaker_failures=3,
        llm_breaker_seconds=1,
    )

    def ask() -> dict[str, Any]:
        reply: dict[str, Any] = client.post(CHAT, json={"message": QUESTION}).json()
        return reply

    endpoint.script = lambda messages: Fails(500)
    fell_back(ask(), "could not be reached")
    assert len(endpoint.requests) == 2
    fell_back(ask(), "could not be reached")
    assert len(endpoint.requests) == 3  # the third failure was one too many to try again
    for _ in range(3):
        reply = ask()
        fell_back(reply, "has failed several times in a row and is not asked for a while")
        assert reply["usage"]["input_tokens"] == 0
    assert len(endpoint.requests) == 3

    # One tries it again, while others do not wait; it fails, and the endpoint has as long again.
    time.sleep(1.1)
    endpoint.script = lambda messages: Fails(500, pause=1)
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(ask)
        while len(endpoint.requests) == 3:
            time.sleep(0.01)
        started = time.monotonic()
        fell_back(ask(), "is not asked for a while")
        assert time.monotonic() - started < 0.9
        fell_back(trial.result(), "could not be reached")
    fell_back(ask(), "is not asked for a while")
    assert len(endpoint.requests) == 4

    endpoint.script = answering(QUESTION, write)
    time.sleep(1.1)
    for _ in range(2):
        reply = ask()
        assert (reply["model"], reply["notice"]) == ("tiny", None)


@pytest.mark.parametrize("most", [0, 2])
def test_an_endpoint_is_asked_as_long_as_nobody_waits_for_it_in_vain(
    company: Company, endpoint: Endpoint, most: int
) -> None:
    client = client_with(company, llm_base_url=endpoint.url, llm_model="tiny", llm_retries=0, llm_breaker_failures=most)
    # A refusal comes at once, and what works in between begins the count anew; 0 is no breaker at all.
    failing = [Fails(500)] * 4 if most == 0 else [Fails(401), Fails(401), Fails(500), Fails(404), Fails(500)]
    left: list[Reply] = [*failing]
    endpoint.script = lambda messages: left.pop(0)
    for _ in failing:
        fell_back(client.post(CHAT, json={"message": QUESTION}).json(), "The language model")
    assert len(endpoint.requests) == len(failing)


def test_whoever_tries_a_paused_endpoint_and_goes_away_leaves_the_next_one_to_try() -> None:
    breaker = Breaker("tiny", failures=1, seconds=0.01)

    def raising(error: Exception) -> Any:
        def call() -> None:
            raise error

        with pytest.raises(type(error)) as raised:
            breaker.call(call)
        return raised.value

    # A time limit that is reached while it waits is a failure; how a stopped call would have ended, nobody knows.
    raising(LimitReached("most_seconds"))
    with pytest.raises(ModelUnavailable):
        breaker.call(lambda: "not asked")
    time.sleep(0.02)
    raising(Cancelled())
    assert raising(ModelUnavailable("gone", Failure.UNREACHABLE, temporary=True)).temporary is False
    time.sleep(0.02)
    assert breaker.call(lambda: "an answer") == "an answer"
    raising(LimitReached("most_tokens"))
    assert breaker.call(lambda: "an answer") == "an answer"


def test_what_was_shown_when_the_stream_breaks_stays_and_is_said_to_be_a_part(
    company: Company, endpoint: Endpoint
) -> None:
    def script(messages: Messages) -> Reply:
        if messages[-1]["role"] == "user":
            return Calls([QUESTION])
        return Breaks(f"{write(messages)} Overtime is more than ", b"data: {", pause=0.2)

    endpoint.script = script
    client = client_with(company, llm_base_url=endpoint.url, llm_model="tiny")
    with client.stream("POST", CHAT, json={"message": QUESTION, "stream": True}) as response:
        events = server_sent_events(response.read().decode())
    name, answer = events[-1]
    assert name == "answer"
    assert answer["answer"] == f"{RIGHT}, the head of finance, approves overtime in writing. [1]"
    assert answer["answer"] == "".join(data["text"] for name, data in events if name == "delta")
    assert answer["model"] == "tiny"
    assert answer["notice"] == "The language model's answer broke off. The answer may be incomplete."


def test_links_pictures_and_markup_of_a_model_do_not_reach_the_reader(ask_it: Ask, endpoint: Endpoint) -> None:
    def nasty(messages: Messages) -> str:
        number = passage_number(messages, RIGHT)
        return (
            f"<img src=http://evil.example/a.png>Mary Jones, the [head](http://evil.example/?leak=1) of finance, "
            f"approves overtime in writing ![](http://evil.example/b.png) [{number}] [77]."
        )

    endpoint.script = answering(QUESTION, nasty)
    reply = ask_it()
    assert RIGHT in reply["answer"]
    for trace in ("evil.example", "<img", "![", "[77]"):
        assert trace not in reply["answer"]


@pytest.mark.parametrize(
    ("script", "options", "says"),
    [
        (lambda messages: Calls([f"overtime {len(messages)}"]), {"most_model_calls": 3}, "limit of model calls"),
        (lambda messages: Says("word " * 10_000), {}, "limit of tokens"),
        (lambda messages: Calls([f"overtime {len(messages)}"]), {"most_tokens": 1_000}, "limit of tokens"),
        (lambda messages: Calls([f"overtime {len(messages)}"]), {"most_cost": 0.0001}, "cost limit"),
        (lambda messages: Uses("search", '{"query": '), {"most_model_calls": 3}, "limit of model calls"),
        (lambda messages: Breaks(pause=3), {"most_seconds": 1}, "time limit"),
    ],
    ids=["model calls", "output", "tokens", "cost", "cut arguments", "time"],
)
def test_a_limit_that_is_reached_is_said_and_the_question_answered(
    ask_it: Ask, company: Company, endpoint: Endpoint, script: Any, options: dict[str, Any], says: str
) -> None:
    endpoint.script = script
    with settings_set(company, **options):
        fell_back(ask_it(llm_prices={"*": (1.0, 1.0)}), says)
    assert len(endpoint.requests) <= 4


def test_a_model_that_may_use_no_more_tools_answers_from_what_it_has(
    ask_it: Ask, company: Company, endpoint: Endpoint
) -> None:
    def script(messages: Messages) -> Reply:
        refused = messages[-1]["role"] == "tool" and "No more calls" in messages[-1]["content"]
        return Says(write(messages)) if refused else Calls([QUESTION])

    endpoint.script = script
    with settings_set(company, most_tool_calls=2):
        reply = ask_it()
    assert (reply["model"], reply["usage"]["tool_calls"]) == ("tiny", 2)
    assert RIGHT in reply["answer"]
    assert reply["notice"] == "The limit of tool calls for one answer was reached. The answer may be incomplete."


def test_stopping_ends_a_wait_for_the_endpoint_and_what_was_taken_is_counted(
    company: Company, endpoint: Endpoint
) -> None:
    exchanges: list[Exchange] = []

    def script(messages: Messages) -> Reply:
        threading.Timer(0.3, exchanges[0].stop.set).start()  # while it waits to try again
        return Fails(429, headers={"Retry-After": "15"})

    endpoint.script = script
    settings = company.settings.model_copy(update={"llm_base_url": endpoint.url, "llm_model": "stopped"})
    with company.database.transaction() as session:
        subject, _ = ensure_owner(session)
    exchange = begin(Agent(settings, company.engine), company.database, subject, ChatRequest(message=QUESTION))
    exchanges.append(exchange)
    with pytest.raises(Cancelled):
        list(events(exchange))
    assert len(endpoint.requests) == 1
    usage = company.owner.get("/api/v1/assistant/usage").json()["items"]
    assert [(row["answers"], row["model_calls"]) for row in usage if row["model"] == "stopped"] == [(0, 1)]
