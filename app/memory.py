"""What outlives a run and an hour: which versions were good or failed, and the events Kubernetes forgets after an hour.

Two files a cluster and namespace in the state folder: `records.json`, rewritten whole, and `events.jsonl`, appended to.
Losing them costs marks and old events, nothing else: a file that cannot be read is left behind and begun anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from domain.facts import Fact, Listed, RecordsRead, Seen
from domain.fleet import Fleet, RevisionRecord
from domain.occurrences import Occurrence
from domain.scope import Scope
from domain.streams import Source
from domain.workloads import WorkloadKey, WorkloadKind

log = logging.getLogger("quarterdeck.memory")

KEEP_EVENTS_S = 7 * 86400.0
MOST_EVENT_BYTES = 8 * 2**20
"""At this size the older half is dropped at the next start."""
SAVE_EVERY_S = 5.0


class _Record(msgspec.Struct):
    namespace: str
    kind: str
    name: str
    template_hash: str
    good_for_s: float
    failed_at: float | None


_RECORDS = msgspec.json.Decoder(list[_Record])
_EVENT = msgspec.json.Decoder(Occurrence)


class Memory:
    """Reads once at the start, then saves what has changed every `SAVE_EVERY_S`; file work happens in a thread."""

    def __init__(self, state_folder: Path, scope: Scope) -> None:
        place = hashlib.sha256(scope.server.encode()).hexdigest()[:12]
        self._folder = state_folder / "watch" / place / (scope.namespace or "_all")
        self._records: Mapping[tuple[WorkloadKey, str], RevisionRecord] = {}
        self._saved_records: Mapping[tuple[WorkloadKey, str], RevisionRecord] = self._records
        self._counts: dict[str, tuple[int, float]] = {}
        self._lines: list[bytes] = []
        self._is_writable = True

    def read(self) -> tuple[Fact, ...]:
        """Blocking; what earlier runs knew."""
        records = self._read_records()
        events = self._read_events()
        facts: list[Fact] = []
        if records:
            facts.append(RecordsRead(records))
        if events:
            facts.append(Listed(Source.OCCURRENCES, events, is_first=False, is_last=False))
        return tuple(facts)

    def note(self, fact: Fact) -> None:
        """Called with every fact on its way to the inbox."""
        if isinstance(fact, Seen) and fact.source is Source.OCCURRENCES:
            self._note_events((fact.value,))
        elif isinstance(fact, Listed) and fact.source is Source.OCCURRENCES:
            self._note_events(fact.values)

    def take(self, fleet: Fleet) -> None:
        self._records = fleet.records

    async def keep(self) -> None:
        """Until cancelled; call `save` once more afterwards."""
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            if self._lines or self._records is not self._saved_records:
                await asyncio.to_thread(self.save)

    def save(self) -> None:
        """Blocking. A full or read-only disk is said once in the log, and does not disturb the watching."""
        lines, self._lines = self._lines, []
        records = self._records
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if lines:
                with (self._folder / "events.jsonl").open("ab") as file:
                    file.write(b"".join(lines))
            if records is not self._saved_records:
                _write_whole(self._folder / "records.json", msgspec.json.encode(_as_list(records)))
                self._saved_records = records
            self._is_writable = True
        except OSError as error:
            if self._is_writable:
                log.warning("cannot remember anything in %s: %s", self._folder, error)
            self._is_writable = False

    def _note_events(self, values: Iterable[object]) -> None:
        for value in values:
            if not isinstance(value, Occurrence) or value.is_remembered:
                continue
            seen = (value.count, value.last_at)
            if self._counts.get(value.uid) != seen:
                self._counts[value.uid] = seen
                self._lines.append(msgspec.json.encode(value) + b"\n")

    def _read_records(self) -> dict[tuple[WorkloadKey, str], RevisionRecord]:
        try:
            records = _RECORDS.decode((self._folder / "records.json").read_bytes())
            return {
                (WorkloadKey(r.namespace, WorkloadKind(r.kind), r.name), r.template_hash): RevisionRecord(
                    r.good_for_s, r.failed_at
                )
                for r in records
            }
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, ValueError) as error:
            log.warning("records in %s are not readable: %s", self._folder, error)
            return {}

    def _read_events(self) -> tuple[Occurrence, ...]:
        path = self._folder / "events.jsonl"
        newest: dict[str, Occurrence] = {}
        oldest_at = time.time() - KEEP_EVENTS_S
        try:
            data = path.read_bytes()
        except OSError:
            return ()
        for line in data.splitlines():
            try:
                event = _EVENT.decode(line)
            except msgspec.DecodeError:
                continue  # a torn last line, or one of another version
            if event.last_at >= oldest_at:
                newest[event.uid] = event
        self._counts = {uid: (e.count, e.last_at) for uid, e in newest.items()}
        if len(data) > MOST_EVENT_BYTES:
            self._shorten(path, newest)
        return tuple(replace(e, is_remembered=True) for e in newest.values())

    def _shorten(self, path: Path, newest: Mapping[str, Occurrence]) -> None:
        events = sorted(newest.values(), key=lambda e: e.last_at)[len(newest) // 2 :]
        try:
            _write_whole(path, b"".join(msgspec.json.encode(e) + b"\n" for e in events))
        except OSError as error:
            log.warning("cannot shorten %s: %s", path, error)


def _as_list(records: Mapping[tuple[WorkloadKey, str], RevisionRecord]) -> list[_Record]:
    return [
        _Record(key.namespace, str(key.kind), key.name, template_hash, record.good_for_s, record.failed_at)
        for (key, template_hash), record in records.items()
    ]


def _write_whole(path: Path, data: bytes) -> None:
    """Either the old file or the new one is there, never half of it."""
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    beside.write_bytes(data)
    beside.replace(path)
