"""How good the answers are: questions of a SQuAD file, asked of the product, whose words are then looked at.

An answer is right when one of the sentences that it shows contains a gold answer. Beside that: do the citations hold
(span, hash, the right paragraph), does a quote support each sentence, and is the stated probability true? For the last,
the questions are also asked of the collection without half of its paragraphs, so that about half cannot be answered;
SQuAD 2.0 has impossible questions beside.
"""

import hashlib
import re
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from assistant.agent.agent import Agent
from assistant.chat.exchange import answer, begin
from assistant.citations import Citation, digest
from assistant.conversations.service import delete_conversation
from assistant.schemas import ChatAnswer, ChatRequest
from assistant.types import Confidence
from core_api.infra.settings import Settings
from core_api.models import DocumentVersion, VersionText
from evals import report
from evals.containment import contains_answer
from evals.datasets import CorpusDocument, Question, load_squad
from evals.metrics import auroc, calibration_error, mean, percentile
from evals.report import Run
from evals.runner import IndexedCorpus, Progress, indexed_corpus, no_progress
from retrieval.analyzer import analyze
from retrieval.sentences import sentence_spans

_MOST_MIXED = 3_000
_EXAMPLES = 25
# A sentence is supported when its quotes have so much of its terms, and all its numbers.
_ENOUGH_TERMS = 0.8

_MARKERS = re.compile(r"\s*((?:\[\d{1,3}\])+)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question. `held` counts the citations whose span and hash hold, of `cited`; `from_gold` those
    out of the question's own paragraph; `first`: the first sentence shown contains the answer. `confidence` and
    `support` are what the answer states of itself, None and 0 for nothing. `sentences` is the number of sentences
    shown, `supported` how many of the `stated` ones their quotes bear out."""

    question: Question
    contains: bool
    first: bool
    abstained: bool
    confidence: Confidence | None
    support: float
    cited: int
    held: int
    from_gold: int
    sentences: int
    stated: int
    supported: int
    milliseconds: float
    answer: str


def run(
    settings: Settings,
    file: Path,
    *,
    articles: int | None = None,
    limit: int | None = None,
    name: str | None = None,
    mixed: bool = True,
    progress: Progress = no_progress,
) -> Run:
    """Evaluate answers on a SQuAD file (1.1 or 2.0), all its paragraphs as one collection.

    `articles` keeps the questions of the first articles only, `limit` the first questions. With `mixed`, they (at most
    3,000, evenly spaced) are asked again of the collection without half of its paragraphs (`is_left_out`): of what is
    not there, an answer that is still right does not count as one to abstain from. The result is kept under
    `name`. Raises Invalid for a file that cannot be read.
    """
    dataset = load_squad(file, articles)
    questions = dataset.questions[:limit]
    name = report.run_name(name, "answers", dataset.name)
    began, started_at = time.perf_counter(), report.now()
    corpus_name = file.resolve().stem
    with indexed_corpus(settings, corpus_name, dataset.documents, progress) as corpus:
        outcomes = _ask(corpus, questions, "Asking", progress)
        parameters: dict[str, report.Value] = {
            "documents": len(dataset.documents),
            "questions": len(questions),
            "answers by": Agent(corpus.settings, corpus.engine).model_name,
            "model": corpus.engine.embedder.fingerprint,
        }
        notes = [f"{len(corpus.failed)} documents could not be indexed."] if corpus.failed else []
    answerable = [outcome for outcome in outcomes if outcome.question.answers]
    impossible = [outcome for outcome in outcomes if not outcome.question.answers]
    again: list[Outcome] = []
    absent: list[Outcome] = []
    if mixed:
        kept = [document for document in dataset.documents if not is_left_out(document)]
        there = {document.id for document in kept}
        step = max(1, -(-len(questions) // _MOST_MIXED))
        with indexed_corpus(settings, f"{corpus_name}-half", kept, progress) as corpus:
            again = _ask(corpus, questions[::step], "Asking half of the collection", progress)
        absent = [o for o in again if o.question.document_id not in there and o.question.answers and not o.contains]
        metrics_mixed = _calibration(again, there)
    metrics = _metrics(answerable, impossible, absent)
    if again:
        metrics["half of the paragraphs"] = metrics_mixed
    result = Run(
        name=name,
        kind="answers",
        dataset=dataset.name,
        started_at=started_at,
        seconds=time.perf_counter() - began,
        parameters=parameters,
        metrics=metrics,
        per_query_metric="contains the answer",
        per_query={"answerable": {outcome.question.id: float(outcome.contains) for outcome in answerable}},
        series={
            "Latency (ms) by share of questions": {
                "answers": [
                    [share, percentile([outcome.milliseconds for outcome in outcomes], share / 100)]
                    for share in range(0, 101, 5)
                ]
            }
        },
        examples=_failures(answerable, absent),
        notes=notes,
    )
    report.save(result, settings.data_dir)
    return result


def _ask(corpus: IndexedCorpus, questions: Sequence[Question], step: str, progress: Progress) -> list[Outcome]:
    agent = Agent(corpus.settings, corpus.engine)
    agent.prepare()
    texts = _extracted_texts(corpus)
    outcomes: list[Outcome] = []
    for done, question in enumerate(questions, start=1):
        started = time.perf_counter()
        exchange = begin(agent, corpus.database, corpus.subject, ChatRequest(message=question.text))
        reply = answer(exchange)
        milliseconds = (time.perf_counter() - started) * 1000
        with corpus.database.transaction() as session:
            delete_conversation(session, corpus.subject, exchange.conversation_id)
        outcomes.append(_judge(question, reply, corpus, texts, milliseconds))
        if done % 10 == 0 or done == len(questions):
            progress(step, done, len(questions))
    return outcomes


def _judge(
    question: Question,
    reply: ChatAnswer,
    corpus: IndexedCorpus,
    texts: Callable[[str, int], str],
    milliseconds: float,
) -> Outcome:
    quotes = [citation.quote for citation in reply.citations]
    first = quotes[0][slice(*sentence_spans(quotes[0])[0])] if quotes else ""
    sentences = _stated(reply)
    return Outcome(
        question=question,
        contains=any(contains_answer(quote, gold) for gold in question.answers for quote in quotes),
        first=any(contains_answer(first, gold) for gold in question.answers),
        abstained=reply.abstained,
        confidence=reply.confidence,
        support=reply.support or 0.0,
        cited=len(quotes),
        held=sum(holds(citation, texts(citation.source.id, citation.source.version)) for citation in reply.citations),
        from_gold=sum(corpus.document_ids[c.source.id] == question.document_id for c in reply.citations),
        sentences=sum(len(sentence_spans(quote)) for quote in quotes),
        stated=len(sentences),
        supported=sum(is_supported(text, quoted) for text, quoted in sentences),
        milliseconds=milliseconds,
        answer=reply.answer,
    )


def holds(citation: Citation, text: str) -> bool:
    """Whether the citation is true of the extracted text of its version, by its span and by its hash."""
    span = text[citation.start : citation.end]
    return citation.verified and span == citation.quote and digest(span) == citation.sha256


def _extracted_texts(corpus: IndexedCorpus) -> Callable[[str, int], str]:
    with corpus.database.reading() as session:
        rows = session.execute(
            select(DocumentVersion.document_id, DocumentVersion.number, VersionText.text).join(
                VersionText, VersionText.version_id == DocumentVersion.id
            )
        )
        known = {(document_id, number): text for document_id, number, text in rows}
    return lambda document_id, number: known.get((document_id, number), "")


def _stated(reply: ChatAnswer) -> list[tuple[str, list[str]]]:
    """The sentences of an answer, each with the quotes that its markers name."""
    quotes = {citation.marker: citation.quote for citation in reply.citations}
    pieces = _MARKERS.split(reply.answer)
    stated: list[tuple[str, list[str]]] = []
    for text, markers in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        named = [quotes[int(marker)] for marker in re.findall(r"\d+", markers) if int(marker) in quotes]
        stated += [(text[start:end], named) for start, end in sentence_spans(text) if analyze(text[start:end])]
    return stated if quotes else []


def is_supported(sentence: str, quotes: Sequence[str]) -> bool:
    """Whether quotes bear a sentence out: they have most of its words and all of its numbers."""
    quoted = "\n".join(quotes)
    terms = set(analyze(sentence))
    numbers = set(_NUMBER.findall(sentence)) <= set(_NUMBER.findall(quoted))
    return numbers and len(terms & set(analyze(quoted))) >= _ENOUGH_TERMS * len(terms)


def is_left_out(document: CorpusDocument) -> bool:
    """Whether a paragraph is in the half that is taken out; by its text, so that it is the same half every time."""
    return hashlib.sha256(document.text.encode()).digest()[0] % 2 == 1


def _calibration(outcomes: Sequence[Outcome], there: Collection[str]) -> dict[str, float]:
    """Whether the stated support tells right answers from others, and is a probability."""
    support = [outcome.support for outcome in outcomes]
    right = [outcome.contains for outcome in outcomes]
    answerable = [outcome.question.document_id in there and bool(outcome.question.answers) for outcome in outcomes]
    return {
        "questions": len(outcomes),
        "answerable": mean([float(value) for value in answerable]),
        "right": mean([float(value) for value in right]),
        "AUROC of right": auroc(support, right),
        "AUROC of answerable": auroc(support, answerable),
        "calibration error": calibration_error(support, right),
        "citations hold": _of_citations(outcomes, lambda outcome: outcome.held),
    }


def _metrics(
    answerable: Sequence[Outcome], impossible: Sequence[Outcome], absent: Sequence[Outcome]
) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    if answerable:
        times = [outcome.milliseconds for outcome in answerable]
        rows["answerable"] = {
            **_shares(answerable),
            "citations hold": _of_citations(answerable, lambda outcome: outcome.held),
            "cites the paragraph": mean([float(outcome.from_gold > 0) for outcome in answerable]),
            "citations of the paragraph": _of_citations(answerable, lambda outcome: outcome.from_gold),
            "sentences supported": _share_supported(answerable),
            "calibration error": calibration_error([o.support for o in answerable], [o.contains for o in answerable]),
            "sentences shown": mean([outcome.sentences for outcome in answerable]),
            "most sentences": float(max(outcome.sentences for outcome in answerable)),
            "p50 ms": percentile(times, 0.5),
            "p95 ms": percentile(times, 0.95),
        }
        for confidence in (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW):
            given = [outcome for outcome in answerable if outcome.confidence is confidence]
            if given:
                rows[f"  confidence {confidence}"] = {**_shares(given)}
    for label, outcomes in (("impossible", impossible), ("answer not there", absent)):
        if outcomes:
            rows[label] = {
                "questions": len(outcomes),
                "abstained": mean([float(outcome.abstained) for outcome in outcomes]),
                "confident": mean([float(outcome.confidence is Confidence.HIGH) for outcome in outcomes]),
                "citations hold": _of_citations(outcomes, lambda outcome: outcome.held),
            }
    return rows


def _shares(outcomes: Sequence[Outcome]) -> dict[str, float]:
    return {
        "questions": len(outcomes),
        "contains the answer": mean([float(outcome.contains) for outcome in outcomes]),
        "in the first sentence": mean([float(outcome.first) for outcome in outcomes]),
        "abstained": mean([float(outcome.abstained) for outcome in outcomes]),
    }


def _of_citations(outcomes: Sequence[Outcome], count: Callable[[Outcome], int]) -> float:
    cited = sum(outcome.cited for outcome in outcomes)
    return sum(count(outcome) for outcome in outcomes) / cited if cited else 1.0


def _share_supported(outcomes: Sequence[Outcome]) -> float:
    stated = sum(outcome.stated for outcome in outcomes)
    return sum(outcome.supported for outcome in outcomes) / stated if stated else 1.0


def _failures(answerable: Sequence[Outcome], absent: Sequence[Outcome]) -> list[dict[str, report.Value]]:
    """Answers worth reading: confident and wrong first."""
    order = [*Confidence, None]
    wrong = sorted((o for o in answerable if not o.contains), key=lambda outcome: order.index(outcome.confidence))
    invented = [outcome for outcome in absent if outcome.confidence is Confidence.HIGH]
    rows = [(outcome, "; ".join(outcome.question.answers[:2])) for outcome in wrong[:_EXAMPLES]]
    rows += [(outcome, "(not in the collection)") for outcome in invented[:_EXAMPLES]]
    return [
        {
            "question": outcome.question.text,
            "wanted": wanted,
            "confidence": outcome.confidence or "not stated",
            "answer": outcome.answer,
        }
        for outcome, wanted in rows
    ]
