"""Fixtures of the parsers' tests: parse bytes in this process, as the child does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.parsers import parse
from ingest.parsers.limits import Limits
from ingest.types import Block, BlockKind, Parsed, ParseFailed

Read = Callable[..., Parsed]
Refuse = Callable[..., ParseFailed]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Parse data under a name. The file itself is stored under a name that says nothing, as the file store does."""

    def read_data(data: bytes | str, name: str, media_type: str | None = None, limits: Limits | None = None) -> Parsed:
        path = tmp_path / "0a1b2c"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return parse(path, name, media_type, limits or Limits())

    return read_data


@pytest.fixture
def refuse(read: Read) -> Refuse:
    """The failure that parsing data ends with."""

    def refuse_data(
        data: bytes | str, name: str, media_type: str | None = None, limits: Limits | None = None
    ) -> ParseFailed:
        with pytest.raises(ParseFailed) as caught:
            read(data, name, media_type, limits)
        assert caught.value.detail.endswith((".", "!")), "the detail is a sentence"
        return caught.value

    return refuse_data


def texts(parsed: Parsed, kind: BlockKind | None = None) -> list[str]:
    """The texts of the blocks, of one kind or all."""
    return [block.text for block in parsed.blocks if kind is None or block.kind is kind]


def outline(parsed: Parsed) -> list[tuple[int, str]]:
    """The headings with their levels."""
    return [(block.level, block.text) for block in parsed.blocks if block.kind is BlockKind.HEADING]


def shape(blocks: tuple[Block, ...]) -> list[tuple[str, str]]:
    """Kinds and texts."""
    return [(block.kind.value, block.text) for block in blocks]
