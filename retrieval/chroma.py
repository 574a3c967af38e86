"""What is asked of one Chroma collection.

Chroma's types describe every optional part of an answer; here it is known which are there, so a
collection counts as Any.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPACE, _SHA = "space", "sha"


@dataclass(frozen=True, slots=True)
class VectorRow:
    """A chunk's vector. `content_sha256` is the hash of what was embedded; `embedding` has shape (dimensions,)."""

    id: str
    space_id: str
    content_sha256: str
    embedding: NDArray[np.float32]


def write(rows: Sequence[VectorRow], collection: Any) -> None:
    """Add rows, or replace those of the same id."""
    collection.upsert(
        ids=[row.id for row in rows],
        embeddings=np.stack([row.embedding for row in rows]).astype(np.float32, copy=False),
        metadatas=[{_SPACE: row.space_id, _SHA: row.content_sha256} for row in rows],
    )


def remove(ids: Sequence[str], collection: Any) -> None:
    """Remove the rows of these ids."""
    collection.delete(ids=list(ids))


def ids_of_space(space_id: str, collection: Any) -> list[str]:
    """The ids of all rows of a space."""
    return list(collection.get(where={_SPACE: space_id}, include=[])["ids"])


def remove_from_space(ids: Sequence[str], space_id: str, collection: Any) -> None:
    """Remove the rows of these ids that are (still) in a space."""
    collection.delete(ids=list(ids), where={_SPACE: space_id})


def read(ids: Sequence[str], collection: Any) -> list[VectorRow]:
    """The rows of these ids that exist."""
    return _rows(collection.get(ids=list(ids), include=["embeddings", "metadatas"]))


def read_page(offset: int, limit: int, collection: Any) -> list[VectorRow]:
    """Rows in the collection's own order."""
    return _rows(collection.get(limit=limit, offset=offset, include=["embeddings", "metadatas"]))


def _rows(got: Any) -> list[VectorRow]:
    return [
        VectorRow(id_, str(metadata[_SPACE]), str(metadata[_SHA]), np.asarray(embedding, dtype=np.float32))
        for id_, embedding, metadata in zip(got["ids"], got["embeddings"], got["metadatas"], strict=True)
    ]


def read_ids(offset: int, limit: int, collection: Any) -> list[tuple[str, str, str]]:
    """(id, space id, content hash) of rows in the collection's own order."""
    got = collection.get(limit=limit, offset=offset, include=["metadatas"])
    return [(id_, str(m[_SPACE]), str(m[_SHA])) for id_, m in zip(got["ids"], got["metadatas"], strict=True)]


def find_nearest(
    embedding: NDArray[np.float32], k: int, spaces: tuple[str, ...] | None, collection: Any
) -> list[tuple[str, float]]:
    """The k nearest ids (of some spaces) with their cosine similarity."""
    where: dict[str, Any] | None = None
    if spaces is not None:
        where = {_SPACE: spaces[0]} if len(spaces) == 1 else {_SPACE: {"$in": list(spaces)}}
    got = collection.query(query_embeddings=embedding[None, :], n_results=k, where=where, include=["distances"])
    # Chroma's cosine distance is 1 - cosine similarity.
    return [(id_, 1.0 - float(d)) for id_, d in zip(got["ids"][0], got["distances"][0], strict=True)]
