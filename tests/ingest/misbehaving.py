"""A parser for the sandbox's tests: it does what the file's name says, good or bad, in the real child process."""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ingest.parsers.death import die_with_parent
from ingest.parsers.limits import Limits
from ingest.types import Block, BlockKind, Parsed, ParseFailed


def parse(path: Path, filename: str, media_type: str | None, limits: Limits) -> Parsed:
    """Behave as the first line of the file says."""
    command, _, argument = path.read_text().strip().partition(" ")
    if command == "say":
        text = argument
    elif command == "about":
        text = json.dumps(
            {
                "pid": os.getpid(),
                "environment": dict(os.environ),
                "torch": sys.modules.get("torch", "absent") is None,
                "temporary": tempfile.gettempdir(),
                "session": os.getsid(0),
                "niceness": os.nice(0),
            }
        )
    elif command == "sleep":
        time.sleep(float(argument))
        text = "slept"
    elif command == "spin":
        while True:
            pass
    elif command == "spawn":  # an external program in a process group of its own, and then no answer
        program = subprocess.Popen(["sleep", "300"], process_group=0, preexec_fn=die_with_parent)
        Path(argument).write_text(f"{os.getpid()} {program.pid}")
        time.sleep(300)
        text = ""
    elif command == "allocate":
        hog = bytearray(int(argument))
        hog[::4096] = b"x" * len(hog[::4096])
        text = "allocated"
    elif command == "exit":
        os._exit(int(argument))
    elif command == "crash":
        ctypes.string_at(0)
        text = ""
    elif command == "print":
        print("noise on standard output")
        os.system("echo more noise")
        text = "printed"
    elif command == "repeat":
        text = "x" * int(argument)
    elif command == "fail":
        raise ParseFailed("no_text", argument)
    elif command == "raise":
        raise RuntimeError(argument)
    elif command == "litter":
        Path(tempfile.mkdtemp(), "litter").write_text("left behind")
        text = tempfile.gettempdir()
    else:
        raise AssertionError(command)
    return Parsed((Block(BlockKind.PARAGRAPH, text, page=3),), title=filename, parser="misbehaving", notes=("a note",))
