"""Errors as OpenAI's API tells them, for the paths that its clients call."""

from typing import Any

from pydantic import BaseModel

from core_api.infra.errors import Forbidden, Invalid, TooManyRequests, Unauthenticated

_TYPES = {
    Unauthenticated.status: "authentication_error",
    Forbidden.status: "permission_error",
    TooManyRequests.status: "rate_limit_error",
}
# What OpenAI's own server calls these; every other code is ours.
_CODES = {Unauthenticated.code: "invalid_api_key", TooManyRequests.code: "rate_limit_exceeded"}
_BAD_REQUEST = 400


class OpenAIErrorDetail(BaseModel):
    """What went wrong; `param` is the parameter that is to blame, where one is."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """An error in OpenAI's shape."""

    error: OpenAIErrorDetail


def status_of(problem: dict[str, Any]) -> int:
    """The HTTP status: what does not make sense is 400 there, and 422 in the API's own paths."""
    status = int(problem["status"])
    return _BAD_REQUEST if status == Invalid.status else status


def openai_error(problem: dict[str, Any]) -> OpenAIError:
    """A problem document in OpenAI's shape."""
    status, code = status_of(problem), str(problem["code"])
    param = problem.get("param")
    if param is None and problem.get("errors"):
        param = problem["errors"][0]["field"]
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    message = str(problem["detail"])
    return OpenAIError(error=OpenAIErrorDetail(message=message, type=kind, param=param, code=_CODES.get(code, code)))
