"""LangChain as its tutorials use it: RecursiveCharacterTextSplitter, HuggingFaceEmbeddings, Chroma.from_documents."""

import time
from importlib import import_module
from typing import Any

from evals.bench.corpus import text_files
from evals.bench.process import memory, serve
from evals.bench.workers.imports import Parameters, Result


def measure(text: str) -> Result:
    """Import the folder into a new persistent Chroma."""
    parameters = Parameters.model_validate_json(text)
    documents_module: Any = import_module("langchain_core.documents")
    splitters: Any = import_module("langchain_text_splitters")
    huggingface: Any = import_module("langchain_huggingface")
    chroma: Any = import_module("langchain_chroma")
    torch: Any = import_module("torch")
    torch.set_num_threads(parameters.threads)
    embeddings = huggingface.HuggingFaceEmbeddings(
        model_name=str(parameters.model),
        model_kwargs={"device": "cpu"},
        encode_kwargs={"normalize_embeddings": True},
    )
    embeddings.embed_query("The first text loads what is loaded late.")
    idle = memory().peak_mb

    files = text_files(parameters.corpus)
    began = time.perf_counter()
    documents = [
        documents_module.Document(
            page_content=path.read_text(encoding="utf-8", errors="replace"), metadata={"source": str(path)}
        )
        for path in files
    ]
    splitter = splitters.RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    chunks = splitter.split_documents(documents)
    chroma.Chroma.from_documents(chunks, embeddings, persist_directory=str(parameters.work_dir / "chroma"))
    seconds = time.perf_counter() - began
    peak = memory()
    model = embeddings._client
    counts = [len(ids) for ids in model.tokenizer([c.page_content for c in chunks], truncation=False)["input_ids"]]
    return Result(
        name="LangChain",
        files=len(files),
        characters=sum(len(document.page_content) for document in documents),
        chunks=len(chunks),
        seconds=seconds,
        raw_seconds=None,
        cut=sum(count > model.max_seq_length for count in counts),
        idle_mb=idle,
        memory=peak,
    )


if __name__ == "__main__":
    serve(measure)
