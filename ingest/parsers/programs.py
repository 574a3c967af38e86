"""External programs (LibreOffice, pandoc, tesseract): found, run with a time limit, and never left behind.

Each runs in a process group of its own inside the parser child's session: its own limit kills its group, the sandbox's
limit kills the whole session, and when the child itself is killed the kernel kills the program (PR_SET_PDEATHSIG).
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ingest.parsers.death import die_with_parent
from ingest.parsers.source import Source
from ingest.types import ParseFailed


def find_pandoc() -> str | None:
    """The pandoc that pypandoc_binary brings (one version everywhere), or the system's."""
    try:
        import pypandoc

        return str(pypandoc.get_pandoc_path())
    except (ImportError, OSError):
        return shutil.which("pandoc")


def find_office() -> str | None:
    """LibreOffice's `soffice.bin`, whose launcher scripts would put processes between it and us; or the launcher."""
    launcher = shutil.which("soffice") or shutil.which("libreoffice")
    if launcher is None:
        return None
    binary = Path(launcher).resolve().parent / "soffice.bin"
    return str(binary) if binary.exists() else launcher


def find_tesseract() -> str | None:
    """The tesseract program."""
    return shutil.which("tesseract")


def run(source: Source, args: Sequence[str], *, stdin: bytes | None = None, timeout: float | None = None) -> bytes:
    """The standard output of a program. Raises `ParseFailed`: `timeout`, or `malformed` when it fails."""
    limit = max(1.0, min(timeout or 1e9, source.budget.remaining_seconds(0.95)))
    name = Path(args[0]).name
    process = subprocess.Popen(  # noqa: S603 - a fixed program with arguments made here
        list(args),
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=source.scratch,
        process_group=0,
        preexec_fn=die_with_parent,
    )
    try:
        output, errors = process.communicate(stdin, timeout=limit)
    except subprocess.TimeoutExpired:
        kill_group(process)
        raise ParseFailed(
            "timeout",
            f"Reading the file took more than {limit:.0f} s ({name}). Split it, or save it in a newer format.",
        ) from None
    except BaseException:
        kill_group(process)
        raise
    if process.returncode != 0:
        said = errors.decode("utf-8", "replace").strip().splitlines()
        raise ParseFailed(
            "malformed", f"{name} could not read the file: {said[-1][:300] if said else 'no reason given'}."
        )
    return output


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program started by `run` with everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def needs(program: str, what: str, package: str) -> ParseFailed:
    """The failure that names what to install."""
    return ParseFailed(
        "needs_program",
        f"{what} files are read with {program}, which is not installed on the server. "
        f"Install it (Debian/Ubuntu: apt-get install {package}) and retry.",
    )
