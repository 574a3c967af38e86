"""The copies of what is in S3: how they are shared, and which go."""

import io
import multiprocessing
import os
import random
import shutil
import time
from pathlib import Path

import pytest

from core_api.infra.errors import StorageFull
from core_api.infra.storage import open_files
from core_api.infra.storage.cache import FileCache
from core_api.infra.storage.store import place_of
from tests.core_api.storage.kept import BIG, Kept, hash_of, put


def test_a_file_is_fetched_once_and_checked(in_s3: Kept) -> None:
    assert in_s3.s3 is not None
    content = random.Random(1).randbytes(3 * 2**20)
    sha = put(in_s3, content)
    there = in_s3.elsewhere()
    assert there.files.existing(sha).read_bytes() == content
    in_s3.s3.client.delete_object(Bucket=in_s3.bucket, Key=f"company/files/{place_of(sha)}")
    assert there.files.existing(sha).read_bytes() == content
    assert in_s3.files.existing(sha).read_bytes() == content


def age(kept: Kept, sha: str, seconds: float) -> None:
    """Make a copy one that was not used for so long."""
    then = time.time() - seconds
    os.utime(kept.settings.file_cache_dir / place_of(sha), (then, then))


def test_what_was_not_used_for_longest_makes_room(in_s3: Kept) -> None:
    settings = in_s3.settings.model_copy(update={"storage_cache_bytes": 3000})
    small = Kept(open_files(settings), settings)
    first, second, third = (put(small, letter * 1000) for letter in (b"a", b"b", b"c"))
    for hours, sha in ((5, first), (4, second), (3, third)):
        age(small, sha, hours * 3600)
    assert small.files.existing(first).read_bytes() == b"a" * 1000  # used just now
    fourth = put(small, b"d" * 1000)
    assert small.copies() == {first, third, fourth}
    assert small.files.existing(second).read_bytes() == b"b" * 1000  # fetched again
    assert small.copies() == {first, second, fourth}


def test_what_is_in_use_stays_even_where_it_is_too_much(in_s3: Kept) -> None:
    settings = in_s3.settings.model_copy(update={"storage_cache_bytes": 0})
    none = Kept(open_files(settings), settings)
    shas = {put(none, letter * 1000) for letter in (b"a", b"b", b"c")}
    assert none.copies() == shas
    for sha in shas:
        age(none, sha, 3600)
    last = put(none, b"d")
    assert none.copies() == {last}


def test_copies_that_nobody_used_for_a_week_and_left_overs_go(in_s3: Kept) -> None:
    old, recent = put(in_s3, b"old"), put(in_s3, b"recent")
    age(in_s3, old, 8 * 24 * 3600)
    age(in_s3, recent, 6 * 24 * 3600)
    dead = in_s3.settings.file_cache_dir / ".incoming-dead"
    dead.write_bytes(b"half a f")
    os.utime(dead, (0, 0))
    again = Kept(open_files(in_s3.settings), in_s3.settings)  # as after a start
    new = put(again, b"new")
    assert in_s3.copies() == {recent, new}
    assert in_s3.left_over() == []


def test_copies_make_room_for_others_on_a_disk_that_is_nearly_full(in_s3: Kept) -> None:
    old, recent = put(in_s3, b"old" * 1000), put(in_s3, b"recent")
    age(in_s3, old, 3600)
    full = open_files(in_s3.settings.model_copy(update={"min_free_bytes": 10**18}))
    assert full.existing(recent).read_bytes() == b"recent"
    with pytest.raises(StorageFull):
        full.put(io.BytesIO(b"new"), BIG)
    assert in_s3.copies() == {recent}


def _use(root: Path, seconds: float, seed: int, answers: "multiprocessing.Queue[str]") -> None:
    """Read copies, making those that are missing, and tell what went wrong."""
    cache = FileCache(root, 5000, 0, hold_seconds=0.2)
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            content = b"%04d" % chance.randrange(200) * 250
            if (path := cache.find(hash_of(content))) is None:
                with cache.incoming() as temporary:
                    temporary.write_bytes(content)
                    path = cache.keep(temporary, hash_of(content))
            assert path.read_bytes() == content
        answers.put("")
    except BaseException as error:
        answers.put(repr(error))
        raise


def test_processes_share_the_copies_and_take_none_from_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    processes = [context.Process(target=_use, args=(tmp_path / "copies", 3, seed, answers)) for seed in range(3)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=120) for _ in processes] == [""] * 3
    for process in processes:
        process.join(20)
    time.sleep(0.3)  # nothing is in use any more
    cache = FileCache(tmp_path / "copies", 5000, 0, hold_seconds=0.2)
    with cache.incoming() as temporary:
        temporary.write_bytes(b"last")
        cache.keep(temporary, hash_of(b"last"))
    assert sum(path.stat().st_size for path in cache.root.glob("??/*")) <= 5000


def test_copies_can_be_thrown_away_at_any_time(in_s3: Kept) -> None:
    sha = put(in_s3, b"Words.")
    shutil.rmtree(in_s3.settings.file_cache_dir)
    assert in_s3.files.existing(sha).read_bytes() == b"Words."
