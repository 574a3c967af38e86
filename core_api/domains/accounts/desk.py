"""What the verbs of this domain work with, and how they count guesses at secrets.

Hashing a password takes its time: it is done between transactions, never within one. So these verbs open their own,
and what must be kept of a request that fails (that it has failed) is committed.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from core_api.auth.browser import device_of
from core_api.auth.dependencies import DatabaseDep, LimiterDep, SettingsDep, VaultDep
from core_api.auth.sessions import Device
from core_api.http.rate_limits import RateLimiter, network_of
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault

# Mail that anyone may cause, to one address.
MAIL_LIMIT = "5/hour"


@dataclass(frozen=True, slots=True)
class Guesses:
    """Counts attempts at one account's secret, and failures from one address."""

    limiter: RateLimiter
    limit: str
    kind: str
    account: str
    address: str

    def begin(self) -> None:
        """Count an attempt. Raises TooManyRequests."""
        if self.address:
            self.limiter.check(self.limit, self.kind, "address", self.address)
        self.limiter.hit(self.limit, self.kind, "account", self.account)

    def failed(self) -> None:
        """It was wrong: that counts for the address, whichever accounts are tried from there."""
        if self.address:
            self.limiter.hit(self.limit, self.kind, "address", self.address)

    def succeeded(self) -> None:
        """It was right: the account's attempts before are forgiven, the address's failures are not."""
        self.limiter.forget(self.limit, self.kind, "account", self.account)


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a request is served: the database, the vault, the settings, the limits, and the device that asks."""

    database: Database
    vault: Vault
    settings: Settings
    limiter: RateLimiter
    device: Device

    @property
    def network(self) -> str:
        """The address, as it is counted; empty for a call by this process itself."""
        return network_of(self.device.address) if self.device.address else ""

    def guesses(self, kind: str, account: str) -> Guesses:
        """A counter of attempts at `kind` of secret of `account`."""
        return Guesses(self.limiter, self.settings.rate_limit_sign_in, kind, account, self.network)


async def _desk(
    request: Request, database: DatabaseDep, vault: VaultDep, settings: SettingsDep, limiter: LimiterDep
) -> Desk:
    return Desk(database, vault, settings, limiter, device_of(request))


DeskDep = Annotated[Desk, Depends(_desk)]
