"""Ages, image names, probes' windows and what counts as production."""

from __future__ import annotations

import pytest

from domain.ages import clock, short_duration
from domain.evidence import plain_message, telling_line
from domain.fleet import Fleet, LogTail
from domain.scope import looks_like_production
from domain.streams import Source, StreamPhase, StreamState
from domain.templates import ContainerRole, ContainerSpec, PodTemplate, Probe, image_name
from tests import builders as make


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (11040, "3h4m"),
        (28800, "8h"),
        (172799, "47h"),
        (172800, "2d"),
        (183600, "2d3h"),
        (691200, "8d"),
        (63072000, "2y"),
        (65664000, "2y30d"),
        (283824000, "9y"),
    ],
)
def test_ages_read_as_kubectls(seconds: int, shown: str) -> None:
    assert short_duration(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(-3, "0:00"), (18, "0:18"), (600, "10:00"), (3723, "1:02:03")])
def test_a_running_clock(seconds: int, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("reference", "short", "version"),
    [
        ("web", "web", "latest"),
        ("registry.example:5000/shop/web", "web", "latest"),
        ("registry.example:5000/shop/web:v1", "web:v1", "v1"),
        ("shop/web:v1@sha256:0123456789abcdef", "web:v1", "v1"),
        ("shop/web@sha256:0123456789abcdef", "web@01234567", "01234567"),
        ("", "", "latest"),
    ],
)
def test_image_names_are_taken_apart(reference: str, short: str, version: str) -> None:
    assert (image_name(reference).short, image_name(reference).version) == (short, version)


def test_a_startup_probe_adds_to_the_window() -> None:
    probes = (Probe("readiness", "/", "80", "HTTP", 5, 10, 3, 1), Probe("startup", "/", "80", "HTTP", 0, 10, 30, 1))
    shown = PodTemplate((ContainerSpec("web", ContainerRole.MAIN, "web", probes),))
    assert shown.readiness_window_s == 335
    assert PodTemplate().readiness_window_s == 0


@pytest.mark.parametrize(
    ("context", "namespace", "is_production"),
    [
        ("prod-weu", "shop-production", True),
        ("cluster-1", "shop", True),
        ("prod-weu", "shop-alpha", False),
        ("kind-local", "default", False),
        ("latest", "attested", True),
        ("minikube", "", False),
        ("PRACTICE", "x", False),
    ],
)
def test_everything_is_production_unless_its_name_says_otherwise(context: str, namespace: str, is_production: bool) -> None:
    assert looks_like_production(context, namespace) is is_production


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ((), ""),
        (("", "  "), ""),
        (("up", "done"), "done"),
        (("up", "cannot reach database", "bye"), "cannot reach database"),
        (("Traceback", "  File x", "ValueError: no port"), "ValueError: no port"),
        (("ERROR first", *["noise"] * 30), "noise"),
        (("e" * 500,), "e" * 159 + "…"),
    ],
)
def test_the_telling_line_of_a_log(lines: tuple[str, ...], told: str) -> None:
    assert telling_line(LogTail("a", "web", False, lines, 0.0)) == told


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("", ""),
        ('secret "db" not found', 'secret "db" not found'),
        (
            "rpc error: code = Unknown desc = Error response from daemon: no such image",
            "Error response from daemon: no such image",
        ),
        (
            'failed to pull and unpack image "docker.io/library/web:nope": failed to resolve reference '
            '"docker.io/library/web:nope": docker.io/library/web:nope: not found',
            "docker.io/library/web:nope: not found",
        ),
        ("x" * 300, "x" * 159 + "…"),
    ],
)
def test_messages_lose_their_wrappers(message: str, told: str) -> None:
    assert plain_message(message) == told


@pytest.mark.parametrize(
    ("phase", "since_at", "heard_at", "answered_at", "until"),
    [
        (StreamPhase.LIVE, 100.0, 150.0, 190.0, 190.0),
        (StreamPhase.LIVE, 100.0, 195.0, 190.0, 195.0),
        (StreamPhase.STALE, 170.0, 150.0, 190.0, 170.0),
        (StreamPhase.STALE, 195.0, 150.0, 190.0, 190.0),
        (StreamPhase.LOADING, 100.0, 0.0, 0.0, 100.0),
    ],
    ids=[
        "quiet, but the server answers",
        "told after the last probe",
        "lost while the server answers",
        "lost with it",
        "never",
    ],
)
def test_what_a_stream_told_holds_as_long_as_the_server_answers(
    phase: StreamPhase, since_at: float, heard_at: float, answered_at: float, until: float
) -> None:
    streams = {
        Source.PODS: StreamState(Source.PODS, phase, since_at, heard_at),
        Source.API_SERVER: StreamState(Source.API_SERVER, StreamPhase.STALE, 192.0, answered_at),
    }
    assert Fleet(make.scope(), now=200.0, streams=streams).true_until(Source.PODS) == until


def test_what_is_not_there_does_not_grow_old() -> None:
    streams = {
        Source.POD_USAGE: StreamState(Source.POD_USAGE, StreamPhase.ABSENT, 100.0),
        Source.API_SERVER: StreamState(Source.API_SERVER, StreamPhase.STALE, 192.0, 190.0),
    }
    assert not Fleet(make.scope(), now=200.0, streams=streams).is_stale(Source.POD_USAGE)
