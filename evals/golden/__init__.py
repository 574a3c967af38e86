"""Golden sets: questions of employees, and the names of the files that answer them.

Here are only questions and names; the files are in a folder of the reader: `nexus eval retrieval FOLDER --golden NAME`.
A set is a JSONL file of {"id", "question", "files"}; a name `chats.json#17` is one record of a JSON file that holds a
list of records with a text.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core_api.infra.errors import Invalid
from evals.datasets import CorpusDocument, RetrievalSet

_SETS = Path(__file__).parent
_ID_MEMBERS = ("id", "_id", "conversation_id")


def golden_names() -> list[str]:
    """The sets that come with the product."""
    return sorted(file.stem for file in _SETS.glob("*.jsonl"))


def load_golden(golden: str, folder: Path) -> RetrievalSet:
    """The questions of a set (one of `golden_names`, or a JSONL file) over the files of a folder.

    Searched are all files in those folders, directly beneath `folder`, that any answer comes from. Raises Invalid with
    what is wrong.
    """
    file = _SETS / f"{golden}.jsonl" if golden in golden_names() else Path(golden)
    if not file.is_file():
        raise Invalid(
            f"There is no golden set {golden!r}; there are {', '.join(golden_names())}, or name a JSONL file."
        )
    questions = list(_questions(file))
    if not questions:
        raise Invalid(f"{file} has no questions.")
    names = sorted({name for _, _, names in questions for name in names})
    roots = sorted({name.split("/")[0] for name in names})
    documents = [document for root in roots for document in _documents(folder, folder / root)]
    known = {document.id for document in documents}
    missing = [name for name in names if name not in known]
    if missing:
        raise Invalid(f"{folder} lacks {len(missing)} files of the golden set {file.stem}, {missing[0]!r} for one.")
    return RetrievalSet(
        f"golden-{file.stem}",
        tuple(documents),
        {id_: question for id_, question, _ in questions},
        {id_: dict.fromkeys(names, 1) for id_, _, names in questions},
    )


def _questions(file: Path) -> Iterator[tuple[str, str, list[str]]]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            id_, question, names = str(row["id"]), row["question"], row["files"]
            sound = isinstance(question, str) and question.strip() and isinstance(names, list) and names
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid(f"{file}, line {number}: expected id, question and files ({error}).") from error
        if not sound:
            raise Invalid(f"{file}, line {number}: expected a question, and the names of the files that answer it.")
        yield id_, question, [str(name) for name in names]


def _documents(folder: Path, root: Path) -> Iterator[CorpusDocument]:
    for file in sorted([root] if root.is_file() else root.rglob("*")):
        if not file.is_file() or file.name.startswith("."):
            continue
        name = file.relative_to(folder).as_posix()
        records = _records(file) if file.suffix == ".json" else None
        if records is None:
            yield CorpusDocument(name, "", "", file)
            continue
        for record_id, text in records:
            yield CorpusDocument(f"{name}#{record_id}", "", text)


def _records(file: Path) -> list[tuple[str, str]] | None:
    """(id, text) of the records of a JSON file; None where it does not hold such."""
    try:
        rows: Any = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return None
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("text"), str) for row in rows
    ):
        return None
    member = next((member for member in _ID_MEMBERS if all(member in row for row in rows)), None)
    return None if member is None else [(str(row[member]), row["text"]) for row in rows]
