"""GitHub, which has OAuth 2 and no ID tokens: who it is, its API says."""

from typing import Any

import httpx2
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from core_api.auth.oidc.connect import SECONDS
from core_api.auth.oidc.profile import Profile, ProviderFailed
from core_api.infra.settings import OidcProvider

_SCOPE = "read:user user:email"


class GitHub:
    """github.com, or a GitHub Enterprise Server at `issuer`."""

    def __init__(self, settings: OidcProvider) -> None:
        self._settings = settings
        self._site = (settings.issuer or "https://github.com").rstrip("/")
        self._api = f"{self._site}/api/v3" if settings.issuer else "https://api.github.com"

    def authorization_url(self, redirect_uri: str, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser."""
        with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                f"{self._site}/login/oauth/authorize", state=state, code_verifier=verifier
            )
        return str(url)

    def profile(self, redirect_uri: str, *, code: str, issuer: str | None, nonce: str, verifier: str) -> Profile:
        """Who came back with this code. Raises ProviderFailed."""
        with self._client(redirect_uri) as client:
            try:
                client.fetch_token(
                    f"{self._site}/login/oauth/access_token",
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                    headers={"Accept": "application/json"},
                )
                user = self._read(client, "/user")
                emails = self._read(client, "/user/emails")
            except (OAuthError, httpx2.HTTPError, ValueError) as error:
                raise ProviderFailed(f"the code was not taken: {error}") from error
        if not isinstance(user, dict) or not isinstance(user.get("id"), int) or not isinstance(emails, list):
            raise ProviderFailed("it does not say who it is")
        primary = next((e for e in emails if isinstance(e, dict) and e.get("primary") is True), {})
        email = primary.get("email")
        return Profile(
            subject=str(user["id"]),  # logins can be renamed and taken by somebody else
            email=email if isinstance(email, str) else None,
            email_verified=primary.get("verified") is True,
            name=str(user.get("name") or user.get("login") or ""),
        )

    def _client(self, redirect_uri: str) -> OAuth2Client:
        return OAuth2Client(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - a name
            redirect_uri=redirect_uri,
            scope=_SCOPE,
            code_challenge_method="S256",
            timeout=SECONDS,
            leeway=0,
        )

    def _read(self, client: OAuth2Client, path: str) -> Any:
        response = client.get(self._api + path, headers={"Accept": "application/vnd.github+json"})
        response.raise_for_status()
        return response.json()
