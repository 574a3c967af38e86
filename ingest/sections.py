"""Sections of a text by its headings, and which of them share a passage."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.text import ExtractedText
from ingest.types import BlockKind

_TINY_SHARE = 4  # a section below a quarter of a passage says too little alone


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A heading with its level (1..6) and the position of its first character."""

    heading: str
    level: int
    start: int


def outline(extracted: ExtractedText) -> list[OutlineEntry]:
    """The headings of a text, in order."""
    return [
        OutlineEntry(extracted.text[block.start : block.end], block.level, block.start)
        for block in extracted.blocks
        if block.kind is BlockKind.HEADING
    ]


Path = tuple[tuple[str, int], ...]
"""Headings from the outermost to the innermost, each with the index of its block."""


@dataclass(slots=True)
class _Section:
    first: int
    last: int
    level: int
    path: Path
    has_body: bool
    size: int


@dataclass(slots=True)
class Group:
    """Blocks `first..last` (inclusive) that are cut together; a group of several sections fits one passage.

    `path`: the headings that all of it stands under, without one that only repeats the title. `leading` are its first
    blocks up to the first one that is no heading; those that the path shows need not stand in the passage again.
    """

    first: int
    last: int
    path: Path
    leading: tuple[int, ...]
    title_blocks: frozenset[int]
    sections: list[_Section] = field(repr=False, default_factory=list)

    def first_block(self, kept: int) -> int:
        """The block at which the passages begin, when the path shows its last `kept` headings."""
        shown = {index for _, index in self.path[len(self.path) - kept :]} | self.title_blocks
        for block in self.leading:
            if block not in shown:
                return block
        return self.leading[-1] + 1 if self.leading else self.first


def group_sections(extracted: ExtractedText, sizes: Sequence[int], title: str, room: int) -> list[Group]:
    """Put sections together as far as that is right: `sizes` are the blocks' sizes in tokens, `room` that of a passage.

    A subsection joins what stands before it when both fit one passage; a section of the same or a higher level only
    when one of them (both, for a higher level) is tiny.
    """
    tiny = room // _TINY_SHARE
    groups: list[list[_Section]] = []
    for section in _sections(extracted, sizes):
        if groups and _joins(groups[-1], section, room, tiny):
            groups[-1].append(section)
        else:
            groups.append([section])
    return [_group(extracted, members, title) for members in groups]


def _joins(group: Sequence[_Section], section: _Section, room: int, tiny: int) -> bool:
    last = group[-1]
    deeper = section.level > last.level
    if deeper and not any(member.has_body for member in group):
        return True  # headings alone: they become the path of what follows
    size = sum(member.size for member in group)
    if size + section.size > room:
        return False
    if deeper:
        return True
    if section.level >= group[0].level:
        return min(size, section.size) < tiny
    return max(size, section.size) < tiny


def _sections(extracted: ExtractedText, sizes: Sequence[int]) -> list[_Section]:
    sections: list[_Section] = []
    stack: list[tuple[int, str, int]] = []
    for index, block in enumerate(extracted.blocks):
        if block.kind is BlockKind.HEADING:
            while stack and stack[-1][0] >= block.level:
                stack.pop()
            stack.append((block.level, extracted.text[block.start : block.end], index))
            path = tuple((name, at) for _, name, at in stack)
            sections.append(_Section(index, index, block.level, path, False, sizes[index]))
        elif not sections:
            sections.append(_Section(index, index, 0, (), True, sizes[index]))
        else:
            section = sections[-1]
            section.last, section.has_body = index, True
            section.size += sizes[index]
    return sections


def _group(extracted: ExtractedText, members: list[_Section], title: str) -> Group:
    first, last = members[0].first, members[-1].last
    paths = [member.path for member in members if member.has_body]
    # Headings with nothing under them are a passage themselves; they are text then, not path.
    path = _common(paths) if paths else members[0].path[:-1]
    leading: list[int] = []
    if paths:
        for index in range(first, last + 1):
            if extracted.blocks[index].kind is not BlockKind.HEADING:
                break
            leading.append(index)
    same = " ".join(title.split()).casefold()
    title_blocks = frozenset(index for name, index in path if name.casefold() == same)
    path = tuple((name, index) for name, index in path if index not in title_blocks)
    return Group(first, last, path, tuple(leading), title_blocks, members)


def _common(paths: Sequence[Path]) -> Path:
    shortest = min(paths, key=len)
    length = 0
    while length < len(shortest) and all(path[length] == shortest[length] for path in paths):
        length += 1
    return shortest[:length]
