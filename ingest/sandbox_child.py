"""The child process that parses: `python -m ingest.sandbox_child PARENT PARSER LIMITS`, started by `ingest.sandbox`.

It reads requests from standard input and writes answers to what was standard output, both as frames: four bytes of
length (big-endian), then JSON. JSON and not pickle, because the parent must not execute what a child that a hostile
file has taken over may send. Whatever parsers print goes to standard error.
"""

import json
import os
import resource
import struct
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from ingest.parsers.death import die_with_parent
from ingest.parsers.limits import Limits
from ingest.types import Parsed, ParseFailed

Parser = Callable[[Path, str, str | None, Limits], Parsed]

_HEADER = struct.Struct(">I")
_NICENESS = 5
_MAX_FILE_BYTES = 4 * 2**30


def encode_frame(message: object) -> bytes:
    """A message as it goes through the pipe."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return _HEADER.pack(len(body)) + body


def serve(requests: BinaryIO, answers: BinaryIO, parser: Parser, limits: Limits) -> None:
    """Say that the child is ready, then answer requests `{path, filename, media_type}` until the input ends."""
    answers.write(encode_frame({"ready": True}))
    answers.flush()
    while len(header := requests.read(_HEADER.size)) == _HEADER.size:
        request = json.loads(requests.read(_HEADER.unpack(header)[0]))
        answers.write(encode_frame(answer(request, parser, limits)))
        answers.flush()


def answer(request: dict[str, str], parser: Parser, limits: Limits) -> dict[str, object]:
    """The answer to one request: the parsed file or its failure, and the memory that this process now holds."""
    try:
        parsed = parser(Path(request["path"]), request["filename"], request["media_type"], limits)
        result: dict[str, object] = {
            "blocks": [(block.kind.value, block.text, block.level, block.page) for block in parsed.blocks],
            "title": parsed.title,
            "parser": parsed.parser,
            "notes": parsed.notes,
            "tags": parsed.tags,
            "category": parsed.category,
        }
    except ParseFailed as failure:
        result = {"reason": failure.reason, "detail": failure.detail}
    except MemoryError:
        result = {"reason": "out_of_memory", "detail": out_of_memory(limits)}
    return {**result, "resident_bytes": resident_bytes()}


def out_of_memory(limits: Limits) -> str:
    """What to tell a person whose file needs too much memory."""
    return (
        f"Reading the file needs more than the {limits.memory_bytes // 2**20} MB of memory that one file may use. "
        "Split it, or raise NEXUS_PARSE_MEMORY_BYTES."
    )


def resident_bytes() -> int:
    """Memory that this process holds now; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def confine(limits: Limits) -> None:
    """Lower this process's rights to memory, disk and processor; programs that it starts inherit them.

    RLIMIT_DATA, not RLIMIT_AS: the latter also counts address space that is only reserved (pandoc's runtime reserves a
    terabyte, LibreOffice maps its libraries), the former what a file really makes a process allocate.
    """
    for name, value in ((resource.RLIMIT_DATA, limits.memory_bytes), (resource.RLIMIT_FSIZE, _MAX_FILE_BYTES)):
        hard = resource.getrlimit(name)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (bound, bound))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICENESS)


def main() -> None:
    """Set up the process and serve."""
    parent, target, limits = int(sys.argv[1]), sys.argv[2], Limits(**json.loads(sys.argv[3]))
    die_with_parent()
    if os.getppid() != parent:  # it was gone before the line above
        sys.exit(1)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    confine(limits)
    tempfile.tempdir = os.getcwd()
    # spaCy, which unstructured imports, imports torch if it can: 150 MB and a second for nothing that is used here.
    sys.modules["torch"] = None  # type: ignore[assignment]
    module, function = target.split(":")
    serve(requests, answers, getattr(import_module(module), function), limits)


if __name__ == "__main__":
    main()
