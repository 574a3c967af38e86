"""An OpenID Connect provider on loopback, which signs its one person in at once; it also answers like GitHub."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.services import http_server

CLIENT_ID, CLIENT_SECRET = "nexus", "s3cret-of-the-client"
_KEY = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})


@dataclass
class Provider:
    """What the provider says; a test changes it to have it misbehave. `realm` is the path of the issuer, as Keycloak's
    have one; without `client_auth` the provider names no way for the client to prove itself, and takes each."""

    url: str = ""
    realm: str = ""
    client_auth: str = ""
    key: RSAKey = field(default_factory=lambda: _KEY)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    # Changes the claims, or the finished token, before they are handed out.
    forge_claims: Any = None
    forge_token: Any = None
    authorize_error: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    github_user: dict[str, Any] = field(default_factory=dict)
    github_emails: list[dict[str, Any]] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"{self.url}{self.realm}"

    def person(self, subject: str, email: str | None = None, *, verified: bool = True, name: str = "Kim Minji") -> None:
        """Who signs in from now on."""
        self.claims = {"sub": subject, "name": name}
        if email is not None:
            self.claims |= {"email": email, "email_verified": verified}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        if self.forge_claims is not None:
            self.forge_claims(claims)
        token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        return str(self.forge_token(self, token, claims)) if self.forge_token is not None else token


@contextmanager
def oidc_provider() -> Iterator[Provider]:
    """The provider, running."""
    provider = Provider()

    class Handler(_Handler):
        state = provider

    with http_server(Handler) as provider.url:
        yield provider


class _Handler(BaseHTTPRequestHandler):
    state: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if not parts.path.startswith(self.state.realm):
            self._json({"error": "not_found"}, 404)
            return
        match parts.path.removeprefix(self.state.realm):
            case "/.well-known/openid-configuration":
                self._json(self._configuration())
            case "/jwks":
                self._json(KeySet([self.state.key]).as_dict(private=False))
            case "/authorize" | "/login/oauth/authorize":
                self._authorize(asked)
            case "/userinfo":
                self._json(self.state.userinfo)
            case "/api/v3/user":
                self._json(self.state.github_user)
            case "/api/v3/user/emails":
                self._json(self.state.github_emails)
            case _:
                self._json({"error": "not_found"}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        client, how = (form.get("client_id", ""), form.get("client_secret", "")), "client_secret_post"
        if (basic := self.headers.get("authorization", "")).startswith("Basic "):
            client, how = tuple(base64.b64decode(basic[6:]).decode().split(":", 1)), "client_secret_basic"
        asked = self.state.codes.pop(form.get("code", ""), None)  # each works once
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if client != (CLIENT_ID, CLIENT_SECRET) or self.state.client_auth not in ("", how):
            self._json({"error": "invalid_client"}, 401)
        elif (
            asked is None
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != challenge.rstrip(b"=").decode()
        ):
            self._json({"error": "invalid_grant"}, 400)
        elif self.path == "/login/oauth/access_token":
            self._json({"access_token": "gho_x", "token_type": "bearer", "scope": "read:user"})
        else:
            token = self.state.id_token(asked["nonce"])
            self._json({"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": token})

    def _configuration(self) -> dict[str, Any]:
        issuer = self.state.issuer
        endpoints = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        configuration: dict[str, Any] = {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks",
            **{f"{name}_endpoint": f"{issuer}/{path}" for name, path in endpoints.items()},
        }
        if self.state.client_auth:
            configuration["token_endpoint_auth_methods_supported"] = [self.state.client_auth]
        return configuration

    def _authorize(self, asked: dict[str, str]) -> None:
        self.state.asked.append(asked)
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
        assert asked["code_challenge_method"] == "S256"
        answer = {"state": asked["state"]}
        if self.state.authorize_error:
            answer["error"] = self.state.authorize_error
        else:
            answer["code"] = secrets.token_urlsafe(16)
            self.state.codes[answer["code"]] = asked
        self.send_response(303)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode(answer)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, content: Any, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
