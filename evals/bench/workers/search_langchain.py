"""LangChain's Chroma retriever over the same chunks, with access as a metadata filter."""

import time
from importlib import import_module
from typing import Any

from evals.bench.process import memory, percentile, serve
from evals.bench.synthetic import VectorMaker, documents, queries, readable_spaces
from evals.bench.workers.searches import Parameters, Result

_BATCH = 200


def measure(text: str) -> Result:
    """Fill one collection with vectors made beforehand, then retrieve."""
    parameters = Parameters.model_validate_json(text)
    huggingface: Any = import_module("langchain_huggingface")
    chroma: Any = import_module("langchain_chroma")
    torch: Any = import_module("torch")
    np: Any = import_module("numpy")
    torch.set_num_threads(parameters.threads)
    embeddings = huggingface.HuggingFaceEmbeddings(
        model_name=str(parameters.model),
        model_kwargs={"device": "cpu"},
        encode_kwargs={"normalize_embeddings": True},
    )
    began = time.perf_counter()
    store = chroma.Chroma(
        collection_name="benchmark",
        embedding_function=embeddings,
        persist_directory=str(parameters.work_dir / "chroma"),
        collection_metadata={"hnsw:space": "cosine"},
    )
    maker = VectorMaker(np.asarray(embeddings.embed_documents(VectorMaker.topic_texts()), dtype=np.float32))
    rows: list[tuple[str, int, str, Any]] = []
    for document in documents(parameters.chunks):
        vectors = maker.make(document.topics)
        for ordinal, words in enumerate(document.texts):
            rows.append((f"{document.number}:{ordinal}", document.space, words, vectors[ordinal]))
        if len(rows) >= _BATCH * 10:
            _add(store, rows)
            rows = []
    _add(store, rows)
    build = time.perf_counter() - began

    retriever = store.as_retriever(search_kwargs={"k": parameters.k, "filter": {"space": {"$in": readable_spaces()}}})
    times, hits = [], 0
    warm_up = 20
    for number, question in enumerate(queries(parameters.queries + warm_up)):
        asked = time.perf_counter()
        found = retriever.invoke(question)
        if number >= warm_up:
            times.append((time.perf_counter() - asked) * 1000)
            hits += len(found)
    return Result(
        name="LangChain Chroma retriever",
        chunks=parameters.chunks,
        build_seconds=build,
        p50_ms=percentile(times, 0.5),
        p95_ms=percentile(times, 0.95),
        hits=hits / parameters.queries,
        memory=memory(),
    )


def _add(store: Any, rows: list[tuple[str, int, str, Any]]) -> None:
    if rows:
        ids, spaces, texts, vectors = zip(*rows, strict=True)
        # from_documents would embed; the collection beneath takes vectors.
        store._collection.upsert(
            ids=list(ids),
            embeddings=list(vectors),
            documents=list(texts),
            metadatas=[{"space": space} for space in spaces],
        )


if __name__ == "__main__":
    serve(measure)
