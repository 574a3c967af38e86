"""Following an invitation: with a new account, or with the one that the person has."""

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ui_gradio import pages
from ui_gradio.client import Answer, Api, Problem
from ui_gradio.entrance.answers import entered, in_words, methods, signed_in, status_of
from ui_gradio.visitor import Visitor


class Invited:
    """The page behind a mailed invitation."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def open(self, request: Request) -> Response:
        """Who invites to what, and what to do about it."""
        return await self._page(request, request.query_params.get("token", ""), {}, {})

    async def submit(self, request: Request, form: dict[str, str]) -> Response:
        """Join: make the account, or accept with the one that is signed in."""
        token = form.get("token", "")
        visitor = Visitor.of(request)
        try:
            if "leave" in form:
                return entered(request, await self._api.exchange(visitor, "POST", "/auth/logout"), _address(token))
            if "password" not in form:
                accepted = await self._api.call(visitor, "POST", "/invitations/accept", body={"token": token})
                space = accepted.get("space_id")
                return RedirectResponse(f"/knowledge?space={quote(space, safe='')}" if space else "/", 303)
            answer = await self._register(visitor, token, form)
        except Problem as problem:
            errors = in_words(request, problem, {"name", "email", "password"})
            return await self._page(request, token, form, errors, status_of(problem))
        if answer.set_cookies:
            return entered(request, answer, "/")
        email = form.get("email", "")
        return pages.page(request, "done.html", name="registered", email=email, href="/sign-in", button="signin.back")

    async def _register(self, visitor: Visitor, token: str, form: dict[str, str]) -> Answer:
        fields = {field: form.get(field, "") for field in ("name", "email", "password")}
        return await self._api.exchange(visitor, "POST", "/auth/register", body={**fields, "invitation": token})

    async def _page(
        self, request: Request, token: str, form: dict[str, str], errors: dict[str, str], status: int = 200
    ) -> Response:
        try:
            preview: dict[str, Any] = await self._api.call(
                Visitor.of(request), "POST", "/invitations/preview", body={"token": token}
            )
            me = await signed_in(self._api, request)
            ways = await methods(self._api, request)
        except Problem as problem:
            if problem.document["status"] < 500 and problem.document["status"] != 429:
                return pages.message(request, "badlink", status=404)
            return pages.message(request, "unreachable", status=503)
        invitation = {"space_name": None, "account_exists": False, **preview}
        return pages.page(
            request,
            "join.html",
            status=status,
            errors=errors,
            invitation=invitation,
            mine=(me.get("email") or me.get("name")) if me else None,
            methods=ways,
            token=token,
            here=_address(token),
            name=form.get("name", ""),
        )


def _address(token: str) -> str:
    return f"/join?token={quote(token, safe='')}"
