"""Blocks become one text whose spans can be trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sections import outline
from ingest.text import join, restore
from ingest.types import Block, BlockKind, Parsed, ParseFailed


def parsed(*blocks: Block, **more: str) -> Parsed:
    return Parsed(blocks, **more)  # type: ignore[arg-type]


def test_paragraphs_stand_apart_and_list_items_together() -> None:
    extracted = join(
        parsed(
            Block(BlockKind.HEADING, "Leave", 1),
            Block(BlockKind.PARAGRAPH, "Two kinds:"),
            Block(BlockKind.LIST_ITEM, "- annual"),
            Block(BlockKind.LIST_ITEM, "- sick"),
        ),
        1000,
    )
    assert extracted.text == "Leave\n\nTwo kinds:\n\n- annual\n- sick"
    assert [(entry.heading, entry.level, entry.start) for entry in outline(extracted)] == [("Leave", 1, 0)]


@given(st.lists(st.builds(Block, st.sampled_from(list(BlockKind)), st.text(max_size=80), st.integers(0, 9))))
def test_every_block_is_where_it_says_and_survives_storing(blocks: list[Block]) -> None:
    try:
        extracted = join(Parsed(tuple(blocks), parser="test"), 10**6)
    except ParseFailed:
        return
    last = 0
    for block in extracted.blocks:
        assert last <= block.start < block.end <= len(extracted.text)
        assert extracted.text[block.start : block.end].strip()
        last = block.end
    extracted.text.encode()
    assert "\x00" not in extracted.text
    assert restore(extracted.text, extracted.blocks_json(), "test") == extracted


def test_what_a_database_cannot_store_is_left_out() -> None:
    extracted = join(parsed(Block(BlockKind.PARAGRAPH, "a\x00b\ud800c\r\nd")), 100)
    assert extracted.text == "abc\nd"


def test_a_file_without_visible_text_is_refused() -> None:
    with pytest.raises(ParseFailed) as failure:
        join(parsed(Block(BlockKind.PARAGRAPH, " \n\t ")), 100)
    assert failure.value.reason == "no_text"


def test_a_text_beyond_the_bound_is_refused() -> None:
    with pytest.raises(ParseFailed) as failure:
        join(parsed(Block(BlockKind.PARAGRAPH, "x" * 60), Block(BlockKind.PARAGRAPH, "x" * 60)), 100)
    assert failure.value.reason == "too_large"
