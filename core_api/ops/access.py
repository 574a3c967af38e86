"""Who may read metrics: with a token set, whoever shows it; without one, this machine."""

import hmac
import ipaddress

from core_api.infra.errors import Forbidden, Unauthenticated
from core_api.infra.settings import Settings


def allow_metrics(settings: Settings, address: str | None, authorization: str) -> None:
    """Raise Unauthenticated or Forbidden, unless a request from `address` with this header may read metrics."""
    if settings.metrics_token is not None:
        scheme, _, shown = authorization.partition(" ")
        token = settings.metrics_token.get_secret_value()
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), token.encode()):
            raise Unauthenticated(
                "Send `Authorization: Bearer …` with the token of NEXUS_METRICS_TOKEN.",
                headers={"WWW-Authenticate": "Bearer"},
            )
    elif not _is_loopback(address):
        raise Forbidden("Metrics are told to this machine only. For others, set NEXUS_METRICS_TOKEN and send it.")


def _is_loopback(address: str | None) -> bool:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped.is_loopback
    return parsed.is_loopback
