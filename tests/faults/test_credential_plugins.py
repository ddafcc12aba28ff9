"""FAULTS 23: a credential plugin may hang, shout, ask, fail or be missing; the screen stays whole and says so."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clients.kubernetes.cluster import Cluster
from clients.kubernetes.exec_plugin import ExecPlugin, PluginCommand, exec_plugin
from clients.kubernetes.first_page import read_first_page
from domain.errors import ConfigError, QuarterdeckError, UnauthorizedError
from domain.streams import Source
from tests.faults.answers import refuse
from tests.faults.api_server import ApiServer
from tests.faults.following import QUICK, following, until

V1 = "client.authentication.k8s.io/v1"


def plugin_file(folder: Path, body: str) -> Path:
    """A program in Python whose `answer(**status)` prints an ExecCredential."""
    file = folder / "get-token"
    file.write_text(
        f"#!{sys.executable}\n"
        "import json, os, sys, time\n"
        f"def answer(**status): print(json.dumps(dict(apiVersion={V1!r}, kind='ExecCredential', status=status)))\n"
        + textwrap.dedent(body)
    )
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def plugin(folder: Path, body: str, timeout_s: float = 10, **more: Any) -> ExecPlugin:
    command = PluginCommand(str(plugin_file(folder, body)), V1, file=folder / "config", **more)
    return ExecPlugin(command, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(
            "sys.stderr.write('hello\\nrun `aws sso login`\\n'); sys.exit(1)", "failed (exit 1): run `aws sso", id="exit 1"
        ),
        pytest.param(
            "sys.stderr.write('\\x1b[2J\\x1b]52;c;aGk=\\x07bad'); sys.exit(3)", "(exit 3): ␛[2J␛]52", id="escapes"
        ),
        pytest.param("time.sleep(60)", "did not answer within 0.5 s", id="hang"),
        pytest.param("os.fork() or time.sleep(60); time.sleep(60)", "did not answer within 0.5 s", id="hang with a child"),
        pytest.param("os.kill(os.getpid(), 9)", "failed (exit -9)", id="killed"),
        pytest.param("pass", "did not answer with an ExecCredential", id="nothing"),
        pytest.param("print('<html>')", "did not answer with an ExecCredential", id="not JSON"),
        pytest.param("print('[]')", "did not answer with an ExecCredential", id="a list"),
        pytest.param("print('x' * 5_000_000)", "did not answer with an ExecCredential", id="huge output"),
        pytest.param("answer()", "gave neither a token nor a certificate", id="no token"),
        pytest.param("answer(token='a\\r\\nX-Evil: 1')", "characters that no token has", id="a header in the token"),
        pytest.param(
            "answer(clientCertificateData='x')", "gave neither a token nor a certificate", id="half a certificate"
        ),
        pytest.param(
            "answer(token='t', expirationTimestamp='soon')", "did not answer with an ExecCredential", id="no date"
        ),
        pytest.param(
            "print(json.dumps(dict(apiVersion='v9', status=dict(token='t'))))",
            "speaks v9, the kubeconfig says",
            id="version",
        ),
    ],
)
def test_a_failing_plugin_is_told_in_its_own_last_words(tmp_path: Path, body: str, words: str) -> None:
    failing = plugin(tmp_path, body, timeout_s=0.5 if "60" in body else 10)
    began = time.monotonic()
    with pytest.raises(UnauthorizedError) as caught:
        failing.authorization()
    assert words in caught.value.message
    assert "Run it by hand" in caught.value.hint and str(tmp_path) in caught.value.hint
    assert "\x1b" not in caught.value.message
    assert time.monotonic() - began < 8


def test_much_to_say_on_stderr_is_no_deadlock(tmp_path: Path) -> None:
    loud = plugin(tmp_path, "sys.stderr.write('x' * 5_000_000); answer(token='t')")
    assert loud.authorization() == "Bearer t"


def test_a_plugin_has_no_terminal_and_says_nothing_on_ours(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asks = """
        try:
            open('/dev/tty')
            sys.exit('has a terminal')
        except OSError:
            pass
        sys.stderr.write('Password: ')
        assert sys.stdin.read() == ''
        assert os.getsid(0) == os.getpid()
        info = json.loads(os.environ['KUBERNETES_EXEC_INFO'])
        assert info['spec']['interactive'] is False and info['apiVersion'].endswith('/v1')
        answer(token=os.environ['WHO'] + info['spec']['cluster']['server'])
    """
    asking = plugin(tmp_path, asks, environ={"WHO": "me"}, cluster={"server": "@s"})
    assert asking.authorization() == "Bearer me@s"
    assert capfd.readouterr() == ("", "")


def test_nothing_a_plugin_started_outlives_it(tmp_path: Path) -> None:
    leaving = "pid = os.fork()\nif pid == 0: time.sleep(60)\nopen(os.environ['PID'], 'w').write(str(pid))\ntime.sleep(60)"
    file = tmp_path / "pid"
    with pytest.raises(UnauthorizedError):
        plugin(tmp_path, leaving, timeout_s=1, environ={"PID": str(file)}).authorization()
    child = file.read_text()
    for _ in range(100):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.02)
    raise AssertionError("the plugin's child is still there")


def test_a_child_that_keeps_the_pipe_open_does_not_hold_up_the_answer(tmp_path: Path) -> None:
    caching = "answer(token='t')\nsys.stdout.flush()\nif os.fork() == 0: time.sleep(60)"
    assert plugin(tmp_path, caching, timeout_s=5).authorization() == "Bearer t"


@pytest.mark.parametrize(
    ("values", "words", "hint"),
    [
        ({"command": "quarterdeck-no-such-plugin"}, "is not there", "Install quarterdeck-no-such-plugin"),
        ({"command": "quarterdeck-no-such-plugin", "installHint": "brew install it"}, "is not there", "brew install it"),
        ({"command": "./not-executable"}, "cannot be started", "may be executed"),
        ({}, "names no command", "Write the plugin's name"),
        ({"command": "x", "apiVersion": "client.authentication.k8s.io/v1alpha1"}, "not known", "Update the plugin"),
    ],
)
def test_a_plugin_that_cannot_be_started_is_a_fault_of_the_kubeconfig(
    tmp_path: Path, values: dict[str, Any], words: str, hint: str
) -> None:
    (tmp_path / "not-executable").write_text("x")
    with pytest.raises(ConfigError) as caught:
        exec_plugin({"apiVersion": V1, **values}, {}, tmp_path / "config", "oncall").authorization()
    assert words in caught.value.message and hint in caught.value.hint
    assert caught.value.file == str(tmp_path / "config") and "exec" in caught.value.key


def test_a_plugin_that_insists_on_a_terminal_is_refused_before_it_hangs(tmp_path: Path) -> None:
    insisting = exec_plugin(
        {"apiVersion": V1, "command": "x", "interactiveMode": "Always"}, {}, tmp_path / "config", "oncall"
    )
    with pytest.raises(UnauthorizedError, match="wants a terminal"):
        insisting.authorization()


COUNTED = """
    file = os.environ['RUNS']
    runs = len(open(file).read()) + 1 if os.path.exists(file) else 1
    open(file, 'a').write('x')
    time.sleep(0.1)
    answer(token=f't{runs}', **json.loads(os.environ.get('MORE', '{}')))
"""


async def test_one_run_serves_the_first_page_and_every_stream(server: ApiServer, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    access = server.access(credential=plugin(tmp_path, COUNTED, environ={"RUNS": str(runs)}))
    cluster = Cluster(access, limits=replace(QUICK, answer_s=5))
    streams = [cluster.watch(source, "shop") for source in (Source.PODS, Source.DEPLOYMENTS, Source.OCCURRENCES)]
    page, *_ = await asyncio.gather(
        asyncio.to_thread(read_first_page, access, Source.PODS, "shop"), *(anext(stream) for stream in streams)
    )
    for stream in streams:
        await stream.aclose()
    await cluster.close()
    assert page is not None and len(page.values) == 5
    assert runs.read_text() == "x"
    assert {request.headers["Authorization"] for request in server.requests} == {"Bearer t1"}


async def test_a_token_that_the_server_refuses_is_renewed_once(server: ApiServer, tmp_path: Path) -> None:
    credential = plugin(tmp_path, COUNTED, environ={"RUNS": str(tmp_path / "runs")})
    server.fail("list", refuse(401))
    async with following(server, credential=credential) as shown:
        await until(lambda: server.watchers)
        assert shown.shows(server)
    assert not shown.errors
    assert [r.headers["Authorization"] for r in server.requests] == ["Bearer t1", "Bearer t2", "Bearer t2"]


def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    more = json.dumps({"expirationTimestamp": "2020-01-01T00:00:00Z"})
    ending = plugin(tmp_path, COUNTED, environ={"RUNS": str(tmp_path / "runs"), "MORE": more})
    assert [ending.authorization(), ending.authorization()] == ["Bearer t1", "Bearer t2"]


async def test_closing_does_not_wait_for_a_plugin_that_hangs(server: ApiServer, tmp_path: Path) -> None:
    cluster = Cluster(server.access(credential=plugin(tmp_path, "time.sleep(60)", timeout_s=30)), limits=QUICK)
    waiting = asyncio.create_task(anext(cluster.watch(Source.PODS, "shop")))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await cluster.close()
    assert time.monotonic() - began < 5


def test_the_program_ends_although_a_plugin_hangs(tmp_path: Path) -> None:
    """A thread that waits must not hold up the interpreter's end."""
    hanging = plugin_file(tmp_path, "time.sleep(60)")
    program = f"""
import asyncio
from clients.kubernetes.daemon_threads import call_in_daemon_thread
from clients.kubernetes.exec_plugin import ExecPlugin, PluginCommand
async def main():
    plugin = ExecPlugin(PluginCommand({str(hanging)!r}, {V1!r}))
    try:
        await asyncio.wait_for(call_in_daemon_thread(plugin.authorization), 0.5)
    except TimeoutError:
        plugin.close()
asyncio.run(main())
"""
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-c", program], cwd=root, timeout=10, check=True, env={**os.environ, "PYTHONPATH": str(root)}
    )


def test_what_a_plugin_answers_is_in_no_repr(tmp_path: Path) -> None:
    quiet = plugin(tmp_path, "answer(token='s3cr3t')", environ={"PASSWORD": "hunter2"})
    assert quiet.authorization() == "Bearer s3cr3t"
    assert not {"s3cr3t", "hunter2"} & set(f"{quiet!r} {quiet.plugin!r}".replace("'", " ").split())
    assert issubclass(UnauthorizedError, QuarterdeckError)
