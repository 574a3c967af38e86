"""Labels of documents: the tags and the category that a person has chosen. Until then a file's own are shown, which
the pipeline reads with its text."""

from sqlalchemy.orm import Session

from core_api.models import Document, IndexState
from core_api.outbox import next_change


def label(document: Document, tags: list[str] | None, category: str | None) -> bool:
    """Set the tags and the category (empty: none) that are given, which the file's own leave alone from now on; gives
    whether anything differs."""
    before = document.tags, document.category
    if tags is not None:
        document.tags, document.tags_given = tags, True
    if category is not None:
        document.category, document.category_given = category or None, True
    return before != (document.tags, document.category)


def relabel(session: Session, document: Document, tags: list[str] | None, category: str | None) -> bool:
    """`label` a document that may be indexed: nothing of it is indexed anew, so whoever follows the index's changes
    (suggestions, saved searches) is told here."""
    if not label(document, tags, category):
        return False
    state = session.get(IndexState, (Document.__source_kind__, document.id), with_for_update=True)
    if state is not None:
        state.change_seq = next_change(session)
    return True
