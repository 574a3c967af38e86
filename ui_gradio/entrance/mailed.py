"""What mailed links lead to: confirming an address, choosing a new password; and asking for the latter."""

from starlette.requests import Request
from starlette.responses import Response

from ui_gradio import pages
from ui_gradio.client import Api, Problem
from ui_gradio.entrance.answers import in_words, signed_in, status_of
from ui_gradio.visitor import Visitor

# What the API says of a link that is unknown, used or too old.
_BAD_LINK = frozenset({"unauthenticated", "invalid_token", "link_invalid", "not_found"})


class Mailed:
    """The pages behind mailed links."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def open_forgot(self, request: Request) -> Response:
        """Where one asks for a link to choose a new password."""
        return pages.page(request, "forgot.html", email="")

    async def submit_forgot(self, request: Request, form: dict[str, str]) -> Response:
        """Have the link mailed. The answer does not tell whether there is such an account."""
        email = form.get("email", "").strip()
        try:
            await self._api.call(Visitor.of(request), "POST", "/auth/password/forgot", body={"email": email})
        except Problem as problem:
            errors = in_words(request, problem, {"email"})
            return pages.page(request, "forgot.html", status=status_of(problem), errors=errors, email=email)
        return _done(request, "forgotten", "signin.back", email=email)

    async def open_reset(self, request: Request) -> Response:
        """The form for a new password. It uses the link up when it is sent, not when it is opened."""
        return pages.page(request, "reset.html", token=request.query_params.get("token", ""))

    async def submit_reset(self, request: Request, form: dict[str, str]) -> Response:
        """Change the password."""
        body = {"token": form.get("token", ""), "new_password": form.get("new_password", "")}
        try:
            await self._api.call(Visitor.of(request), "POST", "/auth/password/reset", body=body)
        except Problem as problem:
            errors = in_words(request, problem, {"new_password", "token"})
            if _is_bad_link(problem, errors):
                return pages.message(request, "badlink", status=status_of(problem))
            return pages.page(request, "reset.html", status=status_of(problem), errors=errors, token=body["token"])
        return _done(request, "resetdone", "signin.button")

    async def open_verify(self, request: Request) -> Response:
        """A button, since programs that look through mail open links too."""
        return pages.page(request, "verify.html", token=request.query_params.get("token", ""))

    async def submit_verify(self, request: Request, form: dict[str, str]) -> Response:
        """Confirm the address."""
        token = form.get("token", "")
        try:
            await self._api.call(Visitor.of(request), "POST", "/auth/verify-email", body={"token": token})
            me = await signed_in(self._api, request)
        except Problem as problem:
            errors = in_words(request, problem, {"token"})
            if _is_bad_link(problem, errors):
                return pages.message(request, "badlink", status=status_of(problem))
            return pages.page(request, "verify.html", status=status_of(problem), errors=errors, token=token)
        if me is not None:
            return _done(request, "verifiedmine", "verified.go", href="/account")
        return _done(request, "verified", "signin.button")


def _is_bad_link(problem: Problem, errors: dict[str, str]) -> bool:
    return problem.document["code"] in _BAD_LINK or "token" in errors


def _done(request: Request, name: str, button: str, *, email: str = "", href: str = "/sign-in") -> Response:
    return pages.page(request, "done.html", name=name, email=email, href=href, button=button)
