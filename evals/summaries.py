"""How good summaries are, on QMSum: does their evidence come from where people found the answer?

Asked about a meeting, people marked the turns that the answer lies in. The evidence of a summary (its quotations, as
character spans of the transcript) is held against those turns: precision is the share of what is quoted that lies in
them, recall the share of them that is quoted, F1 their harmonic mean. Beside it stands what is there without
summarising: the best passage that the search finds, whole. The share of the words of people's answers that the words
shown have (unigrams, as ROUGE-1; Lin, 2004) says how much of the answer is in it.

For the whole of a meeting, people's topics are the measure: the share of them that the summary has something of.
"""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.agent.agent import Agent
from assistant.chat.exchange import answer, begin
from assistant.conversations.service import delete_conversation
from assistant.schemas import ChatRequest
from assistant.summaries.service import Length, Section, summarize_document, summarize_search
from core_api.infra.settings import Settings
from core_api.models import Document, DocumentVersion, VersionText
from evals import report
from evals.metrics import mean, percentile
from evals.qmsum import Meeting, load_qmsum
from evals.report import Run
from evals.runner import IndexedCorpus, Progress, indexed_corpus, no_progress
from retrieval import service
from retrieval.types import Filters, Hit, Query

Span = tuple[int, int]

_EXAMPLES = 20
_OVERVIEW = "What were the main points of the meeting?"


@dataclass(frozen=True, slots=True)
class Scored:
    """What one text of quotations is worth for one question."""

    precision: float
    recall: float
    words: float
    characters: int

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def run(
    settings: Settings,
    folder: Path,
    *,
    split: str = "val",
    limit: int | None = None,
    name: str | None = None,
    progress: Progress = no_progress,
) -> Run:
    """Evaluate summaries on a split of QMSum; `limit` keeps the first meetings. The result is kept under `name`.

    Raises NotFound and Invalid for a folder that is not QMSum.
    """
    meetings = load_qmsum(folder, split)
    name = report.run_name(name, "summaries", f"qmsum-{split}")
    began, started_at = time.perf_counter(), report.now()
    asked: dict[str, dict[str, Scored]] = {"top passage": {}, "answer": {}, "summary of the search": {}}
    topics: dict[str, list[float]] = {"top passage": [], "summary of the document": []}
    seconds: list[float] = []
    examples: list[dict[str, report.Value]] = []
    with indexed_corpus(settings, f"qmsum-{split}", [meeting.document for meeting in meetings], progress) as corpus:
        ids = {given: document_id for document_id, given in corpus.document_ids.items()}
        chosen = meetings[:limit]
        agent = Agent(corpus.settings, corpus.engine)
        agent.prepare()
        for done, meeting in enumerate(chosen, start=1):
            with corpus.database.reading() as session:
                document_id = ids[meeting.id]
                turns = _turn_spans(session, document_id, meeting)
                for number, question in enumerate(meeting.questions):
                    gold = [(turns[first][0], turns[min(last, len(turns) - 1)][1]) for first, last in question.turns]
                    answers = _answers(session, agent, corpus, document_id, question.text)
                    for system, (spans, words) in answers.items():
                        asked[system][f"{meeting.id}-{number}"] = _score(spans, words, gold, question.answer)
                    if number == 0 and len(examples) < _EXAMPLES:
                        summed_up = answers["summary of the search"][1]
                        examples.append({"question": question.text, "wanted": question.answer, "summary": summed_up})
                cpu = time.process_time()
                summary = summarize_document(session, corpus.subject, corpus.engine, document_id)
                seconds.append(time.process_time() - cpu)
                parts = [
                    [(turns[first][0], turns[min(last, len(turns) - 1)][1]) for first, last in spans]
                    for spans in meeting.topics
                ]
                top = _search(session, corpus, document_id, _OVERVIEW, 1)
                topics["top passage"].append(_touched([(hit.start, hit.end) for hit in top], parts))
                topics["summary of the document"].append(
                    _touched([(one.start, one.end) for one in summary.evidence], parts)
                )
            progress("Summing up", done, len(chosen))
        model = corpus.engine.embedder.fingerprint
    metrics = {system: _metrics(list(scores.values())) for system, scores in asked.items()}
    metrics |= {
        f"whole meeting: {system}": {"meetings": len(shares), "topics touched": mean(shares)}
        for system, shares in topics.items()
    }
    metrics["whole meeting: summary of the document"] |= {
        "p50 CPU s": percentile(seconds, 0.5),
        "p95 CPU s": percentile(seconds, 0.95),
    }
    result = Run(
        name=name,
        kind="summaries",
        dataset=f"QMSum {split}",
        started_at=started_at,
        seconds=time.perf_counter() - began,
        parameters={"meetings": len(chosen), "questions": len(asked["answer"]), "model": model},
        metrics=metrics,
        per_query_metric="F1 of spans",
        per_query={system: {id_: one.f1 for id_, one in scores.items()} for system, scores in asked.items()},
        examples=examples,
    )
    report.save(result, settings.data_dir)
    return result


def _answers(
    session: Session, agent: Agent, corpus: IndexedCorpus, document_id: str, question: str
) -> dict[str, tuple[list[Span], str]]:
    """The spans that each system quotes, and the words that it shows."""
    top = _search(session, corpus, document_id, question, 1)
    asked = begin(agent, corpus.database, corpus.subject, ChatRequest(message=question, document_ids=[document_id]))
    reply = answer(asked)
    with corpus.database.transaction() as writing:
        delete_conversation(writing, corpus.subject, asked.conversation_id)
    filters = Filters(source_ids=(document_id,))
    whole = summarize_search(session, corpus.subject, corpus.engine, question, filters, Length.MEDIUM)
    return {
        "top passage": ([(hit.start, hit.end) for hit in top], " ".join(hit.text for hit in top)),
        "answer": (
            [(one.start, one.end) for one in reply.citations],
            " ".join(one.quote for one in reply.citations),
        ),
        "summary of the search": _quoted(whole.sections),
    }


def _search(session: Session, corpus: IndexedCorpus, document_id: str, question: str, k: int) -> list[Hit]:
    query = Query(question, k, filters=Filters(source_ids=(document_id,)), per_source=0)
    return list(service.search(session, corpus.subject, corpus.engine, query).hits)


def _quoted(sections: Sequence[Section]) -> tuple[list[Span], str]:
    evidence = [one for section in sections for one in section.evidence]
    return [(one.start, one.end) for one in evidence], " ".join(one.quote for one in evidence)


def _turn_spans(session: Session, document_id: str, meeting: Meeting) -> list[Span]:
    """Where each turn of a meeting stands in its document's extracted text."""
    text = session.scalar(
        select(VersionText.text)
        .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
        .join(Document, (Document.id == DocumentVersion.document_id) & (Document.version == DocumentVersion.number))
        .where(Document.id == document_id)
    )
    assert text is not None
    spans: list[Span] = []
    place = 0
    for turn in meeting.turns:
        turn = turn.rstrip()  # an empty one is stored without the blank, and would be found in the next of its speaker
        found = text.find(turn, place)
        if found < 0:  # an empty turn, or one that the extraction has changed: no width
            spans.append((place, place))
            continue
        spans.append((found, found + len(turn)))
        place = found + len(turn)
    return spans


def _score(spans: Sequence[Span], words: str, gold: Sequence[Span], answer: str) -> Scored:
    quoted = {place for start, end in spans for place in range(start, end)}
    wanted = {place for start, end in gold for place in range(start, end)}
    both = len(quoted & wanted)
    said, reference = Counter(_words(words)), Counter(_words(answer))
    shared = sum((said & reference).values())
    return Scored(
        precision=both / len(quoted) if quoted else 0.0,
        recall=both / len(wanted) if wanted else 0.0,
        words=shared / (sum(reference.values()) or 1),
        characters=len(quoted),
    )


def _touched(spans: Sequence[Span], topics: Sequence[Sequence[Span]]) -> float:
    """The share of topics that have something of the spans."""
    touched = [any(start < stop and begin < end for start, end in topic for begin, stop in spans) for topic in topics]
    return mean([float(one) for one in touched])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _metrics(scores: Sequence[Scored]) -> dict[str, float]:
    return {
        "questions": len(scores),
        "precision": mean([one.precision for one in scores]),
        "recall": mean([one.recall for one in scores]),
        "F1 of spans": mean([one.f1 for one in scores]),
        "words of the answer": mean([one.words for one in scores]),
        "characters": mean([one.characters for one in scores]),
    }
