"""What is kept in the browser between leaving for another site and coming back: sealed, and for a few minutes."""

import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass

from core_api.infra.vault import SecretKeyUnusable, Vault

SECONDS = 10 * 60


@dataclass(frozen=True, slots=True)
class Flow:
    """One way to another site and back. `linking` is the session of somebody signed in who wants to link it."""

    provider: str
    state: str
    nonce: str
    verifier: str
    next_path: str
    linking: str | None
    until: float

    @classmethod
    def begin(cls, provider: str, next_path: str, linking: str | None) -> "Flow":
        """A new one, with secrets of its own."""
        return cls(
            provider=provider,
            state=secrets.token_urlsafe(24),
            nonce=secrets.token_urlsafe(24),
            verifier=secrets.token_urlsafe(48),
            next_path=next_path,
            linking=linking,
            until=time.time() + SECONDS,
        )

    def seal(self, vault: Vault) -> str:
        """For a cookie: neither readable nor changeable outside."""
        return vault.encrypt(json.dumps(asdict(self))).decode()

    def fits(self, provider: str, state: str) -> bool:
        """Whether an answer belongs to this flow."""
        return self.provider == provider and hmac.compare_digest(self.state.encode(), state.encode())


def opened(vault: Vault, sealed: str | None) -> Flow | None:
    """The flow of a cookie; None where there is none, or it is not ours or too old."""
    try:
        flow = Flow(**json.loads(vault.decrypt((sealed or "").encode())))
    except (SecretKeyUnusable, ValueError, TypeError):
        return None
    return flow if flow.until > time.time() else None
