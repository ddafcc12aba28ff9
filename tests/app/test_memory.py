"""What is remembered between runs comes back, and a file that cannot be read or written costs nothing else."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from app import memory as memory_module
from app.memory import Memory
from domain.facts import Listed, RecordsRead, Seen
from domain.fleet import Fleet, RevisionRecord
from domain.occurrences import Occurrence
from domain.scope import Scope
from domain.streams import Source
from domain.workloads import WorkloadKey, WorkloadKind

SCOPE = Scope("practice", "shop", "alpha", False, server="https://127.0.0.1:6443")
KEY = (WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "shop-backend"), "7f9c")


def event(uid: str, *, count: int = 1, at: float | None = None) -> Occurrence:
    when = time.time() if at is None else at
    return Occurrence(uid, "shop", uid, "Warning", "BackOff", "restarting", count, when, when, "Pod", "p", "u", "kubelet")


def kept(folder: Path, scope: Scope = SCOPE) -> tuple[RecordsRead | None, dict[str, Occurrence]]:
    records, events = None, {}
    for fact in Memory(folder, scope).read():
        if isinstance(fact, RecordsRead):
            records = fact
        elif isinstance(fact, Listed):
            events = {o.uid: o for o in fact.values if isinstance(o, Occurrence)}
    return records, events


def test_events_and_records_come_back_in_the_next_run(tmp_path: Path) -> None:
    memory = Memory(tmp_path, SCOPE)
    memory.note(Seen(Source.OCCURRENCES, event("a")))
    memory.note(Seen(Source.OCCURRENCES, event("a", count=7)))
    memory.take(replace(Fleet(SCOPE), records={KEY: RevisionRecord(600.0, 12.0)}))
    memory.save()
    records, events = kept(tmp_path)
    assert records == RecordsRead({KEY: RevisionRecord(600.0, 12.0)})
    assert events["a"].count == 7
    assert events["a"].is_remembered


def test_what_is_read_back_is_not_written_again(tmp_path: Path) -> None:
    first = Memory(tmp_path, SCOPE)
    first.note(Seen(Source.OCCURRENCES, event("a", at=time.time())))
    first.save()
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.jsonl")}
    second = Memory(tmp_path, SCOPE)
    for fact in second.read():
        second.note(fact)
    second.save()
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.jsonl")} == before


@pytest.mark.parametrize("other", [replace(SCOPE, namespace="web"), replace(SCOPE, server="https://10.0.0.1")])
def test_another_namespace_or_cluster_has_its_own(tmp_path: Path, other: Scope) -> None:
    memory = Memory(tmp_path, SCOPE)
    memory.note(Seen(Source.OCCURRENCES, event("a")))
    memory.save()
    assert kept(tmp_path, other) == (None, {})


@pytest.mark.parametrize("damage", [b"", b"{", b"\x00\xff\n", b'[{"namespace": 1}]'])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    memory = Memory(tmp_path, SCOPE)
    memory.note(Seen(Source.OCCURRENCES, event("a")))
    memory.take(replace(Fleet(SCOPE), records={KEY: RevisionRecord(1.0, None)}))
    memory.save()
    for path in tmp_path.rglob("*.json*"):
        path.write_bytes(path.read_bytes()[:-3] + damage)
    Memory(tmp_path, SCOPE).read()


def test_events_of_last_week_are_forgotten(tmp_path: Path) -> None:
    memory = Memory(tmp_path, SCOPE)
    memory.note(Seen(Source.OCCURRENCES, event("old", at=time.time() - 8 * 86400)))
    memory.note(Seen(Source.OCCURRENCES, event("new")))
    memory.save()
    assert set(kept(tmp_path)[1]) == {"new"}


def test_the_file_of_events_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MOST_EVENT_BYTES", 2000)
    memory = Memory(tmp_path, SCOPE)
    for number in range(40):
        memory.note(Seen(Source.OCCURRENCES, event(str(number), at=time.time() + number)))
    memory.save()
    assert len(kept(tmp_path)[1]) == 40
    assert set(kept(tmp_path)[1]) == {str(n) for n in range(20, 40)}


def test_a_disk_that_takes_nothing_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "watch").write_text("a file stands where the folder should be")
    memory = Memory(tmp_path, SCOPE)
    for _ in range(3):
        memory.note(Seen(Source.OCCURRENCES, event("a")))
        memory.take(Fleet(SCOPE, records={KEY: RevisionRecord(1.0, None)}))
        memory.save()
    assert [r.levelname for r in caplog.records] == ["WARNING"]
