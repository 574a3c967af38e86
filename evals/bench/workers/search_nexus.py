"""The product's hybrid search over a synthetic company, permissions and all."""

import time

from sqlalchemy import insert
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.domains.users.service import as_subject, create_user
from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.infra.settings import Settings
from core_api.models import (
    Chunk,
    Document,
    DocumentVersion,
    IndexState,
    IndexStatus,
    Space,
    SpaceKind,
    SpaceMember,
    SpaceRole,
    new_id,
    utcnow,
)
from core_api.outbox import last_change, next_change
from evals.bench.process import memory, percentile, serve
from evals.bench.synthetic import PEOPLE, TEAMS, SyntheticDocument, VectorMaker, documents, queries, readable_spaces
from evals.bench.workers.searches import Parameters, Result
from retrieval.embedding import load_embedder
from retrieval.engine import RetrievalEngine
from retrieval.placement import place
from retrieval.service import search
from retrieval.types import Mode, Query
from retrieval.vectors import VectorRow

_BATCH = 100


def measure(text: str) -> Result:
    """Fill the database and the indexes directly, then search."""
    parameters = Parameters.model_validate_json(text)
    settings = Settings(
        data_dir=parameters.work_dir / "data",
        models_cache=parameters.models_cache,
        embedding_threads=parameters.threads,
        database_url=None,
        chroma_url=None,
    )
    settings.data_dir.mkdir(parents=True)
    database = Database(settings.resolved_database_url)
    upgrade(database)
    began = time.perf_counter()
    with database.transaction() as session:
        asker, spaces = _people(session)
    engine = RetrievalEngine.open(settings, database)
    try:
        engine.wait()
        maker = VectorMaker(load_embedder(settings).embed_queries(VectorMaker.topic_texts()))
        batch: list[SyntheticDocument] = []
        for document in documents(parameters.chunks):
            batch.append(document)
            if len(batch) == _BATCH:
                _write(database, engine, maker, asker, spaces, batch)
                batch = []
        _write(database, engine, maker, asker, spaces, batch)
        with database.reading() as session:
            goal = last_change(session)
        if not engine.keywords.wait_for(goal, timeout=1800):
            raise TimeoutError("the keyword index did not catch up")
        build = time.perf_counter() - began
        times, hits = _ask(database, engine, asker, parameters)
        peak = memory()
    finally:
        engine.close()
        database.dispose()
    return Result(
        name="nexus hybrid",
        chunks=parameters.chunks,
        build_seconds=build,
        p50_ms=percentile(times, 0.5),
        p95_ms=percentile(times, 0.95),
        hits=hits,
        memory=peak,
    )


def _people(session: Session) -> tuple[Subject, list[str]]:
    """The asker (the first person), and the ids of the team spaces, then of the personal ones."""
    people = [create_user(session, f"Person {number}") for number in range(PEOPLE)]
    asker = as_subject(people[0])
    teams = [Space(name=f"Team {number}", kind=SpaceKind.TEAM) for number in range(TEAMS)]
    session.add_all(teams)
    session.flush()
    personal = {
        member.user_id: member.space_id
        for member in session.query(SpaceMember).join(Space).where(Space.kind == SpaceKind.PERSONAL)
    }
    spaces = [team.id for team in teams] + [personal[person.id] for person in people]
    for index in readable_spaces():
        if index < TEAMS:
            session.add(SpaceMember(space_id=spaces[index], user_id=asker.user_id, role=SpaceRole.VIEWER))
    return asker, spaces


def _write(
    database: Database,
    engine: RetrievalEngine,
    maker: VectorMaker,
    author: Subject,
    spaces: list[str],
    batch: list[SyntheticDocument],
) -> None:
    if not batch:
        return
    vectors: dict[str, list[VectorRow]] = {}
    now = utcnow()
    # Core inserts go around the outbox: what is written here is indexed here.
    tables: dict[type, list[dict[str, object]]] = {Document: [], DocumentVersion: [], IndexState: [], Chunk: []}
    with database.transaction() as session:
        for made in batch:
            document_id, space_id = new_id(), spaces[made.space]
            title = f"Page {made.number}"
            tables[Document].append(
                {"id": document_id, "space_id": space_id, "title": title, "author_id": author.user_id}
            )
            tables[DocumentVersion].append(
                {
                    "document_id": document_id,
                    "number": 1,
                    "sha256": "0" * 64,
                    "size": 1,
                    "filename": "page.md",
                    "media_type": "text/markdown",
                    "author_id": author.user_id,
                }
            )
            tables[IndexState].append(
                {
                    "source_kind": "document",
                    "source_id": document_id,
                    "space_id": space_id,
                    "status": IndexStatus.INDEXED,
                    "indexed_version": 1,
                    "chunk_count": len(made.texts),
                    "indexed_at": now,
                    "change_seq": next_change(session),
                }
            )
            target = place(session, space_id, engine.embedder.fingerprint)
            embeddings = maker.make(made.topics)
            position = 0
            for ordinal, words in enumerate(made.texts):
                id_ = f"document:{document_id}:{ordinal}"
                tables[Chunk].append(
                    {
                        "id": id_,
                        "space_id": space_id,
                        "source_kind": "document",
                        "source_id": document_id,
                        "version": 1,
                        "ordinal": ordinal,
                        "title": title,
                        "heading": "",
                        "text": words,
                        "start": position,
                        "end": position + len(words),
                        "page": None,
                        "language": "en",
                        "content_sha256": "0" * 64,
                    }
                )
                position += len(words) + 2
                vectors.setdefault(target.collection, []).append(VectorRow(id_, space_id, "", embeddings[ordinal]))
        for table, rows in tables.items():
            session.execute(insert(table), rows)
    for collection, made_rows in vectors.items():
        engine.vectors.upsert(collection, made_rows)


def _ask(
    database: Database, engine: RetrievalEngine, asker: Subject, parameters: Parameters
) -> tuple[list[float], float]:
    """Milliseconds of each query, and hits of an average one. Every question is asked once, so that none is known."""
    times, hits = [], 0
    warm_up = 20
    for number, question in enumerate(queries(parameters.queries + warm_up)):
        began = time.perf_counter()
        with database.reading() as session:
            found = search(session, asker, engine, Query(question, k=parameters.k))
        if found.mode is not Mode.HYBRID:
            raise RuntimeError(f"{question!r} was searched by {found.mode}")
        if number >= warm_up:
            times.append((time.perf_counter() - began) * 1000)
            hits += len(found.hits)
    return times, hits / parameters.queries


if __name__ == "__main__":
    serve(measure)
