"""The cache of exported models: each is made once, in a child process, and used from then on."""

import hashlib
import logging
import shutil
import subprocess
import sys
import time
from pathlib import Path

import onnxruntime
from filelock import FileLock, Timeout
from pydantic import ValidationError

from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from retrieval.embedding.base import slug
from retrieval.embedding.export import ExportJob
from retrieval.embedding.manifest import EMBEDDING, MODEL_FILE, TOKENIZER_FILE, M, Manifest, ModelKind
from retrieval.embedding.source import ModelSource, UnusableModel, find_source

logger = logging.getLogger(__name__)

# Raised when the way of exporting changes, so that old exports are made anew.
_FORMAT = 2
_TIMEOUT_SECONDS = 900


def exported_model(settings: Settings) -> tuple[Manifest, Path]:
    """The exported embedding model of the settings; raises as `exported` does."""
    return exported(find_source(settings), settings.embedding_precision, settings.models_dir, EMBEDDING)


def exported(source: ModelSource, precision: str, models_dir: Path, kind: ModelKind[M]) -> tuple[M, Path]:
    """The export of a model and its directory; exports it first where that has not been done.

    The first export of a model takes some 15 s. Raises `UnusableModel` with the reason when it cannot be made, and
    `Unavailable` when another process has been exporting for too long.
    """
    directory = models_dir / _directory_name(source, precision, kind.prefix)
    manifest = _sound(directory, kind)
    if manifest is not None:
        return manifest, directory
    models_dir.mkdir(parents=True, exist_ok=True)
    try:
        # Two processes that start at once must not export twice; the second waits and takes the first one's.
        with FileLock(directory.with_suffix(".lock"), timeout=_TIMEOUT_SECONDS):
            manifest = _sound(directory, kind)
            return (manifest or _export(source, precision, directory, kind)), directory
    except Timeout:
        raise Unavailable(
            f"Another process has been preparing the {kind.role} in {directory} for {_TIMEOUT_SECONDS} s. "
            "Stop it, then start again."
        ) from None


def _directory_name(source: ModelSource, precision: str, prefix: str) -> str:
    # A quantised graph is tied to the release of the runtime that made it.
    key = f"{source.digest}:{precision}:{_FORMAT}:{onnxruntime.__version__}"
    return f"{prefix}{slug(source.name, 32)}-{precision}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _sound(directory: Path, kind: ModelKind[M]) -> M | None:
    """The manifest of a complete export; None where there is none."""
    if not (directory / MODEL_FILE).is_file() or not (directory / TOKENIZER_FILE).is_file():
        return None
    try:
        return kind.manifest.read(directory)
    except (OSError, ValidationError):
        return None


def _export(source: ModelSource, precision: str, directory: Path, kind: ModelKind[M]) -> M:
    started = time.perf_counter()
    logger.info("preparing %s %s (%s); this is done once", kind.role, source.name, precision)
    # A fixed name: what a killed export has left is thrown away by the next one, which holds the lock.
    workspace = directory.with_suffix(".partial")
    for leftover in (workspace, directory):
        if leftover.exists():
            shutil.rmtree(leftover)
    workspace.mkdir(parents=True)
    job = ExportJob(
        name=source.name,
        source=source.directory,
        output=workspace,
        fingerprint_prefix=f"{slug(source.name, 32)}-{source.digest[:8]}",
        precision=precision,
        weights_sha256=source.weights_sha256,
    )
    try:
        child = subprocess.run(  # noqa: S603 - a program of our own
            [sys.executable, "-m", kind.program],
            input=job.model_dump_json(),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        manifest = _sound(workspace, kind)
        if child.returncode != 0 or manifest is None:
            lines = [line for line in child.stderr.splitlines() if line.strip()]
            reason = lines[-1] if lines else f"the export ended with status {child.returncode}"
            raise UnusableModel(f"The {kind.role} {source.name!r} could not be prepared: {reason}")
        workspace.rename(directory)
    except subprocess.TimeoutExpired:
        raise UnusableModel(
            f"Preparing the {kind.role} {source.name!r} took more than {_TIMEOUT_SECONDS} s and was stopped."
        ) from None
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    logger.info("%s ready in %.1f s", kind.role, time.perf_counter() - started)
    return manifest
