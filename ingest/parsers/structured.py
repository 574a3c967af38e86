"""JSON and XML: what the file relates (records, keys and values) as lines that can be read and cited alone.

Direct, not through unstructured, which reads JSON only in its own element format and returns XML's text without the
names of its elements.
"""

import json
from collections.abc import Iterator
from typing import Any

from ingest.parsers.encoding import decode
from ingest.parsers.source import Source
from ingest.types import Block, BlockKind, Parsed, ParseFailed

_MAX_LEVEL = 6
_LONG = 200  # characters from which a value is prose, not a field


def parse_json(source: Source) -> Parsed:
    """Parse JSON, JSON lines, or unstructured's own elements."""
    text = decode(source.read()).strip().lstrip("\ufeff")
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        data = _json_lines(text)
        if data is None:
            where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise ParseFailed("malformed", f"The file is no valid JSON{where}: {error}.") from error
    if _is_elements(data):
        return Parsed(tuple(_element_blocks(data)), parser="json")
    return Parsed(tuple(value_blocks(data, "", 1)), parser="json")


def parse_xml(source: Source) -> Parsed:
    """Parse XML without fetching or expanding anything."""
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    data = source.read()
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        try:  # a wrong or missing declaration: by what the bytes are
            text = decode(data)
            start = text.find("?>") + 2 if text.lstrip().startswith("<?xml") else 0
            root = etree.fromstring(text[start:].encode("utf-8", "replace"), parser)
        except etree.XMLSyntaxError:
            raise ParseFailed("malformed", f"The file is no well-formed XML: {error}.") from error
    etree.strip_elements(root, etree.Entity, with_tail=False)  # what is not resolved is no text
    return Parsed(tuple(_xml_blocks(root, 1)), parser="xml")


def _json_lines(text: str) -> list[Any] | None:
    values = []
    for line in text.splitlines():
        if line.strip():
            try:
                values.append(json.loads(line))
            except (json.JSONDecodeError, RecursionError):
                return None
    return values if len(values) > 1 else None


def _is_elements(data: Any) -> bool:
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(item, dict) and {"type", "element_id", "text"} <= item.keys() for item in data)
    )


def _element_blocks(data: list[dict[str, Any]]) -> Iterator[Block]:
    kinds = {"Title": BlockKind.HEADING, "ListItem": BlockKind.LIST_ITEM, "CodeSnippet": BlockKind.CODE}
    for item in data:
        kind = kinds.get(str(item["type"]), BlockKind.PARAGRAPH)
        metadata = item.get("metadata") or {}
        text = str(item["text"])
        if item["type"] == "Table" and metadata.get("text_as_html"):
            from ingest.parsers.elements import html_table_text

            kind, text = BlockKind.TABLE, html_table_text(metadata["text_as_html"]) or text
        page = metadata.get("page_number")
        level = (metadata.get("category_depth") or 0) + 1
        yield Block(kind, "- " + text if kind is BlockKind.LIST_ITEM else text, level=level, page=page)


def value_blocks(value: Any, name: str, level: int) -> Iterator[Block]:
    """Blocks of a JSON (or YAML) value called `name`: fields as lines, records as table lines, prose as paragraphs, and
    what is deeper under headings."""
    if isinstance(value, dict):
        fields = {key: item for key, item in value.items() if _is_flat({key: item})}
        lines = [f"{key}: {text}" for key, text in _flat(fields)]
        if lines:
            yield Block(BlockKind.PARAGRAPH, "\n".join(lines))
        for key, item in value.items():
            if key in fields:
                continue
            if _is_scalar(item):
                yield Block(BlockKind.PARAGRAPH, f"{key}: {_scalar(item)}")
            else:
                yield Block(BlockKind.HEADING, str(key), level=level)
                yield from value_blocks(item, str(key), min(level + 1, _MAX_LEVEL))
    elif isinstance(value, list):
        yield from _list_blocks(value, name, level)
    elif text := _scalar(value):
        yield Block(BlockKind.PARAGRAPH, text)


def _list_blocks(values: list[Any], name: str, level: int) -> Iterator[Block]:
    if values and all(isinstance(item, dict) and _is_flat(item) for item in values):
        lines = ["; ".join(f"{key}: {text}" for key, text in _flat(item)) for item in values]
        yield Block(BlockKind.TABLE, "\n".join(line for line in lines if line))
        return
    for index, item in enumerate(values, start=1):
        if _is_scalar(item):
            yield Block(BlockKind.LIST_ITEM, "- " + _scalar(item))
        else:
            yield Block(BlockKind.HEADING, _record_name(item) or f"{name or 'Item'} {index}", level=level)
            yield from value_blocks(item, name, min(level + 1, _MAX_LEVEL))


def _record_name(item: Any) -> str:
    """What a record calls itself."""
    if isinstance(item, dict):
        for key in ("title", "name", "subject", "label", "heading", "question", "id"):
            if isinstance(item.get(key), str | int) and 0 < len(str(item[key])) <= 120:
                return str(item[key])
    return ""


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _is_flat(record: dict[str, Any]) -> bool:
    values = [
        inner
        for value in record.values()
        for inner in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value])
    ]
    return all(_is_scalar(value) and len(_scalar(value)) <= _LONG and "\n" not in _scalar(value) for value in values)


def _flat(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in record.items():
        if isinstance(value, dict):
            yield from ((f"{key} {inner}", text) for inner, item in value.items() if (text := _scalar(item)))
        elif isinstance(value, list):
            if text := ", ".join(_scalar(item) for item in value):
                yield key, text
        elif text := _scalar(value):
            yield key, text


def _scalar(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _xml_blocks(element: Any, level: int) -> Iterator[Block]:
    name = _local(element)
    children = [child for child in element if isinstance(child.tag, str)]
    attributes = [f"{_local_name(key)}: {value}" for key, value in element.attrib.items() if value.strip()]
    if not children:
        text = " ".join("".join(element.itertext()).split())
        line = "; ".join(part for part in (f"{name}: {text}" if text else "", *attributes) if part)
        if line:
            yield Block(BlockKind.PARAGRAPH, line)
    elif _is_mixed(element):
        yield Block(BlockKind.PARAGRAPH, " ".join("".join(element.itertext()).split()))
    elif all(not len(child) for child in children):
        fields = [field for child in children for field in _xml_fields(child)]
        yield Block(BlockKind.TABLE, "; ".join([*attributes, *fields]))
    else:
        title = next(
            (child for child in children if _local(child).lower() in ("title", "name") and not len(child)), None
        )
        own = (title.text or "").strip() if title is not None else ""
        yield Block(BlockKind.HEADING, own or name, level=min(level, _MAX_LEVEL))
        if attributes:
            yield Block(BlockKind.PARAGRAPH, "; ".join(attributes))
        for child in children:
            if child is not title or not own:
                yield from _xml_blocks(child, level + 1)


def _xml_fields(child: Any) -> Iterator[str]:
    text = " ".join((child.text or "").split())
    if text:
        yield f"{_local(child)}: {text}"
    for key, value in child.attrib.items():
        if value.strip():
            yield f"{_local(child)} {_local_name(key)}: {value}"


def _is_mixed(element: Any) -> bool:
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def _local(element: Any) -> str:
    return _local_name(element.tag)


def _local_name(name: str) -> str:
    return name.rsplit("}", 1)[-1]
