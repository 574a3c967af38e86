"""OpenID Connect: configuration by discovery, the code flow with PKCE, and the ID token verified in full."""

import threading
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from core_api.auth.oidc.profile import Profile, ProviderFailed
from core_api.infra.settings import OidcProvider

SECONDS = 10.0
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SCOPE = "openid email profile"
_KEPT_SECONDS = 3600.0
_REFETCH_SECONDS = 60.0
_LEEWAY_SECONDS = 60
# Never `none`, and never a secret that is shared: only the issuer can make these signatures.
_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)


class OpenIdConnect:
    """An issuer. Its configuration and keys are kept for an hour; an unknown key has them fetched anew."""

    def __init__(self, settings: OidcProvider) -> None:
        self._settings = settings
        self._issuer = settings.issuer or ""
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._metadata_until = 0.0
        self._keys: KeySet | None = None
        self._keys_at = 0.0

    def authorization_url(self, redirect_uri: str, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises ProviderFailed."""
        with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                self._endpoint("authorization_endpoint"), state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url)

    def profile(self, redirect_uri: str, *, code: str, issuer: str | None, nonce: str, verifier: str) -> Profile:
        """Who came back with this code. Raises ProviderFailed."""
        if issuer is not None and issuer != self._issuer:  # RFC 9207: another site's answer, mixed in
            raise ProviderFailed(f"the answer is from {issuer!r}")
        if issuer is None and self._discovered().get("authorization_response_iss_parameter_supported"):
            raise ProviderFailed("the answer does not say whom it is from")
        with self._client(redirect_uri) as client:
            try:
                token = client.fetch_token(
                    self._endpoint("token_endpoint"),
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                )
            except (OAuthError, httpx2.HTTPError, ValueError) as error:
                raise ProviderFailed(f"the code was not taken: {error}") from error
            claims = self._verified(token, nonce)
            if "email" not in claims and self._discovered().get("userinfo_endpoint"):
                claims = {**self._userinfo(client, claims["sub"]), **claims}
        return _profile(claims)

    def _client(self, redirect_uri: str) -> OAuth2Client:
        methods = self._discovered().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = "client_secret_basic" in methods
        return OAuth2Client(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
            token_endpoint_auth_method="client_secret_basic" if basic else "client_secret_post",
            redirect_uri=redirect_uri,
            scope=_SCOPE,
            code_challenge_method="S256",
            timeout=SECONDS,
            leeway=0,
        )

    def _verified(self, token: dict[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token: signed by the issuer, meant for us, for this sign-in, and for now."""
        try:
            encoded = str(token["id_token"])
            try:
                decoded = jwt.decode(encoded, self._key_set(), algorithms=list(_ALGORITHMS))
            except (InvalidKeyIdError, ValueError):
                decoded = jwt.decode(encoded, self._key_set(anew=True), algorithms=list(_ALGORITHMS))
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._settings.client_id},
                    "sub": {"essential": True},
                    "exp": {"essential": True},
                },
                {
                    "nonce": nonce,
                    "client_id": self._settings.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderFailed(f"the ID token cannot be believed: {error!r}") from error
        return dict(claims)

    def _userinfo(self, client: OAuth2Client, subject: str) -> dict[str, Any]:
        info = _fetch(lambda: client.get(self._endpoint("userinfo_endpoint")))
        if info.get("sub") != subject:
            raise ProviderFailed("userinfo is of somebody else")
        return info

    def _endpoint(self, name: str) -> str:
        url = str(self._discovered().get(name) or "")
        _check_encrypted(url)
        return url

    def _discovered(self) -> dict[str, Any]:
        with self._lock:
            if time.monotonic() >= self._metadata_until:
                _check_encrypted(self._issuer)
                url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
                found = _fetch(lambda: httpx2.get(url, timeout=SECONDS))
                if found.get("issuer") != self._issuer:
                    raise ProviderFailed(f"the configuration is of {found.get('issuer')!r}")
                self._metadata, self._metadata_until = found, time.monotonic() + _KEPT_SECONDS
            return self._metadata

    def _key_set(self, *, anew: bool = False) -> KeySet:
        url = self._endpoint("jwks_uri")
        with self._lock:
            age = time.monotonic() - self._keys_at
            # Whoever sends tokens with made-up keys does not have us fetch at each.
            if self._keys is None or age > _KEPT_SECONDS or (anew and age > _REFETCH_SECONDS):
                self._keys = KeySet.import_key_set(_fetch(lambda: httpx2.get(url, timeout=SECONDS)))  # type: ignore[arg-type]
                self._keys_at = time.monotonic()
            return self._keys


def _check_encrypted(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise ProviderFailed(f"{url!r} is not an https address")


def _fetch(request: Any) -> dict[str, Any]:
    try:
        response: httpx2.Response = request()
        response.raise_for_status()
        found = response.json()
    except (httpx2.HTTPError, OAuthError, ValueError) as error:
        raise ProviderFailed(f"it did not answer: {error}") from error
    if not isinstance(found, dict):
        raise ProviderFailed("it answered something else")
    return found


def _profile(claims: dict[str, Any]) -> Profile:
    subject, email = claims.get("sub"), claims.get("email")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise ProviderFailed("the subject is not one")
    return Profile(
        subject=subject,
        email=email if isinstance(email, str) and email else None,
        # Some send it as text.
        email_verified=claims.get("email_verified") in (True, "true"),
        name=str(claims.get("name") or claims.get("preferred_username") or ""),
    )
