"""Test collections in the layouts that people have: BEIR folders and SQuAD files.

A collection is documents and what is asked of them: `RetrievalSet` says which documents are relevant to a query,
`QuestionSet` which words answer a question. A SQuAD file is both.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core_api.infra.errors import Invalid


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document of a collection; `title` may be empty. With `file` it is what the product reads from that file."""

    id: str
    title: str
    text: str
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """Documents, queries by id, and for each query the graded relevance (> 0) of documents by id."""

    name: str
    documents: tuple[CorpusDocument, ...]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]

    def digest(self) -> str:
        """Names the documents, whatever is asked of them."""
        return corpus_digest(self.documents)


@dataclass(frozen=True, slots=True)
class Question:
    """A question to a paragraph. No `answers`: the paragraph does not answer it (SQuAD 2.0's `is_impossible`)."""

    id: str
    text: str
    document_id: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Paragraphs, each a document, and questions to them."""

    name: str
    documents: tuple[CorpusDocument, ...]
    questions: tuple[Question, ...] = field(default=())

    def digest(self) -> str:
        """Names the documents, whatever is asked of them."""
        return corpus_digest(self.documents)

    def for_retrieval(self) -> RetrievalSet:
        """Each question looks for its own paragraph; questions without an answer are left out."""
        asked = [question for question in self.questions if question.answers]
        return RetrievalSet(
            self.name,
            self.documents,
            {question.id: question.text for question in asked},
            {question.id: {question.document_id: 1} for question in asked},
        )


def corpus_digest(documents: Iterable[CorpusDocument]) -> str:
    """A hash of documents, by which an index of them is known."""
    digest = hashlib.sha256()
    for document in documents:
        for part in (document.id, document.title, document.text):
            digest.update(part.encode() + b"\0")
        if document.file is not None:
            digest.update(hashlib.sha256(document.file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def load_retrieval(path: Path, split: str | None = None, articles: int | None = None) -> RetrievalSet:
    """A collection for retrieval: a BEIR folder, or a SQuAD file (or a folder that holds one).

    `split` names a file of `qrels/` (BEIR); `articles` keeps the questions of the first ones only (SQuAD), over all
    paragraphs. Raises Invalid with what is wrong.
    """
    if path.is_dir() and (path / "corpus.jsonl").exists():
        if articles is not None:
            raise Invalid("`articles` is for files in SQuAD layout; this is a BEIR folder.")
        return load_beir(path, split)
    if split is not None:
        raise Invalid("`split` is for folders in BEIR layout (corpus.jsonl, queries*.jsonl, qrels/*.tsv).")
    return load_squad(path, articles).for_retrieval()


def load_beir(folder: Path, split: str | None = None) -> RetrievalSet:
    """A folder in BEIR layout (Thakur et al., 2021): corpus.jsonl, queries.jsonl or queries_{split}.jsonl, and
    qrels/{split}.tsv with a header line. `split` is needed only where there are several.

    Only queries with judgements are kept. Raises Invalid with what is wrong.
    """
    judged = {file.stem: file for file in sorted((folder / "qrels").glob("*.tsv"))}
    if not judged:
        raise Invalid(f"{folder} has no qrels/*.tsv. A BEIR folder has corpus.jsonl, queries*.jsonl and qrels/*.tsv.")
    if split is None:
        if len(judged) > 1:
            raise Invalid(f"{folder} has several splits: choose one of {', '.join(judged)} with --split.")
        split = next(iter(judged))
    if split not in judged:
        raise Invalid(f"{folder} has no split {split!r}; it has {', '.join(judged)}.")
    qrels = _qrels(judged[split])
    texts: dict[str, str] = {}
    for file in sorted(folder.glob("queries*.jsonl")):
        for row in _json_lines(file):
            texts[_member(row, "_id", file)] = _member(row, "text", file)
    missing = [query_id for query_id in qrels if query_id not in texts]
    if missing:
        raise Invalid(f"{folder}: {len(missing)} judged queries have no text, {missing[0]!r} for one.")
    corpus = folder / "corpus.jsonl"
    documents = tuple(
        CorpusDocument(_member(row, "_id", corpus), str(row.get("title") or ""), _member(row, "text", corpus))
        for row in _json_lines(corpus)
    )
    name = f"{folder.resolve().name}-{split}"
    return RetrievalSet(name, documents, {query_id: texts[query_id] for query_id in qrels}, qrels)


def load_squad(path: Path, articles: int | None = None) -> QuestionSet:
    """A file in the layout of SQuAD 1.1 or 2.0 (Rajpurkar et al., 2016, 2018), or a folder with one such file.

    Equal paragraphs are one document. `articles`: questions of the first ones only, over the paragraphs of all.
    Raises Invalid with what is wrong.
    """
    file = _single_json(path)
    try:
        data = json.loads(file.read_text(encoding="utf-8"))["data"]
        documents: dict[str, CorpusDocument] = {}
        questions: list[Question] = []
        for number, article in enumerate(data):
            for paragraph in article["paragraphs"]:
                text = paragraph["context"]
                known = documents.setdefault(text, CorpusDocument(f"p{len(documents) + 1:05d}", "", text))
                if articles is None or number < articles:
                    questions.extend(_question(row, known.id) for row in paragraph["qas"])
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{file} is not in SQuAD layout: {type(error).__name__} {error}.") from error
    name = file.stem if articles is None else f"{file.stem}-first{articles}"
    return QuestionSet(name, tuple(documents.values()), tuple(questions))


def _question(row: dict[str, Any], document_id: str) -> Question:
    # Answers come several times (one of each annotator), in SQuAD 2.0 none where it is impossible.
    answers = tuple(dict.fromkeys(answer["text"] for answer in row["answers"] if answer["text"].strip()))
    return Question(str(row["id"]), row["question"].strip(), document_id, answers)


def _single_json(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise Invalid(f"{path} does not exist.")
    files = sorted(path.glob("*.json"))
    if len(files) != 1:
        raise Invalid(
            f"{path} is neither a BEIR folder (it has no corpus.jsonl) nor a folder with one SQuAD file "
            f"(it has {len(files)} .json files)."
        )
    return files[0]


def _qrels(file: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    lines = file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (number == 1 and not line.split("\t")[-1].strip().lstrip("-").isdigit()):
            continue
        parts = line.split("\t")
        if len(parts) == 4:  # TREC: query, iteration, document, relevance
            parts = [parts[0], parts[2], parts[3]]
        try:
            query_id, document_id, grade = parts[0], parts[1], int(parts[2])
        except (IndexError, ValueError) as error:
            raise Invalid(f"{file}, line {number}: expected query-id, corpus-id and score with tabs.") from error
        if grade > 0:
            qrels.setdefault(query_id, {})[document_id] = grade
    if not qrels:
        raise Invalid(f"{file} has no judgement above 0.")
    return qrels


def _json_lines(file: Path) -> Iterable[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise Invalid(f"{file}, line {number} is not JSON: {error}.") from error
                if not isinstance(row, dict):
                    raise Invalid(f"{file}, line {number} is not a JSON object.")
                yield row


def _member(row: dict[str, Any], name: str, file: Path) -> str:
    if name not in row:
        raise Invalid(f"{file}: a line has no {name!r}.")
    return str(row[name])
