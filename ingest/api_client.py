"""Asks the API, and says in words why it did not answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

_ATTEMPTS = 4
_FATAL = frozenset({401, 403})


class Refused(Exception):
    """The server did not take it; `fatal`: nor will it take anything else."""

    def __init__(self, code: str, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.fatal = fatal


async def request_json(send: Callable[[], Awaitable[httpx.Response]]) -> Any:
    """The JSON of an answer. What may pass (a busy server, a broken connection) is tried again; raises Refused."""
    for attempt in range(_ATTEMPTS):
        last = attempt == _ATTEMPTS - 1
        try:
            response = await send()
        except httpx.TransportError as error:
            if last:
                raise Refused(
                    "unreachable",
                    f"The server does not answer ({type(error).__name__}: {error}). Start it with `nexus serve`, and "
                    "import again: what is there already is not done twice.",
                    fatal=True,
                ) from error
            await asyncio.sleep(0.3 * 2**attempt)
            continue
        if response.status_code in (429, 503) and not last:
            await asyncio.sleep(_retry_after(response) or 0.5 * 2**attempt)
            continue
        if response.is_success:
            return response.json() if response.content else {}
        code, message = _problem(response)
        raise Refused(code, message, fatal=response.status_code in _FATAL)
    raise AssertionError("every attempt ends above")


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return min(float(value), 30.0) if value.isdigit() else 0.0


def _problem(response: httpx.Response) -> tuple[str, str]:
    """The code and words of an error; servers in between do not speak problem documents."""
    try:
        problem = response.json()
        return str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        words = {
            413: "The file is larger than a server in between accepts.",
            401: "You are not signed in (any more).",
            507: "The disk of the server is full.",
        }
        text = words.get(response.status_code, f"The server answered {response.status_code} {response.reason_phrase}.")
        return f"http_{response.status_code}", text
