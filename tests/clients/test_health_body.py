"""What the bodies of health answers say, in the shapes that applications and frameworks send."""

from __future__ import annotations

import random

import pytest

from clients.health_body import HealthBody, first_words, read_body

OK_PAIR = [("database", True, "ok"), ("redis", True, "ok")]


@pytest.mark.parametrize(
    ("body", "is_well", "word", "checks"),
    [
        ('{"status":"healthy","checks":{"database":"ok","redis":"ok"}}', True, "healthy", OK_PAIR),
        ('{"status":"healthy","checks":{"database":true}}', True, "healthy", [("database", True, "ok")]),
        ('{"status":"healthy","checks":{"redis":false}}', False, "healthy", [("redis", False, "failed")]),
        (
            '{"status":"degraded","checks":{"redis":{"status":"down","error":"timeout after 2 s"}}}',
            False,
            "degraded",
            [("redis", False, "down: timeout after 2 s")],
        ),
        (
            '{"status":"ok","checks":[{"name":"database","status":"ok"},{"name":"redis","status":"ok"}]}',
            True,
            "ok",
            OK_PAIR,
        ),
        ('{"status":"ok","checks":["ok","bad"]}', False, "ok", [("check 1", True, "ok"), ("check 2", False, "bad")]),
        (
            '{"status":"UP","components":{"db":{"status":"UP","details":{"database":"PostgreSQL"}}}}',
            True,
            "UP",
            [("db", True, "UP")],
        ),
        (
            '{"status":"Unhealthy","entries":{"sql":{"status":"Unhealthy"}}}',
            False,
            "Unhealthy",
            [("sql", False, "Unhealthy")],
        ),
        (
            '{"status":"pass","checks":{"db:time":[{"status":"pass"},{"status":"fail","output":"slow"}]}}',
            False,
            "pass",
            [("db:time", False, "fail: slow")],
        ),
        ('{"status":"ok","info":{},"details":{"database":{"status":"up"}}}', True, "ok", [("database", True, "up")]),
        ('{"status":"healthy","checks":{"database":12}}', True, "healthy", [("database", True, "12")]),
        ('{"status":"healthy","checks":{"database":null}}', False, "healthy", [("database", False, "no answer")]),
        ('{"checks":{"database":"ok"}}', True, "", [("database", True, "ok")]),
        ('{"ok":true}', True, "ok", []),
        ('{"healthy":false}', False, "unhealthy", []),
        ('{"status":200}', None, "", []),
        ('{"status":"starting"}', False, "starting", []),
        ("{}", None, "", []),
        ("[]", None, "", []),
        ('"ok"', None, "", []),
        ("OK", None, "", []),
        ("", None, "", []),
        ('{"status": "heal', None, "", []),
    ],
)
def test_shapes(body: str, is_well: bool | None, word: str, checks: list[tuple[str, bool, str]]) -> None:
    told = read_body(body.encode())
    assert (told.is_well, told.word) == (is_well, word)
    assert [(c.name, c.is_ok, c.text) for c in told.checks] == checks


@pytest.mark.parametrize(
    ("body", "version"),
    [
        ('{"version":"v1.9.0"}', "v1.9.0"),
        ('{"version":2}', "2"),
        ('{"build":{"version":"1.2"}}', "1.2"),
        ('{"commit":"9f31aa"}', "9f31aa"),
        ('{"version":null}', ""),
        ('{"version":["1"]}', ""),
        ('{"version":1' + "0" * 5000 + "}", ""),
    ],
)
def test_versions(body: str, version: str) -> None:
    assert read_body(body.encode()).version == version


def test_text_is_made_harmless() -> None:
    told = read_body(
        b'{"status":"\\u001b[2Jhealthy","version":"\\u202e1","checks":{"\\u009b31mredis":"\\u001b]52;c;x\\u0007"}}'
    )
    shown = f"{told.word}{told.version}{told.checks[0].name}{told.checks[0].text}"
    assert not {c for c in shown if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c == "\u202e"}


def test_there_is_an_end_to_what_is_shown() -> None:
    many = ",".join(f'"check{n}":"ok"' for n in range(3000))
    told = read_body(f'{{"status":"{"x" * 60_000}","checks":{{{many}}}}}'.encode())
    assert len(told.word) <= 200
    assert len(told.checks) == 50


@pytest.mark.parametrize(
    "body", [b"[" * 30_000, b'{"a":' * 9_000, b"\xff\xfe", b'{"status":"\\ud800"}', b'{"x":' + b"9" * 6000]
)
def test_what_cannot_be_read_says_nothing(body: bytes) -> None:
    assert read_body(body) == HealthBody()


def test_no_body_makes_it_raise() -> None:
    chance = random.Random(1)
    pieces = [
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b'"status"',
        b'"checks"',
        b'"ok"',
        b"null",
        b"true",
        b"1e999",
        b"-0",
        b'"name"',
        b"7",
    ]
    for _ in range(3000):
        read_body(b"".join(chance.choices(pieces, k=chance.randrange(12))))
        first_words(chance.randbytes(chance.randrange(40)))


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"no database\nat all", "no database"), (b"<html>x", ""), (b'{"a":1}', ""), (b"  ", ""), (b"\x1b[2J", "\u241b[2J")],
)
def test_plain_words_beside_a_bad_status(body: bytes, words: str) -> None:
    assert first_words(body) == words
