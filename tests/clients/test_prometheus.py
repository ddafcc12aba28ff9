"""Metrics from a real Prometheus, and from what pretends to be one."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clients.prometheus import PrometheusSource, at_url
from domain.errors import ConfigError, NotFoundError, OutsideError, UnauthorizedError, UnreachableError
from domain.metrics import DEFAULT_LABELS, DEFAULT_QUERIES, MetricQuery, Series, Unit
from domain.workloads import WorkloadKey, WorkloadKind
from tests.clients.http_stage import Stage, answer, dripping, endless, never, redirect, staged
from tests.clients.prometheus_server import Exposed, real_prometheus

BACKEND = WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "shop-backend")
NEW = "shop-backend-7f9c4d-k2lxv"
RESTARTS = "kube_pod_container_status_restarts_total"
UP = MetricQuery("up", "up", "sum(up)", Unit.COUNT)


def exposed_name(metric: str, pod: str, namespace: str = "shop", **more: str) -> str:
    labels = {"namespace": namespace, "pod": pod} | more
    return f"{metric}{{" + ",".join(f'{name}="{text}"' for name, text in labels.items()) + "}"


@pytest.fixture(scope="module")
def exposed() -> Exposed:
    """100 requests a second of which one in ten fails, half of them within 0.1 s; neighbours whose every request fails."""
    told = Exposed()
    told.rates = {
        exposed_name("http_requests_total", NEW, status="200"): 90.0,
        exposed_name("http_requests_total", NEW, status="503"): 10.0,
        exposed_name("http_requests_total", NEW, "other", status="500"): 500.0,
        exposed_name("http_requests_total", "shop-backend-admin-7f9c4d-aaaaa", status="500"): 500.0,
        exposed_name("http_requests_total", "shop-web-5d8f7c-bbbbb", status="200"): 7.0,
        exposed_name("http_request_duration_seconds_bucket", NEW, le="0.1"): 50.0,
        exposed_name("http_request_duration_seconds_bucket", NEW, le="0.2"): 100.0,
        exposed_name("http_request_duration_seconds_bucket", NEW, le="+Inf"): 100.0,
    }
    told.values = {f'many{{number="{n}"}}': 1.0 for n in range(10_000)}
    told.values[exposed_name(RESTARTS, "shop-backend-65df8b-2bt68", container="app", uid="1")] = 7.0
    return told


@pytest.fixture(scope="module")
def url(exposed: Exposed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with real_prometheus(tmp_path_factory.mktemp("prometheus"), exposed) as address:
        yield address


@pytest.fixture
async def real(url: str) -> AsyncIterator[PrometheusSource]:
    source = PrometheusSource(at_url(url, timeout_s=20))
    yield source
    await source.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as it:
        yield it


async def eventually(read: Callable[[], Awaitable[Series]], is_right: Callable[[Series], bool]) -> Series:
    deadline = time.monotonic() + 60
    while True:
        series = await read()
        if is_right(series) or time.monotonic() > deadline:
            return series
        await asyncio.sleep(0.2)


def value(series: Series) -> float:
    return -1.0 if series.value is None else series.value


class TestRealPrometheus:
    pytestmark = pytest.mark.prometheus

    @pytest.mark.parametrize(
        ("name", "expected"), [("errors", 0.1), ("p95", 0.19), ("requests", 100.0)], ids=["5xx share", "p95", "requests"]
    )
    async def test_the_procedures_queries_count_one_workload_only(
        self, real: PrometheusSource, name: str, expected: float
    ) -> None:
        asked = next(q for q in DEFAULT_QUERIES if q.name == name)
        query = replace(asked, promql=asked.promql.replace("[5m]", "[4s]"))  # five minutes would have to be waited for

        async def read() -> Series:
            return (await real.read([query], BACKEND, {}, since_at=None))[0]

        series = await eventually(read, lambda s: s.value is not None and abs(s.value - expected) < expected * 0.2)
        assert value(series) == pytest.approx(expected, rel=0.2)
        assert series.is_scoped
        assert not series.error

    async def test_restarts_count_from_the_rollouts_beginning_and_from_nought_for_newer_pods(
        self, real: PrometheusSource, exposed: Exposed
    ) -> None:
        restarts = DEFAULT_QUERIES[3]
        began = time.time()

        async def read() -> Series:
            return (await real.read([restarts], BACKEND, {}, since_at=began))[0]

        old = await eventually(read, lambda s: s.value == 0)
        assert value(old) == 0, "seven restarts from before are not this rollout's"
        exposed.values[exposed_name(RESTARTS, NEW, container="app", uid="2")] = 1.0
        after = await eventually(read, lambda s: s.value == 1)
        assert value(after) == 1, "the first restart came before the first scrape"
        assert after.is_over

    async def test_a_service_that_never_failed_has_a_share_of_nought(self, real: PrometheusSource) -> None:
        web = WorkloadKey("shop", WorkloadKind.DEPLOYMENT, "shop-web")

        async def read() -> Series:
            return (await real.read(DEFAULT_QUERIES[:1], web, {}, since_at=None))[0]

        assert value(await eventually(read, lambda s: s.value is not None)) == 0

    async def test_a_workload_without_series_is_told_what_was_looked_for(self, real: PrometheusSource) -> None:
        nobody = WorkloadKey("shop", WorkloadKind.STATEFUL_SET, "nobody")
        (series,) = await real.read(DEFAULT_QUERIES[2:3], nobody, {}, since_at=None)
        assert series.value is None
        assert not series.error
        assert 'namespace="shop",pod=~"nobody-[0-9]+"' in series.hint

    @pytest.mark.parametrize("promql", ["vector(0) / 0", "vector(1) / 0", "-vector(1) / 0"], ids=["NaN", "+Inf", "-Inf"])
    async def test_what_is_not_a_number_is_left_out(self, real: PrometheusSource, promql: str) -> None:
        (series,) = await real.read([MetricQuery("x", "x", promql, Unit.COUNT)], BACKEND, {}, since_at=None)
        assert series.points == ()
        assert not series.error

    @pytest.mark.parametrize(
        ("promql", "error"),
        [
            ("many", "larger than 1 MiB"),
            ("topk(3, many)", "3 series"),
            ("sum(", "parse error"),
            ("sum(up$nonsense)", "$nonsense is not known"),
            ('up + on(a) group_left() label_replace(many, "a", "", "", "")', "many"),
        ],
        ids=["10,000 series", "three series", "bad PromQL", "unknown placeholder", "cannot be matched"],
    )
    async def test_a_bad_query_costs_its_own_line_only(self, real: PrometheusSource, promql: str, error: str) -> None:
        bad = MetricQuery("bad", "bad", promql, Unit.COUNT)

        async def read() -> Series:
            series, up = await real.read([bad, UP], BACKEND, {}, since_at=None)
            assert value(up) == 1
            return series

        series = await eventually(read, lambda s: error in s.error)
        assert error in series.error
        assert series.hint

    async def test_an_unscoped_query_says_so(self, real: PrometheusSource) -> None:
        series = await real.read([UP, DEFAULT_QUERIES[2]], BACKEND, {}, since_at=None)
        assert [s.is_scoped for s in series] == [False, True]

    async def test_without_labels_nothing_is_scoped(self, url: str) -> None:
        source = PrometheusSource(at_url(url), labels={})
        (series,) = await source.read(DEFAULT_QUERIES[2:3], BACKEND, {}, since_at=None)
        assert not series.is_scoped
        await source.close()

    async def test_what_was_before_the_rollout_is_in_the_answer(self, url: str) -> None:
        source = PrometheusSource(at_url(url))
        began = time.time() - 3600
        (series,) = await source.read([MetricQuery("t", "t", "vector(1)", Unit.COUNT)], BACKEND, {}, since_at=began)
        await source.close()
        assert series.before(began) == 1
        assert series.points[-1][0] == pytest.approx(time.time(), abs=30)
        gaps = {b[0] - a[0] for a, b in itertools.pairwise(series.points)}
        assert len(gaps) == 1


class TestBadServers:
    @pytest.mark.parametrize(
        ("play", "error"),
        [
            (never, "no answer within"),
            (dripping, "no answer within"),
            (endless, "larger than"),
            (answer(500, "<html>proxy error</html>"), "answers 500"),
            (
                answer(503, '{"status":"error","errorType":"timeout","error":"query \\u001b[2Jtimed out"}'),
                "query ␛[2Jtimed out",
            ),
            (answer(200, "<html>log in</html>"), "not Prometheus"),
            (answer(200, '{"status":"success","data":{"result":7}}'), "not Prometheus"),
            (answer(200, "[" * 20_000), "not Prometheus"),
            (answer(404, "nothing here"), "no Prometheus API"),
            (answer(401, ""), "who we are"),
            (answer(403, ""), "refuses us"),
            (answer(429, ""), "too often"),
        ],
        ids=[
            "silent",
            "one byte at a time",
            "endless",
            "500",
            "its own error",
            "login page",
            "no matrix",
            "deep JSON",
            "404",
            "401",
            "403",
            "429",
        ],
    )
    async def test_trouble_is_told_in_time(self, stage: Stage, play: Callable[..., None], error: str) -> None:
        stage.plays["/api/*"] = play
        source = PrometheusSource(at_url(stage.url, timeout_s=0.5))
        began = time.monotonic()
        try:
            (series,) = await source.read([UP], BACKEND, {}, since_at=None)
            told, hint = series.error, series.hint
        except OutsideError as raised:
            told, hint = raised.message, raised.hint
        assert error in told
        assert hint
        assert time.monotonic() - began < 5
        await source.close()

    async def test_a_redirect_to_another_host_is_not_followed(self, stage: Stage) -> None:
        with staged() as elsewhere:
            stage.plays["/api/*"] = redirect(f"{elsewhere.url}/api/v1/query_range")
            with pytest.raises(OutsideError, match="another host"):
                await PrometheusSource(at_url(stage.url)).read([UP], BACKEND, {}, since_at=None)
            assert elsewhere.seen == []

    async def test_a_redirect_within_the_host_is(self, stage: Stage) -> None:
        stage.plays["/api/*"] = redirect("/prometheus/api")
        stage.plays["/prometheus/*"] = answer(200, '{"status":"success","data":{"resultType":"matrix","result":[]}}')
        (series,) = await PrometheusSource(at_url(stage.url)).read([UP], BACKEND, {}, since_at=None)
        assert not series.error

    async def test_nobody_listening_is_unreachable(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(UnreachableError, match="connection refused"):
            await PrometheusSource(at_url(f"http://127.0.0.1:{port}")).read([UP, UP], BACKEND, {}, since_at=None)

    async def test_what_all_queries_meet_is_the_sources_trouble(self, stage: Stage) -> None:
        stage.plays["/api/*"] = answer(401, "")
        with pytest.raises(UnauthorizedError):
            await PrometheusSource(at_url(stage.url)).read([UP, UP], BACKEND, {}, since_at=None)

    async def test_only_get_leaves(self, stage: Stage) -> None:
        with pytest.raises(NotFoundError):
            await PrometheusSource(at_url(stage.url)).read([UP], BACKEND, {}, since_at=None)
        assert [path.partition("?")[0] for path, _ in stage.seen] == ["/api/v1/query_range"]

    async def test_a_label_that_cannot_be_one_is_the_configurations_trouble(self, stage: Stage) -> None:
        source = PrometheusSource(at_url(stage.url), labels={"pod-name": "$pod"})
        with pytest.raises(ConfigError, match="pod-name"):
            await source.read([UP], BACKEND, {}, since_at=None)

    async def test_the_urls_password_is_sent_and_never_shown(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        stage.plays["/api/*"] = answer(403, "no")
        host = stage.url.removeprefix("http://")
        with pytest.raises(OutsideError) as caught:
            await PrometheusSource(at_url(f"http://ops:canary@{host}")).read([UP], BACKEND, {}, since_at=None)
        assert "canary" not in f"{caught.value.message} {caught.value.hint}"
        assert stage.seen[0][1]["Authorization"].startswith("Basic ")

    async def test_netrc_is_not_asked_for_a_password(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ops password canary\n")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        with pytest.raises(NotFoundError):
            await PrometheusSource(at_url(stage.url)).read([UP], BACKEND, {}, since_at=None)
        assert "Authorization" not in stage.seen[0][1]

    async def test_leaving_does_not_wait_for_a_silent_server(self, stage: Stage) -> None:
        stage.plays["/api/*"] = never
        source = PrometheusSource(at_url(stage.url, timeout_s=30))
        task = asyncio.create_task(source.read([UP], BACKEND, {}, since_at=None))
        await asyncio.to_thread(stage.has_been_asked.wait, 10)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 1


def test_the_default_labels_are_those_of_a_pod() -> None:
    assert set(DEFAULT_LABELS) == {"namespace", "pod"}
