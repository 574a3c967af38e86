"""The keyword index as a replica: it follows, it survives, it keeps spaces apart."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core_api.infra.database import Database
from core_api.infra.errors import Unavailable
from core_api.models import IndexState, IndexStatus
from core_api.outbox import last_change, next_change
from retrieval.keywords import KeywordIndex, source_term
from retrieval.keywords import number as number_of
from tests.retrieval.library import Library

pytestmark = pytest.mark.one_mode


def ids(index: KeywordIndex, text: str, spaces: list[str]) -> list[str]:
    return [chunk_id for chunk_id, _ in index.search(text, 10, spaces)]


def test_it_holds_what_the_database_holds(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    document = library.add(team, kim, "The first passage.", "The second one.", title="Note")
    assert ids(library.keywords, "passage", [team]) == [f"document:{document}:0"]
    library.write(document, "Rewritten text.")
    assert ids(library.keywords, "passage", [team]) == []
    assert ids(library.keywords, "rewritten", [team]) == [f"document:{document}:0"]
    assert len(library.keywords) == 1
    library.write(document)
    assert len(library.keywords) == 0
    with library.database.reading() as session:
        assert library.keywords.position == last_change(session)


def test_title_and_heading_are_searched_too(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    library.add(team, kim, "Ask your lead.", title="Sabbatical", heading="Requirements")
    assert ids(library.keywords, "sabbatical", [team])
    assert ids(library.keywords, "requirement", [team])


@pytest.mark.parametrize("at_once", [2, 65_000])
def test_all_sources_with_a_word_are_told(library: Library, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    by_source = {"sources": {"terms": {"field": "number", "size": at_once, "segment_size": at_once}}}
    monkeypatch.setattr("retrieval.keywords.index._BY_SOURCE", by_source)
    kim = library.person()
    team, other = library.space(kim), library.space(kim)
    found = [library.add(team, kim, "Badges open doors.", "Lost badges cost ten euros.") for _ in range(5)]
    library.add(team, kim, "Nothing of the kind.")
    library.add(other, kim, "A badge of another team.")
    numbers = {number_of(source_term("document", document)) for document in found}
    assert library.keywords.matching("badge", [team]) == numbers


def test_a_failed_source_keeps_what_was_indexed_of_it(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    document = library.add(team, kim, "Words that were read once.")
    with library.database.transaction() as session:
        state = session.get_one(IndexState, ("document", document))
        state.status, state.change_seq = IndexStatus.FAILED, next_change(session)
    library.keywords.catch_up(library.database)
    assert ids(library.keywords, "words", [team])


def test_only_the_spaces_asked_for_are_searched(library: Library) -> None:
    kim = library.person()
    one, other = library.space(kim), library.space(kim)
    first = library.add(one, kim, "Common words.")
    library.add(other, kim, "Common words.")
    assert ids(library.keywords, "common", [one]) == [f"document:{first}:0"]
    assert len(ids(library.keywords, "common", [one, other])) == 2
    assert ids(library.keywords, "common", []) == []
    assert ids(library.keywords, "common", ["", "nowhere", one[:-1]]) == []
    assert library.keywords.search("common", 10, [one], sources=[]) == []
    assert library.keywords.search("common", 10, [one], sources=[f"document:{first}"])
    assert library.keywords.search("common", 10, [other], sources=[f"document:{first}"]) == []


def test_rare_words_count_more_than_common_ones(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    for number in range(10):
        library.add(team, kim, f"Policy number {number} of the office.")
    rare = library.add(team, kim, "The office has a piano.")
    hits = library.keywords.search("office policy piano", 3, [team])
    assert hits[0][0] == f"document:{rare}:0"
    assert hits[0][1] > hits[1][1] > 0


def test_it_continues_where_it_was(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    library.add(team, kim, "Written before the restart.")
    path, position = library.settings.keywords_dir, library.keywords.position
    library.keywords.close()
    reopened = KeywordIndex.open(path)
    try:
        assert reopened.position == position
        assert ids(reopened, "restart", [team])
        assert reopened.catch_up(library.database) == 0
    finally:
        reopened.close()


def _spoil_replica(path: Path) -> None:
    (path / "replica.json").write_text("{not json")


def _outdated(path: Path) -> None:
    state = json.loads((path / "replica.json").read_text())
    (path / "replica.json").write_text(json.dumps({**state, "analyzer": -1}))


def _spoil_meta(path: Path) -> None:
    (path / "meta.json").write_text("{}")


def _lose_segments(path: Path) -> None:
    for file in path.glob("*.store"):
        file.unlink()


def _cut_segments(path: Path) -> None:
    for file in path.glob("*.*"):
        if file.suffix in (".idx", ".term", ".store"):
            file.write_bytes(file.read_bytes()[:10])


def _lose_everything(path: Path) -> None:
    for file in path.iterdir():
        file.unlink()


def _ahead(path: Path) -> None:
    state = json.loads((path / "replica.json").read_text())
    (path / "replica.json").write_text(json.dumps({**state, "position": 10_000}))


@pytest.mark.parametrize(
    "spoil", [_spoil_replica, _outdated, _spoil_meta, _lose_segments, _cut_segments, _lose_everything, _ahead]
)
def test_a_broken_outdated_or_foreign_index_is_built_again(library: Library, spoil) -> None:  # type: ignore[no-untyped-def]
    kim = library.person()
    team = library.space(kim)
    document = library.add(team, kim, "These words come back.")
    path = library.settings.keywords_dir
    library.keywords.close()
    spoil(path)
    again = KeywordIndex.open(path)
    try:
        again.catch_up(library.database)
        assert ids(again, "words", [team]) == [f"document:{document}:0"]
        assert len(again) == 1
    finally:
        again.close()


def test_a_second_process_is_told_that_the_index_is_open(library: Library) -> None:
    with pytest.raises(Unavailable, match="Another process"):
        KeywordIndex.open(library.settings.keywords_dir)


def test_it_follows_on_a_thread(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    other = KeywordIndex.open(library.settings.data_dir / "second")
    try:
        other.follow(library.database, interval=0.02)
        library.add(team, kim, "Fresh news.")
        with library.database.reading() as session:
            goal = last_change(session)
        assert other.wait_for(goal, timeout=10)
        assert ids(other, "news", [team])
        assert not other.wait_for(goal + 1, timeout=0.05)
        with pytest.raises(RuntimeError):
            other.follow(library.database)
    finally:
        other.close()


def test_changes_that_come_one_after_another_are_taken_together(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    follower = KeywordIndex.open(library.settings.data_dir / "second")
    try:
        follower.follow(library.database, interval=0.001)
        seen = set()
        for number in range(40):
            library.add(team, kim, f"Announcement {number}.")
            time.sleep(0.02)
            seen.add(follower.position)
        with library.database.reading() as session:
            assert follower.wait_for(last_change(session), timeout=10)
        assert len(follower) == 40
        assert len(seen) < 20  # as often as it looks it could have taken nearly each alone
    finally:
        follower.close()


def test_the_follower_outlives_a_failure_and_rebuilds(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    other = KeywordIndex.open(library.settings.data_dir / "second")
    try:
        for file in (library.settings.data_dir / "second").iterdir():  # someone clears the disk
            file.unlink()
        other.follow(library.database, interval=0.02)
        document = library.add(team, kim, "Still here.")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and ids(other, "still here", [team]) != [f"document:{document}:0"]:
            time.sleep(0.05)
        assert (library.settings.data_dir / "second" / "meta.json").exists()
        assert ids(other, "still", [team]) == [f"document:{document}:0"]
    finally:
        other.close()


def test_kill_9_while_it_writes_loses_nothing_and_doubles_nothing(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    for number in range(30):
        library.add(team, kim, *[f"Passage {part} of paper {number}." for part in range(10)])
    path = library.settings.data_dir / "killed"
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from core_api.infra.database import Database
        from retrieval.keywords import KeywordIndex, replica
        replica._BATCH_SOURCES = 1
        index = KeywordIndex.open(Path(sys.argv[1]))
        print("begin", flush=True)
        index.catch_up(Database(sys.argv[2]))
        print("end", flush=True)
        """
    )
    url = f"sqlite:///{library.settings.data_dir / 'nexus.db'}"
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(path), url],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"begin\n"
    time.sleep(0.15)
    child.send_signal(signal.SIGKILL)
    child.wait()
    index = KeywordIndex.open(path)
    try:
        index.catch_up(library.database)
        assert len(index) == 300
        assert len({chunk_id for chunk_id, _ in index.search("passage paper", 1000, [team])}) == 300
    finally:
        index.close()


def test_a_directory_that_cannot_be_made_is_reported(library: Library) -> None:
    blocker = library.settings.data_dir / "file"
    blocker.write_text("in the way")
    with pytest.raises(Unavailable, match="cannot be made"):
        KeywordIndex.open(blocker / "index")


def test_a_database_that_is_away_does_not_cost_the_index(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    library.add(team, kim, "Kept words.")
    away = Database(f"sqlite:///{library.settings.data_dir / 'no-such-folder' / 'nexus.db'}")
    library.keywords.follow(away, interval=0.005)
    time.sleep(0.5)
    assert ids(library.keywords, "kept", [team])


def test_closing_lets_the_next_one_in(library: Library) -> None:
    path = library.settings.data_dir / "third"
    for _ in range(2):
        index = KeywordIndex.open(path)
        with pytest.raises(Unavailable, match="Another process"):
            KeywordIndex.open(path)
        index.close()


def test_it_can_be_closed_on_another_thread_than_it_was_opened_on(library: Library) -> None:
    path = library.settings.data_dir / "fourth"
    with ThreadPoolExecutor(1) as pool:
        pool.submit(KeywordIndex.open, path).result().close()
    again = KeywordIndex.open(path)
    assert again.position == 0
    again.close()
