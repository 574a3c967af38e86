"""Signing in: with a password and perhaps a second factor, with another site, or with a one-time link."""

import json

from cryptography.fernet import Fernet, InvalidToken
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ui_gradio import pages
from ui_gradio.client import Api, Problem
from ui_gradio.entrance.answers import entered, in_words, methods, signed_in, status_of
from ui_gradio.visitor import Visitor
from ui_gradio.words import CATALOGUE, word

# How long a person may look for their phone between the two steps.
CODE_SECONDS = 5 * 60
# Before what the API gave of somebody whom another site vouches for; it is no token of ours.
VOUCHED = "vouched:"


class SigningIn:
    """The sign-in page and its second step."""

    def __init__(self, api: Api) -> None:
        self._api = api
        # Between the steps the browser keeps address and password in a form that only this process can read.
        self._seal = Fernet(Fernet.generate_key())

    async def open(self, request: Request) -> Response:
        """The form. A link's token signs in at once; whoever is signed in already goes straight on."""
        next_path = request.query_params.get("next", "/")
        try:
            if token := request.query_params.get("token"):
                return await self._by_link(request, token, next_path)
            if pending := request.query_params.get("pending"):
                return self._code(request, VOUCHED + pending, next_path)
            if await signed_in(self._api, request) is not None:
                return RedirectResponse(pages.local_path(next_path), 303)
        except Problem:
            return pages.message(request, "unreachable", status=503)
        errors = {}
        if code := request.query_params.get("problem"):
            key = f"problem.{code}" if f"problem.{code}" in CATALOGUE else "problem.provider"
            errors[""] = word(key, pages.language(request), t=60)
        return await self._form(request, next_path, errors=errors)

    async def submit(self, request: Request, form: dict[str, str]) -> Response:
        """Sign in with what was entered."""
        next_path = form.get("next", "/")
        if "token" in form:
            return await self._by_link(request, pages.token_of(form["token"]), next_path)
        email, password = form.get("email", "").strip(), form.get("password", "")
        if form.get("pending", "").startswith(VOUCHED):
            return await self._by_other_site(request, form["pending"], form.get("code", "").strip(), next_path)
        if "pending" in form:
            try:
                email, password = json.loads(self._seal.decrypt(form["pending"], ttl=CODE_SECONDS))
            except InvalidToken:
                errors = {"": word("problem.expired", pages.language(request))}
                return await self._form(request, next_path, errors=errors, status=401)
        body = {"email": email, "password": password, "cookie": True}
        if code := form.get("code", "").strip():
            body["code"] = code
        try:
            answer = await self._api.exchange(Visitor.of(request), "POST", "/auth/login", body=body)
        except Problem as problem:
            return await self._refused(request, problem, email, password, next_path)
        return entered(request, answer, next_path)

    async def _refused(self, request: Request, problem: Problem, email: str, password: str, next_path: str) -> Response:
        code = problem.document["code"]
        if code in {"mfa_required", "mfa_invalid"}:
            pending = self._seal.encrypt(json.dumps([email, password]).encode()).decode()
            return self._code(request, pending, next_path, wrong=code == "mfa_invalid")
        errors = in_words(request, problem, {"email", "password"})
        return await self._form(request, next_path, email=email, errors=errors, status=status_of(problem))

    async def _by_other_site(self, request: Request, pending: str, code: str, next_path: str) -> Response:
        body = {"pending": pending.removeprefix(VOUCHED), "code": code}
        try:
            answer = await self._api.exchange(Visitor.of(request), "POST", "/auth/oidc/second-factor", body=body)
        except Problem as problem:
            if problem.document["code"] in {"mfa_invalid", "invalid"}:
                return self._code(request, pending, next_path, wrong=True)
            errors = in_words(request, problem, ())
            return await self._form(request, next_path, errors=errors, status=status_of(problem))
        return entered(request, answer, next_path)

    @staticmethod
    def _code(request: Request, pending: str, next_path: str, *, wrong: bool = False) -> Response:
        return pages.page(
            request,
            "code.html",
            status=401 if wrong else 200,
            errors={"code": word("problem.mfa_invalid", pages.language(request))} if wrong else {},
            pending=pending,
            next_path=pages.local_path(next_path),
        )

    async def _by_link(self, request: Request, token: str, next_path: str) -> Response:
        try:
            answer = await self._api.exchange(Visitor.of(request), "POST", "/auth/session", body={"token": token})
        except Problem as problem:
            if problem.document["status"] not in {401, 422}:
                errors = in_words(request, problem, ())
                return await self._form(request, next_path, errors=errors, status=status_of(problem))
            if await signed_in(self._api, request) is not None:  # the link was opened a second time
                return RedirectResponse(pages.local_path(next_path), 303)
            errors = {"token": word("signin.invalid", pages.language(request))}
            return await self._form(request, next_path, errors=errors, status=401)
        return entered(request, answer, next_path)

    async def _form(
        self, request: Request, next_path: str, *, email: str = "", errors: dict[str, str], status: int = 200
    ) -> Response:
        try:
            ways = await methods(self._api, request)
        except Problem:
            ways = {"registration": "closed", "providers": []}
        return pages.page(
            request,
            "sign_in.html",
            status=status,
            errors=errors,
            email=email,
            methods=ways,
            next_path=pages.local_path(next_path),
        )
