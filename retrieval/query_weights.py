"""How much words and meaning count for a query."""

import re

from retrieval.fusion import Weights
from retrieval.query_language import ParsedQuery

# ERR_42, snake_case, v1.5.9, kim@example.com, docs/search.md, outboxEvent: an embedding model sees only pieces of them.
_IDENTIFIER = re.compile(
    r"\w+_\w+|\w+@[\w.-]+\.\w+|(?:\w*/)+\w+\.\w+|[vV]?\d+\.\d+\.\d+(?:[.-]\w+)*|[A-Z]{2,}-?\d{2,}|[a-z]+[A-Z]\w*|#\d+"
)
# What is around one: punctuation, and particles that are written to it ("v1.5.9에서").
_AROUND = re.compile(r"^[\s(\[]+|[.,;:?!)\]]*[\uac00-\ud7a3]*[.,;:?!)\]]*$")
_LESS = 0.7


def weights_of(query: ParsedQuery) -> Weights:
    """Meaning counts less where the query names a thing exactly, by an identifier or in quotation marks."""
    weights = Weights()
    exact = bool(query.phrases) or any(_IDENTIFIER.fullmatch(_AROUND.sub("", word)) for word in query.words)
    return Weights(weights.words, weights.coverage, weights.meaning * _LESS) if exact else weights
