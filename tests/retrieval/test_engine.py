"""The engine opens its parts in the background, and closes them."""

import time
from pathlib import Path

import pytest

from core_api.infra.database import Database
from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from retrieval import engine as engine_module
from retrieval.engine import RetrievalEngine
from retrieval.keywords import KeywordIndex
from retrieval.usage import Usage
from tests.cluster import until
from tests.retrieval.library import Library
from tests.retrieval.test_usage import opened

pytestmark = pytest.mark.one_mode


def test_it_loads_its_parts_and_follows_what_is_written(
    library: Library, model_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(Usage, "KEPT_SECONDS", 0.1)
    settings = Settings(data_dir=tmp_path / "other", models_cache=model_cache)
    engine = RetrievalEngine.open(settings, library.database)
    try:
        engine.wait(timeout=120)
        assert engine.ready
        engine.require_ready()
        kim = library.person()
        team = library.space(kim)
        library.add(team, kim, "Followed without being told.")
        assert engine.keywords.wait_for(library.keywords.position, timeout=10)
        assert engine.keywords.search("followed", 5, [team])
        assert engine.embed_query("a question").shape == (engine.embedder.dimensions,)
        opened(library.database, kim.user_id, "roof")
        assert until(lambda: engine.usage.searches == {"document:roof": 1})
    finally:
        engine.close()


def test_what_cannot_be_opened_says_why_and_is_tried_again(
    tmp_path: Path, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "_RETRY_SECONDS", (0.05,))
    path = tmp_path / "late"
    blocker = KeywordIndex.open(path / "keywords")
    settings = Settings(data_dir=path, embedding_model=str(tmp_path / "no-model"), models_cache=tmp_path)
    engine = RetrievalEngine.open(settings, Database(f"sqlite:///{tmp_path / 'nexus.db'}"))
    try:
        with pytest.raises(Unavailable, match="Another process"):
            _ = engine.keywords
        with pytest.raises(Unavailable):
            engine.require_ready()
        with pytest.raises(Unavailable):
            engine.embed_query("x")
        assert not engine.ready
        blocker.close()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                assert len(engine.keywords) == 0
                break
            except Unavailable:
                time.sleep(0.05)
        else:
            pytest.fail("the keyword index was not tried again")
    finally:
        engine.close()
