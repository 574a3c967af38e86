"""The catalogue of sources is what the database has, however it was left."""

import threading

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core_api.infra.errors import Unavailable
from core_api.models import ChangeSequence, Document
from retrieval.access import Shared
from retrieval.catalogue import Catalogue, Labels
from tests.retrieval.library import Library

NOTHING = Shared((), (), ())


def labels(catalogue: Catalogue, session: Session, space: str) -> list[Labels]:
    told = catalogue.readable(session, [space], NOTHING)
    return [told.words.labels.values[row["labels"]] for row in told.table]


def test_it_is_read_anew_where_it_is_ahead_of_its_database(library: Library) -> None:
    """A backup is restored under its feet. In embedded mode no server runs then."""
    if library.database.is_local:
        pytest.skip("a restore needs the server to be stopped")
    kim = library.person()
    team = library.space(kim)
    library.add(team, kim, "Budget.", tags=["one"])
    catalogue = Catalogue()
    with library.database.reading() as session:
        assert labels(catalogue, session, team) == [(None, ("one",))]
    with library.database.transaction() as session:
        session.execute(update(Document).values(tags=["two"]))
        session.execute(update(ChangeSequence).values(value=0))
    with library.database.reading() as session:
        assert labels(catalogue, session, team) == [(None, ("two",))]


def test_who_began_to_read_before_others_puts_nothing_back(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    document = library.add(team, kim, "Budget.", tags=["one"])
    catalogue = Catalogue()
    with library.database.reading() as early:
        early.scalar(select(ChangeSequence.value))
        with library.database.transaction() as session:
            session.get_one(Document, document).tags = ["two"]
        library.write(document, "Budget of another year.")
        with library.database.reading() as late:
            assert labels(catalogue, late, team) == [(None, ("two",))]
        assert labels(catalogue, early, team) == [(None, ("two",))]
        with library.database.reading() as late:
            assert labels(catalogue, late, team) == [(None, ("two",))]


def test_whoever_asks_while_it_is_loading_is_told_so(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.catalogue._PATIENCE_SECONDS", 0.05)
    reading, go_on = threading.Event(), threading.Event()
    catalogue, whole = Catalogue(), Catalogue._read_all

    def slow(*arguments: object) -> None:
        reading.set()
        go_on.wait(10)
        whole(*arguments)  # type: ignore[arg-type]

    def load() -> None:
        with library.database.reading() as session:
            catalogue.load(session)

    monkeypatch.setattr(Catalogue, "_read_all", slow)
    loading = threading.Thread(target=load)
    loading.start()
    assert reading.wait(10)
    with library.database.reading() as session, pytest.raises(Unavailable, match="still loading") as refused:
        catalogue.load(session)
    assert refused.value.headers == {"Retry-After": "2"}
    go_on.set()
    loading.join(10)
    with library.database.reading() as session:
        assert len(catalogue.readable(session, ["nowhere"], NOTHING)) == 0
