"""How good the answers are: questions of a SQuAD file, asked of the product, whose words are then looked at.

An answer is right when one of the sentences that it shows contains a gold answer. Beside that: do the citations hold
(span, hash, the right paragraph), and does the assistant stay silent where nothing answers? For the last, SQuAD 2.0 has
impossible questions; for every file, questions are also asked of the collection without their own articles.
"""

import re
import string
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from assistant.agent import Agent
from assistant.chat import answer, begin
from assistant.citations import Citation, digest
from assistant.conversations import delete_conversation
from assistant.schemas import ChatAnswer, ChatRequest
from assistant.types import Confidence
from core_api.infra.settings import Settings
from core_api.models import DocumentVersion, VersionText
from evals import report
from evals.datasets import CorpusDocument, Question, QuestionSet, load_squad
from evals.metrics import mean, percentile
from evals.report import Run
from evals.runner import IndexedCorpus, Progress, indexed_corpus, no_progress
from retrieval.sentences import sentence_spans

HOLD_OUT = 5
"""Every how manieth paragraph group is left out of the second collection (see `run`)."""
_MOST_HELD_OUT = 200
_EXAMPLES = 25
_GROUP = 5  # neighbouring paragraphs, which mostly belong to one article

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_HANGUL = re.compile(r"[가-힣]")
_KORQUAD_SIGNS = re.compile(r"['\"《》<>〈〉()‘’“”「」『』]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question. `held` counts the citations whose span and hash hold, of `cited`; `from_gold` those
    out of the question's own paragraph. `sentences` is the number of sentences shown."""

    question: Question
    contains: bool
    abstained: bool
    confidence: Confidence
    cited: int
    held: int
    from_gold: int
    sentences: int
    milliseconds: float
    answer: str


def run(
    settings: Settings,
    file: Path,
    *,
    articles: int | None = None,
    limit: int | None = None,
    name: str | None = None,
    hold_out: int = HOLD_OUT,
    progress: Progress = no_progress,
) -> Run:
    """Evaluate answers on a SQuAD file (1.1 or 2.0), all its paragraphs as one collection.

    `articles` keeps the questions of the first articles only, `limit` the first questions. With `hold_out`, up to 200
    questions are asked again of the collection without every `hold_out`-th group of paragraphs, theirs among them: an
    answer that is still right does not count, of the others those should be abstained from. The result is kept under
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
    absent: list[Outcome] = []
    if hold_out:
        kept, asked = _held_out(dataset, questions, hold_out)
        with indexed_corpus(settings, f"{corpus_name}-held-out", kept, progress) as corpus:
            asked_outcomes = _ask(corpus, asked, "Asking what is not there", progress)
        absent = [outcome for outcome in asked_outcomes if not outcome.contains]
    result = Run(
        name=name,
        kind="answers",
        dataset=dataset.name,
        started_at=started_at,
        seconds=time.perf_counter() - began,
        parameters=parameters,
        metrics=_metrics(answerable, impossible, absent),
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


def contains_answer(shown: str, gold: str) -> bool:
    """Whether a sentence contains a gold answer, both normalised.

    English as in SQuAD's official script (lower case, no punctuation, no articles, single spaces), whole words only;
    Korean as in KorQuAD's (quotation signs and punctuation gone), without spaces, since particles stick to words.
    """
    if _HANGUL.search(gold):
        wanted = _normal_korean(gold)
        return bool(wanted) and wanted in _normal_korean(shown)
    wanted = _normal_english(gold)
    if not wanted:
        return False
    # In Korean text a particle follows a number or a name in Latin letters without a space.
    if _HANGUL.search(shown):
        return _normal_korean(gold) in _normal_korean(shown)
    return f" {wanted} " in f" {_normal_english(shown)} "


def _normal_english(text: str) -> str:
    text = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", text).split())


def _normal_korean(text: str) -> str:
    text = _KORQUAD_SIGNS.sub(" ", unicodedata.normalize("NFC", text)).lower()
    text = "".join(character for character in text if character not in string.punctuation)
    return "".join(text.split())


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
    return Outcome(
        question=question,
        contains=any(contains_answer(quote, gold) for gold in question.answers for quote in quotes),
        abstained=reply.abstained,
        confidence=reply.confidence,
        cited=len(quotes),
        held=sum(holds(citation, texts(citation.source.id, citation.source.version)) for citation in reply.citations),
        from_gold=sum(corpus.document_ids[c.source.id] == question.document_id for c in reply.citations),
        sentences=sum(len(sentence_spans(quote)) for quote in quotes),
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


def _held_out(
    dataset: QuestionSet, questions: Sequence[Question], every: int
) -> tuple[list[CorpusDocument], list[Question]]:
    """The collection without every `every`-th group of paragraphs, and questions to those."""
    left_out = {
        document.id for number, document in enumerate(dataset.documents) if number // _GROUP % every == every - 1
    }
    kept = [document for document in dataset.documents if document.id not in left_out]
    asked = [question for question in questions if question.answers and question.document_id in left_out]
    step = max(1, -(-len(asked) // _MOST_HELD_OUT))
    return kept, asked[::step]


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
        "abstained": mean([float(outcome.abstained) for outcome in outcomes]),
    }


def _of_citations(outcomes: Sequence[Outcome], count: Callable[[Outcome], int]) -> float:
    cited = sum(outcome.cited for outcome in outcomes)
    return sum(count(outcome) for outcome in outcomes) / cited if cited else 1.0


def _failures(answerable: Sequence[Outcome], absent: Sequence[Outcome]) -> list[dict[str, report.Value]]:
    """Answers worth reading: confident and wrong first."""
    order = list(Confidence)
    wrong = sorted((o for o in answerable if not o.contains), key=lambda outcome: order.index(outcome.confidence))
    invented = [outcome for outcome in absent if outcome.confidence is Confidence.HIGH]
    rows = [(outcome, "; ".join(outcome.question.answers[:2])) for outcome in wrong[:_EXAMPLES]]
    rows += [(outcome, "(not in the collection)") for outcome in invented[:_EXAMPLES]]
    return [
        {
            "question": outcome.question.text,
            "wanted": wanted,
            "confidence": outcome.confidence.value,
            "answer": outcome.answer,
        }
        for outcome, wanted in rows
    ]
