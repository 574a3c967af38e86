"""The sandbox: one file's misbehaviour costs that file, and nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from ingest.sandbox import Sandbox
from ingest.types import BlockKind, ParseFailed

PARSER = "tests.ingest.misbehaving:parse"
Make = Callable[..., Sandbox]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Sandbox] = []

    def make_sandbox(parser: str = PARSER, idle_seconds: float = 60, max_files: int = 500, **limits: Any) -> Sandbox:
        settings = Settings(data_dir=tmp_path, **{"parse_timeout_seconds": 20, "ingest_threads": 2, **limits})
        made.append(Sandbox(settings, parser=parser, idle_seconds=idle_seconds, max_files=max_files))
        return made[-1]

    yield make_sandbox
    for sandbox in made:
        sandbox.close()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(command: str) -> Path:
        path = tmp_path / f"{abs(hash(command))}.txt"
        path.write_text(command)
        return path

    return write


File = Callable[[str], Path]


def about(sandbox: Sandbox, file: File) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(sandbox.parse(file("about"), "about").blocks[0].text)
    return answer


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.05)


def reason(sandbox: Sandbox, path: Path) -> str:
    with pytest.raises(ParseFailed) as caught:
        sandbox.parse(path, path.name)
    assert len(caught.value.detail) > 20
    return caught.value.reason


def test_what_the_parser_made_comes_back_whole(make: Make, file: File) -> None:
    parsed = make().parse(file("say 휴가 policy \U0001f600"), "leave.txt", "text/plain")
    assert [(block.kind, block.text, block.page) for block in parsed.blocks] == [
        (BlockKind.PARAGRAPH, "휴가 policy \U0001f600", 3)
    ]
    assert (parsed.title, parsed.parser, parsed.notes) == ("leave.txt", "misbehaving", ("a note",))


def test_the_real_parsers_run_in_it(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "stored-under-its-hash"
    path.write_text("---\ntitle: Leave\n---\n# Requests\n\nAsk your lead.\n")
    parsed = make(parser="ingest.parsers:parse").parse(path, "leave.md")
    assert parsed.title == "Leave"
    assert [block.text for block in parsed.blocks] == ["Requests", "Ask your lead."]


def test_one_child_serves_file_after_file(make: Make, file: File) -> None:
    sandbox = make()
    assert about(sandbox, file)["pid"] == about(sandbox, file)["pid"]


def test_a_child_is_replaced_after_its_number_of_files(make: Make, file: File) -> None:
    sandbox = make(max_files=2)
    pids = [about(sandbox, file)["pid"] for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    wait_until_gone(pids[0])


def test_an_idle_child_is_ended_and_another_started_when_needed(make: Make, file: File) -> None:
    sandbox = make(idle_seconds=0.3)
    first = about(sandbox, file)["pid"]
    wait_until_gone(first)
    assert about(sandbox, file)["pid"] != first


def test_no_secret_and_no_torch_reaches_the_child(
    make: Make, file: File, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgresql://user:password@host/db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    told = about(make(), file)
    assert "secret" not in json.dumps(told)
    assert "password" not in json.dumps(told)
    assert told["environment"]["HOME"] == told["temporary"]
    assert told["torch"]
    assert told["session"] == told["pid"]
    assert told["niceness"] > 0


def test_a_file_that_takes_too_long_fails_and_the_next_one_works(make: Make, file: File) -> None:
    sandbox = make(parse_timeout_seconds=1)
    pid = about(sandbox, file)["pid"]
    assert reason(sandbox, file("spin")) == "timeout"
    wait_until_gone(pid)
    assert sandbox.parse(file("say next"), "next").blocks[0].text == "next"


def test_programs_that_a_parser_started_are_killed_with_it(make: Make, file: File, tmp_path: Path) -> None:
    sandbox = make(parse_timeout_seconds=2)
    told = tmp_path / "pids"
    assert reason(sandbox, file(f"spawn {told}")) == "timeout"
    wait_until_gone(*(int(pid) for pid in told.read_text().split()))


def test_a_file_that_needs_too_much_memory_fails_and_the_next_one_works(make: Make, file: File) -> None:
    sandbox = make(parse_memory_bytes=300 * 2**20)
    assert sandbox.parse(file(f"allocate {50 * 2**20}"), "small").blocks[0].text == "allocated"
    assert reason(sandbox, file(f"allocate {2 * 2**30}")) == "out_of_memory"
    assert sandbox.parse(file("say next"), "next").blocks[0].text == "next"


@pytest.mark.parametrize("command", ["exit 0", "exit 3", "crash", "raise a bug"])
def test_a_file_that_crashes_the_parser_fails_and_the_next_one_works(make: Make, file: File, command: str) -> None:
    sandbox = make()
    assert reason(sandbox, file(command)) == "malformed"
    assert sandbox.parse(file("say next"), "next").blocks[0].text == "next"


def test_a_child_that_the_kernel_kills_counts_as_out_of_memory(make: Make, file: File) -> None:
    sandbox = make()
    pid = about(sandbox, file)["pid"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reason, sandbox, file("sleep 30"))
        time.sleep(0.5)
        os.kill(pid, signal.SIGKILL)
        assert waiting.result() == "out_of_memory"


def test_a_child_killed_between_two_files_costs_neither(make: Make, file: File) -> None:
    sandbox = make()
    pid = about(sandbox, file)["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    assert sandbox.parse(file("say next"), "next").blocks[0].text == "next"


def test_text_without_end_is_refused(make: Make, file: File) -> None:
    sandbox = make(parse_output_chars=1000)
    assert sandbox.parse(file("repeat 1000"), "enough").blocks[0].text == "x" * 1000
    assert reason(sandbox, file("repeat 1001")) == "too_large"
    assert reason(sandbox, file(f"repeat {20 * 2**20}")) == "too_large"
    assert sandbox.parse(file("say next"), "next").blocks[0].text == "next"


def test_what_a_parser_prints_does_not_disturb_the_answer(make: Make, file: File) -> None:
    assert make().parse(file("print"), "noisy").blocks[0].text == "printed"


def test_the_parsers_own_failure_keeps_its_reason(make: Make, file: File) -> None:
    sandbox = make()
    pid = about(sandbox, file)["pid"]
    with pytest.raises(ParseFailed, match="nothing to be read here") as caught:
        sandbox.parse(file("fail nothing to be read here"), "x")
    assert caught.value.reason == "no_text"
    assert about(sandbox, file)["pid"] == pid, "a file's failure is no reason to replace the child"


def test_files_are_parsed_at_once_up_to_the_number_of_threads(make: Make, file: File) -> None:
    sandbox = make(ingest_threads=2)
    paths = [file("sleep 1"), file("sleep 1.0"), file("sleep 1.00"), file("sleep 1.000")]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: about(sandbox, file), range(2)))  # both children up
        started = time.monotonic()
        list(pool.map(lambda path: sandbox.parse(path, "nap"), paths))
        elapsed = time.monotonic() - started
    assert 1.9 < elapsed < 3.9


def test_many_threads_with_good_and_bad_files_each_get_their_own_answer(make: Make, file: File) -> None:
    sandbox = make(ingest_threads=3)

    def one(number: int) -> None:
        if number % 7 == 3:
            assert reason(sandbox, file(f"exit {number}")) == "malformed"
        else:
            assert sandbox.parse(file(f"say {number}"), str(number)).blocks[0].text == str(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(40)))


def test_closing_ends_every_child_and_removes_its_directory(make: Make, file: File) -> None:
    sandbox = make()
    told = about(sandbox, file)
    sandbox.parse(file("litter"), "litter")
    sandbox.close()
    wait_until_gone(told["pid"])
    assert not Path(told["temporary"]).exists()
    with pytest.raises(Unavailable):
        sandbox.parse(file("say late"), "late")


def test_closing_while_a_file_is_parsed_is_not_that_files_failure(make: Make, file: File) -> None:
    sandbox = make()
    pid = about(sandbox, file)["pid"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(sandbox.parse, file("sleep 30"), "nap")
        time.sleep(0.5)
        sandbox.close()
        with pytest.raises(Unavailable):
            waiting.result()
    wait_until_gone(pid)


def test_the_threads_that_asked_may_end_without_their_child(make: Make, file: File) -> None:
    sandbox = make()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(about, sandbox, file).result()["pid"]
    time.sleep(0.3)  # the kernel's death signal follows the thread that started a process
    assert about(sandbox, file)["pid"] == first


def test_a_parser_that_cannot_be_loaded_is_the_servers_fault_not_the_files(make: Make, file: File) -> None:
    with pytest.raises(Unavailable, match="log"):
        make(parser="tests.ingest.no_such_module:parse").parse(file("say x"), "x")


def test_what_a_killed_server_left_in_the_temporary_directory_is_removed(make: Make, file: File) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = Path(tempfile.gettempdir()) / f"nexus-sandbox-{ended.pid}-left"
    (left / "inner").mkdir(parents=True)
    make().parse(file("say x"), "x")
    assert not left.exists()


def test_children_and_their_programs_die_with_a_killed_server(file: File, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    script = f"""
from pathlib import Path
from core_api.infra.settings import Settings
from ingest.sandbox import Sandbox
Sandbox(Settings(data_dir=Path({str(tmp_path)!r})), parser={PARSER!r}).parse(Path({str(file(f"spawn {told}"))!r}), "x")
"""
    server = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 30
        while not told.exists() or len(told.read_text().split()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        server.kill()
        server.wait()
    wait_until_gone(*(int(pid) for pid in told.read_text().split()))
