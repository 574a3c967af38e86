"""What is answered at "/": before Gradio is there, with it, and without a session."""

import asyncio
import json
import threading
import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.ui_gradio.lab import COOKIE, Assistant, Lab, small_api
from ui_gradio import app as web_app
from ui_gradio.app import mount
from ui_gradio.words import word


def test_the_api_answers_while_the_web_app_waits_to_be_built() -> None:
    app = small_api(Assistant())
    never = threading.Event()

    async def after() -> None:
        await asyncio.to_thread(never.wait, 60)

    web = mount(app, after=after)
    with TestClient(app, cookies={"nexus_session": COOKIE}) as client:
        assert client.get("/api/v1/users/me").json()["name"] == "Ada"
        page = client.get("/")
        assert page.status_code == 503
        assert word("starting.title", "en") in page.text
        assert client.get("/theme.css").status_code == 503
        assert client.get("/ui/theme.css").status_code == 200
        assert not web.ready
        never.set()


def test_when_the_web_app_cannot_be_built_the_page_says_so_and_the_api_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(api: object) -> FastAPI:
        raise RuntimeError("no Gradio today")

    monkeypatch.setattr(web_app, "_build", broken)
    app = small_api(Assistant())
    web = mount(app)
    with TestClient(app, cookies={"nexus_session": COOKIE}) as client:
        deadline = time.monotonic() + 10
        while web.failure is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        page = client.get("/", headers={"Accept-Language": "ko"})
        assert (page.status_code, word("failed.title", "ko") in page.text) == (503, True)
        assert client.get("/api/v1/users/me").status_code == 200


def test_it_can_be_mounted_on_an_app_that_is_running_already(monkeypatch: pytest.MonkeyPatch) -> None:
    build_on = threading.Event()

    def slow(api: object) -> FastAPI:
        build_on.wait(30)
        return FastAPI()

    monkeypatch.setattr(web_app, "_build", slow)
    app = small_api(Assistant())
    with TestClient(app, cookies={"nexus_session": COOKIE}) as client:
        assert client.get("/").status_code == 404
        web = mount(app)
        assert client.get("/").status_code == 503  # the first request starts it
        build_on.set()
        deadline = time.monotonic() + 10
        while not web.ready:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_visitor_without_a_session_is_sent_to_sign_in(lab: Lab) -> None:
    for path in ("/", "/search?q=x", "/documents/7", "/status"):
        answer = httpx.get(lab.url + path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")


def test_when_the_api_cannot_tell_who_it_is_the_page_says_that_the_server_did_not_answer() -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down", request=request)

    from ui_gradio.client import Api
    from ui_gradio.gate import Gate

    client = TestClient(Gate(Api(transport=httpx.MockTransport(down), base_url="http://nexus.test")))
    page = client.get("/")
    assert (page.status_code, word("unreachable.title", "en") in page.text) == (503, True)


@pytest.mark.parametrize(
    "path", ["/", "/search?q=x&deep_link=1&page=2", "/documents/abc", "/conversations/c1", "/knowledge"]
)
def test_every_address_of_the_app_gives_its_page_with_absolute_files(lab: Lab, path: str) -> None:
    answer = lab.client.get(path, headers={"Accept-Language": "ko-KR", "Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(answer.content))
    assert '<base href="/" />' in answer.text
    assert 'lang="ko"' in answer.text
    assert '<script type="module" src="/ui/main.js">' in answer.text
    assert "og:image" not in answer.text
    assert "http-equiv" not in answer.text


def test_the_page_and_its_files_name_no_other_host(lab: Lab) -> None:
    page = lab.client.get("/").text
    head = page.split("window.gradio_config")[0] + page.split("</script>")[-1]
    assert "http://" not in head.replace(lab.url, "")
    assert "https://" not in head
    assert "fonts.googleapis" not in lab.client.get("/theme.css").text


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/proxy=http://example.com",
        "/gradio_api/run/ask",
        "/gradio_api/call/ask",
        "/gradio_api/runs",
        "/login",
        "/monitoring",
        "/no/such/page",
        "/ui/../app.py",
    ],
)
def test_the_rest_of_gradio_cannot_be_reached(lab: Lab, path: str) -> None:
    for method in ("GET", "POST"):
        answer = lab.client.request(method, path)
        assert answer.status_code == 404
    assert "Nexus Stream" in lab.client.get("/no/such/page").text


def test_the_icon_and_the_catalogue_are_served(lab: Lab) -> None:
    assert lab.client.get("/favicon.ico").headers["location"] == "/ui/icon.svg"
    catalogue = lab.client.get("/ui/catalogue.js")
    assert catalogue.headers["content-type"].startswith("text/javascript")
    script = lab.client.get("/ui/main.js")
    assert script.headers["cache-control"] == "no-cache"
    assert lab.client.get("/ui/main.js", headers={"If-None-Match": script.headers["etag"]}).status_code == 304


def config_of(lab: Lab) -> dict[str, Any]:
    return dict(lab.client.get("/config").json())


def component(lab: Lab, name: str) -> int:
    config = config_of(lab)
    return next(int(one["id"]) for one in config["components"] if one["props"].get("elem_id") == name)


def test_a_server_function_acts_as_its_caller_and_no_other_function_is_one(lab: Lab) -> None:
    body = {"component_id": component(lab, "nexus-link"), "session_hash": "tab1", "data": {}}
    mine = lab.client.post("/gradio_api/component_server", json={**body, "fn_name": "me"})
    assert mine.json() == {"data": {"id": "u1", "name": "Ada", "role": "member"}}
    nobodys = httpx.post(f"{lab.url}/gradio_api/component_server", json={**body, "fn_name": "me"})
    assert nobodys.json()["problem"]["status"] == 401
    for name in ("postprocess", "push_to_hub", "__init__"):
        assert lab.client.post("/gradio_api/component_server", json={**body, "fn_name": name}).status_code == 404


def frames(lab: Lab, request: dict[str, Any], cookies: dict[str, str] | None = None) -> list[Any]:
    """Ask as the page does, through Gradio's queue; gives what Gradio sends."""
    config = config_of(lab)
    ask = next(one for one in config["dependencies"] if one["targets"][0][1] == "ask")
    body = {
        "data": [],
        "event_data": request,
        "fn_index": ask["id"],
        "trigger_id": None,
        "session_hash": f"s{time.time()}",
    }
    with httpx.Client(base_url=lab.url, cookies=cookies or lab.client.cookies, timeout=30) as client:
        client.post("/gradio_api/queue/join", json=body).raise_for_status()
        sent = []
        with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": body["session_hash"]}) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    sent.append(json.loads(line.removeprefix("data: ")))
                if sent and sent[-1]["msg"] in {"process_completed", "close_stream"}:
                    break
    return sent


def test_an_answer_is_streamed_in_frames_that_grow(lab: Lab) -> None:
    lab.assistant.pause = 0.05
    sent = frames(lab, {"message": "How long?", "run": "r1", "space_ids": ["s1"]})
    assert lab.assistant.asked == [{"message": "How long?", "stream": True, "space_ids": ["s1"]}]
    growing = [one for one in sent if one["msg"] == "process_generating"]
    assert len(growing) >= 3
    first = growing[0]["output"]["data"][0]
    assert (first["run"], first["done"]) == ("r1", False)
    last = sent[-1]["output"]["data"][0]
    assert last["done"] is True
    assert last["answer"]["answer"] == "Sixteen weeks. [1]"
    assert last["conversation_id"] == "c1"
    assert last["steps"] == [{"label": "Searching", "state": "done", "detail": "3 passages"}]


def test_a_follow_up_names_its_conversation(lab: Lab) -> None:
    frames(lab, {"message": "And then?", "run": "r", "conversation_id": "c1"})
    assert lab.assistant.asked[0]["conversation_id"] == "c1"


@pytest.mark.parametrize(("set_up", "code"), [({"fails": True}, "unavailable"), ({"ends_early": True}, "stream_ended")])
def test_an_answer_that_fails_ends_with_the_problem(lab: Lab, set_up: dict[str, bool], code: str) -> None:
    for name, value in set_up.items():
        setattr(lab.assistant, name, value)
    last = frames(lab, {"message": "?", "run": "r"})[-1]["output"]["data"][0]
    assert (last["done"], last["problem"]["code"]) == (True, code)


def test_without_a_session_nothing_is_asked(lab: Lab) -> None:
    last = frames(lab, {"message": "?", "run": "r"}, cookies={"nexus_session": "stolen?"})[-1]["output"]["data"][0]
    assert last["problem"]["status"] == 401
    assert lab.assistant.asked == []
