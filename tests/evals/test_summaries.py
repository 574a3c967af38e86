"""Summaries are graded on QMSum's own files, through the product."""

import json
from pathlib import Path

import pytest

from core_api.infra.errors import Invalid, NotFound
from core_api.infra.settings import Settings
from evals.qmsum import load_qmsum
from evals.summaries import run

TURNS = [
    ("Ann", "{vocalsound} Shall we speak about the remote control first ? I think it 's time ."),
    ("Bob", "The remote control will have a rubber case , because rubber does not break when it falls ."),
    ("Ann", "Good . Then the budget . We have twelve euros and fifty cents for every remote ."),
    ("Bob", "The budget leaves no room for a screen , so there will be no screen ."),
]


def write(folder: Path, **changes: object) -> Path:
    meeting = {
        "meeting_transcripts": [{"speaker": speaker, "content": content} for speaker, content in TURNS],
        "topic_list": [
            {"topic": "case", "relevant_text_span": [["0", "1"]]},
            {"topic": "budget", "relevant_text_span": [["2", "3"]]},
        ],
        "general_query_list": [{"query": "Summarize the meeting", "answer": "A rubber case, and no screen."}],
        "specific_query_list": [
            {"query": "Why a rubber case?", "answer": "It does not break.", "relevant_text_span": [["1", "1"]]}
        ],
    }
    (folder / "val.jsonl").write_text(json.dumps(meeting | changes) + "\n")
    return folder


def test_transcripts_are_read_without_what_was_noted_in_them(tmp_path: Path) -> None:
    [meeting] = load_qmsum(write(tmp_path))
    assert meeting.turns[0] == "Ann: Shall we speak about the remote control first? I think it's time."
    assert meeting.questions[0].turns == ((1, 1),)


def test_what_is_no_qmsum_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_qmsum(tmp_path)
    with pytest.raises(Invalid):
        load_qmsum(write(tmp_path, specific_query_list=[{"query": "Why?"}]))


def test_quotations_are_held_against_what_people_marked(tmp_path: Path, model_cache: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", models_cache=model_cache, log_level="error")
    metrics = run(settings, write(tmp_path)).metrics
    # The passage is the whole meeting, of which the answer is a quarter or so.
    assert metrics["top passage"]["recall"] == 1.0
    assert metrics["answer"]["precision"] > metrics["top passage"]["precision"]
    assert metrics["whole meeting: summary of the document"]["topics touched"] == 1.0
