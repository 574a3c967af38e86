"""The catalogue of sources is what the database has, however it was left."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core_api.models import ChangeSequence, Document
from retrieval.access import Shared
from retrieval.catalogue import Catalogue, Labels
from tests.retrieval.library import Library

NOTHING = Shared((), (), ())


def labels(catalogue: Catalogue, session: Session, space: str) -> list[Labels]:
    catalogue.follow(session)
    told = catalogue.readable([space], NOTHING)
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
