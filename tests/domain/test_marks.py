from __future__ import annotations

import json
from dataclasses import replace

import pytest

from domain.marks import Mark, Standing, format_marks, mark_of_digest, mark_of_version, merge_mark, parse_marks
from domain.workloads import WorkloadKey, WorkloadKind

KEY = WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "shop.backend")
A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
BAD = Mark(KEY, Standing.BAD, "9f31", A, 20.0, "oncall@jump2", "7KQ2ABCD", "crashes at start", "shop-backend:v1.9.0")
GOOD = Mark(KEY, Standing.GOOD, "77ab", B, 10.0, "ops@jump1", "8KQ2ABCD")


def test_marks_come_back_as_they_were_written() -> None:
    assert parse_marks(format_marks([GOOD, BAD]), "shop") == (BAD, GOOD)


def test_a_mark_without_a_template_is_known_by_its_digest() -> None:
    mark = replace(BAD, template_hash="")
    assert parse_marks(format_marks([mark]), "shop") == (mark,)


def test_keys_are_what_a_config_map_may_hold() -> None:
    data = format_marks([GOOD, BAD, replace(BAD, template_hash="")])
    assert all(set(key) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_") for key in data)


def test_the_newest_word_on_a_version_counts() -> None:
    again = replace(BAD, standing=Standing.GOOD, at=30.0)
    assert merge_mark([BAD, GOOD], again) == (again, GOOD)


def test_the_oldest_marks_of_a_workload_are_forgotten() -> None:
    marks: tuple[Mark, ...] = (replace(GOOD, workload=KEY._replace(name="other"), at=0.0),)
    for n in range(60):
        marks = merge_mark(marks, replace(BAD, template_hash=str(n), at=float(n + 1)))
    assert len(marks) == 41 and marks[0].template_hash == "59" and marks[-1].workload.name == "other"


@pytest.mark.parametrize(
    "key, text",
    [
        ("deployment.web.1", "not json"),
        ("deployment.web.1", "[]"),
        ("deployment.web.1", '{"standing": "odd", "at": 1}'),
        ("deployment.web.1", '{"standing": "bad"}'),
        ("deployment.web.1", '{"standing": "bad", "at": true}'),
        ("job.web.1", '{"standing": "bad", "at": 1}'),
        ("deployment", '{"standing": "bad", "at": 1}'),
        ("deployment.web.1", "[" * 100_000),
    ],
)
def test_what_makes_no_sense_is_left_out(key: str, text: str) -> None:
    good = format_marks([GOOD])
    assert parse_marks({key: text, **good}, "shop") == (GOOD,)


def test_text_from_the_config_map_is_sanitised() -> None:
    entry = {"standing": "bad", "at": 1, "who": "\x1b[31mops", "reason": "x\u202ey"}
    (mark,) = parse_marks({"deployment.web.1": json.dumps(entry)}, "shop")
    assert (mark.by, mark.reason) == ("␛[31mops", "xy")


def test_a_template_is_judged_by_its_own_mark_first() -> None:
    config_at_fault = replace(BAD, digest=B)
    marks = (config_at_fault, GOOD)
    assert mark_of_version(marks, KEY, "77ab", B) is GOOD
    assert mark_of_version(marks, KEY, "9f31", B) is config_at_fault
    assert mark_of_version(marks, KEY, "new", A) is None


def test_an_image_is_to_blame_only_where_it_was_never_good() -> None:
    assert mark_of_digest((BAD, GOOD), KEY, A) is BAD
    assert mark_of_digest((replace(BAD, digest=B), GOOD), KEY, B) is GOOD
    assert mark_of_digest((BAD,), KEY._replace(name="other"), A) is None
    assert mark_of_digest((replace(BAD, digest=""),), KEY, "") is None
