"""The pages before sign-in: what they post, where they lead, and how they say what is wrong."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from ui_gradio.client import Api
from ui_gradio.gate import Gate
from ui_gradio.words import word

METHODS = {
    "registration": "open",
    "password": True,
    "providers": [{"name": "corp id", "label": "Corp <ID>"}],
    "mail": True,
}
INVITATION = {"email": "lee@x.test", "inviter": "Ada", "space_name": "Flight crew", "account_exists": False}
COOKIE = {"set-cookie": "nexus_session=s3cret; HttpOnly; Path=/; SameSite=lax"}

Reply = httpx.Response | Callable[[dict[str, Any]], httpx.Response]


def refusal(status: int, code: str, **more: Any) -> httpx.Response:
    headers = {"Retry-After": "42"} if status == 429 else {}
    document = {"title": "No", "status": status, "code": code, "detail": "In English only.", **more}
    return httpx.Response(status, json=document, headers=headers)


class Site:
    """The web app before an API that answers as told, and what that was asked."""

    def __init__(self, **replies: Reply) -> None:
        self.replies: dict[str, Reply] = {
            "/users/me": refusal(401, "unauthenticated"),
            "/auth/methods": httpx.Response(200, json=METHODS),
            "/invitations/preview": httpx.Response(200, json=INVITATION),
        }
        self.replies |= {f"/{path.replace('__', '/').replace('_', '-')}": reply for path, reply in replies.items()}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.requests: list[httpx.Request] = []
        api = Api(transport=httpx.MockTransport(self._answer), base_url="http://api.test")
        self.client = TestClient(Gate(api), follow_redirects=False)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v1")
        body = json.loads(request.content) if request.content else {}
        self.asked.append((path, body))
        self.requests.append(request)
        reply = self.replies.get(path, httpx.Response(204))
        return reply(body) if callable(reply) else reply

    def body_of(self, path: str) -> dict[str, Any]:
        return next(body for asked, body in self.asked if asked == path)


def text_of(page: httpx.Response) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


def test_the_sign_in_page_speaks_the_readers_language_and_keeps_where_they_wanted_to_go() -> None:
    page = Site().client.get("/sign-in", params={"next": "/search?q=<b>"}, headers={"Accept-Language": "ko"})
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert 'lang="ko"' in page.text
    assert word("signin.forgot", "ko") in page.text
    assert 'value="/search?q=&lt;b&gt;"' in page.text
    assert "nexus token" in page.text


def test_the_language_chosen_in_this_browser_goes_before_its_own() -> None:
    site = Site()
    site.client.cookies.set("nexus_language", "ko")
    assert 'lang="ko"' in site.client.get("/sign-in", headers={"Accept-Language": "en"}).text
    site.client.cookies.set("nexus_language", "xx")
    assert 'lang="en"' in site.client.get("/sign-in", headers={"Accept-Language": "en"}).text


def test_other_sites_to_sign_in_with_are_offered_and_their_names_are_text() -> None:
    page = Site().client.get("/sign-in", params={"next": "/teams"})
    assert 'href="/api/v1/auth/oidc/corp%20id/start?next=/teams"' in page.text
    assert "Corp &lt;ID&gt;" in page.text


@pytest.mark.parametrize(("registration", "offered"), [("open", True), ("invite", False), ("closed", False)])
def test_an_account_is_offered_where_people_may_make_one(registration: str, offered: bool) -> None:
    site = Site(auth__methods=httpx.Response(200, json={**METHODS, "registration": registration}))
    assert ('href="/register"' in site.client.get("/sign-in").text) is offered
    assert ('name="password"' in site.client.get("/register").text) is offered


def test_signing_in_sets_the_apis_cookie_and_leads_on() -> None:
    site = Site(auth__login=httpx.Response(200, json={"signed_in": True}, headers=COOKIE))
    form = {"email": " ada@x.test ", "password": " blanks stay ", "next": "/teams?x=1"}
    answer = site.client.post("/sign-in", data=form, headers={"User-Agent": "A browser", "Accept-Language": "ko"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/teams?x=1")
    assert answer.headers["set-cookie"] == COOKIE["set-cookie"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert site.body_of("/auth/login") == {"email": "ada@x.test", "password": " blanks stay ", "cookie": True}
    asked = site.requests[-1]
    assert (asked.headers["user-agent"], asked.headers["accept-language"]) == ("A browser", "ko")


def test_signing_in_never_leads_to_another_site() -> None:
    site = Site(auth__login=httpx.Response(200, json={"signed_in": True}, headers=COOKIE))
    form = {"email": "ada@x.test", "password": "p", "next": "//evil.test"}
    assert site.client.post("/sign-in", data=form).headers["location"] == "/"


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "invalid_credentials"), (403, "email_unverified"), (429, "too_many_requests")],
)
def test_a_refused_sign_in_says_why_and_keeps_the_address_but_not_the_password(
    status: int, code: str, language: str
) -> None:
    site = Site(auth__login=refusal(status, code))
    form = {"email": "ada@x.test", "password": "hunter22", "next": "/teams"}
    page = site.client.post("/sign-in", data=form, headers={"Accept-Language": language})
    assert page.status_code == status
    assert word(f"problem.{code}", language, t=42) in text_of(page)
    assert 'role="alert"' in page.text
    assert 'value="ada@x.test"' in page.text
    assert 'value="/teams"' in page.text
    assert "hunter22" not in page.text


def second_factor(body: dict[str, Any]) -> httpx.Response:
    if "code" not in body:
        return refusal(401, "mfa_required")
    if body["code"] != "123456":
        return refusal(401, "mfa_invalid")
    return httpx.Response(200, json={"signed_in": True}, headers=COOKIE)


def hidden(page: httpx.Response) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))


def test_the_second_step_asks_for_a_code_and_never_shows_the_password() -> None:
    site = Site(auth__login=second_factor)
    first = site.client.post("/sign-in", data={"email": "a@x.test", "password": "hunter22", "next": "/teams"})
    assert first.status_code == 200
    assert word("code.body", "en") in text_of(first)
    assert "hunter22" not in first.text
    wrong = site.client.post("/sign-in", data={**hidden(first), "code": "000000"})
    assert wrong.status_code == 401
    assert word("problem.mfa_invalid", "en") in text_of(wrong)
    assert 'aria-invalid="true"' in wrong.text
    right = site.client.post("/sign-in", data={**hidden(wrong), "code": " 123456 "})
    assert (right.status_code, right.headers["location"]) == (303, "/teams")
    assert site.asked[-1][1] == {"email": "a@x.test", "password": "hunter22", "cookie": True, "code": "123456"}


def test_a_second_step_of_another_server_starts_again() -> None:
    site = Site(auth__login=second_factor)
    page = site.client.post("/sign-in", data={"pending": "made up", "code": "123456", "next": "/"})
    assert page.status_code == 401
    assert word("problem.expired", "en") in text_of(page)
    assert not [path for path, _ in site.asked if path == "/auth/login"]


def test_a_one_time_link_signs_in_and_a_used_one_says_so() -> None:
    site = Site(auth__session=httpx.Response(204, headers=COOKIE))
    assert site.client.get("/sign-in?token=abc&next=/teams").headers["location"] == "/teams"
    pasted = site.client.post("/sign-in", data={"token": "http://x/sign-in?token=def", "next": "/"})
    assert pasted.headers["set-cookie"] == COOKIE["set-cookie"]
    assert [body["token"] for path, body in site.asked if path == "/auth/session"] == ["abc", "def"]
    used = Site(auth__session=refusal(401, "unauthenticated")).client.get("/sign-in?token=abc")
    assert used.status_code == 401
    assert word("signin.invalid", "en") in text_of(used)


def test_whoever_is_signed_in_goes_straight_on_even_with_a_used_link() -> None:
    me = httpx.Response(200, json={"id": "u", "name": "Ada", "email": "ada@x.test"})
    site = Site(users__me=me, auth__session=refusal(401, "unauthenticated"))
    assert site.client.get("/sign-in?next=/teams").headers["location"] == "/teams"
    assert site.client.get("/sign-in?token=used").headers["location"] == "/"


def test_a_sign_in_that_another_site_broke_off_says_so() -> None:
    page = Site().client.get("/sign-in?problem=access_denied")
    assert word("problem.provider", "en") in text_of(page)


def test_registering_says_that_mail_is_on_its_way() -> None:
    site = Site(auth__register=httpx.Response(202, json={"verification": "sent"}))
    form = {"name": "Lee", "email": "lee@x.test", "password": "three uncommon words"}
    page = site.client.post("/register", data=form)
    assert page.status_code == 200
    assert word("registered.body", "en", email="lee@x.test") in text_of(page)
    assert site.body_of("/auth/register") == form


def test_what_is_wrong_with_a_registration_stands_at_its_field() -> None:
    errors = [
        {"field": "email", "message": "value is not a valid email address"},
        {"field": "password", "message": "Choose another password. It is easily guessed."},
    ]
    site = Site(auth__register=refusal(422, "invalid", errors=errors))
    form = {"name": "Lee & Co", "email": "lee", "password": "hunter22"}
    page = site.client.post("/register", data=form)
    assert page.status_code == 422
    at = dict(re.findall(r'<p class="field-error" id="(\w+)-note" role="alert">([^<]+)</p>', page.text))
    assert at == {"email": word("wrong.email", "en"), "password": "Choose another password. It is easily guessed."}
    assert 'value="Lee &amp; Co"' in page.text
    assert "hunter22" not in page.text
    korean = site.client.post("/register", data=form, headers={"Accept-Language": "ko"})
    assert word("wrong.password", "ko") in text_of(korean)


def test_asking_for_a_new_password_does_not_tell_whether_there_is_an_account() -> None:
    site = Site(auth__password__forgot=httpx.Response(202))
    page = site.client.post("/forgot", data={"email": "who@x.test"})
    assert word("forgotten.body", "en", email="who@x.test") in text_of(page)


def test_a_new_password_is_set_and_a_weak_one_refused_at_its_field() -> None:
    weak = refusal(422, "weak_password", errors=[{"field": "new_password", "message": "Too short."}])
    site = Site(auth__password__reset=lambda body: weak if body["new_password"] == "x" else httpx.Response(204))
    opened = site.client.get("/reset", params={"token": 'a"b'})
    assert 'value="a&#34;b"' in opened.text
    assert not [path for path, _ in site.asked if path == "/auth/password/reset"]
    refused = site.client.post("/reset", data={"token": "t", "new_password": "x"})
    assert (refused.status_code, "Too short." in refused.text, hidden(refused)) == (422, True, {"token": "t"})
    done = site.client.post("/reset", data={"token": "t", "new_password": "three uncommon words"})
    assert word("resetdone.title", "en") in text_of(done)


def test_an_address_is_confirmed_by_a_button_since_mail_programs_open_links() -> None:
    site = Site(auth__verify_email=httpx.Response(204))
    site.client.get("/verify?token=t")
    assert not [path for path, _ in site.asked if path == "/auth/verify-email"]
    done = site.client.post("/verify", data={"token": "t"})
    assert word("verified.title", "en") in text_of(done)


@pytest.mark.parametrize(
    ("page", "fields"),
    [("/verify", {"token": "old"}), ("/reset", {"token": "old", "new_password": "three uncommon words"})],
)
@pytest.mark.parametrize(
    "problem",
    [refusal(401, "unauthenticated"), refusal(422, "invalid", errors=[{"field": "token", "message": "too short"}])],
)
def test_a_link_that_works_no_more_says_so(page: str, fields: dict[str, str], problem: httpx.Response) -> None:
    site = Site(auth__verify_email=problem, auth__password__reset=problem)
    answer = site.client.post(page, data=fields)
    assert answer.status_code == problem.status_code
    assert word("badlink.title", "en") in text_of(answer)


def test_an_invitation_is_followed_with_a_new_account() -> None:
    site = Site(auth__register=httpx.Response(201, json={"signed_in": True}, headers=COOKIE))
    page = site.client.get("/join?token=t%26")
    assert word("join.space", "en", inviter="Ada", email="lee@x.test", space="Flight crew") in text_of(page)
    form = {**hidden(page), "name": "Lee", "email": "lee@x.test", "password": "three uncommon words"}
    form["token"] = unescape(form["token"])
    answer = site.client.post("/join", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["set-cookie"] == COOKIE["set-cookie"]
    assert site.body_of("/auth/register")["invitation"] == "t&"


def test_an_invitation_to_somebody_who_has_an_account_leads_to_signing_in_and_back() -> None:
    site = Site(invitations__preview=httpx.Response(200, json={**INVITATION, "account_exists": True}))
    assert 'href="/sign-in?next=/join%3Ftoken%3Dt"' in site.client.get("/join?token=t").text


def test_an_invitation_is_accepted_by_whom_it_is_for_and_nobody_else() -> None:
    def signed_in_as(email: str) -> Site:
        me = httpx.Response(200, json={"id": "u", "name": "Lee", "email": email})
        return Site(users__me=me, invitations__accept=httpx.Response(200, json={"space_id": "s1"}))

    mine = signed_in_as("lee@x.test")
    assert word("join.accept", "en") in text_of(mine.client.get("/join?token=t"))
    assert mine.client.post("/join", data={"token": "t"}).headers["location"] == "/knowledge?space=s1"
    others = signed_in_as("kim@x.test")
    page = others.client.get("/join?token=t")
    assert word("join.accept", "en") not in text_of(page)
    assert word("join.other", "en", email="lee@x.test", mine="kim@x.test") in text_of(page)
    left = others.client.post("/join", data={"token": "t", "leave": "yes"})
    assert left.headers["location"] == "/join?token=t"
    assert others.asked[-1][0] == "/auth/logout"


def test_an_invitation_that_works_no_more_says_so() -> None:
    page = Site(invitations__preview=refusal(404, "not_found")).client.get("/join?token=t")
    assert (page.status_code, word("badlink.title", "en") in text_of(page)) == (404, True)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.test"}])
def test_a_form_of_another_site_is_not_taken(headers: dict[str, str]) -> None:
    site = Site(auth__login=httpx.Response(200, headers=COOKIE))
    page = site.client.post("/sign-in", data={"email": "evil@x.test", "password": "p"}, headers=headers)
    assert (page.status_code, "set-cookie" in page.headers) == (403, False)
    assert word("foreign.title", "en") in text_of(page)
    assert site.asked == []


@pytest.mark.parametrize("path", ["/sign-in", "/register", "/join?token=t"])
def test_when_the_api_does_not_answer_the_pages_say_so(path: str) -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down", request=request)

    client = TestClient(Gate(Api(transport=httpx.MockTransport(down), base_url="http://api.test")))
    page = client.get(path)
    assert (page.status_code, word("unreachable.title", "en") in page.text) == (503, True)


def test_whom_another_site_vouches_for_gives_a_code_too() -> None:
    def second_step(body: dict[str, Any]) -> httpx.Response:
        if body["code"] != "123456":
            return refusal(401, "mfa_invalid")
        return httpx.Response(200, json={"signed_in": True}, headers=COOKIE)

    site = Site(auth__oidc__second_factor=second_step)
    asked = site.client.get("/sign-in", params={"pending": "sealed", "next": "/search"})
    assert word("code.title", "en") in unescape(asked.text)
    pending = re.search(r'name="pending" value="([^"]*)"', asked.text)
    assert pending is not None
    form = {"pending": unescape(pending[1]), "next": "/search"}
    assert site.client.post("/sign-in", data=form | {"code": "000000"}).status_code == 401
    entered = site.client.post("/sign-in", data=form | {"code": "123456"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/search")
    assert site.body_of("/auth/oidc/second-factor")["pending"] == "sealed"
    late = Site(auth__oidc__second_factor=refusal(401, "expired"))
    page = late.client.post("/sign-in", data=form | {"code": "123456"})
    assert (page.status_code, word("problem.expired", "en") in unescape(page.text)) == (401, True)
