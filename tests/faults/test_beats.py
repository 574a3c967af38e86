"""One beat leads, the others stand by; what is due happens once."""

import signal
from datetime import timedelta

from sqlalchemy import func, select

from core_api.models import MailMessage, Reminder, User, utcnow
from nexus.beat import is_led
from tests.cluster import Service, until
from tests.faults.installation import Installation


def leads(beat: Service) -> bool:
    return beat.log().count("beat_leads") > beat.log().count("beat_stands_by")


def remind(installation: Installation, name: str, seconds: float) -> None:
    """The stranger wants to be reminded by mail, so soon."""
    with installation.cluster.database.transaction() as session:
        user = session.scalars(select(User).where(User.name == "Stranger")).one()
        user.email_verified_at = utcnow()
        due = utcnow() + timedelta(seconds=seconds)
        session.add(Reminder(user_id=user.id, text=name, due_at=due, time_zone="UTC", mail=True))


def reminded(installation: Installation, name: str) -> int:
    with installation.cluster.database.reading() as session:
        return session.scalar(select(func.count()).where(MailMessage.subject.contains(name))) or 0


def test_another_beat_takes_over_when_the_leader_is_killed(installation: Installation) -> None:
    cluster, first = installation.cluster, installation.beat
    until(lambda: is_led(cluster.database))
    second = cluster.beat()
    until(lambda: "beat_stands_by" in second.log())
    assert leads(first)
    assert not leads(second)
    remind(installation, "while both run", 0)
    until(lambda: reminded(installation, "while both run"))
    with installation.under_load("beat SIGKILL"):
        for number in range(20):
            remind(installation, f"number {number} of it", number / 4)
        first.stop(signal.SIGKILL)
        installation.beat = second
        until(lambda: "beat_leads" in second.log(), 15)
        for number in range(20):
            until(lambda number=number: reminded(installation, f"number {number} of it"))
    assert reminded(installation, "while both run") == 1
    assert [reminded(installation, f"number {number} of it") for number in range(20)] == [1] * 20
