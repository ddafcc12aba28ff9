"""A journal's file: found unusable before anything is touched, on disk line by line, one runner, any number of readers."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from clients.journal_file import (
    JournalFile,
    ask_abort,
    journal_path,
    list_operations,
    read_journal,
    read_operation,
)
from clients.runner_lock import boot_id, host_name, is_runner_alive
from domain.errors import JournalError, RefusedError
from domain.journal import AbortAsked, Ended, JournalFact, Planned, RunnerStarted, StepBegan, StepTold
from domain.operations import OperationState
from tests.clients.journals import here, plan, runner

ROOT = Path(__file__).parents[2]
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "operations"


def write_all(journal: JournalFile, facts: list[JournalFact]) -> None:
    for fact in facts:
        journal.write(fact)


def test_what_is_written_is_read_and_for_this_user_only(folder: Path) -> None:
    facts = here()
    first = facts[0]
    assert isinstance(first, Planned)
    with JournalFile.create(folder, first) as journal:
        write_all(journal, facts[1:])
        assert read_journal(journal.path) == facts
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["7KQ2MXPA.jsonl"]


def test_a_folder_that_others_could_read_is_closed(folder: Path) -> None:
    folder.mkdir(mode=0o755, parents=True)
    JournalFile.create(folder, Planned(1.0, plan())).close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_an_operation_begins_once(folder: Path) -> None:
    JournalFile.create(folder, Planned(1.0, plan())).close()
    with pytest.raises(JournalError, match="cannot be used") as caught:
        JournalFile.create(folder, Planned(1.0, plan()))
    assert "exists already" in caught.value.hint
    assert read_journal(folder / "7KQ2MXPA.jsonl") == [Planned(1.0, plan())]


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a\x00b", "a" * 65, "ä"])
def test_an_id_is_never_a_path(folder: Path, name: str) -> None:
    with pytest.raises(JournalError, match="not the id"):
        journal_path(folder, name)


def test_a_link_that_somebody_has_put_there_is_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "7KQ2MXPA.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError):
        JournalFile.create(folder, Planned(1.0, plan()))
    assert not (tmp_path / "elsewhere").exists()
    (tmp_path / "elsewhere").write_text("")
    with pytest.raises(JournalError, match="cannot be used"):
        JournalFile.take_up(folder / "7KQ2MXPA.jsonl")


@pytest.mark.parametrize("obstacle", ["a file where the folder should be", "a folder that is not ours to write"])
def test_what_cannot_be_written_is_found_out_at_once(tmp_path: Path, obstacle: str) -> None:
    place = tmp_path / "state"
    if obstacle.startswith("a file"):
        place.write_text("")
    elif IS_ROOT:
        pytest.skip("root may write everywhere")
    else:
        place.mkdir(mode=0o500)
    with pytest.raises(JournalError) as caught:
        JournalFile.create(place / "operations", Planned(1.0, plan()))
    assert caught.value.hint


# A disk of its own


@contextmanager
def small_disk(place: Path, kib: int, *options: str) -> Iterator[Path]:
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", ",".join((f"size={kib}k", *options)), "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    with (place / "filler").open("wb", buffering=0) as file:
        for size in (4096, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError:
                    break


def test_a_full_disk_is_found_out_before_anything_is_touched(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 256) as disk:
        (disk / "operations").mkdir()
        fill(disk)
        with pytest.raises(JournalError, match="No space left") as caught:
            JournalFile.create(disk / "operations", Planned(1.0, plan()))
        assert "make room" in caught.value.hint
        assert list((disk / "operations").glob("*.jsonl")) == []


def test_too_little_room_for_the_whole_is_found_out_as_well(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        with pytest.raises(JournalError, match="No space left"):
            JournalFile.create(disk / "operations", Planned(1.0, plan()))
        assert list((disk / "operations").iterdir()) == []


def test_a_read_only_disk_too(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", 256, "ro") as disk,
        pytest.raises(JournalError, match="Read-only file system") as caught,
    ):
        JournalFile.create(disk / "operations", Planned(1.0, plan()))
    assert "XDG_STATE_HOME" in caught.value.hint


def test_a_disk_that_fills_up_midway_still_takes_the_end(tmp_path: Path) -> None:
    facts = here()
    with small_disk(tmp_path / "disk", 512) as disk, JournalFile.create(disk / "o", Planned(1.0, plan())) as journal:
        fill(disk)
        write_all(journal, facts[1:])
        assert read_journal(journal.path) == [Planned(1.0, plan()), *facts[1:]]


def test_a_disk_that_is_full_for_good_is_an_error_and_leaves_no_half_truth(tmp_path: Path) -> None:
    end = Ended(9.0, OperationState.FAILED, "the disk was full")
    written: list[JournalFact] = [Planned(1.0, plan())]
    with small_disk(tmp_path / "disk", 512) as disk, JournalFile.create(disk / "o", Planned(1.0, plan())) as journal:
        fill(disk)
        with pytest.raises(JournalError, match="No space left"):
            while True:
                fact = StepTold(2.0, "rollout", "x" * 3000, 0.5)
                journal.write(fact)
                written.append(fact)
        (disk / "filler").unlink()
        journal.write(end)
        assert read_journal(journal.path) == [*written, end]


# Torn, taken up, aborted


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_runner_that_takes_up_a_torn_journal_goes_on_behind_it(folder: Path, cut: int) -> None:
    facts = here()
    with JournalFile.create(folder, Planned(1.0, plan())) as journal:
        write_all(journal, facts[1:4])
    text = journal.path.read_bytes()
    journal.path.write_bytes(text[:-cut])
    with JournalFile.take_up(journal.path) as again:
        again.write(facts[4])
    kept = facts[1:4] if cut == 1 else facts[1:3]
    assert read_journal(journal.path) == [Planned(1.0, plan()), *kept, facts[4]]


def test_another_process_asks_to_abort_while_it_is_written(folder: Path) -> None:
    with JournalFile.create(folder, Planned(1.0, plan())) as journal:
        ask_abort(journal.path, AbortAsked(5.0, "oncall@jump2"))
        journal.write(StepBegan(6.0, "lock"))
        assert read_journal(journal.path)[1:] == [AbortAsked(5.0, "oncall@jump2"), StepBegan(6.0, "lock")]
    operation = read_operation(journal.path)
    assert operation is not None and operation.is_abort_asked


def test_what_is_not_there_cannot_be_taken_up(folder: Path) -> None:
    folder.mkdir(parents=True)
    for attempt in (JournalFile.take_up, read_journal, read_operation):
        with pytest.raises(JournalError) as caught:
            attempt(folder / "AAAA2222.jsonl")
        assert "ops list" in caught.value.hint
    with pytest.raises(JournalError):
        ask_abort(folder / "AAAA2222.jsonl", AbortAsked(1.0, "ops"))
    assert list_operations(folder / "none") == ()


def test_operations_are_listed_newest_first_and_damaged_ones_left_out(folder: Path) -> None:
    for number, name in enumerate(("AAAA2222", "BBBB3333", "CCCC4444")):
        JournalFile.create(folder, Planned(1.0, plan(name, created_at=float(number)))).close()
    (folder / "DDDD5555.jsonl").write_bytes(b"\x00" * 5000)
    (folder / "EEEE6666.jsonl").mkdir()
    (folder / "notes.txt").write_text("x")
    assert [operation.plan.id for operation in list_operations(folder)] == ["CCCC4444", "BBBB3333", "AAAA2222"]


# One runner, and whether it lives


def test_two_runners_never_have_the_same_operation(folder: Path) -> None:
    path = folder / "7KQ2MXPA.jsonl"
    with runner(folder) as running:
        operation = read_operation(path)
        assert operation is not None and operation.state is OperationState.RUNNING
        assert is_runner_alive(path, operation) is True
        with pytest.raises(RefusedError, match="Another process carries out operation 7KQ2MXPA"):
            JournalFile.take_up(path)
        running.send_signal(signal.SIGKILL)
        running.wait()
        left = read_operation(path)
        assert left is not None and left.state is OperationState.LEFT
        assert is_runner_alive(path, left) is False
        JournalFile.take_up(path).close()


def test_many_who_look_do_not_stand_in_the_way_of_who_takes_it_up(folder: Path) -> None:
    JournalFile.create(folder, Planned(1.0, plan())).close()
    path = folder / "7KQ2MXPA.jsonl"
    looking = (
        "import sys\nfrom pathlib import Path\nfrom clients.journal_file import read_operation\n"
        "while True: read_operation(Path(sys.argv[1]))"
    )
    lookers = [subprocess.Popen([sys.executable, "-c", looking, str(path)], cwd=ROOT) for _ in range(2)]
    try:
        time.sleep(0.5)
        for _ in range(20):
            JournalFile.take_up(path).close()
    finally:
        for looker in lookers:
            looker.kill()
            looker.wait()


@pytest.mark.parametrize(
    ("changes", "alive"),
    [
        ({}, False),
        ({"state": OperationState.SUCCEEDED}, False),
        ({"runner_boot_id": "before the reboot"}, False),
        ({"runner_host": "jump9"}, None),
        ({"runner_host": "jump9", "runner_boot_id": "another"}, None),
        ({"runner_pid": 1}, False),
    ],
    ids=str,
)
def test_whether_a_runner_lives_is_told_by_its_lock(folder: Path, changes: dict[str, object], alive: bool | None) -> None:
    with JournalFile.create(folder, Planned(1.0, plan())) as journal:
        journal.write(RunnerStarted(2.0, os.getpid(), host_name(), boot_id()))
    operation = read_operation(journal.path)
    assert operation is not None
    operation = replace(operation, state=OperationState.RUNNING)
    assert is_runner_alive(journal.path, replace(operation, **changes)) is alive  # type: ignore[arg-type]


def test_without_a_file_the_process_number_decides(folder: Path) -> None:
    with JournalFile.create(folder, Planned(1.0, plan())) as journal:
        journal.write(RunnerStarted(2.0, os.getpid(), host_name(), boot_id()))
        operation = read_operation(journal.path)
    assert operation is not None
    journal.path.unlink()
    assert is_runner_alive(journal.path, operation) is True
    assert is_runner_alive(journal.path, replace(operation, runner_pid=2**22 - 1)) is False
