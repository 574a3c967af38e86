"""Vectors on their way out of a store and into another: batches of them, and batches in bytes.

Only what a chunk accounts for is taken along: the chunks are gone through, and their vectors looked up where their
spaces have them. So nothing is read twice, however many collections there are, and a batch is all that is held.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.models import Chunk, IndexModel, SpaceIndex
from retrieval.vectors import VectorRow, VectorStore

BATCH = 1_000
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True)
class VectorBatch:
    """Some vectors of one embedding model."""

    fingerprint: str
    rows: list[VectorRow]


def read_batches(session: Session, store: VectorStore) -> Iterator[VectorBatch]:
    """The vectors of all chunks, of every model that the index knows. What a store does not have is left out.

    Between two batches the caller may end the session's transaction: the next one sees where spaces are by then.
    """
    for fingerprint in session.scalars(select(IndexModel.fingerprint).order_by(IndexModel.fingerprint)).all():
        last = ""
        while page := session.execute(
            select(Chunk.id, Chunk.space_id, SpaceIndex.collection)
            .join(SpaceIndex, (SpaceIndex.space_id == Chunk.space_id) & (SpaceIndex.fingerprint == fingerprint))
            .where(Chunk.id > last)
            .order_by(Chunk.id)
            .limit(BATCH)
        ).all():
            last = page[-1].id
            spaces = {row.id: row.space_id for row in page}
            by_collection: dict[str, list[str]] = defaultdict(list)
            for row in page:
                by_collection[row.collection].append(row.id)
            found = [
                vector
                for collection, ids in by_collection.items()
                for vector in store.get(collection, ids).values()
                if vector.space_id == spaces[vector.id]  # in a pool there may be one of the space that it was in before
            ]
            yield VectorBatch(fingerprint, found)


def pack(batch: VectorBatch) -> bytes:
    """A batch in bytes: a line of JSON that says what it holds, then the vectors (float32, little-endian)."""
    head = {
        "fingerprint": batch.fingerprint,
        "dimensions": len(batch.rows[0].embedding) if batch.rows else 0,
        "rows": [[row.id, row.space_id, row.content_sha256] for row in batch.rows],
    }
    vectors = np.stack([row.embedding for row in batch.rows]).astype("<f4") if batch.rows else np.empty(0, "<f4")
    return json.dumps(head).encode() + b"\n" + vectors.tobytes()


def unpack(data: bytes) -> VectorBatch:
    """The batch that `pack` was given. Raises ValueError for anything else."""
    line, _, vectors = data.partition(b"\n")
    head = json.loads(line)
    matrix = np.frombuffer(vectors, "<f4").astype(np.float32).reshape(len(head["rows"]), int(head["dimensions"]))
    rows = [
        VectorRow(str(id_), str(space_id), str(sha256), embedding)
        for (id_, space_id, sha256), embedding in zip(head["rows"], matrix, strict=True)
    ]
    return VectorBatch(str(head["fingerprint"]), rows)


def write_file(path: Path, batches: Iterable[VectorBatch]) -> int:
    """Write batches to a new file that only its owner may read; gives how many vectors they are."""
    count = 0
    path.touch(mode=0o600, exist_ok=False)
    with path.open("wb") as file:
        for batch in batches:
            data = pack(batch)
            file.write(len(data).to_bytes(_LENGTH_BYTES, "big"))
            file.write(data)
            count += len(batch.rows)
    return count


def read_file(path: Path) -> Iterator[VectorBatch]:
    """The batches of a file. Raises ValueError where it ends too early."""
    with path.open("rb") as file:
        while length := file.read(_LENGTH_BYTES):
            data = file.read(int.from_bytes(length, "big"))
            if len(data) < int.from_bytes(length, "big"):
                raise ValueError(f"{path} ends in the middle of a batch")
            yield unpack(data)
