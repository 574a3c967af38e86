"""The product's hybrid search over a synthetic company, permissions and all."""

import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from core_api.auth.subject import Subject
from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.infra.settings import Settings
from evals.bench.filling import Filled, fill
from evals.bench.process import disk_mb, memory, percentile, serve
from evals.bench.synthetic import Company, Truth, queries
from evals.bench.workers.searches import Asked, Parameters, Result
from retrieval.access import hydrate, where_to_look
from retrieval.engine import RetrievalEngine
from retrieval.placement import targets
from retrieval.service import search
from retrieval.types import Filters, Mode, Query

_WARM_UP = 20
_LOADING_SECONDS = 600.0
_OF_PARTS = 40
_DEPTH = 100


def measure(text: str) -> Result:
    """Fill the database and the indexes directly, start anew as a server does, then search."""
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
    company = Company(parameters.chunks, parameters.spaces, parameters.sentences)
    readable = [company.readable(count) for count in parameters.readable]
    truth = Truth(readable[0])
    began = time.perf_counter()
    engine = RetrievalEngine.open(settings, database)
    try:
        engine.wait()
        filled = fill(database, engine, company, readable, truth.note)
        build = time.perf_counter() - began
        asked = [
            _ask(database, engine, asker, count, parameters)
            for asker, count in zip(filled.askers, parameters.readable, strict=True)
        ]
        recall = _recall(database, engine, filled, truth, parameters)
        parts = _parts(database, engine, filled.askers[0], parameters)
        peak = memory()
    finally:
        engine.close()
        database.dispose()
    return Result(
        name="nexus hybrid",
        chunks=parameters.chunks,
        spaces=parameters.spaces,
        build_seconds=build,
        asked=asked,
        recall=recall,
        memory=peak,
        disk_mb=disk_mb(parameters.work_dir),
        parts=parts,
    )


def _ask(database: Database, engine: RetrievalEngine, asker: Subject, readable: int, parameters: Parameters) -> Asked:
    """Every question is asked once, so that none is known."""
    times: list[float] = []
    hits = 0
    steps: dict[str, list[float]] = defaultdict(list)
    seed = 100 + int(asker.name.split()[-1])
    for number, question in enumerate(queries(parameters.queries + _WARM_UP, seed)):
        began = time.perf_counter()
        with database.reading() as session:
            found = search(session, asker, engine, Query(question, k=parameters.k))
        if found.mode is not Mode.HYBRID:
            raise RuntimeError(f"{question!r} was searched by {found.mode}")
        if number == _WARM_UP // 2:
            # What was asked for is being read into memory: seconds for the 70,000 chunks of five big spaces.
            engine.vectors.wait_until_held(_LOADING_SECONDS)
        if number >= _WARM_UP:
            times.append((time.perf_counter() - began) * 1000)
            hits += len(found.hits)
            for name, milliseconds in found.took_ms.items():
                steps[name].append(milliseconds)
    return Asked.of(readable, times, hits, steps)


def _recall(database: Database, engine: RetrievalEngine, filled: Filled, truth: Truth, parameters: Parameters) -> float:
    """Of the search by meaning alone, as the others do it."""
    questions = queries(parameters.queries)
    found = []
    for question in questions:
        with database.reading() as session:
            query = Query(question, k=parameters.k, mode=Mode.SEMANTIC, per_source=0)
            hits = search(session, filled.askers[0], engine, query).hits
        found.append([filled.key(hit.chunk_id) for hit in hits])
    return truth.recall(np.stack([engine.embed_query(question) for question in questions]), found, parameters.k)


def _parts(database: Database, engine: RetrievalEngine, asker: Subject, parameters: Parameters) -> dict[str, float]:
    """Medians of the parts of a search, each alone, one after another."""
    questions = queries(_OF_PARTS, seed=14)
    with database.reading() as session:
        spaces, _ = where_to_look(session, asker, Filters())
        collections = targets(session, spaces, engine.embedder.fingerprint)
    vectors = iter([engine.embed_query(question) for question in questions])
    found = iter([[id_ for id_, _ in engine.keywords.search(words, 2 * parameters.k, spaces)] for words in questions])

    def timed(act: Callable[[str], object]) -> float:
        times = []
        for question in questions:
            began = time.perf_counter()
            act(question)
            times.append((time.perf_counter() - began) * 1000)
        return percentile(times, 0.5)

    def access(_: str) -> None:
        with database.reading() as session:
            look, _shared = where_to_look(session, asker, Filters())
            targets(session, look, engine.embedder.fingerprint)

    def read(_: str) -> None:
        with database.reading() as session:
            hydrate(session, asker, next(found), Filters())

    return {
        "who may read what, and where it is": timed(access),
        # Under other words: what was embedded is remembered.
        "embedding the query": timed(lambda question: engine.embed_query(f"And {question}")),
        "vectors": timed(lambda _: engine.vectors.query(collections, next(vectors), _DEPTH)),
        "keywords": timed(lambda question: engine.keywords.search(question, _DEPTH, spaces)),
        f"reading and checking {2 * parameters.k} passages": timed(read),
    }


if __name__ == "__main__":
    serve(measure)
