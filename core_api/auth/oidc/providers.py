"""The configured sites to sign in with."""

from core_api.auth.oidc.connect import OpenIdConnect
from core_api.auth.oidc.github import GitHub
from core_api.auth.oidc.profile import Provider
from core_api.infra.errors import NotFound
from core_api.infra.settings import Settings


class Providers:
    """All of them, by name; each keeps what it has learned of its site."""

    def __init__(self, settings: Settings) -> None:
        self._providers: dict[str, Provider] = {
            provider.name: GitHub(provider) if provider.kind == "github" else OpenIdConnect(provider)
            for provider in settings.oidc_providers
        }

    def get(self, name: str) -> Provider:
        """The one of this name; raises NotFound."""
        try:
            return self._providers[name]
        except KeyError:
            raise NotFound(f"There is no sign-in with {name!r} here.") from None
