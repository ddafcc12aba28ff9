"""What is read from a journal is what was written to it, or nothing: whatever was cut off, overwritten or mixed in."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from clients.journal_file import read_journal
from clients.journal_lines import fact_of, facts_in, line_of, plan_from_json, plan_to_json
from domain.journal import Ended, JournalFact, Planned, StepBegan, StepEnded, StepTold, operation_of
from domain.operations import OperationState, StepState
from tests.clients.journals import plan, story

STORY = story()
LINES = [line_of(fact) for fact in STORY]
TEXT = b"".join(LINES)


def is_part_of(found: list[JournalFact], whole: list[JournalFact]) -> bool:
    """In order, with gaps."""
    rest = iter(whole)
    return all(any(fact == other for other in rest) for fact in found)


def test_every_fact_comes_back_as_it_was() -> None:
    assert list(facts_in(TEXT)) == STORY


def test_a_line_is_plain_json_with_its_name_and_version_first() -> None:
    line = line_of(StepEnded(3.5, "lock", StepState.DONE, "held", result={"uid": "l-1"}))
    assert line.startswith(b'{"v":1,"fact":"step_ended","at":3.5,"step":"lock","state":"done"') and line.endswith(b"}\n")
    assert json.loads(line)["result"] == {"uid": "l-1"}


def test_cut_at_every_byte_what_is_left_is_the_beginning() -> None:
    ends = [sum(map(len, LINES[:count])) for count in range(len(LINES) + 1)]
    for cut in range(len(TEXT) + 1):
        found = list(facts_in(TEXT[:cut]))
        # A line that only lacks its line feed is whole.
        assert found == STORY[: sum(end - 1 <= cut for end in ends[1:])]


def test_a_runner_that_goes_on_behind_a_cut_loses_nothing_of_its_own() -> None:
    more: list[JournalFact] = [StepBegan(20.0, "patch"), Ended(21.0, OperationState.SUCCEEDED, "VERIFIED")]
    tail = b"".join([line_of(fact) for fact in more])
    for cut in range(len(TEXT)):
        for between in (b"\n", b""):
            found = list(facts_in(TEXT[:cut] + between + tail))
            assert found[-2:] == more
            assert is_part_of(found[:-2], STORY)


def test_no_changed_byte_makes_another_fact() -> None:
    chance = random.Random(5)
    for place in range(len(TEXT)):
        for value in {*chance.sample(range(256), 3), TEXT[place] ^ 1, TEXT[place] ^ 0x20, 0x0A} - {TEXT[place]}:
            damaged = bytearray(TEXT)
            damaged[place] = value
            found = list(facts_in(bytes(damaged)))
            assert is_part_of(found, STORY)
            assert len(found) >= len(STORY) - 2


def test_whatever_is_torn_out_moved_in_or_repeated_no_other_fact_is_read() -> None:
    chance = random.Random(7)
    for _ in range(3000):
        damaged = bytearray(TEXT)
        for _ in range(chance.randint(1, 6)):
            start = chance.randrange(len(damaged) or 1)
            end = min(len(damaged), start + chance.randint(1, 400))
            match chance.randrange(4):
                case 0:
                    del damaged[start:end]
                case 1:
                    damaged[start:end] = chance.randbytes(end - start)
                case 2:
                    damaged[start:start] = chance.randbytes(chance.randint(1, 50)) + b"\n" * chance.randint(0, 2)
                case _:
                    damaged[start:start] = damaged[start:end]
        assert all(fact in STORY for fact in facts_in(bytes(damaged)))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"v":1,"fact":"step_began","at":1.0,"step":"patch"}',
        b'{"v":1,"fact":"step_began","at":1.0,"step":"patch","sum":"00000000"}',
        b'{"v":' * 100_000,
        b"\x00" * 4096,
        "ｖ{".encode("utf-16"),
        bytes(range(256)),
    ],
    ids=lambda line: repr(line[:20]),
)
def test_junk_is_no_fact(line: bytes) -> None:
    assert fact_of(line) is None


def _line(record: dict[str, Any]) -> bytes:
    import zlib

    head = json.dumps(record).encode()[:-1]
    return b'%s,"sum":"%08x"}' % (head, zlib.crc32(head))


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"v": 2, "fact": "step_began", "at": 1.0, "step": "patch", "since": "1.2"}, StepBegan(1.0, "patch")),
        ({"v": 2, "fact": "weather_seen", "at": 1.0}, None),
        ({"v": 1, "fact": "step_ended", "at": 1.0, "step": "patch", "state": "vanished"}, None),
        ({"v": 1, "fact": "step_began", "at": "noon", "step": "patch"}, None),
        ({"v": 1, "fact": "planned", "at": 1.0, "plan": {}}, None),
        ({"v": 1, "fact": ["step_began"], "at": 1.0}, None),
    ],
    ids=str,
)
def test_what_newer_versions_write_is_read_as_far_as_it_is_known(record: dict[str, Any], found: JournalFact | None) -> None:
    assert fact_of(_line(record)) == found


def test_no_half_character_and_no_control_gets_onto_a_screen() -> None:
    told = StepTold(1.0, "rollout", "bad \udc9b\x1b]52;c;x\x07 name")
    found = fact_of(line_of(told))
    assert isinstance(found, StepTold)
    assert "\x1b" not in found.message and found.message.isprintable()


def test_what_goes_back_to_the_cluster_is_kept_to_the_letter() -> None:
    step = plan().steps[1]
    steps = (type(step)("patch", "patch", "w\x1b[2J", {"text": "a\u202eb\x1b[2J\n"}),)
    found = fact_of(line_of(Planned(1.0, type(plan())(**{**_fields(plan()), "steps": steps}))))
    assert isinstance(found, Planned)
    assert found.plan.steps[0].arguments == {"text": "a\u202eb\x1b[2J\n"}
    assert found.plan.steps[0].words == "w␛[2J"


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def test_a_plan_travels_as_one_line_of_json() -> None:
    text = plan_to_json(plan())
    assert b"\n" not in text and plan_from_json(text) == plan()
    for junk in (b"", b"{}", b"[]", text[:-1], b'{"id": 3}', b"\xff"):
        with pytest.raises(ValueError):
            plan_from_json(junk)


def test_what_json_cannot_hold_is_refused_before_it_is_begun() -> None:
    with pytest.raises(TypeError, match="cannot be kept in a journal"):
        line_of(StepEnded(1.0, "patch", StepState.DONE, result={"it": object()}))


def test_the_operation_is_the_same_after_the_journal(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(TEXT)
    assert operation_of(read_journal(tmp_path / "a.jsonl")) == operation_of(STORY)
