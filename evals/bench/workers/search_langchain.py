"""LangChain's Chroma retriever over the same chunks, with access as a metadata filter."""

import time
from importlib import import_module
from typing import Any

from evals.bench.process import disk_mb, memory, serve
from evals.bench.synthetic import Company, Truth, VectorMaker, queries
from evals.bench.workers.searches import Asked, Parameters, Result

_BATCH = 2_000
_WARM_UP = 20


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
    company = Company(parameters.chunks, parameters.spaces, parameters.sentences)
    readable = company.readable(parameters.readable[0])
    truth = Truth(readable)
    maker = VectorMaker(np.asarray(embeddings.embed_documents(VectorMaker.topic_texts()), dtype=np.float32))
    rows: list[tuple[str, int, str, Any]] = []
    for document in company.documents():
        vectors = maker.make(document.topics)
        truth.note(document, vectors)
        for ordinal, words in enumerate(document.texts):
            rows.append((document.key(ordinal), document.space, words, vectors[ordinal]))
        if len(rows) >= _BATCH:
            _add(store, rows)
            rows = []
    _add(store, rows)
    build = time.perf_counter() - began

    retriever = store.as_retriever(search_kwargs={"k": parameters.k, "filter": {"space": {"$in": readable}}})
    times: list[float] = []
    found: list[list[str]] = []
    questions = queries(parameters.queries + _WARM_UP)
    for question in questions:
        asked = time.perf_counter()
        hits = retriever.invoke(question)
        times.append((time.perf_counter() - asked) * 1000)
        found.append([hit.id for hit in hits])
    vectors = np.asarray([embeddings.embed_query(question) for question in questions], dtype=np.float32)
    return Result(
        name="LangChain Chroma retriever",
        chunks=parameters.chunks,
        spaces=parameters.spaces,
        build_seconds=build,
        asked=[Asked.of(len(readable), times[_WARM_UP:], sum(len(each) for each in found[_WARM_UP:]))],
        recall=truth.recall(vectors, found, parameters.k),
        memory=memory(),
        disk_mb=disk_mb(parameters.work_dir),
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
