"""What the keyword index holds of a chunk."""

from hashlib import blake2b

import tantivy

from retrieval import analyzer

VERSION = 6
"""Raised with every change of the schema."""

# Between the title, the heading and the text, so that no quotation runs from one into the other.
_BREAK = " \u00b6 "


def source_term(source_kind: str, source_id: str) -> str:
    """The name of a source in the index."""
    return f"{source_kind}:{source_id}"


def schema() -> tantivy.Schema:
    """The fields of a chunk.

    `words` are the analysed terms of title, heading and text; they are stored too, so that some candidates can be
    judged closely without the index's long lists. The terms of `title` and `heading` are there once more, since they
    count a little more. `exact` has every word as the reader sees it, with its place, for quotations and exclusions.
    `key` stands for the id and the words: reading it costs a hundredth of what reading them does, and what has been
    read for a key once is true for ever. `number` stands for the source, where sources are counted.
    """
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("key", fast=True)
    builder.add_unsigned_field("number", fast=True)
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("source", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("space", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", stored=True, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("title", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("heading", tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("exact", tokenizer_name="whitespace", index_option="position")
    return builder.build()


def document(chunk_id: str, source: str, space_id: str, title: str, heading: str, text: str) -> tantivy.Document:
    """A chunk as it goes into the index; `source` is its source term."""
    parts = (title, heading, text)
    title_words, heading_words, body_words = map(analyzer.analyzed, parts)
    entry = tantivy.Document()
    entry.add_text("id", chunk_id)
    entry.add_text("source", source)
    entry.add_unsigned("number", number(source))
    entry.add_text("space", space_id)
    entry.add_text("title", title_words)
    entry.add_text("heading", heading_words)
    words = f"{title_words} {heading_words} {body_words}"
    entry.add_text("words", words)
    entry.add_unsigned("key", _digest(f"{chunk_id} {words}"))
    entry.add_text("exact", _BREAK.join(map(analyzer.in_exact_terms, parts)))
    return entry


def number(source: str) -> int:
    """Stands for a source term, in the 53 bits that Tantivy's aggregations keep: among a hundred thousand sources two
    have the same in one of two million installations, where facets then count one for the other."""
    return _digest(source) >> 11


def _digest(text: str) -> int:
    """Stands for a text, in 64 bits: among a million texts two have the same once in thirty million installations."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
