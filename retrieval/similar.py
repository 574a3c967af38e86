"""Documents that are about the same as another: by the mean of its vectors, or by its rarest words where the embedding
model does not know its language."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.domains.documents.reading import access_document
from core_api.models import Chunk, Document
from retrieval import analyzer
from retrieval.access import hydrate, where_to_look
from retrieval.engine import RetrievalEngine
from retrieval.keywords import source_term
from retrieval.placement import targets
from retrieval.types import Filters, Passage, Similar

# Of long documents the first passages: they say what it is about.
_MAX_PASSAGES = 64
_DEPTH = 200
_DUPLICATE_COSINE = 0.97
_DUPLICATE_SHARE = 0.9
_TELLING_WORDS = 24


def similar_documents(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    document_id: str,
    k: int,
    filters: Filters | None = None,
) -> list[Similar]:
    """The documents most like one, of those that the subject may read and that meet the filters, best first and never
    itself.

    Raises NotFound where they may not read it.
    """
    filters = filters or Filters()
    document = access_document(session, subject, document_id)
    own = session.execute(
        select(Chunk.id, Chunk.text, Chunk.language)
        .where(Chunk.source_kind == Document.__source_kind__, Chunk.source_id == document_id)
        .order_by(Chunk.ordinal)
        .limit(_MAX_PASSAGES)
    ).all()
    if not own:
        return []
    languages = Counter(row.language for row in own)
    texts = [row.text for row in own]
    known = engine.embedder.covers(languages.most_common(1)[0][0])
    if known:
        scored = _by_meaning(session, subject, engine, document.space_id, [row.id for row in own], filters)
    else:
        scored = _by_words(session, subject, engine, document.title, texts, filters)
    passages = hydrate(session, subject, [chunk_id for chunk_id, _ in scored], filters)
    words = _shingles(texts)
    found: dict[str, Similar] = {}
    for chunk_id, score in scored:
        passage = passages.get(chunk_id)
        if passage is None or passage.source.id == document_id or passage.source.id in found:
            continue
        duplicate = _is_duplicate(words, passage) or (known and score >= _DUPLICATE_COSINE)
        found[passage.source.id] = Similar(passage, score, duplicate)
        if len(found) == k:
            break
    return list(found.values())


def _by_meaning(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    space_id: str,
    own: Sequence[str],
    filters: Filters,
) -> list[tuple[str, float]]:
    fingerprint = engine.embedder.fingerprint
    vectors = engine.vectors.vectors(targets(session, [space_id], fingerprint), own)
    if not vectors:
        return []
    mean = np.stack(list(vectors.values())).mean(axis=0)
    mean = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)
    spaces, shared = where_to_look(session, subject, filters)
    depth = _DEPTH + len(own)
    found = dict(engine.vectors.query(targets(session, spaces, fingerprint), mean, depth))
    if shared.chunk_ids:
        found |= engine.vectors.query(targets(session, shared.space_ids, fingerprint), mean, depth, shared.chunk_ids)
    return _best_first(found)


def _by_words(
    session: Session, subject: Subject, engine: RetrievalEngine, title: str, texts: Sequence[str], filters: Filters
) -> list[tuple[str, float]]:
    """Asks for the words of the document that tell most: often here, and rare elsewhere."""
    counts: Counter[str] = Counter()
    terms_of: dict[str, str] = {}
    for text in (title, *texts):
        for token in analyzer.tokens(text):
            for term in token.terms:
                counts[term] += 1
                terms_of.setdefault(term, text[token.start : token.end])
    rarity = engine.keywords.rarity(list(counts))
    telling = sorted(counts, key=lambda term: (-counts[term] * rarity[term], term))[:_TELLING_WORDS]
    text = " ".join(dict.fromkeys(terms_of[term] for term in telling))
    spaces, shared = where_to_look(session, subject, filters)
    found = dict(engine.keywords.search(text, _DEPTH, spaces))
    if shared.source_ids:
        sources = [source_term(Document.__source_kind__, id_) for id_ in shared.source_ids]
        found |= engine.keywords.search(text, _DEPTH, shared.space_ids, sources=sources)
    best = max(found.values(), default=1.0)
    return [(chunk_id, score / best) for chunk_id, score in _best_first(found)]


def _best_first(scores: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _shingles(texts: Sequence[str]) -> set[tuple[str, ...]]:
    words = [term for text in texts for term in analyzer.exact_terms(text)]
    return {tuple(words[place : place + 3]) for place in range(max(1, len(words) - 2))}


def _is_duplicate(own: set[tuple[str, ...]], passage: Passage) -> bool:
    """Whether nearly all of a passage stands in the document too, three words by three words."""
    theirs = _shingles([passage.text])
    return len(theirs) >= 8 and len(theirs & own) >= _DUPLICATE_SHARE * len(theirs)
