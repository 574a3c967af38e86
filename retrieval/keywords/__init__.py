"""The keyword index: a local, disposable Tantivy replica of the chunks table. The only package that knows Tantivy."""

from retrieval.keywords.index import KeywordIndex
from retrieval.keywords.layout import number, source_term
from retrieval.keywords.replica import FOLLOW_SECONDS, KeywordIndexBroken
from retrieval.keywords.support import Support

__all__ = ["FOLLOW_SECONDS", "KeywordIndex", "KeywordIndexBroken", "Support", "number", "source_term"]
