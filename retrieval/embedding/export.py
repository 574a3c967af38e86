"""Exports a sentence-transformers model to ONNX. Runs as a program of its own (`python -m retrieval.embedding.export`),
so that torch (8-10 s, 450 MB) never enters the serving process.

Reads an `ExportJob` as JSON from standard input and fills its directory; the manifest is written last. The graph holds
the model's own modules (transformer, pooling, dense layers) and an L2 normalisation, and is checked against
`SentenceTransformer.encode` before it counts as made.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from retrieval.embedding.manifest import MODEL_FILE, QUICK_FILE, TOKENIZER_FILE, Manifest

OPSET = 17
# fp32 differs from the original by rounding only, so every text must agree. int8 is measured at a mean of 0.99 for
# the default model, and much less on odd texts; far below that mean a quantised model has lost its meaning.
MIN_COSINE_FP32 = 0.9999
MIN_MEAN_COSINE_INT8 = 0.97

_CHECK_TEXTS = [
    "How do I request parental leave?",
    "ok",
    "The quick brown fox jumps over the lazy dog; 1,234.56 EUR (incl. VAT) -- see https://example.com/a?b=c&d=e.",
    "Deploys are frozen between 20 December and 3 January, except for security fixes approved by the on-call lead.",
    "휴가는 어떻게 신청하나요? 연차는 매년 1월 1일에 갱신됩니다.",
    "L'équipe se réunit le mardi; naïve café, Zürich, Ελληνικά, Кириллица.",
    "| Region | Owner | Phone |\n| --- | --- | --- |\n| EMEA | R. Smith | +44 20 7946 0000 |",
    "def f(x):\n    return {k: v for k, v in x.items() if v is not None}",
    " ".join(
        f"Section {i} of the handbook explains benefit number {i * 7 % 13} for every employee." for i in range(12)
    ),
]


class ExportJob(BaseModel):
    """What to export, and whither."""

    name: str
    source: Path
    output: Path
    fingerprint_prefix: str
    precision: str
    weights_sha256: str


def run(export: Callable[[ExportJob], object]) -> None:
    """Do the job that stands on standard input. Errors go to standard error as one line, with exit status 1."""
    os.environ.update(
        HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="true", CUDA_VISIBLE_DEVICES=""
    )
    job = ExportJob.model_validate_json(sys.stdin.read())
    try:
        export(job)
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise SystemExit(1) from error


def export(job: ExportJob) -> Manifest:
    """Write the ONNX graph, the tokenizer and the manifest into `job.output`.

    Raises ValueError when the exported model does not give the vectors of the original.
    """
    from sentence_transformers import SentenceTransformer

    model = load(SentenceTransformer, job)
    tokenizer = save_tokenizer(model, job.output)
    inputs = inputs_of(tokenizer)
    _write_sentence_graph(model, inputs, job.output / MODEL_FILE)
    if job.precision == "int8":
        quantize(job.output / MODEL_FILE, job.output / MODEL_FILE)

    query_prompt, passage_prompt = _prompts(model)
    dimensions = model.get_embedding_dimension()
    if not dimensions:
        raise ValueError("the model does not say how many dimensions its vectors have")
    manifest = Manifest(
        name=job.name,
        fingerprint=f"{job.fingerprint_prefix}-{dimensions}-{job.precision}",
        dimensions=dimensions,
        max_tokens=max_tokens(model),
        precision=job.precision,
        pad_token_id=tokenizer.pad_token_id or 0,
        inputs=inputs,
        query_prompt=query_prompt,
        passage_prompt=passage_prompt,
        cosine_min=0.0,
        cosine_mean=0.0,
        weights_sha256=job.weights_sha256,
        versions=versions(),
    )
    cosines = _check(model, manifest, job.output)
    agreement, floor = (
        (cosines.min(), MIN_COSINE_FP32) if job.precision == "fp32" else (cosines.mean(), MIN_MEAN_COSINE_INT8)
    )
    if not agreement >= floor:
        raise ValueError(f"the exported model differs from the original: cosine {agreement:.5f}, {floor} is needed")
    manifest = manifest.model_copy(update={"cosine_min": float(cosines.min()), "cosine_mean": float(cosines.mean())})
    if job.precision == "fp32":
        _add_quick_graph(manifest, job.output)
    manifest.write(job.output)
    return manifest


def load(loader: Callable[..., Any], job: ExportJob) -> Any:
    """The original, by a class of sentence-transformers: from local files only, and running no code of its own."""
    import torch

    model = loader(
        str(job.source),
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"attn_implementation": "eager", "use_safetensors": True, "dtype": torch.float32},
    )
    return model.eval()


def save_tokenizer(model: Any, output: Path) -> Any:
    """Write the tokenizer as serving reads it, and give the model's own."""
    tokenizer = model.tokenizer
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ValueError("the model has no fast tokenizer (tokenizer.json), which serving needs")
    backend.no_truncation()
    backend.no_padding()
    backend.save(str(output / TOKENIZER_FILE))
    return tokenizer


def inputs_of(tokenizer: Any) -> list[str]:
    """The names of what the model reads, in their order."""
    return [name for name in tokenizer.model_input_names if name in ("input_ids", "attention_mask", "token_type_ids")]


def versions() -> dict[str, str]:
    """Of the libraries that made an export."""
    import onnxruntime
    import torch
    import transformers

    return {
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "onnxruntime": onnxruntime.__version__,
    }


def _write_sentence_graph(model: Any, inputs: list[str], path: Path) -> None:
    import torch

    class Sentence(torch.nn.Module):
        """Token ids in, normalised sentence vectors out."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            features = self.model(dict(zip(inputs, tensors, strict=True)))
            return torch.nn.functional.normalize(features["sentence_embedding"], p=2, dim=1)

    for module in model:
        if getattr(module, "include_prompt", True) is False:
            raise ValueError("the model leaves its prompt out of the pooling, which is not supported")
    batch = model.tokenizer(
        ["a short text", "a text that is rather longer than the other"], padding=True, return_tensors="pt"
    )
    write_graph(Sentence(), batch, inputs, "sentence_embedding", path)


def write_graph(module: Any, batch: Any, inputs: list[str], output: str, path: Path) -> None:
    """Trace a module with a batch of two, and write it as a graph for batches of any number and length."""
    import torch

    with torch.no_grad():
        torch.onnx.export(
            module.eval(),
            tuple(batch[name] for name in inputs),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=inputs,
            output_names=[output],
            dynamic_axes={**{name: {0: "batch", 1: "tokens"} for name in inputs}, output: {0: "batch"}},
        )


def quantize(path: Path, target: Path) -> None:
    """Dynamic int8 quantisation of the matrix products, a scale for each output channel; `target` may be `path`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    made = path.with_suffix(".int8.onnx")
    quantize_dynamic(path, made, weight_type=QuantType.QInt8, per_channel=True)
    made.replace(target)


def _prompts(model: Any) -> tuple[str, str]:
    """What the model wants in front of queries and passages, as sentence-transformers' encode_query and
    encode_document choose it."""
    prompts: dict[str, str] = {key: value or "" for key, value in (model.prompts or {}).items()}
    default = prompts.get(model.default_prompt_name or "", "")
    query = prompts.get("query", default)
    passage = next((prompts[key] for key in ("document", "passage", "corpus") if prompts.get(key)), default)
    return query, passage


def max_tokens(model: Any) -> int:
    """The longest input that the model reads, special tokens included."""
    limits = [model.max_seq_length, model.tokenizer.model_max_length]
    positions = getattr(model[0].config, "max_position_embeddings", None)
    if positions:
        # RoBERTa-like models lose the positions up to that of the padding token.
        offset = model.tokenizer.pad_token_id + 1 if "roberta" in model[0].config.model_type else 0
        limits.append(positions - offset)
    return int(min(limit for limit in limits if limit))


def _check(model: Any, manifest: Manifest, directory: Path) -> NDArray[np.float64]:
    """Cosine of every check text between serving and `SentenceTransformer.encode`."""
    from retrieval.embedding.local import LocalEmbedder

    served = LocalEmbedder(manifest, directory, languages=["*"], threads=0)
    texts = [text for text in _CHECK_TEXTS if served.count_tokens([text])[0] <= manifest.max_tokens]
    ours = np.concatenate([served.embed_passages(texts), served.embed_queries(texts)])
    theirs = np.concatenate(
        [
            model.encode(texts, prompt=prompt, normalize_embeddings=True, show_progress_bar=False)
            for prompt in (manifest.passage_prompt, manifest.query_prompt)
        ]
    )
    cosines: NDArray[np.float64] = np.einsum("ij,ij->i", ours.astype(np.float64), theirs.astype(np.float64))
    return cosines


def _add_quick_graph(manifest: Manifest, directory: Path) -> None:
    """Put a graph in int8 beside the exact one, which has been checked; unless it cannot be made, or means another."""
    from retrieval.embedding.local import LocalEmbedder

    quick = directory / QUICK_FILE
    try:
        quantize(directory / MODEL_FILE, quick)
        served = LocalEmbedder(manifest, directory, languages=["*"], threads=0)
        cosines = np.einsum("ij,ij->i", served.embed_quickly(_CHECK_TEXTS), served.embed_queries(_CHECK_TEXTS))
        if not cosines.mean() >= MIN_MEAN_COSINE_INT8:
            raise ValueError(f"int8 agrees by {cosines.mean():.3f} only")
    except Exception as error:  # noqa: BLE001 - whatever it is, the model serves without
        print(f"everything will be embedded exactly: {error}", file=sys.stderr)
        quick.unlink(missing_ok=True)


if __name__ == "__main__":
    run(export)
