"""Redis as the broker of tasks: kombu's transport, whose workers also survive that Redis goes away while they work."""

import logging
from typing import Any

from kombu.transport import redis

logger = logging.getLogger(__name__)


class _QoS(redis.QoS):
    """What kombu does on a channel whose connection is lost ends the worker: it looks for the address of a client that
    is None. Nothing has to be done there, as a lease of the outbox brings back what was at hand."""

    def ack(self, delivery_tag: str) -> None:
        """Note that a task is done."""
        if not self.channel.closed:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Note that a task is not done here."""
        if not self.channel.closed:
            super().reject(delivery_tag, requeue)  # type: ignore[no-untyped-call]

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """Give back what is at hand when the channel closes."""
        try:
            super().restore_unacked_once(stderr)  # type: ignore[no-untyped-call]
        except Exception as error:  # noqa: BLE001 - whatever it is, it would end the worker
            logger.warning("%d tasks could not be given back to Redis: %s", len(self._delivered), error)


class _Channel(redis.Channel):
    QoS = _QoS


class Transport(redis.Transport):
    """What create_celery has kombu use for Redis URLs."""

    Channel = _Channel
