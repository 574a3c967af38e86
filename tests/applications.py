"""The API for tests that each need one of their own."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from core_api.app import create_app
from core_api.infra.database import Database
from core_api.infra.settings import Settings

_routes: dict[tuple[int, ...], list[BaseRoute]] = {}


def application(settings: Settings, database: Database, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """What `create_app` makes, with the routes of the first one made of the same routers: they are the same for every
    app, and FastAPI takes longer to build them than most tests take."""
    app = create_app(settings, database, routers)
    app.router.routes = _routes.setdefault(tuple(map(id, routers)), app.router.routes)
    return app
