"""What an exported model says of itself, beside its files."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
MANIFEST_FILE = "manifest.json"


class Manifest(BaseModel):
    """Description of an export; written last, so that a directory with a manifest is complete."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    fingerprint: str
    dimensions: int
    max_tokens: int
    precision: str
    pad_token_id: int
    inputs: list[str]
    query_prompt: str
    passage_prompt: str
    # Cosine between this export and the original model over the check texts.
    cosine_min: float
    cosine_mean: float
    weights_sha256: str
    versions: dict[str, str]

    @classmethod
    def read(cls, directory: Path) -> "Manifest":
        """The manifest of an export; FileNotFoundError or a pydantic ValidationError where there is no sound one."""
        return cls.model_validate_json((directory / MANIFEST_FILE).read_bytes())

    def write(self, directory: Path) -> None:
        """Put the manifest beside the exported files."""
        (directory / MANIFEST_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
