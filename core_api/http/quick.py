"""Endpoints that only ask the database."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

P = ParamSpec("P")
R = TypeVar("R")


def quick(endpoint: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """An endpoint that reads a page of rows through its `session` and does nothing else.

    Where the database is a file, it answers sooner than a thread is woken up, and a reader waits for nobody: it is
    asked on the event loop. A database over a network is asked on a thread.
    """

    @wraps(endpoint)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        session = kwargs["session"]
        if isinstance(session, Session) and session.get_bind().dialect.name == "sqlite":
            return endpoint(*args, **kwargs)
        return await run_in_threadpool(endpoint, *args, **kwargs)

    return run
