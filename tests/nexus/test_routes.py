"""Every route says who may call it."""

from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from fastapi.testclient import TestClient

from core_api.auth.dependencies import anybody, requires

# What the framework itself adds: the API's description.
DESCRIPTION = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}


def dependencies(dependant: Dependant) -> Iterator[Dependant]:
    for inner in dependant.dependencies:
        yield inner
        yield from dependencies(inner)


def rules(route: RouteContext) -> list[object]:
    calls = [found.call for found in dependencies(route.dependant)]
    return [call for call in calls if isinstance(call, requires) or call is anybody]


@pytest.fixture(scope="module")
def routes(product: TestClient) -> list[RouteContext]:
    return list(iter_route_contexts(product.app.routes))  # type: ignore[attr-defined]


def test_every_route_has_one_rule(routes: list[RouteContext]) -> None:
    checked = [route for route in routes if isinstance(route.original_route, APIRoute)]
    assert len(checked) > 80
    without = [f"{sorted(route.methods or ())} {route.path}" for route in checked if len(rules(route)) != 1]
    assert without == [], "name one rule of core_api.auth.dependencies in the endpoint's signature"


def test_there_are_no_other_routes_than_these(routes: list[RouteContext]) -> None:
    assert {route.path for route in routes if not isinstance(route.original_route, APIRoute)} == DESCRIPTION


def test_what_anybody_may_call_is_known(routes: list[RouteContext]) -> None:
    checked = [route for route in routes if isinstance(route.original_route, APIRoute)]
    open_paths = {str(route.path) for route in checked if anybody in rules(route)}
    allowed = ("/health/", "/metrics", "/api/v1/auth/", "/api/v1/invitations/preview")
    assert open_paths
    assert all(path.startswith(allowed) for path in open_paths), open_paths
