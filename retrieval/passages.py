"""What is embedded for a chunk: its words, with where they stand in front of them."""

import hashlib


def embedded_text(title: str, heading: str, text: str) -> str:
    """The text that the embedding model sees: title, heading path and passage, one under the other.

    A passage alone ("Submit it two weeks before.") does not say what it is about; its title and headings do. Empty
    parts are left out.
    """
    return "\n".join(part for part in (title, heading, text) if part)


def content_sha256(embedded: str) -> str:
    """The hash by which an embedding is known to belong to an embedded text."""
    return hashlib.sha256(embedded.encode()).hexdigest()
