"""The API keeps what its OpenAPI document promises, whatever is sent."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings

from tests.factories import make_document, make_space

Send = Callable[[schemathesis.Case], httpx.Response]

# Without a body or a known id these say nothing of who is asking.
OPEN = {"/health/live", "/health/ready", "/api/v1/auth/session", "/api/v1/auth/logout"}


@pytest.fixture(scope="module")
def operations(product: TestClient) -> list[Any]:
    """Every operation of the running product, which has something to be found."""
    make_document(product, make_space(product, "Contract"), "Leave", "Planned leave needs two weeks of notice.")
    schema = schemathesis.openapi.from_dict(product.get("/openapi.json").json())
    return [found.ok() for found in schema.get_all_operations()]


def send(product: TestClient, case: schemathesis.Case, headers: dict[str, str]) -> httpx.Response:
    kwargs = case.as_transport_kwargs(base_url="http://testserver")
    given_headers = {
        name: value for name, value in (kwargs.pop("headers", None) or {}).items() if name.lower() != "authorization"
    }
    kwargs.pop("cookies", None)
    return product.request(**kwargs, headers={**given_headers, **headers})


def explore(operation: Any, examples: int, check: Callable[[schemathesis.Case], None]) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def run(case: schemathesis.Case) -> None:
        check(case)

    run()


def test_nothing_that_is_sent_breaks_the_server(product: TestClient, operations: list[Any]) -> None:
    authorization = {"Authorization": product.headers["Authorization"]}

    def check(case: schemathesis.Case) -> None:
        if case.path == "/api/v1/auth/logout":
            return  # it would end the session of this test
        response = send(product, case, authorization)
        assert response.status_code < 500, (case.method, case.path, response.text)
        if response.status_code >= 400:
            problem = response.json()
            assert problem["status"] == response.status_code
            assert problem["code"]
            assert problem["detail"]

    assert len(operations) > 25
    for operation in operations:
        explore(operation, 15, check)


def test_nobody_gets_in_without_signing_in(product: TestClient, operations: list[Any]) -> None:
    def check(case: schemathesis.Case) -> None:
        response = send(product, case, {"Authorization": "Bearer nobody"})
        assert response.status_code in (400, 401, 405, 413, 422), (case.method, case.path, response.status_code)

    for operation in operations:
        if operation.path not in OPEN:
            explore(operation, 4, check)
