"""The gate of a change of the embedding model: golden queries, asked of the model in use and of the new one."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.domains.users.service import as_subject
from core_api.infra.database import Database
from core_api.models import Chunk, User
from evals import own_data
from evals.judging import judge
from evals.metrics import reciprocal_rank
from evals.own_data import GoldenQuery
from retrieval.engine import RetrievalEngine
from retrieval.service import search
from retrieval.types import Mode, Query

_QUERIES = 300
_DEPTH = 10
_LEAST_QUERIES = 50
"""Fewer tell two ways of searching apart by luck only (Buckley and Voorhees, SIGIR 2000: at least 25, better 50)."""


def compare_models(
    database: Database, old: RetrievalEngine, new: RetrievalEngine, alive: Callable[[], None]
) -> dict[str, Any]:
    """MRR@10 of both, in hybrid mode, which decides, and semantic mode. The queries are those of the data directory's
    golden set where there is one, else titles and headings, each asked as its document's author; `alive` is called
    between them.

    `verdict` is "passed", or why it does not pass: "worse", beyond chance; "vectors_worse", where the new vectors by
    themselves find less than half of what the old ones do; "too_few_questions" to tell.
    """
    path = own_data.golden_path(old.settings)
    with database.streaming() as session:
        golden = own_data.load(path) if path.is_file() else own_data.build(session, None, per_origin=_QUERIES // 2)
        askers = _askers(session, golden)
        empty = not session.scalar(select(exists(select(Chunk.id))))
    golden = [query for query in golden if query.asker in askers]
    report: dict[str, Any] = {"queries": len(golden), "of": "golden set" if path.is_file() else "titles and headings"}
    if empty:
        return report | {"verdict": "passed", "passed": True, "says": "Nothing is indexed that could get worse."}
    verdicts = {}
    for mode in (Mode.HYBRID, Mode.SEMANTIC):
        before, now = (_ask(database, engine, golden, askers, mode, alive) for engine in (old, new))
        verdicts[mode] = judge(before, now)
        report[mode.value] = verdicts[mode].as_dict()
    hybrid, semantic = verdicts[Mode.HYBRID], verdicts[Mode.SEMANTIC]
    lost = semantic.now < semantic.before / 2 and not semantic.passed
    says = (
        f"MRR@10 of {len(golden)} questions: {hybrid.before:.3f} before, {hybrid.now:.3f} with the new model "
        f"(a difference between {hybrid.low:+.3f} and {hybrid.high:+.3f}, with 95% confidence)"
    )
    verdict = "passed"
    if lost:
        verdict = "vectors_worse"
        says += f"; its vectors alone find little ({semantic.now:.3f}, before {semantic.before:.3f})"
    elif not hybrid.passed:
        verdict = "worse"
    elif len(golden) < _LEAST_QUERIES:
        verdict = "too_few_questions"
        says += f"; fewer than {_LEAST_QUERIES} tell little, so look for yourself"
    return report | {"verdict": verdict, "passed": verdict == "passed", "says": f"{says}."}


def _askers(session: Session, golden: Sequence[GoldenQuery]) -> dict[str, Subject]:
    users = {user_id: session.get(User, user_id) for user_id in {query.asker for query in golden}}
    return {id_: as_subject(user) for id_, user in users.items() if user is not None and user.deleted_at is None}


def _ask(
    database: Database,
    engine: RetrievalEngine,
    golden: Sequence[GoldenQuery],
    askers: dict[str, Subject],
    mode: Mode,
    alive: Callable[[], None],
) -> dict[str, float]:
    found: dict[str, float] = {}
    for query in golden:
        alive()
        with database.reading() as session:
            asked = Query(query.query, k=_DEPTH, mode=mode, per_source=1)
            hits = search(session, askers[query.asker], engine, asked).hits
        ranking = [f"{hit.source.kind}:{hit.source.id}" for hit in hits]
        found[query.id] = reciprocal_rank(ranking, dict.fromkeys(query.relevant, 1), _DEPTH)
    return found
