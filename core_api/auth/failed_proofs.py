"""Proofs of who it is that somebody signed in was asked for, and that failed: kept like failed sign-ins."""

from typing import Literal

from core_api import audit
from core_api.audit import Actor
from core_api.auth.subject import Subject
from core_api.infra.database import Database


def record_failed_proof(
    database: Database, subject: Subject, purpose: str, factor: Literal["password", "code"]
) -> None:
    """Keep that the subject gave a wrong `factor` when they wanted to do `purpose`.

    In a transaction of its own, outside of any other: that of a request that fails is rolled back.
    """
    with database.transaction() as session:
        actor = Actor.of(subject)
        audit.record(session, actor, "auth.proof_failed", "user", subject.user_id, purpose=purpose, factor=factor)
