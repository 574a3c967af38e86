"""ZIP archives: every member under a heading with its path. Names are labels only; nothing is written by them.

Bounds (settings `archive_*`): number of members, unpacked bytes in all, expansion of each member, nesting. They are
counted while unpacking, since what the directory of an archive declares may be a lie.
"""

import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ingest.parsers.source import Source
from ingest.types import Block, BlockKind, Parsed, ParseFailed

_SMALL = 2**20  # bytes below which an expansion ratio says nothing
_CHUNK = 2**18


def parse(source: Source) -> Parsed:
    """Parse every member that can be read; those that cannot are named in the notes."""
    blocks: list[Block] = []
    notes: list[str] = []
    with _open(source.path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir() and not _is_hidden(member_name(info))]
        if not members:
            raise ParseFailed("empty", "The archive holds no files.")
        if all(info.flag_bits & 1 for info in members):
            raise ParseFailed(
                "password_protected", "The archive is protected by a password. Unpack it and upload the files."
            )
        check(source.path, source)
        for info in sorted(members, key=member_name):
            name = member_name(info)
            source.budget.take_member()
            try:
                parsed = source.parse_part(_unpack(archive, info, source), name, None)
            except ParseFailed as error:
                if error.reason == "too_large" and _exhausted(source):
                    raise
                notes.append(f"{name}: {error.detail}")
                continue
            titled = f"{name}: {parsed.title}" if parsed.title else name
            blocks.append(Block(BlockKind.HEADING, titled, level=1))
            blocks += [_deeper(block) for block in parsed.blocks]
            notes += [f"{name}: {note}" for note in parsed.notes]
    if not blocks:
        raise ParseFailed("no_text", f"No file in the archive could be read. {' '.join(notes)[:1000]}")
    return Parsed(tuple(blocks), parser="zip", notes=tuple(notes))


def check(path: Path, source: Source) -> None:
    """Refuse an archive (or an Office file, which is one) whose directory already shows that it is too large."""
    with _open(path) as archive:
        infos = archive.infolist()
    limits = source.limits
    if len(infos) > limits.archive_max_members:
        raise ParseFailed(
            "too_large",
            f"The file holds {len(infos)} members; at most {limits.archive_max_members} are read. Split it.",
        )
    size = sum(info.file_size for info in infos)
    packed = max(1, sum(info.compress_size for info in infos))
    if size > limits.archive_max_bytes:
        raise ParseFailed(
            "too_large",
            f"Unpacked, the file is {size // 2**20} MB; at most {limits.archive_max_bytes // 2**20} MB are read. "
            "Split it.",
        )
    if size > _SMALL and size > packed * limits.archive_max_ratio:
        raise ParseFailed(
            "too_large",
            f"The file expands {size // packed} times when unpacked, as archives made to harm do. "
            "Upload its contents unpacked.",
        )


def member_name(info: zipfile.ZipInfo) -> str:
    """A member's path as a person reads it: parts like `..` removed, legacy Korean names decoded."""
    name = info.filename
    if not info.flag_bits & 0x800:  # no UTF-8 flag: zipfile read it as cp437
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "cp949"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return "/".join(parts) or "unnamed"


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ParseFailed(
            "malformed", f"The archive is damaged or cut off: {error}. Make it again and retry."
        ) from error


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: Source) -> bytes:
    if info.flag_bits & 1:
        raise ParseFailed("password_protected", "Protected by a password. Unpack it and upload the file itself.")
    limit = max(_SMALL, info.compress_size * source.limits.archive_max_ratio)
    pieces: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as member:
            while piece := member.read(_CHUNK):
                size += len(piece)
                source.budget.take_bytes(len(piece))
                if size > limit:
                    raise ParseFailed(
                        "too_large",
                        f"Expands more than {source.limits.archive_max_ratio} times when unpacked, as archives made to "
                        "harm do. Upload it unpacked.",
                    )
                pieces.append(piece)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        raise ParseFailed("malformed", f"Damaged in the archive: {error}.") from error
    except Exception as error:  # zlib.error, lzma.LZMAError: no common base
        if type(error).__module__ in ("zlib", "_lzma", "lzma"):
            raise ParseFailed("malformed", f"Damaged in the archive: {error}.") from error
        raise
    return b"".join(pieces)


def _exhausted(source: Source) -> bool:
    budget = source.budget
    return budget.unpacked_bytes > budget.limits.archive_max_bytes or budget.members > budget.limits.archive_max_members


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) or part == "Thumbs.db" for part in name.split("/"))


def _deeper(block: Block) -> Block:
    return replace(block, level=block.level + 1) if block.kind is BlockKind.HEADING else block
