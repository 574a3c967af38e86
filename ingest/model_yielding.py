"""What indexing yields to a change of the embedding model, so that a flip or a rollback succeeds whatever is imported.

While another model is built or kept, each passage is embedded twice, and the second model may be the slower one. So
bulk work waits while the other model's vectors are far behind, and a pipeline waits before it writes while a turn
(ingest.model_change) is only short of the last changes.
"""

import time
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.models import ActiveModel, IndexState, ModelChange, utcnow
from ingest.model_change import FOLLOWED, standing

_LAG_SECONDS = 15.0
"""So far behind, by what it embedded in a second lately, the other model may be."""
_LEAST_LAG = 100
_SOURCES_COUNTED = 1_000
_LOOK_SECONDS = 0.1


def bulk_waits(session: Session) -> bool:
    """Whether what was never indexed has to wait. It waits for nobody: not while the vectors are built for the first
    time, which may take hours, and not when nobody works on them, or nobody can."""
    now = standing(session)
    change, other = now.change, now.other
    if change is None or other is None or change.state not in FOLLOWED or change.error:
        return False
    if other.position < change.build_to or change.leased_until is None or change.leased_until < utcnow():
        return False
    coming = (
        select(IndexState.chunk_count)
        .where(IndexState.change_seq > other.position)
        .order_by(IndexState.change_seq)
        .limit(_SOURCES_COUNTED)
        .subquery()
    )
    lag = session.scalar(select(func.sum(coming.c.chunk_count))) or 0
    return lag > max(_LEAST_LAG, _LAG_SECONDS * (change.rate or 0.0))


def wait_for_turn(database: Database, alive: Callable[[], None]) -> None:
    """Return when no turn is waited for; `alive` is called meanwhile."""
    until = select(ModelChange.turning_until).join(ActiveModel, ActiveModel.change_id == ModelChange.id)
    while True:
        with database.reading() as session:
            turning = session.scalar(until)
        if turning is None or turning < utcnow():
            return
        alive()
        time.sleep(_LOOK_SECONDS)
