"""Writes a synthetic company into the product's database and indexes, past the pipeline: its vectors are made up."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.domains.users.service import as_subject, create_user
from core_api.infra.database import Database
from core_api.models import (
    Chunk,
    Document,
    DocumentVersion,
    IndexState,
    IndexStatus,
    Space,
    SpaceKind,
    SpaceMember,
    SpaceRole,
    new_id,
    utcnow,
)
from core_api.outbox import last_change, next_change
from evals.bench.synthetic import CHUNKS_PER_DOCUMENT, Company, SyntheticDocument, VectorMaker
from retrieval.engine import RetrievalEngine
from retrieval.placement import place
from retrieval.vectors import VectorRow

# Written together: Chroma is fastest with many at a time, and a pool is looked at before it takes more of them.
_BATCH_DOCUMENTS = 100
_KEYWORDS_TIMEOUT = 3600.0

Note = Callable[[SyntheticDocument, NDArray[np.float32]], None]


@dataclass(slots=True)
class Filled:
    """The people who may ask, and what the documents are called: `numbers` maps their ids to the company's own."""

    askers: list[Subject]
    numbers: dict[str, int]

    def key(self, chunk_id: str) -> str:
        """The company's name of a chunk."""
        _, document_id, ordinal = chunk_id.split(":")
        return f"{self.numbers[document_id]}:{ordinal}"


def fill(
    database: Database, engine: RetrievalEngine, company: Company, readable: list[list[int]], note: Note | None = None
) -> Filled:
    """Write the company, with a person for each list of spaces that are to be readable; waits until all can be found.
    `note` is told of every document and its vectors."""
    maker = VectorMaker(engine.embedder.embed_queries(VectorMaker.topic_texts()))
    sizes = company.sizes()
    with database.transaction() as session:
        askers, spaces = _people(session, company, readable)
    filled = Filled(askers, {})
    documents: Iterator[SyntheticDocument] = company.documents()
    while batch := list(itertools.islice(documents, _BATCH_DOCUMENTS)):
        _write(database, engine, maker, spaces, sizes, batch, filled, note)
    with database.reading() as session:
        goal = last_change(session)
    if not engine.keywords.wait_for(goal, timeout=_KEYWORDS_TIMEOUT):
        raise TimeoutError("the keyword index did not catch up")
    return filled


def _people(session: Session, company: Company, readable: list[list[int]]) -> tuple[list[Subject], list[str]]:
    """The askers, and the ids of the spaces in their order. The personal space of an asker is the first one."""
    askers = [as_subject(create_user(session, f"Person {number}")) for number in range(len(readable))]
    kinds = [SpaceKind.TEAM] * company.groups + [SpaceKind.PERSONAL] * (company.spaces - company.groups)
    spaces = [Space(name=f"Space {number}", kind=kind) for number, kind in enumerate(kinds)]
    session.add_all(spaces)
    session.flush()
    session.add_all(
        SpaceMember(space_id=spaces[index].id, user_id=asker.user_id, role=SpaceRole.VIEWER)
        for asker, indexes in zip(askers, readable, strict=True)
        for index in indexes
    )
    return askers, [space.id for space in spaces]


def _write(
    database: Database,
    engine: RetrievalEngine,
    maker: VectorMaker,
    spaces: list[str],
    sizes: list[int],
    batch: list[SyntheticDocument],
    filled: Filled,
    note: Note | None,
) -> None:
    vectors: dict[str, list[VectorRow]] = {}
    now = utcnow()
    author = filled.askers[0].user_id
    # Core inserts go around the outbox: what is written here is indexed here.
    tables: dict[type, list[dict[str, object]]] = {Document: [], DocumentVersion: [], IndexState: [], Chunk: []}
    collections: dict[str, str] = {}
    with database.transaction() as session:
        for made in batch:
            document_id, space_id, title = new_id(), spaces[made.space], f"Page {made.number}"
            filled.numbers[document_id] = made.number
            tables[Document].append({"id": document_id, "space_id": space_id, "title": title, "author_id": author})
            tables[DocumentVersion].append(
                {
                    "document_id": document_id,
                    "number": 1,
                    "sha256": "0" * 64,
                    "size": 1,
                    "filename": "page.md",
                    "media_type": "text/markdown",
                    "author_id": author,
                }
            )
            tables[IndexState].append(
                {
                    "source_kind": "document",
                    "source_id": document_id,
                    "space_id": space_id,
                    "status": IndexStatus.INDEXED,
                    "indexed_version": 1,
                    "chunk_count": len(made.texts),
                    "indexed_at": now,
                    "change_seq": next_change(session),
                }
            )
            embeddings = maker.make(made.topics)
            if note is not None:
                note(made, embeddings)
            if space_id not in collections:
                chunks = sizes[made.space] * CHUNKS_PER_DOCUMENT
                collections[space_id] = place(session, space_id, engine.embedder.fingerprint, chunks).collection
            position = 0
            for ordinal, words in enumerate(made.texts):
                id_ = f"document:{document_id}:{ordinal}"
                tables[Chunk].append(
                    {
                        "id": id_,
                        "space_id": space_id,
                        "source_kind": "document",
                        "source_id": document_id,
                        "version": 1,
                        "ordinal": ordinal,
                        "title": title,
                        "heading": "",
                        "text": words,
                        "start": position,
                        "end": position + len(words),
                        "page": None,
                        "language": "en",
                        "content_sha256": "0" * 64,
                    }
                )
                position += len(words) + 2
                row = VectorRow(id_, space_id, "0" * 64, embeddings[ordinal])
                vectors.setdefault(collections[space_id], []).append(row)
        for table, rows in tables.items():
            session.execute(insert(table), rows)
    for name, made_rows in vectors.items():
        engine.vectors.upsert(name, made_rows)
