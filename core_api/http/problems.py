"""Turns every error into an RFC 9457 problem document; where OpenAI's clients call, into an error of that shape."""

import errno
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from core_api.http.openai_errors import openai_error, status_of
from core_api.http.paths import speaks_openai
from core_api.infra.database import DATABASE_AWAY, is_away
from core_api.infra.errors import Invalid, NexusError, NotFound, Unavailable
from core_api.infra.storage import disk_full

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class MalformedJson(NexusError):
    """The body is not JSON."""

    status, code, title = 400, "malformed_json", "The body is not valid JSON"


class _HttpProblem(NexusError):
    """An error that the framework raised: its status is not known before."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(str(error.detail), headers=dict(error.headers or {}))
        self.framework_status = error.status_code

    def problem(self) -> dict[str, Any]:
        code = f"http_{self.framework_status}"
        return super().problem() | {
            "type": f"urn:nexus:problem:{code}",
            "title": HTTPStatus(self.framework_status).phrase,
            "status": self.framework_status,
            "code": code,
        }


def problem_response(request: Request, error: NexusError) -> JSONResponse:
    """The response that tells of an error."""
    body = error.problem() | {"request_id": request.scope.get("request_id", "")}
    if body["status"] == Unavailable.status:
        error.headers.setdefault("Retry-After", "5")
    if speaks_openai(request.scope["path"]):
        told = openai_error(body).model_dump()
        return JSONResponse(jsonable_encoder(told), status_of(body), error.headers)
    return JSONResponse(jsonable_encoder(body), body["status"], error.headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Handle every error of the app this way."""

    @app.exception_handler(NexusError)
    async def known(request: Request, error: NexusError) -> JSONResponse:
        return problem_response(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem_response(request, _invalid(error, request.headers.get("content-type", "")))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == NotFound.status:
            return problem_response(request, NotFound(f"There is nothing at {request.url.path}."))
        # The framework wraps what is raised while it reads a body.
        known = error.__cause__
        return problem_response(request, known if isinstance(known, NexusError) else _HttpProblem(error))

    async def database(request: Request, error: Exception) -> JSONResponse:
        if not is_away(error):
            return await unknown(request, error)
        says = str(getattr(error, "orig", None) or error)
        log.error("database_error", error=says)
        if "disk is full" in says or "disk I/O" in says:
            return problem_response(request, disk_full(request.app.state.settings.data_dir))
        detail = "The database is busy or not reachable. Try again in a few seconds."
        return problem_response(request, Unavailable(detail, headers={"Retry-After": "2"}))

    # The nearest class decides. A connection that breaks off may come as any of them.
    for kind in (SQLAlchemyError, *DATABASE_AWAY):
        app.add_exception_handler(kind, database)

    @app.exception_handler(DataError)
    async def unstorable(request: Request, error: DataError) -> JSONResponse:
        log.info("value_refused_by_database", error=type(error.orig).__name__)  # its words quote the value
        # PostgreSQL takes no NUL in a text, whatever it is compared with.
        fields = [name for name, value in request.query_params.multi_items() if "\0" in value]
        says = f"The database does not take a value of this request: {error.orig}."
        errors = [{"field": field, "message": "has the character NUL"} for field in fields]
        return problem_response(request, Invalid(says, errors=errors or [{"field": "body", "message": says}]))

    @app.exception_handler(OSError)
    async def operating_system(request: Request, error: OSError) -> JSONResponse:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return problem_response(request, disk_full(request.app.state.settings.data_dir))
        return await unknown(request, error)

    @app.exception_handler(Exception)
    async def unknown(request: Request, error: Exception) -> JSONResponse:
        log.exception("unhandled_error", exc_info=error)
        return problem_response(
            request, NexusError("The server met an error that it did not expect. Its log has it under this request id.")
        )


def _invalid(error: RequestValidationError, content_type: str) -> NexusError:
    errors = error.errors()
    not_json = any(tuple(item["loc"]) == ("body",) for item in errors) and "json" not in content_type
    if not_json or any(item["type"] == "json_invalid" for item in errors):
        return MalformedJson("Send a JSON body with `Content-Type: application/json`.")
    fields: list[dict[str, Any]] = [
        {
            "field": ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0]),
            "message": item["msg"].removeprefix("Value error, "),
        }
        for item in errors
    ]
    summary = "; ".join(f"`{field['field']}`: {field['message'].rstrip('.')}" for field in fields[:5])
    return Invalid(f"{summary}.", errors=fields)
