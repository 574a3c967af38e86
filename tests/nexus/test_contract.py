"""The API keeps what its OpenAPI document promises, whatever is sent."""

import itertools
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings

from core_api.auth.dependencies import anybody
from core_api.auth.sessions import Device, start_browser_session
from core_api.http.cookies import SESSION_COOKIE
from core_api.infra.database import Database
from tests.factories import make_document, make_space, make_user
from tests.nexus.test_routes import rules

Send = Callable[[schemathesis.Case], httpx.Response]


@pytest.fixture(scope="module")
def operations(product: TestClient) -> list[Any]:
    """Every operation of the running product, which has something to be found."""
    make_document(product, make_space(product, "Contract"), "Leave", "Planned leave needs two weeks of notice.")
    # Ingestion loads libraries at its first document, on a thread; Python 3.11 cannot parse source on two threads at a
    # time ("AST constructor recursion depth mismatch"), and Hypothesis does.
    assert product.app.state.ingest.wait_idle(120)  # type: ignore[attr-defined]
    schema = schemathesis.openapi.from_dict(product.get("/openapi.json").json())
    return [found.ok() for found in schema.get_all_operations()]


def is_open(route: RouteContext) -> bool:
    """Whether nobody need sign in for it."""
    return anybody in rules(route)


def member(product: TestClient) -> Iterator[dict[str, str]]:
    """The headers of a new person's browser: some requests end their sender's session, or the sender."""
    database: Database = product.app.state.database  # type: ignore[attr-defined]
    for number in itertools.count():
        subject = make_user(database, f"Explorer {number}")
        with database.transaction() as session:
            cookie = start_browser_session(session, subject.user_id, timedelta(hours=1), Device())
        yield {"Cookie": f"{SESSION_COOKIE}={cookie}", "Origin": "http://testserver"}


def send(product: TestClient, case: schemathesis.Case, headers: dict[str, str]) -> httpx.Response:
    kwargs = case.as_transport_kwargs(base_url="http://testserver")
    own = ("authorization", "cookie", "origin")
    sent = {name: value for name, value in (kwargs.pop("headers", None) or {}).items() if name.lower() not in own}
    kwargs.pop("cookies", None)
    # No cookie of the answer stays, and no other credentials than these go.
    client = TestClient(product.app, raise_server_exceptions=False, follow_redirects=False)
    return client.request(**kwargs, headers={**sent, **headers})


def explore(operation: Any, examples: int, check: Callable[[schemathesis.Case], None]) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize="CI" in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: schemathesis.Case) -> None:
        check(case)

    run()


def check_answer(case: schemathesis.Case, response: httpx.Response) -> None:
    """Whatever was sent, the answer is not the server's failure, and a refusal is a problem document."""
    said = (case.method, case.path, case.path_parameters, case.query, case.body, response.text)
    assert response.status_code < 500, said
    if response.status_code >= 400:
        if case.path.startswith("/v1/"):  # as OpenAI's clients expect it
            told = response.json()["error"]
            assert told["message"] and told["type"] and told["code"], said  # noqa: PT018
            return
        problem = response.json()
        assert problem["status"] == response.status_code, said
        assert problem["code"], said
        assert problem["detail"], said
        if response.status_code == 422:
            assert problem["detail"] != "Unprocessable Entity", said
            assert problem.get("errors"), said
            assert all(error["field"] and error["message"] for error in problem["errors"]), said


def test_what_the_database_does_not_take_is_named(product: TestClient) -> None:
    answer = product.get("/api/v1/documents", params={"path": "a\0b"})
    if product.app.state.database.is_local:  # type: ignore[attr-defined] - SQLite takes it
        assert answer.json()["items"] == []
    else:
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"field": "path", "message": "has the character NUL"}]


def test_nothing_that_the_owner_sends_breaks_the_server(product: TestClient, operations: list[Any]) -> None:
    authorization = {"Authorization": product.headers["Authorization"]}
    assert len(operations) > 90
    for operation in operations:
        explore(operation, 3, lambda case: check_answer(case, send(product, case, authorization)))


def test_nothing_that_a_member_sends_breaks_the_server(product: TestClient, operations: list[Any]) -> None:
    people = member(product)

    for operation in operations:
        headers = next(people)

        def check(case: schemathesis.Case) -> None:
            nonlocal headers
            response = send(product, case, headers)
            if response.status_code == 401:  # an earlier request has signed this person out
                headers = next(people)
                response = send(product, case, headers)
            check_answer(case, response)

        explore(operation, 4, check)


def test_nothing_that_nobody_sends_breaks_the_server_or_gets_in(product: TestClient, operations: list[Any]) -> None:
    contexts = iter_route_contexts(product.app.routes)  # type: ignore[attr-defined]
    open_paths = {route.path for route in contexts if isinstance(route.original_route, APIRoute) and is_open(route)}

    def check(case: schemathesis.Case) -> None:
        for headers in ({}, {"Authorization": "Bearer nobody"}):
            response = send(product, case, headers)
            check_answer(case, response)
            if case.operation.path not in open_paths:
                expected = (400, 401, 405, 413, 422)
                assert response.status_code in expected, (case.method, case.path, response.status_code)

    for operation in operations:
        explore(operation, 2, check)
