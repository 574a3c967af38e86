"""Texts are cut so that every passage fits the model, reads well, and can be quoted by its span."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.chunking import CHUNK_TOKENS, Chunker, Passage
from ingest.text import ExtractedText, join
from ingest.types import Block, BlockKind, Parsed, ParseFailed
from retrieval.embedding import Embedder
from retrieval.passages import content_sha256, embedded_text

SENTENCE = "The committee reviews every request within ten working days and answers in writing. "
KOREAN = "육아휴직은 자녀 한 명당 최대 일 년까지 사용할 수 있으며 신청서는 삼십 일 전에 제출해야 합니다. "


def heading(text: str, level: int = 1) -> Block:
    return Block(BlockKind.HEADING, text, level)


def paragraph(text: str, page: int | None = None) -> Block:
    return Block(BlockKind.PARAGRAPH, text, page=page)


def extract(*blocks: Block) -> ExtractedText:
    return join(Parsed(blocks), 10**7)


def cut(embedder: Embedder, *blocks: Block, title: str = "Handbook", size: int = CHUNK_TOKENS) -> list[Passage]:
    return Chunker(embedder, size).chunk(title, extract(*blocks))


words = st.one_of(
    st.text(alphabet="abcdefghij .,;!?\n가나다라마바사한국어다요", max_size=400),
    st.text(max_size=60),
    st.sampled_from(
        [SENTENCE * 8, KOREAN * 6, "x" * 3000, "가" * 900, "漢" * 700, "a,b;" * 400, "1 " * 500, "😀" * 200]
    ),
)
blocks = st.lists(
    st.builds(
        Block,
        st.sampled_from(list(BlockKind)),
        words,
        level=st.integers(0, 7),
        page=st.one_of(st.none(), st.integers(1, 9)),
    ),
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(
    blocks=blocks, title=st.one_of(st.text(max_size=80), st.just("휴가 " * 60)), size=st.sampled_from([64, 128, 256])
)
def test_spans_are_exact_in_order_complete_and_never_too_long(
    embedder: Embedder, blocks: list[Block], title: str, size: int
) -> None:
    try:
        extracted = extract(*blocks)
    except ParseFailed:  # nothing visible in it
        assume(False)
    passages = Chunker(embedder, size).chunk(title, extracted)

    assert passages
    assert all(extracted.text[p.start : p.end] == p.text and p.text.strip() == p.text != "" for p in passages)
    assert all(one.end <= other.start for one, other in pairwise(passages))
    counts = embedder.count_tokens([p.embedded for p in passages])
    known = [embedder.covers(p.language) for p in passages]
    # A passage in several languages may be larger than asked for, but not than the model reads.
    assert all(count <= embedder.max_tokens for count, covered in zip(counts, known, strict=True) if covered)
    assert all(len(p.text) <= size * 12 for p in passages)
    assert all(p.embedded.endswith(p.text) and p.content_sha256 == content_sha256(p.embedded) for p in passages)
    # What stands in no passage is white space, or a heading that the next passage's heading path or the title shows.
    covered = [False] * len(extracted.text)
    for passage in passages:
        covered[passage.start : passage.end] = [True] * (passage.end - passage.start)
    for block in extracted.blocks:
        text = extracted.text[block.start : block.end]
        lost = [char for i, char in enumerate(text, block.start) if not covered[i] and not char.isspace()]
        if lost:
            assert block.kind is BlockKind.HEADING
            following = next(p for p in passages if p.start >= block.end)
            assert text in following.heading or text.casefold() == " ".join(title.split()).casefold()
    assert Chunker(embedder, size).chunk(title, extracted) == passages


def test_a_passage_carries_title_and_heading_path_in_front(embedder: Embedder) -> None:
    (passage,) = cut(
        embedder, heading("Leave"), heading("Parental leave", 2), paragraph("Ask your manager first."), title="Handbook"
    )
    assert passage.heading == "Leave > Parental leave"
    assert passage.text == "Ask your manager first."
    assert passage.embedded == embedded_text("Handbook", "Leave > Parental leave", "Ask your manager first.")


def test_a_heading_that_repeats_the_title_is_not_said_twice(embedder: Embedder) -> None:
    (passage,) = cut(embedder, heading("Leave Policy"), paragraph("Two weeks."), title="Leave policy")
    assert (passage.heading, passage.text) == ("", "Two weeks.")


def test_long_sections_do_not_share_a_passage(embedder: Embedder) -> None:
    passages = cut(embedder, heading("One", 2), paragraph(SENTENCE * 5), heading("Two", 2), paragraph(SENTENCE * 5))
    assert [p.heading for p in passages] == ["One", "Two"]


def test_tiny_sections_are_put_together_under_the_heading_that_they_share(embedder: Embedder) -> None:
    (passage,) = cut(
        embedder,
        heading("Contacts"),
        *(block for name in ("Payroll", "Travel", "IT") for block in (heading(name, 2), paragraph(f"Call {name}."))),
    )
    assert passage.heading == "Contacts"
    assert passage.text == "Payroll\n\nCall Payroll.\n\nTravel\n\nCall Travel.\n\nIT\n\nCall IT."


def test_sentences_stay_whole_where_they_fit(embedder: Embedder) -> None:
    numbered = " ".join(f"Rule {n} says that requests of kind {n} go to office {n} by noon." for n in range(60))
    passages = cut(embedder, paragraph(numbered))
    assert len(passages) > 3
    assert all(re.fullmatch(r"Rule .*noon\.", p.text, re.DOTALL) for p in passages)


def test_korean_sentences_stay_whole(embedder: Embedder) -> None:
    passages = cut(embedder, paragraph(KOREAN * 12))
    assert len(passages) > 1
    assert all(p.text.endswith("합니다.") and p.language == "ko" for p in passages)


def test_table_rows_are_not_cut(embedder: Embedder) -> None:
    rows = [f"| Employee {n} | Grade {n % 15}. Step 4 | {n * 1000} |" for n in range(80)]
    passages = cut(embedder, Block(BlockKind.TABLE, "\n".join(rows)))
    assert len(passages) > 3
    assert [line for p in passages for line in p.text.split("\n")] == rows


def test_pages_follow_the_block_that_a_passage_begins_in(embedder: Embedder) -> None:
    passages = cut(embedder, *(paragraph(SENTENCE * 8, page=n) for n in (1, 2, 3)))
    assert [p.page for p in passages] == sorted(p.page or 0 for p in passages)
    assert {p.page for p in passages} == {1, 2, 3}


def test_an_edit_changes_the_hashes_of_its_passage_only(embedder: Embedder) -> None:
    sections = [block for n in range(9) for block in (heading(f"Part {n}", 2), paragraph(f"{SENTENCE * 6} Part {n}."))]
    edited = list(sections)
    edited[9] = paragraph(sections[9].text.replace("ten", "twelve", 1))
    before = {p.content_sha256 for p in cut(embedder, *sections)}
    after = {p.content_sha256 for p in cut(embedder, *edited)}
    assert len(after - before) == 1


def test_a_word_without_an_end_is_cut_by_length(embedder: Embedder) -> None:
    passages = cut(embedder, paragraph("x" * 100_000))
    assert "".join(p.text for p in passages) == "x" * 100_000
    assert max(len(p.text) for p in passages) <= CHUNK_TOKENS * 12


def test_too_small_passages_are_refused(embedder: Embedder) -> None:
    with pytest.raises(ValueError, match="too small"):
        Chunker(embedder, 20)


@pytest.mark.data
def test_a_real_page_is_cut_without_loss(embedder: Embedder, shared_data: Path) -> None:
    page = (shared_data / "handbook/pages/travel-and-leave/paid-parental-leave.md").read_text()
    extracted = extract(*(paragraph(part) for part in re.split(r"\n\s*\n", page) if part.strip()))
    passages = Chunker(embedder).chunk("Paid parental leave", extracted)
    assert "".join("".join(p.text.split()) for p in passages) == "".join(page.split())


def test_korean_passages_are_as_long_as_english_ones_though_the_model_takes_hangul_to_pieces(
    embedder: Embedder,
) -> None:
    sentence = "여의도에서 농민들이 모여 시위를 벌였고 정부는 곧바로 대책을 발표하였다. "
    passages = cut(embedder, Block(BlockKind.PARAGRAPH, (sentence * 40).strip()))
    assert all(350 <= len(p.text) <= CHUNK_TOKENS * 3 for p in passages[:-1])
    assert all(p.text.endswith("발표하였다.") for p in passages)
