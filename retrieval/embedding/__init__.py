"""Embedding models: exported once from sentence-transformers and served by ONNX Runtime, or an OpenAI-compatible
endpoint."""

from core_api.infra.settings import Settings
from retrieval.embedding.base import Embedder

__all__ = ["Embedder", "load_embedder"]


def load_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings describe.

    About 0.5 s when the model has been exported before, some 15 s the first time. Raises `Unavailable` (or its
    subclass `UnusableModel`) with what to do.
    """
    if settings.embedding_base_url:
        from retrieval.embedding.endpoint import open_endpoint

        return open_endpoint(settings)
    from retrieval.embedding.cache import exported_model
    from retrieval.embedding.local import LocalEmbedder

    manifest, directory = exported_model(settings)
    return LocalEmbedder(
        manifest,
        directory,
        languages=settings.embedding_languages,
        threads=settings.embedding_threads,
        max_tokens=settings.embedding_max_tokens,
    )
