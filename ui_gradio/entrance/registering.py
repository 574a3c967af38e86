"""Making an account without an invitation, where that is open."""

from starlette.requests import Request
from starlette.responses import Response

from ui_gradio import pages
from ui_gradio.client import Api, Problem
from ui_gradio.entrance.answers import in_words, methods, status_of
from ui_gradio.visitor import Visitor


class Registering:
    """The page where people make an account."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def open(self, request: Request) -> Response:
        """The form, or why there is none."""
        return await self._form(request, {}, {})

    async def submit(self, request: Request, form: dict[str, str]) -> Response:
        """Make the account, and say that mail is on its way."""
        fields = ("name", "email", "password")
        body = {field: form.get(field, "") for field in fields}
        try:
            await self._api.call(Visitor.of(request), "POST", "/auth/register", body=body)
        except Problem as problem:
            return await self._form(request, form, in_words(request, problem, fields), status_of(problem))
        return pages.page(
            request,
            "done.html",
            name="registered",
            email=body["email"].strip(),
            href="/sign-in",
            button="signin.back",
        )

    async def _form(
        self, request: Request, form: dict[str, str], errors: dict[str, str], status: int = 200
    ) -> Response:
        try:
            ways = await methods(self._api, request)
        except Problem:
            return pages.message(request, "unreachable", status=503)
        return pages.page(
            request,
            "register.html",
            status=status,
            errors=errors,
            methods=ways,
            name=form.get("name", ""),
            email=form.get("email", ""),
        )
