"""Signing in with other sites: a real OpenID Connect provider on loopback, honest and not."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import ValidationError
from sqlalchemy import select

from core_api.infra.database import Database
from core_api.infra.settings import OidcProvider, Settings
from core_api.models import Identity, Invitation, SystemRole, User, utcnow
from tests.applications import application
from tests.core_api.accounts import (
    API,
    audited,
    browse,
    code_of,
    forget_used_codes,
    make_account,
    turn_mfa_on,
    visit,
)
from tests.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, oidc_provider

START = f"{API}/auth/oidc/company/start"
MakeApp = Callable[..., FastAPI]


@pytest.fixture
def provider() -> Iterator[Provider]:
    with oidc_provider() as running:
        yield running


@pytest.fixture
def make_app(settings: Settings, database: Database, provider: Provider) -> MakeApp:
    """The API with the provider under two names: as an issuer, and as GitHub."""

    def make(**changes: object) -> FastAPI:
        sites = [
            {"name": "company", "label": "Company", "issuer": provider.issuer},
            {"name": "github", "label": "GitHub", "kind": "github", "issuer": provider.url},
        ]
        common = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        changed = {
            "oidc_providers": [OidcProvider.model_validate(site | common) for site in sites],
            "public_url": "http://testserver",
            "registration": "open",
            "rate_limit_sign_in": "1000/minute",
        }
        return application(settings.model_copy(update=changed | changes), database)

    return make


@pytest.fixture
def app(make_app: MakeApp) -> FastAPI:
    return make_app()


def answer_of(client: TestClient, start: str = START) -> str:
    """Go to the provider and let it answer; the address that it sends the browser back to."""
    away = client.get(start, follow_redirects=False)
    assert away.status_code == 303, away.text
    back = httpx.get(away.headers["location"])
    assert back.status_code == 303
    return back.headers["location"]


def come_in(client: TestClient, start: str = START) -> str:
    """The whole way; where it ends."""
    ended = client.get(answer_of(client, start), follow_redirects=False)
    assert ended.status_code == 303, ended.text
    return ended.headers["location"]


def me(client: TestClient) -> dict[str, object]:
    return client.get(f"{API}/users/me").json()


def with_query(url: str, **changes: str) -> str:
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return f"{parts.path}?{httpx.QueryParams(query)}"


def test_a_new_person_comes_in_and_is_known_the_next_time(app: FastAPI, provider: Provider, database: Database) -> None:
    provider.person("kim-1", "Kim@Example.com")
    client = visit(app)
    assert come_in(client, f"{START}?next=/search") == "/search"
    first = me(client)
    assert (first["name"], first["email"], first["email_verified"]) == ("Kim Minji", "kim@example.com", True)
    assert first["has_password"] is False
    provider.person("kim-1", "other@example.com", name="Renamed")
    again = visit(app)
    assert come_in(again) == "/"
    assert me(again)["id"] == first["id"], "the subject counts, not the address"
    assert len(audited(database, "user.registered")) == 1
    assert [event.details["method"] for event in audited(database, "auth.signed_in")] == ["company"] * 2
    assert provider.asked[0]["code_challenge_method"] == "S256"


def test_a_page_of_another_site_is_never_where_it_ends(app: FastAPI, provider: Provider) -> None:
    provider.person("kim-1", "kim@example.com")
    for away in ("//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "evil"):
        assert come_in(visit(app), str(httpx.URL(START, params={"next": away}))) == "/"


def test_github_vouches_by_its_api(app: FastAPI, provider: Provider) -> None:
    provider.github_user = {"id": 4711, "login": "kim", "name": None}
    provider.github_emails = [
        {"email": "old@example.com", "primary": False, "verified": True},
        {"email": "kim@example.com", "primary": True, "verified": True},
    ]
    client = visit(app)
    assert come_in(client, f"{API}/auth/oidc/github/start") == "/"
    assert (me(client)["name"], me(client)["email"]) == ("kim", "kim@example.com")
    provider.github_user = {"id": 4712, "login": "kim"}
    provider.github_emails = [{"email": "lee@example.com", "primary": True, "verified": False}]
    assert come_in(visit(app), f"{API}/auth/oidc/github/start") == "/sign-in?problem=provider_email_unverified"


def test_the_address_may_come_from_userinfo_of_the_same_person(app: FastAPI, provider: Provider) -> None:
    provider.person("kim-1")
    provider.userinfo = {"sub": "kim-1", "email": "kim@example.com", "email_verified": True}
    client = visit(app)
    assert come_in(client) == "/"
    assert me(client)["email"] == "kim@example.com"
    provider.person("lee-1")
    provider.userinfo = {"sub": "kim-1", "email": "lee@example.com", "email_verified": True}
    assert come_in(visit(app)) == "/sign-in?problem=provider"


def _unsigned(provider: Provider, token: str, claims: dict[str, object]) -> str:
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def _part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _by_secret(provider: Provider, token: str, claims: dict[str, object]) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET))


def _by_public_key(provider: Provider, token: str, claims: dict[str, object]) -> str:
    """Signed with the issuer's public key as if it were a shared secret."""
    signed = f"{_part({'alg': 'HS256', 'kid': 'first'})}.{_part(claims)}"
    mac = hmac.digest(provider.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _by_another(provider: Provider, token: str, claims: dict[str, object]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, FORGER)


def _tampered(provider: Provider, token: str, claims: dict[str, object]) -> str:
    head, body, signature = token.split(".")
    flipped = ("A" if signature[10] != "A" else "B").join((signature[:10], signature[11:]))
    return f"{head}.{body}.{flipped}"


FORGER = RSAKey.generate_key(2048, {"kid": "first"})


@pytest.mark.parametrize("forge", [_unsigned, _by_secret, _by_public_key, _by_another, _tampered, lambda *_: "x.y"])
def test_a_token_that_the_issuer_did_not_sign_is_not_believed(
    app: FastAPI, provider: Provider, database: Database, forge: Callable[..., str]
) -> None:
    provider.person("kim-1", "kim@example.com")
    provider.forge_token = forge
    client = visit(app)
    assert come_in(client) == "/sign-in?problem=provider"
    assert client.get(f"{API}/users/me").status_code == 401
    assert audited(database, "auth.sign_in_failed")


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"exp": 1},
        {"sub": ""},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_for_another_time_place_or_sign_in_is_not_believed(
    app: FastAPI, provider: Provider, wrong: dict[str, object]
) -> None:
    provider.person("kim-1", "kim@example.com")

    def forge(claims: dict[str, object]) -> None:
        claims.update(wrong)
        for name in [name for name, value in wrong.items() if value is None]:
            del claims[name]

    provider.forge_claims = forge
    assert come_in(visit(app)) == "/sign-in?problem=provider"


def test_an_answer_belongs_to_the_browser_that_asked_and_works_once(app: FastAPI, provider: Provider) -> None:
    provider.person("kim-1", "kim@example.com")
    victim, attacker = visit(app), visit(app)
    answer = answer_of(attacker)
    # Somebody else's answer, sent to a victim who has begun nothing, or something else.
    assert victim.get(answer, follow_redirects=False).headers["location"] == "/sign-in?problem=expired"
    answer_of(victim)
    assert victim.get(answer, follow_redirects=False).headers["location"] == "/sign-in?problem=expired"
    wrong_state = with_query(answer, state="another")
    assert attacker.get(wrong_state, follow_redirects=False).headers["location"] == "/sign-in?problem=expired"

    answer = answer_of(attacker)
    flow = attacker.cookies["nexus_oidc"]
    assert attacker.get(answer, follow_redirects=False).headers["location"] == "/"
    assert "nexus_oidc" not in attacker.cookies
    again = visit(app)
    again.cookies.set("nexus_oidc", flow, path="/api/v1/auth/oidc")
    assert again.get(answer, follow_redirects=False).headers["location"] == "/sign-in?problem=provider"
    assert again.get(f"{API}/users/me").status_code == 401


def test_another_issuers_answer_is_refused_and_so_is_a_refusal(app: FastAPI, provider: Provider) -> None:
    provider.person("kim-1", "kim@example.com")
    client = visit(app)
    mixed = with_query(answer_of(client), iss="https://evil.example")
    assert client.get(mixed, follow_redirects=False).headers["location"] == "/sign-in?problem=provider"
    provider.authorize_error = "access_denied"
    assert come_in(client) == "/sign-in?problem=provider"
    forged = visit(app)
    forged.cookies.set("nexus_oidc", "made up", path="/api/v1/auth/oidc")
    assert forged.get(f"{API}/auth/oidc/company/callback?code=x&state=y", follow_redirects=False).status_code == 303
    assert forged.get(f"{API}/auth/oidc/other/start").status_code == 404


def test_new_keys_of_the_issuer_are_fetched(app: FastAPI, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    from core_api.auth.oidc import connect

    monkeypatch.setattr(connect, "_REFETCH_SECONDS", 0.0)
    provider.person("kim-1", "kim@example.com")
    assert come_in(visit(app)) == "/"
    provider.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
    assert come_in(visit(app)) == "/"


def test_a_provider_that_is_down_or_not_encrypted_is_told(make_app: MakeApp) -> None:
    for issuer in ("http://127.0.0.1:9", "http://issuer.example"):
        site = {"name": "company", "label": "C", "issuer": issuer, "client_id": "x", "client_secret": "y"}
        client = visit(make_app(oidc_providers=[OidcProvider.model_validate(site)]))
        assert client.get(START, follow_redirects=False).headers["location"] == "/sign-in?problem=provider"


def test_an_equal_address_links_only_when_both_sides_have_verified_it(
    app: FastAPI, provider: Provider, database: Database
) -> None:
    kim = make_account(database, "Kim")
    make_account(database, "Lee", verified=False)
    provider.person("kim-1", "kim@example.com", verified=False)
    assert come_in(visit(app)) == "/sign-in?problem=provider_email_unverified"
    provider.person("lee-1", "lee@example.com")
    assert come_in(visit(app)) == "/sign-in?problem=account_exists"
    provider.person("kim-1", "kim@example.com")
    client = visit(app)
    assert come_in(client) == "/"
    assert me(client)["id"] == kim
    assert [event.actor_id for event in audited(database, "auth.identity_linked")] == [kim]


@pytest.mark.parametrize("client_auth", ["client_secret_basic", "client_secret_post"])
def test_an_issuer_with_a_path_signs_people_in_whichever_way_it_wants_the_secret(
    make_app: MakeApp, provider: Provider, client_auth: str
) -> None:
    provider.realm, provider.client_auth = "/realms/staff", client_auth
    provider.person("kim-1", "kim@example.com")
    client = visit(make_app())
    assert come_in(client) == "/"
    assert me(client)["email"] == "kim@example.com"


def test_a_configuration_of_another_realm_is_not_believed(make_app: MakeApp, provider: Provider) -> None:
    provider.realm = "/realms/staff"
    app = make_app()
    provider.realm = "/realms/guests"
    assert "problem=" in visit(app).get(START, follow_redirects=False).headers["location"]


@pytest.mark.parametrize(
    ("sites", "says"),
    [
        ([{"name": "company"}], "`company` has no `issuer`"),
        ([{"name": "company", "issuer": ""}], "is an address"),
        ([{"name": "company", "issuer": "login.example.com"}], "is an address"),
        ([{"name": "hub", "kind": "github"}, {"name": "hub", "issuer": "https://a.example"}], "named `hub`"),
    ],
)
def test_providers_that_cannot_work_are_refused_when_settings_are_read(
    sites: list[dict[str, str]], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = {"label": "Site", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    monkeypatch.setenv("NEXUS_OIDC_PROVIDERS", json.dumps([site | common for site in sites]))
    with pytest.raises(ValidationError, match=says) as refused:
        Settings()
    assert CLIENT_SECRET not in str(refused.value)


def test_the_example_in_the_documentation_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "security.md"
    example = page.read_text().split("NEXUS_OIDC_PROVIDERS='", 1)[1].split("'", 1)[0]
    monkeypatch.setenv("NEXUS_OIDC_PROVIDERS", example)
    assert [(one.name, one.kind) for one in Settings().oidc_providers] == [
        ("google", "oidc"),
        ("github", "github"),
        ("keycloak", "oidc"),
        ("company", "oidc"),
    ]


def test_linked_sites_are_listed_in_pages_newest_first(app: FastAPI, database: Database) -> None:
    make_account(database, "Kim")
    kim = browse(app)
    with database.transaction() as session:
        for number in range(3):
            session.add(Identity(user_id=str(me(kim)["id"]), provider=f"site-{number}", subject="1"))
            session.flush()
    first = kim.get(f"{API}/auth/identities", params={"limit": 2}).json()
    rest = kim.get(f"{API}/auth/identities", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    listed = [one["provider"] for one in first["items"] + rest["items"]]
    assert (listed, rest["next_cursor"]) == (["site-2", "site-1", "site-0"], None)


def test_somebody_signed_in_links_and_unlinks_a_site(app: FastAPI, provider: Provider, database: Database) -> None:
    make_account(database, "Kim")
    make_account(database, "Lee")
    kim, lee = browse(app), browse(app, "Lee")
    for client in (kim, lee):
        client.headers["sec-fetch-site"] = "same-origin"
    provider.person("kim-1", "elsewhere@example.com", verified=False)
    assert come_in(kim, f"{START}?next=/account/security") == "/account/security"
    linked = kim.get(f"{API}/auth/identities").json()["items"]
    assert [(one["provider"], one["label"], one["email"]) for one in linked] == [
        ("company", "Company", "elsewhere@example.com")
    ]
    assert lee.get(f"{API}/auth/identities").json()["items"] == []
    assert come_in(lee, f"{START}?next=/account/security") == "/account/security?problem=identity_taken"
    other = visit(app)
    assert come_in(other) == "/"
    assert me(other)["name"] == "Kim"
    assert lee.delete(f"{API}/auth/identities/{linked[0]['id']}").status_code == 404
    assert kim.delete(f"{API}/auth/identities/{linked[0]['id']}").status_code == 204
    assert kim.get(f"{API}/auth/identities").json()["items"] == []
    assert len(audited(database, "auth.identity_unlinked")) == 1


def test_another_sites_link_does_not_link_and_signing_out_meanwhile_ends_it(
    app: FastAPI, provider: Provider, database: Database
) -> None:
    kim_id = make_account(database, "Kim")
    kim = browse(app)
    provider.person("evil-1", "evil@example.com")
    kim.headers["sec-fetch-site"] = "cross-site"
    come_in(kim)
    kim.headers["sec-fetch-site"] = "same-origin"
    with database.reading() as session:
        assert session.scalars(select(Identity).where(Identity.user_id == kim_id)).all() == []
    kim = browse(app)
    kim.headers["sec-fetch-site"] = "same-origin"
    answer = answer_of(kim, f"{START}?next=/account/security")
    kim.post(f"{API}/auth/logout")
    assert kim.get(answer, follow_redirects=False).headers["location"] == "/account/security?problem=expired"


def test_the_only_way_in_is_not_unlinked(app: FastAPI, provider: Provider, database: Database) -> None:
    provider.person("kim-1", "kim@example.com")
    client = visit(app)
    come_in(client)
    identity = client.get(f"{API}/auth/identities").json()["items"][0]["id"]
    with database.transaction() as session:
        session.get_one(User, me(client)["id"]).email_verified_at = None
    assert client.delete(f"{API}/auth/identities/{identity}").status_code == 409


def test_new_people_come_in_only_as_registration_allows(
    make_app: MakeApp, provider: Provider, database: Database
) -> None:
    provider.person("kim-1", "kim@example.com")
    assert come_in(visit(make_app(registration="closed"))) == "/sign-in?problem=registration_closed"
    app = make_app(registration="invite")
    assert come_in(visit(app)) == "/sign-in?problem=invitation_required"
    admin = make_account(database, "Ada", SystemRole.ADMIN)
    with database.transaction() as session:
        expires = utcnow() + timedelta(days=1)
        session.add(
            Invitation(
                email="kim@example.com", role="guest", invited_by=admin, token_sha256="0" * 64, expires_at=expires
            )
        )
    client = visit(app)
    assert come_in(client) == "/"
    assert me(client)["role"] == "guest"
    with database.reading() as session:
        assert session.scalars(select(Invitation.accepted_at)).one() is not None
    provider.person("lee-1", "lee@example.com")
    assert come_in(visit(app)) == "/sign-in?problem=invitation_required"


def test_a_second_factor_here_is_asked_for_here(app: FastAPI, provider: Provider, database: Database) -> None:
    make_account(database, "Kim")
    secret, _ = turn_mfa_on(browse(app))
    forget_used_codes(database)
    provider.person("kim-1", "kim@example.com")
    client = visit(app)
    ended = urlsplit(come_in(client, f"{START}?next=/search"))
    assert ended.path == "/sign-in"
    asked = parse_qs(ended.query)
    assert asked["next"] == ["/search"]
    assert client.get(f"{API}/users/me").status_code == 401
    with database.reading() as session:
        assert session.scalars(select(Identity)).all() == [], "nothing is linked before the code"
    url, pending = f"{API}/auth/oidc/second-factor", asked["pending"][0]
    wrong = client.post(url, json={"pending": pending, "code": "000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "mfa_invalid")
    forged = client.post(url, json={"pending": "made up", "code": code_of(secret)})
    assert (forged.status_code, forged.json()["code"]) == (401, "expired")
    assert client.post(url, json={"pending": pending, "code": code_of(secret)}).status_code == 200
    assert me(client)["name"] == "Kim"
    assert audited(database, "auth.signed_in")[-1].details == {"method": "company", "second_factor": "totp"}


def test_a_deactivated_person_does_not_come_in(app: FastAPI, provider: Provider, database: Database) -> None:
    provider.person("kim-1", "kim@example.com")
    client = visit(app)
    come_in(client)
    with database.transaction() as session:
        session.get_one(User, me(client)["id"]).disabled_at = utcnow()
    again = visit(app)
    assert come_in(again) == "/sign-in?problem=unauthenticated"
    assert again.get(f"{API}/users/me").status_code == 401
