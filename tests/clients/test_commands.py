"""A program run on this host: no terminal, its own session, a time limit that holds, and output that is bounded."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clients.commands import HostCommands
from domain.errors import NotFoundError, OutsideError, RefusedError


def sh(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


async def test_what_it_says_and_how_it_ends_are_kept() -> None:
    done = await HostCommands().run(sh("echo one; echo two >&2; printf three; exit 7"), timeout_s=10)
    assert (done.exit_code, done.output) == (7, ("one", "two", "three"))
    assert 0 < done.took_s < 10


async def test_success_is_zero_and_silence_is_no_lines() -> None:
    done = await HostCommands().run(["true"], timeout_s=10)
    assert (done.exit_code, done.output) == (0, ())


async def test_a_signal_is_a_negative_code() -> None:
    assert (await HostCommands().run(sh("kill -9 $$"), timeout_s=10)).exit_code == -9


async def test_it_has_no_terminal_and_a_session_of_its_own() -> None:
    script = "import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read() == '', os.isatty(1))"
    done = await HostCommands().run([sys.executable, "-c", script], timeout_s=10)
    assert done.output == ("True True False",)


async def test_what_takes_too_long_is_asked_to_end_and_has_its_last_word() -> None:
    done = await HostCommands().run(
        sh("trap 'echo stopping; exit 3' TERM; echo started; while :; do :; done"), timeout_s=0.3
    )
    assert (done.exit_code, done.output) == (None, ("started", "stopping"))
    assert done.took_s < 5


async def test_what_does_not_listen_is_killed_with_all_it_has_started(tmp_path: Path) -> None:
    script = (
        f"trap '' TERM; sh -c 'trap \"\" TERM; echo $$ > {tmp_path}/child; sleep 60' & echo $$ > {tmp_path}/parent; wait"
    )
    done = await HostCommands(grace_s=0.2).run(sh(script), timeout_s=0.4)
    assert done.exit_code is None and done.took_s < 5
    for name in ("child", "parent"):
        await gone(int(read(tmp_path / name)))


async def test_what_it_leaves_behind_does_not_hold_it_up_and_is_ended(tmp_path: Path) -> None:
    done = await HostCommands().run(sh(f"sleep 60 & echo $! > {tmp_path}/child; echo done"), timeout_s=10)
    assert (done.exit_code, done.output) == (0, ("done",))
    assert done.took_s < 5
    await gone(int(read(tmp_path / "child")))


async def test_it_ends_when_nobody_waits_for_it_any_more(tmp_path: Path) -> None:
    running = asyncio.create_task(HostCommands().run(sh(f"echo $$ > {tmp_path}/pid; exec sleep 60"), timeout_s=60))
    await until(lambda: (tmp_path / "pid").exists() and read(tmp_path / "pid"))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await gone(int(read(tmp_path / "pid")))


async def test_of_much_output_the_end_is_kept() -> None:
    script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; head -c 3000000 /dev/zero | tr '\\0' x"
    done = await HostCommands().run(sh(script), timeout_s=30)
    assert len(done.output) == 200
    assert done.output[-2] == "line 2999"
    assert len(done.output[-1]) == 2000 and done.output[-1].startswith("xxx")


async def test_nothing_that_a_terminal_obeys_is_kept() -> None:
    done = await HostCommands().run(sh(r"printf '\033]52;c;eA==\007\033[2J10%%\r20%%\n\377\n'"), timeout_s=10)
    assert done.output == ("20%", "�")


async def test_it_gets_our_way_out_and_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_STATUSPAGE_TOKEN", "canary")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("LC_TIME", "C")
    done = await HostCommands().run(["env"], timeout_s=10, env={"SMOKE_URL": "https://shop.example.test"})
    names = {line.partition("=")[0] for line in done.output}
    assert {"PATH", "HOME", "HTTPS_PROXY", "LC_TIME", "SMOKE_URL"} <= names
    assert "canary" not in "".join(done.output)


@pytest.mark.parametrize(
    ("argv", "error", "said"),
    [
        (["quarterdeck-no-such-program"], NotFoundError, "There is no program 'quarterdeck-no-such-program'"),
        (["/etc"], OutsideError, "cannot be run: Permission denied"),
        (["true", "a\x00b"], OutsideError, "cannot be run"),
        (["true", "x" * 3_000_000], OutsideError, "cannot be run: Argument list too long"),
        ([], RefusedError, "no command"),
        ([""], RefusedError, "no command"),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_what_cannot_be_started_is_said(argv: list[str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        await HostCommands().run(argv, timeout_s=10)


def read(path: Path) -> str:
    return path.read_text().strip()


async def gone(pid: int) -> None:
    def is_gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # A killed orphan stays a zombie until whoever has adopted it looks.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    await until(is_gone)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - other processes have no event
            await asyncio.sleep(0.02)
