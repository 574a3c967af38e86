"""How the web app talks to the API."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import httpx
import pytest
from starlette.datastructures import URL, Address

from ui_gradio.actions import ACTIONS, handlers
from ui_gradio.client import Api, Problem, ServerEvent
from ui_gradio.visitor import Visitor

Answer = Callable[[httpx.Request], httpx.Response]


def with_api(answer: Answer, use: Callable[[Api], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        api = Api(transport=httpx.MockTransport(answer), base_url="http://nexus.test")
        try:
            return await use(api)
        finally:
            await api.close()

    return asyncio.run(run())


def test_a_call_carries_the_callers_session_and_only_given_parameters() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"ok": True})

    params = {"q": "leave", "cursor": None, "space_id": ""}
    assert with_api(answer, lambda api: api.call(Visitor(cookie="s3cret"), "GET", "/documents", params=params)) == {
        "ok": True
    }
    assert str(seen[0].url) == "http://nexus.test/api/v1/documents?q=leave"
    assert seen[0].headers["cookie"] == "nexus_session=s3cret"
    with_api(answer, lambda api: api.call(Visitor(), "GET", "/users/me"))
    assert "cookie" not in seen[1].headers


def test_a_cookie_that_was_set_for_one_visitor_goes_with_nobody_elses_calls() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204, headers={"set-cookie": "nexus_session=adas; Path=/; HttpOnly"})

    async def one_after_the_other(api: Api) -> tuple[str, ...]:
        answer = await api.exchange(Visitor(), "POST", "/auth/login", body={})
        await api.call(Visitor(), "GET", "/users/me")
        async with api.events(Visitor(), "/assistant/chat", {}):
            pass
        return answer.set_cookies

    assert with_api(answer, one_after_the_other) == ("nexus_session=adas; Path=/; HttpOnly",)
    assert [request for request in seen if "cookie" in request.headers] == []


def test_no_content_is_none() -> None:
    assert (
        with_api(lambda _: httpx.Response(204), lambda api: api.call(Visitor(cookie="s"), "DELETE", "/documents/1"))
        is None
    )


@pytest.mark.parametrize(
    ("response", "code", "title"),
    [
        (httpx.Response(409, json={"title": "Conflict", "code": "conflict", "status": 409}), "conflict", "Conflict"),
        (httpx.Response(502, text="<h1>Bad gateway</h1>"), "http_502", "The server answered 502"),
        (httpx.Response(400, json=["odd"]), "http_400", "The server answered 400"),
    ],
)
def test_an_error_becomes_a_problem_whatever_its_form(response: httpx.Response, code: str, title: str) -> None:
    with pytest.raises(Problem) as caught:
        with_api(lambda _: response, lambda api: api.call(Visitor(cookie="s"), "GET", "/spaces"))
    document = caught.value.document
    assert (document["status"], document["code"], document["title"]) == (response.status_code, code, title)


def test_a_server_that_cannot_be_reached_is_a_problem_too() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async def stream(api: Api) -> None:
        async with api.events(Visitor(cookie="s"), "/assistant/chat", {}):
            pass

    for use in (lambda api: api.call(Visitor(cookie="s"), "GET", "/spaces"), stream):
        with pytest.raises(Problem) as caught:
            with_api(refuse, use)
        assert caught.value.document["code"] == "unreachable"


def test_server_sent_events_are_read_as_the_standard_says() -> None:
    body = (
        ": a comment\n\n"
        'event: delta\r\ndata: {"text": "line\u2028separator"}\r\n\r\n'
        'data: {"two":\ndata: "lines"}\n\n'
        "event: nothing\n\n"
        'event:tight\ndata:"x"\nid: 7\n\n'
        'data: "cut off"'
    )

    async def read(api: Api) -> list[ServerEvent]:
        async with api.events(Visitor(cookie="s"), "/assistant/chat", {"message": "?"}) as events:
            return [event async for event in events]

    assert with_api(lambda _: httpx.Response(200, text=body), read) == [
        ServerEvent("delta", {"text": "line\u2028separator"}),
        ServerEvent("message", {"two": "lines"}),
        ServerEvent("tight", "x"),
    ]


class Asked:
    """A request as Gradio gives it to a server function."""

    cookies: ClassVar = {"__Host-nexus_session": "s3cret", "other": "x"}
    headers: ClassVar = {"user-agent": "A browser", "host": "nexus.example"}
    client = Address("192.0.2.7", 4711)
    url = URL("https://nexus.example/gradio_api/component_server")


PAYLOAD = {
    "id": "a/../b?c",
    "user_id": "u",
    "grant_id": "g",
    "share_id": "h",
    "message_id": "m",
    "name": "Team",
    "query": "q",
    "source_kind": "document",
    "source_id": "d",
    "space_id": "s",
}


def test_every_action_calls_the_api_as_its_caller_and_gives_its_data() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"path": request.url.raw_path.decode()})

    async def all_of_them(api: Api) -> list[Any]:
        return [await handler(PAYLOAD, Asked()) for handler in handlers(api, Asked)]

    results = with_api(answer, all_of_them)
    assert len(results) == len(ACTIONS) == len({handler.__name__ for handler in ACTIONS})
    assert all(set(result) == {"data"} for result in results)
    assert all(request.headers["cookie"] == "__Host-nexus_session=s3cret" for request in seen)
    assert all(request.headers["user-agent"] == "A browser" for request in seen)
    # An id from the browser stays one segment of the path.
    named = [request for request in seen if b"b%3Fc" in request.url.raw_path]
    assert len(named) == sum("{id}" in (action.__doc__ or "") for action in ACTIONS) > 20
    assert all(b"a%2F..%2Fb%3Fc" in request.url.raw_path for request in named)


def test_an_action_gives_the_apis_problem_and_refuses_an_empty_id() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"title": "Not found", "status": 404, "code": "not_found"})

    async def document(api: Api, payload: dict[str, Any]) -> dict[str, Any]:
        by_name = {handler.__name__: handler for handler in handlers(api, Asked)}
        return await by_name["document"](payload, Asked())

    assert with_api(answer, lambda api: document(api, {"id": "1"}))["problem"]["code"] == "not_found"
    for missing in ({}, {"id": ""}, {"id": ".."}):
        problem = with_api(answer, lambda api, missing=missing: document(api, missing))["problem"]
        assert problem["status"] == 422
