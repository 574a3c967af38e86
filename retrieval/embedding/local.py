"""Serving an exported model: `tokenizers` and ONNX Runtime, nothing else."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from core_api.infra.machine import available_cores
from retrieval.embedding.base import Vectors, covers_language, require_fit
from retrieval.embedding.manifest import MODEL_FILE, QUICK_FILE, TOKENIZER_FILE, ExportManifest, Manifest

# Padded tokens in one batch. Small ones keep the activations in the cache, the memory low and the padding little:
# passages of 256 to 1,100 characters, cut from documents of nine each, went at 70 a second with 200 tokens in a batch
# of one thread, at 61 with 400 and at 52 with 768; a question and ten sentences took 53 ms of processor time with 256,
# 75 with no limit.
_BATCH_TOKENS = 256
# No query needs more text than this many characters for each token that the model reads; the rest is not tokenised.
_QUERY_CHARS_PER_TOKEN = 64


class LocalEmbedder:
    """A model on ONNX Runtime. Thread-safe; passages are embedded a batch on each core, queries never wait for them.
    Each batch runs on one core: on all of them one alone would be a third faster, at twice the processor time."""

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
        self._exact = open_session(directory / MODEL_FILE)
        self._quick_file = directory / QUICK_FILE
        self._opening = threading.Lock()
        self._quick: onnxruntime.InferenceSession | None = None
        threads = threads or available_cores()
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="embedding")
        self._ahead = 8 * threads

    def covers(self, language: str) -> bool:
        """Whether the settings say that the model knows this language."""
        return covers_language(self._languages, language)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as a passage, prompt and special tokens included."""
        return [len(encoding.ids) for encoding in self._tokenize_passages(texts)]

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions), L2-normalised. A query is cut after `max_tokens` tokens; what it asks stands first."""
        return self._as_queries(texts, self._exact)

    def embed_quickly(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions), L2-normalised, by the int8 graph where there is one: 1.4 ms of processor time for a
        question, not 4; 6 for five sentences, not 13."""
        with self._opening:
            if self._quick is None:
                self._quick = open_session(self._quick_file) if self._quick_file.is_file() else self._exact
        return self._as_queries(texts, self._quick)

    def _as_queries(self, texts: Sequence[str], session: onnxruntime.InferenceSession) -> Vectors:
        limit = self.max_tokens * _QUERY_CHARS_PER_TOKEN
        prompted = [self.manifest.query_prompt + text[:limit] for text in texts]
        vectors = np.empty((len(prompted), self.dimensions), dtype=np.float32)
        encodings = self._queries.encode_batch_fast(prompted)
        for rows in batches(encodings, _BATCH_TOKENS):
            vectors[rows] = self._run(session, [encodings[row] for row in rows])
        return vectors

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions), L2-normalised. Raises ValueError for a text over `max_tokens`."""
        encodings = self._tokenize_passages(texts)
        require_fit([len(encoding.ids) for encoding in encodings], self.max_tokens)
        vectors = np.empty((len(encodings), self.dimensions), dtype=np.float32)

        def embed(rows: list[int]) -> None:
            vectors[rows] = self._run(self._exact, [encodings[row] for row in rows])

        # A batch on each core, instead of one on all: as fast alone, and faster beside the parsers of an import, since
        # no batch waits until all its threads have got their turn. A few ahead and no more: who comes with little work
        # meanwhile has it done between two batches of this.
        ahead: deque[Future[None]] = deque()
        for rows in batches(encodings, _BATCH_TOKENS):
            if len(ahead) == self._ahead:
                ahead.popleft().result()
            ahead.append(self._workers.submit(embed, rows))
        for done in ahead:
            done.result()
        return vectors

    def _tokenize_passages(self, texts: Sequence[str]) -> list[Encoding]:
        prompt = self.manifest.passage_prompt
        return self._passages.encode_batch_fast([prompt + text for text in texts] if prompt else list(texts))

    def _run(self, session: onnxruntime.InferenceSession, encodings: Sequence[Encoding]) -> Vectors:
        feed = feed_of(encodings, self.manifest)
        vectors: Vectors = session.run(None, feed)[0]
        return vectors


def feed_of(encodings: Sequence[Encoding], manifest: ExportManifest) -> dict[str, NDArray[np.int64]]:
    """What the graph reads for these texts, as one batch."""
    shape = (len(encodings), max(len(encoding.ids) for encoding in encodings))
    ids: NDArray[np.int64] = np.full(shape, manifest.pad_token_id, dtype=np.int64)
    mask: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
    types: NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding.ids)] = encoding.ids
        mask[row, : len(encoding.ids)] = 1
        types[row, : len(encoding.ids)] = encoding.type_ids
    feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    return {name: feed[name] for name in manifest.inputs}


def batches(encodings: Sequence[Encoding], most_tokens: int) -> Iterator[list[int]]:
    """Row numbers in batches of similar length, each of at most `most_tokens` tokens with its padding."""
    order = sorted(range(len(encodings)), key=lambda row: len(encodings[row].ids), reverse=True)
    batch: list[int] = []
    longest = 0
    for row in order:
        if batch and longest * (len(batch) + 1) > most_tokens:
            yield batch
            batch = []
        if not batch:
            longest = len(encodings[row].ids)
        batch.append(row)
    if batch:
        yield batch


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """An exported model, ready to run: each run on the thread that asks for it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
