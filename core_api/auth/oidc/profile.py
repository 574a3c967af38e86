"""Whom another site vouches for, and how it is asked."""

from dataclasses import dataclass
from typing import Protocol

from core_api.infra.errors import NexusError


class ProviderFailed(NexusError):
    """The other site did not say who it is, or not in a way that can be believed. The reason is for the log."""

    status, code, title = 502, "provider", "The other site did not sign you in"


@dataclass(frozen=True, slots=True)
class Profile:
    """A person at another site; `subject` is theirs there for ever, the address may change."""

    subject: str
    email: str | None
    email_verified: bool
    name: str


class Provider(Protocol):
    """A site to sign in with."""

    def authorization_url(self, redirect_uri: str, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send the browser. Raises ProviderFailed."""

    def profile(self, redirect_uri: str, *, code: str, issuer: str | None, nonce: str, verifier: str) -> Profile:
        """Who came back with this code; `issuer` is who the answer says it is from. Raises ProviderFailed."""
