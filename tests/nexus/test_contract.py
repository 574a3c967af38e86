"""The API keeps what its OpenAPI document promises, whatever is sent."""

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig

from tests.factories import make_document, make_space


@pytest.fixture(scope="session")
def api_schema(product: TestClient):
    """The schema of the running product, which has something to be found."""
    make_document(product, make_space(product, "Contract"), "Leave", "Planned leave needs two weeks of notice.")
    return schemathesis.openapi.from_asgi("/openapi.json", product.app, config=SchemathesisConfig())


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_nothing_that_is_sent_breaks_the_server(case, product: TestClient) -> None:
    case.headers = {**(case.headers or {}), "Authorization": product.headers["Authorization"]}
    response = case.call()
    case.validate_response(response, checks=[not_a_server_error])
    if response.status_code >= 400:
        problem = response.json()
        assert problem["code"]
        assert problem["status"] == response.status_code


@schema.parametrize()
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_nobody_gets_in_without_signing_in(case) -> None:
    case.headers = {name: value for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
    case.cookies = {}
    response = case.call()
    if case.path.startswith("/health") or case.path == "/api/v1/auth/session" or case.path == "/api/v1/auth/logout":
        assert response.status_code < 500
    else:
        assert response.status_code in (400, 401, 405, 413, 422), (case.path, response.status_code)
