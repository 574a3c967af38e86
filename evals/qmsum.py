"""QMSum (Zhong et al., 2021): transcripts of meetings, questions about them, and where in them the answers lie.

The files are JSON Lines as published (data/ALL/jsonl): each line a meeting with `meeting_transcripts`, its
`specific_query_list` (query, answer, and `relevant_text_span` in numbers of turns), `general_query_list` (query and
answer) and `topic_list` (topic and spans).
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core_api.infra.errors import Invalid, NotFound
from evals.datasets import CorpusDocument

# What the transcribers noted, and the blanks of their tokens; the data set's own preparation takes them out too.
_NOTE = re.compile(r"\{\s*\w+\s*\}|<\s*\w+\s*>")
_BLANK = re.compile(r"\s+([.,;:!?)]|'(?:s|m|d|t|ve|re|ll)\b|n't\b)")


@dataclass(frozen=True, slots=True)
class MeetingQuestion:
    """A question about a meeting, what people answered, and the turns that they took it from (first, last)."""

    text: str
    answer: str
    turns: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting. `turns` are what was said one by one, with the speaker in front; `topics` the turns of each topic;
    `overview` a summary of the whole that people wrote, where there is one."""

    id: str
    turns: tuple[str, ...]
    questions: tuple[MeetingQuestion, ...]
    topics: tuple[tuple[tuple[int, int], ...], ...]
    overview: str

    @property
    def document(self) -> CorpusDocument:
        """The transcript as a document."""
        return CorpusDocument(self.id, f"Meeting {self.id}", "\n\n".join(self.turns))


def load_qmsum(folder: Path, split: str = "val") -> list[Meeting]:
    """The meetings of a split, or of a file. Raises NotFound, and Invalid for what is not QMSum."""
    file = folder if folder.is_file() else folder / f"{split}.jsonl"
    if not file.is_file():
        raise NotFound(f"There is no {file}. QMSum is JSON Lines, one meeting a line: {split}.jsonl.")
    meetings = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
        try:
            meetings.append(_meeting(number, json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid(f"{file}, line {number + 1}: no meeting as QMSum has them ({error!r}).") from error
    return meetings


def _meeting(number: int, row: dict[str, Any]) -> Meeting:
    general = row["general_query_list"]
    return Meeting(
        id=f"{number + 1:02}",
        turns=tuple(f"{turn['speaker']}: {_clean(turn['content'])}" for turn in row["meeting_transcripts"]),
        questions=tuple(
            MeetingQuestion(item["query"], item["answer"], _spans(item["relevant_text_span"]))
            for item in row["specific_query_list"]
        ),
        topics=tuple(_spans(item["relevant_text_span"]) for item in row["topic_list"]),
        overview=general[0]["answer"] if general else "",
    )


def _spans(spans: list[list[str]]) -> tuple[tuple[int, int], ...]:
    return tuple((int(first), int(last)) for first, last in spans)


def _clean(text: str) -> str:
    return " ".join(_BLANK.sub(r"\1", _NOTE.sub("", text)).split())
