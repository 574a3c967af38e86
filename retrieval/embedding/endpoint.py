"""Embeddings from an OpenAI-compatible endpoint (OpenAI, vLLM, Ollama, text-embeddings-inference, llama.cpp, ...)."""

import hashlib
import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from retrieval.embedding.base import Vectors, covers_language, require_fit, slug

if TYPE_CHECKING:
    from openai import OpenAI

_DEFAULT_MAX_TOKENS = 512
# The smallest limit among common servers (text-embeddings-inference takes 32 inputs in a request).
_BATCH_TEXTS = 32
_BATCH_TOKENS = 8192
# Attempts after the first, with the official client's exponential backoff (0.5 s to 8 s, or the server's Retry-After).
_RETRIES = 4
_PIECES = re.compile(r"[A-Za-z0-9]+|[^\sA-Za-z0-9]")


class EmbeddingEndpointFailed(Unavailable):
    """The embedding endpoint did not give usable vectors."""

    code, title = "embedding_endpoint_failed", "The embedding endpoint did not answer as it should"


def estimate_tokens(text: str) -> int:
    """An upper estimate of the tokens of a text under a tokenizer that we do not know, special tokens included.

    A letter or digit run counts one token for every three characters (English averages more than four), any other
    ASCII sign one, and every other character two (Hangul under byte-pair encodings takes one to two).
    """
    count = 2
    for piece in _PIECES.findall(text):
        count += -(-len(piece) // 3) if piece[0].isascii() and piece[0].isalnum() else 1 if piece.isascii() else 2
    return count


class EndpointEmbedder:
    """A model behind HTTP. Thread-safe."""

    def __init__(self, client: "OpenAI", settings: Settings, dimensions: int) -> None:
        self.name = settings.embedding_model
        self.dimensions = dimensions
        self.max_tokens = settings.embedding_max_tokens or _DEFAULT_MAX_TOKENS
        self.fingerprint = f"{slug(self.name, 32)}-{_identity(settings)[:8]}-{dimensions}-api"
        self._client = client
        self._where = settings.embedding_base_url or ""
        self._languages = tuple(settings.embedding_languages)

    def covers(self, language: str) -> bool:
        """Whether the settings say that the model knows this language."""
        return covers_language(self._languages, language)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """An upper estimate, since the endpoint's tokenizer is not known (see `estimate_tokens`)."""
        return [estimate_tokens(text) for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions), L2-normalised. A query is cut to what surely fits `max_tokens`."""
        return self._embed([_cut(text, self.max_tokens) for text in texts])

    def embed_quickly(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions), L2-normalised: as queries."""
        return self.embed_queries(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """(n, dimensions), L2-normalised. Raises ValueError for a text over `max_tokens` by the estimate."""
        require_fit(self.count_tokens(texts), self.max_tokens)
        return self._embed(texts)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        start = 0
        while start < len(texts):
            end, tokens = start, 0
            while end < len(texts) and end - start < _BATCH_TEXTS:
                tokens += estimate_tokens(texts[end])
                if end > start and tokens > _BATCH_TOKENS:
                    break
                end += 1
            batch = _request(self._client, self.name, texts[start:end], self._where)
            if batch.shape[1] != self.dimensions:
                raise EmbeddingEndpointFailed(
                    f"{self._where} now answers with {batch.shape[1]} dimensions for {self.name!r}; the index was made "
                    f"with {self.dimensions}. Another model seems to run there: put the old one back, or give the new "
                    "one another name in NEXUS_EMBEDDING_MODEL and reindex."
                )
            vectors[start:end] = batch
            start = end
        return vectors


def open_endpoint(settings: Settings) -> EndpointEmbedder:
    """The embedder behind `settings.embedding_base_url`.

    The dimensions are found by a probe, once: the answer is kept beside the models, so that the server also starts
    while the endpoint is away. Raises `EmbeddingEndpointFailed` when the first probe fails.
    """
    from openai import OpenAI

    if settings.embedding_model == "default":
        raise EmbeddingEndpointFailed("NEXUS_EMBEDDING_BASE_URL is set; name its model in NEXUS_EMBEDDING_MODEL too.")
    key = settings.embedding_api_key or settings.openai_api_key
    client = OpenAI(
        base_url=settings.embedding_base_url,
        # Servers of one's own often want no key, but the client insists on one.
        api_key=key.get_secret_value() if key else "none",
        timeout=settings.embedding_timeout_seconds,
        max_retries=_RETRIES,
    )
    record = settings.models_dir / f"endpoint-{_identity(settings)[:16]}.json"
    dimensions = _known_dimensions(record)
    if dimensions is None:
        probe = _request(client, settings.embedding_model, ["probe"], settings.embedding_base_url or "")
        dimensions = int(probe.shape[1])
        record.parent.mkdir(parents=True, exist_ok=True)
        temporary = record.with_suffix(f".{threading.get_ident()}.tmp")
        temporary.write_text(json.dumps({"dimensions": dimensions}), encoding="utf-8")
        temporary.replace(record)
    return EndpointEmbedder(client, settings, dimensions)


def _identity(settings: Settings) -> str:
    """What makes two endpoints' vectors the same: address, model and the revision that the owner declares."""
    address = (settings.embedding_base_url or "").rstrip("/")
    return hashlib.sha256(f"{address}|{settings.embedding_model}|{settings.embedding_revision}".encode()).hexdigest()


def _known_dimensions(record: Path) -> int | None:
    try:
        return int(json.loads(record.read_text(encoding="utf-8"))["dimensions"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _cut(text: str, max_tokens: int) -> str:
    """The longest beginning of a text that the estimate lets through."""
    text = text[: max_tokens * 3]
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if estimate_tokens(text[:middle]) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def _request(client: "OpenAI", model: str, texts: Sequence[str], where: str) -> Vectors:
    """One request: (n, dimensions), normalised, in the order of the texts."""
    import openai

    try:
        answer = client.embeddings.create(model=model, input=list(texts), encoding_format="float")
    except openai.APITimeoutError as error:
        raise EmbeddingEndpointFailed(
            f"{where} did not answer in time. Check that it runs, or raise NEXUS_EMBEDDING_TIMEOUT_SECONDS."
        ) from error
    except openai.APIConnectionError as error:
        raise EmbeddingEndpointFailed(f"{where} cannot be reached. Check NEXUS_EMBEDDING_BASE_URL.") from error
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        raise EmbeddingEndpointFailed(f"{where} refused the key. Check NEXUS_EMBEDDING_API_KEY.") from error
    except openai.NotFoundError as error:
        raise EmbeddingEndpointFailed(
            f"{where} has no embedding model {model!r} (or no /embeddings). Check NEXUS_EMBEDDING_MODEL and "
            "NEXUS_EMBEDDING_BASE_URL."
        ) from error
    except openai.RateLimitError as error:
        raise EmbeddingEndpointFailed(f"{where} limits the rate of requests; it will be tried again later.") from error
    except openai.APIStatusError as error:
        raise EmbeddingEndpointFailed(f"{where} answered with status {error.status_code}: {error.message}") from error
    except (openai.APIError, ValueError) as error:
        raise EmbeddingEndpointFailed(f"{where} answered with something that is not embeddings: {error}") from error
    ordered = sorted(answer.data or [], key=lambda item: item.index)
    if len(ordered) != len(texts) or len({len(item.embedding) for item in ordered}) != 1:
        raise EmbeddingEndpointFailed(f"{where} gave {len(ordered)} embeddings for {len(texts)} texts.")
    vectors = np.asarray([item.embedding for item in ordered], dtype=np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if vectors.shape[1] == 0 or not np.isfinite(norms).all() or (norms == 0).any():
        raise EmbeddingEndpointFailed(f"{where} gave embeddings that are empty or not numbers.")
    normalised: Vectors = vectors / norms
    return normalised
