"""LlamaIndex's retriever on Chroma over the same chunks, with access as a metadata filter."""

import time
from importlib import import_module
from typing import Any

from evals.bench.process import disk_mb, memory, serve
from evals.bench.synthetic import Company, Truth, VectorMaker, queries
from evals.bench.workers.searches import Asked, Parameters, Result

_BATCH = 2_000
_WARM_UP = 20


def measure(text: str) -> Result:
    """Fill one collection with nodes whose vectors were made beforehand, then retrieve."""
    parameters = Parameters.model_validate_json(text)
    core: Any = import_module("llama_index.core")
    schema: Any = import_module("llama_index.core.schema")
    filters: Any = import_module("llama_index.core.vector_stores")
    stores: Any = import_module("llama_index.vector_stores.chroma")
    huggingface: Any = import_module("llama_index.embeddings.huggingface")
    chromadb: Any = import_module("chromadb")
    torch: Any = import_module("torch")
    np: Any = import_module("numpy")
    torch.set_num_threads(parameters.threads)
    model = huggingface.HuggingFaceEmbedding(model_name=str(parameters.model), device="cpu")
    began = time.perf_counter()
    client = chromadb.PersistentClient(str(parameters.work_dir / "chroma"))
    collection = client.get_or_create_collection("benchmark", metadata={"hnsw:space": "cosine"})
    store = stores.ChromaVectorStore(chroma_collection=collection)
    company = Company(parameters.chunks, parameters.spaces, parameters.sentences)
    readable = company.readable(parameters.readable[0])
    truth = Truth(readable)
    topics = [model.get_query_embedding(words) for words in VectorMaker.topic_texts()]
    maker = VectorMaker(np.asarray(topics, dtype=np.float32))
    nodes: list[Any] = []
    for document in company.documents():
        vectors = maker.make(document.topics)
        truth.note(document, vectors)
        for ordinal, words in enumerate(document.texts):
            key, embedding = document.key(ordinal), vectors[ordinal].tolist()
            node = schema.TextNode(id_=key, text=words, metadata={"space": document.space}, embedding=embedding)
            nodes.append(node)
        if len(nodes) >= _BATCH:
            store.add(nodes)
            nodes = []
    if nodes:
        store.add(nodes)
    build = time.perf_counter() - began

    allowed = filters.MetadataFilter(key="space", value=readable, operator=filters.FilterOperator.IN)
    index = core.VectorStoreIndex.from_vector_store(store, embed_model=model)
    retriever = index.as_retriever(similarity_top_k=parameters.k, filters=filters.MetadataFilters(filters=[allowed]))
    times: list[float] = []
    found: list[list[str]] = []
    questions = queries(parameters.queries + _WARM_UP)
    for question in questions:
        asked = time.perf_counter()
        hits = retriever.retrieve(question)
        times.append((time.perf_counter() - asked) * 1000)
        found.append([hit.node.node_id for hit in hits])
    vectors = np.asarray([model.get_query_embedding(question) for question in questions], dtype=np.float32)
    return Result(
        name="LlamaIndex Chroma retriever",
        chunks=parameters.chunks,
        spaces=parameters.spaces,
        build_seconds=build,
        asked=[Asked.of(len(readable), times[_WARM_UP:], sum(len(each) for each in found[_WARM_UP:]))],
        recall=truth.recall(vectors, found, parameters.k),
        memory=memory(),
        disk_mb=disk_mb(parameters.work_dir),
    )


if __name__ == "__main__":
    serve(measure)
