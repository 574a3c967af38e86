"""Serving an exported model: `tokenizers` and ONNX Runtime, nothing else."""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from retrieval.embedding.base import Vectors, covers_language, require_fit
from retrieval.embedding.manifest import MODEL_FILE, TOKENIZER_FILE, Manifest

# Padded tokens in one batch. Small ones keep the activations in the cache and the memory low: against 512, 1,536 tokens
# cost 5-10% more CPU time for each passage and 60 MB more memory, 4,096 cost 20%.
_BATCH_TOKENS = 768
# No query needs more text than this many characters for each token that the model reads; the rest is not tokenised.
_QUERY_CHARS_PER_TOKEN = 64


class LocalEmbedder:
    """A model on ONNX Runtime. Thread-safe; passages are embedded one batch at a time, queries never wait for them."""

    def __init__(
        self,
        manifest: Manifest,
        directory: Path,
        *,
        languages: Sequence[str],
        threads: int,
        max_tokens: int | None = None,
    ) -> None:
        self.name = manifest.name
        self.fingerprint = manifest.fingerprint
        self.dimensions = manifest.dimensions
        self.max_tokens = min(manifest.max_tokens, max_tokens or manifest.max_tokens)
        self.manifest = manifest
        self._languages = tuple(languages)
        self._passages = Tokenizer.from_file(str(directory / TOKENIZER_FILE))
        self._queries = Tokenizer.from_file(str(directory / TOKENIZER_FILE))
        self._queries.enable_truncation(self.max_tokens)
        self._session = _session(directory / MODEL_FILE, threads or available_cores())
        self._one_batch = threading.Lock()

    def covers(self, language: str) -> bool:
        """Whether the settings say that the model knows this language."""
        return covers_language(self._languages, language)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as a passage, prompt and special tokens included."""
        return [len(encoding.ids) for encoding in self._tokenize_passages(texts)]

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions), L2-normalised. A query is cut after `max_tokens` tokens; what it asks stands first."""
        limit = self.max_tokens * _QUERY_CHARS_PER_TOKEN
        prompted = [self.manifest.query_prompt + text[:limit] for text in texts]
        vectors = np.empty((len(prompted), self.dimensions), dtype=np.float32)
        encodings = self._queries.encode_batch_fast(prompted)
        for rows in _batches(encodings):
            vectors[rows] = self._run([encodings[row] for row in rows])
        return vectors

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions), L2-normalised. Raises ValueError for a text over `max_tokens`."""
        encodings = self._tokenize_passages(texts)
        require_fit([len(encoding.ids) for encoding in encodings], self.max_tokens)
        vectors = np.empty((len(encodings), self.dimensions), dtype=np.float32)
        for rows in _batches(encodings):
            # Two batches at once would fight over the same cores, and a query would wait for both.
            with self._one_batch:
                vectors[rows] = self._run([encodings[row] for row in rows])
        return vectors

    def _tokenize_passages(self, texts: Sequence[str]) -> list[Encoding]:
        prompt = self.manifest.passage_prompt
        return self._passages.encode_batch_fast([prompt + text for text in texts] if prompt else list(texts))

    def _run(self, encodings: Sequence[Encoding]) -> Vectors:
        length = max(len(encoding.ids) for encoding in encodings)
        shape = (len(encodings), length)
        ids: NDArray[np.int64] = np.full(shape, self.manifest.pad_token_id, dtype=np.int64)
        mask: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        feed = {"input_ids": ids, "attention_mask": mask}
        if "token_type_ids" in self.manifest.inputs:
            feed["token_type_ids"] = np.zeros(shape, dtype=np.int64)
        vectors: Vectors = self._session.run(None, feed)[0]
        return vectors


def _batches(encodings: Sequence[Encoding]) -> Iterator[list[int]]:
    """Row numbers in batches of similar length, each of at most `_BATCH_TOKENS` tokens with its padding."""
    order = sorted(range(len(encodings)), key=lambda row: len(encodings[row].ids), reverse=True)
    batch: list[int] = []
    longest = 0
    for row in order:
        if batch and longest * (len(batch) + 1) > _BATCH_TOKENS:
            yield batch
            batch = []
        if not batch:
            longest = len(encodings[row].ids)
        batch.append(row)
    if batch:
        yield batch


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # Pinned: with its default ONNX Runtime takes all cores of the host, also those that a container does not have.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while a run lasts save a query a fifth of its time (4.2 to 3.5 ms on two cores); between runs
    # they must not, or a server at rest would not be.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
