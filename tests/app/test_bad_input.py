"""Whatever is wrong with what it is given, it says so once: what, where, what next, and an exit code."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.app.command import Answer, quarterdeck, quarterdeck_on_a_terminal

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: here, context: {cluster: here, user: me, namespace: shop}}
clusters:
- {name: here, cluster: {server: "SERVER", certificate-authority: "CA"}}
users:
- {name: me, user: {token: canary-token}}
"""


@dataclass(frozen=True)
class Case:
    arguments: tuple[str, ...]
    says: tuple[str, ...]
    config: str | None = None
    code: int = 2


CASES = {
    "unknown option": Case(("--contxt", "x"), ("--contxt", "--help")),
    "unknown command": Case(("statsu",), ("'statsu' is not a command, did you mean `status`?",)),
    "missing argument": Case(("watch",), ("WORKLOAD", "watch --help")),
    "no number": Case(("watch", "x", "--timeout", "soon"), ("--timeout", "'soon' is not a number of seconds")),
    "unknown output": Case(("status", "-o", "xml"), ("'xml' is not a value of -o/--output", "table, json")),
    "a kind without rollouts": Case(("status", "job/x"), ("'job/x' names no workload",)),
    "one namespace and all": Case(("status", "-n", "x", "-A"), ("-n and -A",)),
    "no kubeconfig": Case(("status",), ("There is no kubeconfig", ".kube/config", "KUBECONFIG", "quarterdeck demo")),
    "no configuration file": Case(("--config", "no.toml", "status"), ("is not there", "no.toml")),
    "broken TOML": Case(("status",), ("not valid TOML", "quarterdeck.toml: line 2, column 6"), "[screen]\nbell yes\n"),
    "not UTF-8": Case(("status",), ("not UTF-8", "line 2"), "[screen]\n# \udcff\n"),
    "unknown key": Case(("status",), ("no key `verdict.soak`", "Did you mean `verdict.soak_s`?"), "[verdict]\nsoak = 3\n"),
    "unknown table": Case(("status",), ("no key `promtheus`", "Did you mean `prometheus`?"), "[promtheus]\n"),
    "wrong type": Case(
        ("status",), ("`verdict.soak_s` must be a number", "a text ('60')", "verdict.soak_s"), '[verdict]\nsoak_s = "60"\n'
    ),
    "wrong type deep inside": Case(
        ("status",), ("`environments.alpha.health[2]` must be a text",), '[environments.alpha]\nhealth = ["/a", 3]\n'
    ),
    "no table": Case(("status",), ("`environments.alpha` must be a table",), "[environments]\nalpha = 3\n"),
    "out of range": Case(("status",), ("`verdict.soak_s` must be a number, at least 0",), "[verdict]\nsoak_s = -1\n"),
    "missing key": Case(("status",), ("`metrics[1].query` is missing",), '[[metrics]]\nname = "x"\n'),
    "no unit": Case(
        ("status",), ('one of "share", "seconds"',), '[[metrics]]\nname = "x"\nquery = "y"\nunit = "furlongs"\n'
    ),
    "no action": Case(("status",), ("`keys.log` is not an action", "Did you mean `logs`?"), '[keys]\nlog = "f5"\n'),
    "a password": Case(("status",), ("`prometheus.url` holds a password",), '[prometheus]\nurl = "http://a:canary@x"\n'),
    "no address": Case(("status",), ("is not an http(s) address",), '[prometheus]\nurl = "file:///etc/passwd"\n'),
    "a control character": Case(("status",), ("control character",), 'product = "\\u001b]52;c;x\\u0007"\n'),
    "an unknown placeholder": Case(("status",), ("$job is not known",), '[prometheus]\nlabels = {job = "$job"}\n'),
    "no such environment": Case(
        ("--env", "prod", "status"),
        ("no environment 'prod'", "alpha, production"),
        "[environments]\nalpha={}\nproduction={}\n",
    ),
    "nested without end": Case(("status",), ("nested too deeply",), "a = " + "[" * 5000),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_one_clear_message_and_no_traceback(case: Case, tmp_path: Path) -> None:
    if case.config is not None:
        (tmp_path / "quarterdeck.toml").write_text(case.config, encoding="utf-8", errors="surrogateescape")

    answer = quarterdeck(*case.arguments, home=tmp_path)

    assert answer.code == case.code
    is_one_message(answer, *case.says)


def is_one_message(answer: Answer, *says: str) -> None:
    lines = answer.err.splitlines()
    assert lines[0].startswith("quarterdeck: ")
    assert sum(line.startswith("quarterdeck: ") for line in lines) == 1
    assert lines[-1].startswith("  → ")
    assert len(lines) <= 3
    assert "Traceback" not in answer.err
    assert "canary" not in answer.err
    assert "\x1b" not in answer.err
    for text in says:
        assert text in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("arguments", [(), ("--readonly",), ("demo",)])
def test_the_screen_without_a_terminal_says_what_to_use_instead(arguments: tuple[str, ...], tmp_path: Path) -> None:
    answer = quarterdeck(*arguments, home=tmp_path)

    assert answer.code == 2
    is_one_message(answer, "needs a terminal", "quarterdeck status")


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_dumb_terminal_is_named(term: str, tmp_path: Path) -> None:
    answer = quarterdeck_on_a_terminal(home=tmp_path, TERM=term)

    assert answer.code == 2
    is_one_message(answer, f"TERM={term or 'not set'}", "xterm-256color")


def test_a_terminal_too_small_to_read_is_refused(tmp_path: Path) -> None:
    answer = quarterdeck_on_a_terminal(home=tmp_path, size=(20, 5))

    assert answer.code == 2
    is_one_message(answer, "20x5", "at least 40x10")


def test_an_unknown_context_is_answered_with_those_there_are(tmp_path: Path) -> None:
    kubeconfig(tmp_path, "https://127.0.0.1:1")

    answer = quarterdeck("--context", "there", "status", home=tmp_path)

    assert answer.code == 2
    is_one_message(answer, "'there'", "here", "--context")


def test_a_kubeconfig_that_is_no_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://127.0.0.1:1")
    path.write_text("a: b\nc: [\n")

    answer = quarterdeck("status", home=tmp_path)

    assert answer.code == 2
    is_one_message(answer, str(path), "line 3")


@pytest.mark.parametrize("command", [("status",), ("watch", "shop-web")])
def test_an_unreachable_server_is_exit_code_5(command: tuple[str, ...], tmp_path: Path) -> None:
    kubeconfig(tmp_path, "https://127.0.0.1:1")

    answer = quarterdeck(*command, home=tmp_path)

    assert answer.code == 5
    is_one_message(answer, "127.0.0.1:1")


@dataclass(frozen=True)
class Certificate:
    url: str
    ca: Path


@pytest.fixture
def expired(tmp_path: Path) -> Iterator[Certificate]:
    """A TLS server whose certificate has run out."""
    ca = trustme.CA()
    certificate = ca.issue_cert("127.0.0.1", not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        context.wrap_socket(connection, server_side=True).close()
                    except OSError:
                        continue

        threading.Thread(target=answer, daemon=True).start()
        yield Certificate(f"https://127.0.0.1:{server.getsockname()[1]}", ca_file)
        server.shutdown(socket.SHUT_RDWR)


def test_an_expired_certificate_is_called_that(expired: Certificate, tmp_path: Path) -> None:
    kubeconfig(tmp_path, expired.url, expired.ca)

    answer = quarterdeck("status", home=tmp_path)

    assert answer.code == 5
    is_one_message(answer, "expired")


def kubeconfig(home: Path, server: str, ca: Path | None = None) -> Path:
    path = home / ".kube" / "config"
    path.parent.mkdir()
    text = KUBECONFIG.replace("SERVER", server)
    path.write_text(text.replace("CA", str(ca)) if ca else text.replace(', certificate-authority: "CA"', ""))
    return path
