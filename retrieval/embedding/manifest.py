"""What an exported model says of itself, beside its files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

MODEL_FILE = "model.onnx"
QUICK_FILE = "quick.onnx"
"""The same in int8, beside an fp32 export whose meaning that keeps."""
TOKENIZER_FILE = "tokenizer.json"
MANIFEST_FILE = "manifest.json"


class ExportManifest(BaseModel):
    """Description of an export; written last, so that a directory with a manifest is complete."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fingerprint: str
    max_tokens: int
    precision: str
    pad_token_id: int
    inputs: list[str]
    weights_sha256: str
    versions: dict[str, str]

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The manifest of an export; FileNotFoundError or a pydantic ValidationError where there is no sound one."""
        return cls.model_validate_json((directory / MANIFEST_FILE).read_bytes())

    def write(self, directory: Path) -> None:
        """Put the manifest beside the exported files."""
        (directory / MANIFEST_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


class Manifest(ExportManifest):
    """Description of an exported embedding model."""

    dimensions: int
    query_prompt: str
    passage_prompt: str
    # Cosine between this export and the original model over the check texts.
    cosine_min: float
    cosine_mean: float


M = TypeVar("M", bound=ExportManifest)


@dataclass(frozen=True, slots=True)
class ModelKind(Generic[M]):
    """What a model is for: in words, the setting that names one, the program that exports it, what its exports say of
    themselves, and what their directories' names begin with."""

    role: str
    setting: str
    program: str
    manifest: type[M]
    prefix: str = ""


EMBEDDING = ModelKind("embedding model", "NEXUS_EMBEDDING_MODEL", "retrieval.embedding.export", Manifest)
