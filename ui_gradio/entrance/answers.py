"""What the pages before sign-in have in common: asking the API, and putting its problems into words."""

from collections.abc import Collection
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ui_gradio import pages
from ui_gradio.client import Answer, Api, Problem
from ui_gradio.visitor import Visitor
from ui_gradio.words import CATALOGUE, word


async def methods(api: Api, request: Request) -> dict[str, Any]:
    """How one may come in here: the kind of registration, and other sites that vouch for people."""
    found = await api.call(Visitor.of(request), "GET", "/auth/methods")
    return {"registration": found.get("registration", "closed"), "providers": found.get("providers") or []}


async def signed_in(api: Api, request: Request) -> dict[str, Any] | None:
    """Who is signed in; None for nobody."""
    try:
        me: dict[str, Any] = await api.call(Visitor.of(request), "GET", "/users/me")
    except Problem as problem:
        if problem.document["status"] in {401, 403}:
            return None
        raise
    return me


def entered(request: Request, answer: Answer, next_path: str) -> Response:
    """Go on into the app with the session that the API has begun."""
    response = RedirectResponse(pages.local_path(next_path), 303)
    for cookie in answer.set_cookies:
        response.headers.append("set-cookie", cookie)
    # The address that led here may carry a token: let it be neither kept nor passed on.
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def in_words(request: Request, problem: Problem, fields: Collection[str]) -> dict[str, str]:
    """What is wrong, by field of the form; under "" what belongs to none of `fields`."""
    document, language = problem.document, pages.language(request)
    errors: dict[str, str] = {}
    for error in document.get("errors") or []:
        field = str(error.get("field", "")).removeprefix("body.")
        if field in fields:
            errors[field] = _of_field(field, str(error.get("message", "")), language)
    if errors:
        return errors
    code = document.get("code", "")
    if document.get("field") in fields:
        return {document["field"]: _of_field(document["field"], str(document.get("detail", "")), language)}
    if f"problem.{code}" in CATALOGUE:
        return {"": word(f"problem.{code}", language, t=document.get("retry_after", 60))}
    return {"": str(document.get("detail") or document.get("title"))}


def _of_field(field: str, message: str, language: str) -> str:
    # The API's own sentence says more (why a password is weak), but speaks English only.
    known = f"wrong.{field}" in CATALOGUE
    if known and (language != "en" or field not in {"password", "new_password"} or not message.endswith(".")):
        return word(f"wrong.{field}", language)
    return message


def status_of(problem: Problem) -> int:
    """The status of the page that tells of a problem."""
    status: int = problem.document["status"]
    return status
