"""Exports a cross-encoder of sentence-transformers to ONNX, as a program of its own (`python -m
retrieval.rerank_export`), like retrieval.embedding.export.

The graph holds the model and its activation function, and is checked against `CrossEncoder.predict` before it counts as
made.
"""

import json
from typing import Any

import numpy as np

from retrieval.embedding.export import (
    ExportJob,
    inputs_of,
    load,
    max_tokens,
    quantize,
    run,
    save_tokenizer,
    versions,
    write_graph,
)
from retrieval.embedding.manifest import MODEL_FILE
from retrieval.rerank import Reranker, RerankManifest

# fp32 differs from the original by rounding only. int8 must at least put the check passages in nearly their order.
MAX_DIFFERENCE_FP32 = 1e-4
MIN_CORRELATION_INT8 = 0.9

_QUESTIONS = ["How do I request parental leave?", "when is the change freeze", "휴가는 어떻게 신청하나요?"]
_PASSAGES = [
    "Parental leave is requested from the people team four weeks before it begins.",
    "ok",
    "Deploys are frozen between 20 December and 3 January, except for security fixes approved by the on-call lead.",
    "휴가는 인사 시스템에서 신청합니다. 연차는 매년 1월 1일에 갱신됩니다.",
    "| Region | Owner | Phone |\n| --- | --- | --- |\n| EMEA | R. Smith | +44 20 7946 0000 |",
    " ".join(
        f"Section {i} of the handbook explains benefit number {i * 7 % 13} for every employee." for i in range(60)
    ),
]


def export(job: ExportJob) -> RerankManifest:
    """Write the ONNX graph, the tokenizer and the manifest into `job.output`.

    Raises ValueError when the model is no cross-encoder of one score, or its export does not give its scores.
    """
    _require_classifier(job)
    from sentence_transformers import CrossEncoder

    model = load(CrossEncoder, job)
    if model.num_labels != 1:
        raise ValueError(f"the model gives {model.num_labels} scores for a pair; a reranker gives one")
    if any((model.prompts or {}).values()):
        raise ValueError("the model wants a prompt, which is not supported")
    tokenizer = save_tokenizer(model, job.output)
    inputs = inputs_of(tokenizer)
    _write_score_graph(model, inputs, job)
    if job.precision == "int8":
        quantize(job.output / MODEL_FILE, job.output / MODEL_FILE)
    manifest = RerankManifest(
        name=job.name,
        fingerprint=f"{job.fingerprint_prefix}-{job.precision}",
        max_tokens=max_tokens(model),
        precision=job.precision,
        pad_token_id=tokenizer.pad_token_id or 0,
        inputs=inputs,
        weights_sha256=job.weights_sha256,
        versions=versions(),
        difference=0.0,
    )
    manifest = manifest.model_copy(update={"difference": _check(model, manifest, job)})
    manifest.write(job.output)
    return manifest


def _require_classifier(job: ExportJob) -> None:
    # Without this an embedding model would be loaded with a head of random weights, and only warn of it.
    architectures = json.loads((job.source / "config.json").read_bytes()).get("architectures") or []
    if not any(str(name).endswith("ForSequenceClassification") for name in architectures):
        raise ValueError(
            f"the model is no cross-encoder: its architecture is {', '.join(architectures) or 'not given'}, and "
            "...ForSequenceClassification is needed"
        )


def _write_score_graph(model: Any, inputs: list[str], job: ExportJob) -> None:
    import torch

    class Score(torch.nn.Module):
        """Token ids of pairs in, scores out."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            scores = self.model(dict(zip(inputs, tensors, strict=True)))["scores"]
            activated: torch.Tensor = model.activation_fn(scores)
            return activated.reshape(-1)

    pairs = [("a question", "a short text"), ("another question", "a text that is rather longer than the other")]
    batch = model.tokenizer(*zip(*pairs, strict=True), padding=True, return_tensors="pt")
    write_graph(Score(), batch, inputs, "score", job.output / MODEL_FILE)


def _check(model: Any, manifest: RerankManifest, job: ExportJob) -> float:
    """The largest difference of a score between serving and `CrossEncoder.predict`; ValueError when it is too large."""
    served = Reranker(manifest, job.output, languages=["*"], threads=0)
    pairs = [(question, passage) for question in _QUESTIONS for passage in _PASSAGES]
    theirs = np.asarray(model.predict(pairs, show_progress_bar=False), dtype=np.float64)
    ours = np.concatenate([served.scores(question, _PASSAGES) for question in _QUESTIONS]).astype(np.float64)
    difference = float(np.abs(ours - theirs).max())
    if manifest.precision == "fp32":
        allowed = MAX_DIFFERENCE_FP32 * max(1.0, float(np.abs(theirs).max()))
        if not difference <= allowed:
            raise ValueError(f"the exported model's scores differ by {difference:.6f}; {allowed:.6f} is allowed")
    elif not (agreement := float(np.corrcoef(ours, theirs)[0, 1])) >= MIN_CORRELATION_INT8:
        raise ValueError(f"int8 scores agree by {agreement:.3f} only; {MIN_CORRELATION_INT8} is needed. Take fp32.")
    return difference


if __name__ == "__main__":
    run(export)
