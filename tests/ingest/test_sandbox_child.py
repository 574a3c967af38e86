"""The child's side of the conversation, in this process."""

import io
import json
import struct
from pathlib import Path
from typing import Any

from ingest.parsers.limits import Limits
from ingest.sandbox_child import answer, encode_frame, serve
from ingest.types import Parsed
from tests.ingest.misbehaving import parse


def frames(data: bytes) -> list[dict[str, Any]]:
    found = []
    while data:
        size = struct.unpack(">I", data[:4])[0]
        found.append(json.loads(data[4 : 4 + size]))
        data = data[4 + size :]
    return found


def test_requests_are_answered_in_order_until_the_input_ends(tmp_path: Path) -> None:
    (tmp_path / "good").write_text("say 휴가")
    (tmp_path / "bad").write_text("fail cannot be read")
    asked = b"".join(
        encode_frame({"path": str(tmp_path / name), "filename": name, "media_type": None}) for name in ("good", "bad")
    )
    out = io.BytesIO()
    serve(io.BytesIO(asked + b"\x00\x00"), out, parse, Limits())
    ready, good, bad = frames(out.getvalue())
    assert ready == {"ready": True}
    assert good["blocks"] == [["paragraph", "휴가", 0, 3]]
    assert good["title"] == "good"
    assert good["resident_bytes"] > 2**20
    assert (bad["reason"], bad["detail"]) == ("no_text", "cannot be read")


def test_running_out_of_memory_is_told_with_what_to_do(tmp_path: Path) -> None:
    def hungry(path: Path, filename: str, media_type: str | None, limits: Limits) -> Parsed:
        raise MemoryError

    told = answer({"path": "x", "filename": "x", "media_type": ""}, hungry, Limits(memory_bytes=512 * 2**20))
    assert told["reason"] == "out_of_memory"
    assert "512 MB" in str(told["detail"])
    assert "NEXUS_PARSE_MEMORY_BYTES" in str(told["detail"])


def test_text_that_cannot_be_encoded_does_not_break_the_frame() -> None:
    assert frames(encode_frame({"text": "half \ud800 pair"}))[0]["text"] == "half ? pair"
