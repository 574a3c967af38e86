"""A second look at the best candidates: a cross-encoder reads the question and each passage together.

Off unless `rerank_model` names one. It knows more than any evidence of retrieval.fusion, and costs a run of the model
for every passage that it reads, so it reads the first few only. It decides their order; the scores stay those of
fusion, given out anew in that order, so that they mean the same with a reranker and without.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session
from tokenizers import Tokenizer

from core_api.infra.machine import available_cores
from core_api.infra.settings import Settings
from core_api.models import Chunk
from retrieval import analyzer
from retrieval.embedding.base import covers_language
from retrieval.embedding.cache import exported
from retrieval.embedding.local import batches, feed_of, open_session
from retrieval.embedding.manifest import MODEL_FILE, TOKENIZER_FILE, ExportManifest, ModelKind
from retrieval.embedding.source import UnusableModel, find_model
from retrieval.explanation import Step
from retrieval.fusion import Candidate
from retrieval.passages import embedded_text

log = structlog.get_logger()

_BATCH_TOKENS = 256  # as passages are embedded: a batch on each core
# The next page, and the second look of a search with filters, ask for passages that were read a moment ago.
_REMEMBERED = 2_000
# No pair needs more text than this many characters for each token that the model reads; the rest is not tokenised.
_CHARS_PER_TOKEN = 64

Scores = NDArray[np.float32]


class RerankManifest(ExportManifest):
    """Description of an exported cross-encoder; `difference` is the largest between its scores and the original's."""

    difference: float


RERANKING = ModelKind(
    "reranking model", "NEXUS_RERANK_MODEL", "retrieval.rerank_export", RerankManifest, prefix="rerank-"
)


class Reranker:
    """A cross-encoder on ONNX Runtime. Thread-safe."""

    def __init__(
        self,
        manifest: RerankManifest,
        directory: Path,
        *,
        languages: Sequence[str],
        threads: int,
        max_tokens: int | None = None,
    ) -> None:
        self.manifest = manifest
        self.max_tokens = min(manifest.max_tokens, max_tokens or manifest.max_tokens)
        self._languages = tuple(languages)
        self._tokenizer = Tokenizer.from_file(str(directory / TOKENIZER_FILE))
        self._tokenizer.enable_truncation(self.max_tokens, strategy="longest_first")
        self._session = open_session(directory / MODEL_FILE)
        self._workers = ThreadPoolExecutor(threads or available_cores(), thread_name_prefix="rerank")
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def covers(self, language: str) -> bool:
        """Whether the settings say that the model knows this language."""
        return covers_language(self._languages, language)

    def scores(self, question: str, passages: Sequence[str]) -> Scores:
        """(n,): what `CrossEncoder.predict` gives for each pair. The longer one of a pair that is too long is cut."""
        with self._lock:
            known = {passage: self._known.get((question, passage)) for passage in passages}
        unread = [passage for passage, score in known.items() if score is None]
        if unread:
            read = dict(zip(unread, self._read(question, unread).tolist(), strict=True))
            known |= read
            with self._lock:
                self._known.update({(question, passage): score for passage, score in read.items()})
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return np.array([known[passage] for passage in passages], dtype=np.float32)

    def _read(self, question: str, passages: Sequence[str]) -> Scores:
        limit = self.max_tokens * _CHARS_PER_TOKEN
        encodings = self._tokenizer.encode_batch_fast([(question[:limit], passage[:limit]) for passage in passages])
        scores = np.empty(len(encodings), dtype=np.float32)

        def score(rows: list[int]) -> None:
            scores[rows] = self._session.run(None, feed_of([encodings[row] for row in rows], self.manifest))[0]

        for done in [self._workers.submit(score, rows) for rows in batches(encodings, _BATCH_TOKENS)]:
            done.result()
        if not np.isfinite(scores).all():
            raise ValueError("the reranking model gave a score that is no number")
        return scores


def load_reranker(settings: Settings) -> Reranker:
    """The reranker that the settings name; exports it first where that has not been done (some 15 s). Raises
    `UnusableModel` with what to do."""
    assert settings.rerank_model is not None
    try:
        source = find_model(settings.rerank_model, settings.rerank_revision, settings.models_dir, RERANKING)
        manifest, directory = exported(source, settings.rerank_precision, settings.models_dir, RERANKING)
    except UnusableModel as error:
        raise UnusableModel(
            f"{error} NEXUS_RERANK_MODEL must name a cross-encoder of sentence-transformers, by its path or name at "
            "the hub; until it does, or is unset, search goes without one."
        ) from error
    return Reranker(
        manifest,
        directory,
        languages=settings.rerank_languages,
        threads=settings.embedding_threads,
        max_tokens=settings.rerank_max_tokens,
    )


def reranked(
    session: Session, settings: Settings, reranker: Reranker | None, question: str, candidates: list[Candidate]
) -> list[Candidate]:
    """The candidates with the first of them in the order that the reranker and their scores give together.

    Without a reranker, in a language that it does not know, and where it fails, they stay as they are.
    """
    first = candidates[: settings.rerank_candidates]
    if reranker is None or len(first) < 2 or not reranker.covers(analyzer.language(question)):
        return candidates
    texts = _texts(session, first)
    there = [place for place, candidate in enumerate(first) if candidate.chunk_id in texts]
    if len(there) < 2:
        return candidates
    try:
        judged = reranker.scores(question, [texts[first[place].chunk_id] for place in there])
    except Exception as error:  # whatever it is, the order of fusion is still a good one
        log.warning("search_without_reranker", error=f"{type(error).__name__}: {error}", exc_info=True)
        return candidates
    weight = settings.rerank_weight
    fused = _scaled(np.array([first[place].score for place in there]))
    both = (1.0 - weight) * fused + weight * _scaled(judged.astype(np.float64))
    # What has gone meanwhile shows nowhere, and keeps its place; the others share the places that they have.
    order = dict(zip(there, sorted(range(len(there)), key=lambda row: (-both[row], row)), strict=True))
    result = []
    for place, candidate in enumerate(first):
        if place in order:
            row = order[place]
            score, moved = candidate.score, first[there[row]]
            came = f"from place {there[row] + 1} to {place + 1}" if there[row] != place else f"it stays at {place + 1}"
            says = f"Read together with the question it scores {judged[row]:.3g}: {came}."
            candidate = moved.moved(Step("rerank", score - moved.score, says))
        result.append(candidate)
    return result + candidates[len(first) :]


def _texts(session: Session, candidates: Sequence[Candidate]) -> dict[str, str]:
    ids = [candidate.chunk_id for candidate in candidates]
    rows = session.execute(select(Chunk.id, Chunk.title, Chunk.heading, Chunk.text).where(Chunk.id.in_(ids)))
    return {id_: embedded_text(title, heading, text) for id_, title, heading, text in rows}


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = float(values.max() - values.min())
    return (values - values.min()) / spread if spread > 1e-9 else np.zeros(len(values))
