"""LlamaIndex as its tutorials use it: VectorStoreIndex.from_documents over Chroma, with its default splitter."""

import time
from importlib import import_module
from typing import Any

from evals.bench.corpus import text_files
from evals.bench.process import memory, serve
from evals.bench.workers.imports import Parameters, Result


def measure(text: str) -> Result:
    """Import the folder into a new persistent Chroma."""
    parameters = Parameters.model_validate_json(text)
    core: Any = import_module("llama_index.core")
    stores: Any = import_module("llama_index.vector_stores.chroma")
    embeddings: Any = import_module("llama_index.embeddings.huggingface")
    chromadb: Any = import_module("chromadb")
    torch: Any = import_module("torch")
    torch.set_num_threads(parameters.threads)
    model = embeddings.HuggingFaceEmbedding(model_name=str(parameters.model), device="cpu")
    model.get_query_embedding("The first text loads what is loaded late.")
    client = chromadb.PersistentClient(str(parameters.work_dir / "chroma"))
    store = stores.ChromaVectorStore(chroma_collection=client.get_or_create_collection("benchmark"))
    idle = memory().peak_mb

    files = text_files(parameters.corpus)
    began = time.perf_counter()
    documents = [
        core.Document(text=path.read_text(encoding="utf-8", errors="replace"), metadata={"source": path.name})
        for path in files
    ]
    core.VectorStoreIndex.from_documents(
        documents, storage_context=core.StorageContext.from_defaults(vector_store=store), embed_model=model
    )
    seconds = time.perf_counter() - began
    peak = memory()
    stored = client.get_collection("benchmark").get(include=["documents"])["documents"]
    tokenizer = model._model.tokenizer
    counts = [len(ids) for ids in tokenizer(stored, truncation=False)["input_ids"]]
    return Result(
        name="LlamaIndex",
        files=len(files),
        characters=sum(len(document.text) for document in documents),
        chunks=len(stored),
        seconds=seconds,
        raw_seconds=None,
        cut=sum(count > model._model.max_seq_length for count in counts),
        idle_mb=idle,
        memory=peak,
    )


if __name__ == "__main__":
    serve(measure)
