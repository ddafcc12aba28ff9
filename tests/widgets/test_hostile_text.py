"""Whatever stands in a name, a message or a label is shown as text: nothing is obeyed, parsed or clickable."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from textual.app import App

from domain.fleet import Fleet
from domain.rollouts import RevisionMark
from domain.sanitise import sanitise
from domain.streams import Source, StreamPhase, StreamState
from domain.verdict import Degree, Verdict
from tests import builders as make
from tests.widgets.stage import WatchStage, lines

HOSTILE = {
    "osc 52": "\x1b]52;c;cm0gLXJm\x07",
    "csi": "\x1b[2J\x1b[31mred",
    "csi 21t": "\x1b[21t",
    "c1": "\x9b31m\x9d0;title\x9c",
    "osc 8": "\x1b]8;;file:///etc/passwd\x1b\\link\x1b]8;;\x1b\\",
    "sync": "\x1b[?2026h",
    "dcs": "\x1bP$qm\x1b\\",
    "lone esc": "end\x1b",
    "overprint": "safe\rEVIL\b\b\t\v\0\x7f",
    "lines": "one\ntwo\u2028three\u0085four",
    "bidi": "\u202egnp.exe\u2066\u200f",
    "zero width": "ad\u200bmin\u200d\ufeff",
    "combining": "e" + "\u0301" * 500,
    "surrogate": "half\ud800",
    "emoji": "🚀👩‍🚀🇩🇪",
    "click": "[@click=app.quit]x[/]",
    "close": "[/",
    "close nothing": "[/]",
    "close red": "[/red]",
    "link": "[link=file:///etc/passwd]x[/link]",
    "variable": "[$error]x",
    "escaped": "\\[bold]",
    "braces": "{0} %s {x!r}",
    "long": "x" * 100_000,
}
SHOWN_WHOLE = ("click", "close", "close nothing", "close red", "link", "variable", "escaped", "braces")
_ZERO_WIDTH_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")


def hostile_fleet(raw: str) -> Fleet:
    """Every text that comes from outside is `raw`, as the clients hand it on."""
    text = sanitise(raw)
    workload = make.workload(text, version=text, change_cause=text, changed_by=text, namespace=text)
    template = replace(workload.template, text=text)
    workload = replace(workload, template=template, updated=1, desired=2)
    new = make.revision(workload, text, template_hash=text, replicas=1, change_cause=text, changed_by=text)
    old = make.revision(workload, f"{text}-old", template_hash=f"{text}-old", replicas=1, age=90)
    names: dict[str, Any] = {"owner": new, "node": text, "ip": text, "namespace": text, "labels": {text: text}}
    pod = replace(make.pod(text, status="Error", **{k: v for k, v in names.items() if k != "namespace"}), namespace=text)
    before = make.pod(f"{text}-old", owner=old)
    rollout = make.rollout(
        workload,
        history=[make.line(new, RevisionMark.FAILING, note=text), make.line(old, RevisionMark.GOOD)],
        new=[pod],
        old=[before],
        began_at=make.NOW - 30,
        verdict=Verdict(Degree.LIKELY, text, cause=text, capacity=text, since_began_s=1),
    )
    odd = replace(make.QUERIES["errors"], name=text, title=text)
    series = replace(make.series("errors", [0.1, 0.2]), query=odd)
    failed = replace(series, query=replace(odd, name=text + "2"), error=text, hint=text)
    endpoint = make.answer(text, 503, checks={text: text}, word=text, error=text)
    return make.fleet(
        rollout,
        pods=[pod, before],
        events=[make.event(pod, text, text, type=text, about_kind=text), make.event(workload, text, text)],
        usages=[make.usage(pod)],
        metrics={rollout.key: (series, failed)},
        health={rollout.key: (endpoint,)},
        tails=[make.log_tail(pod, text, text)],
        scope=make.production(context=text, namespace=text, environment=text, user=text, host=text),
        streams=make.streams(StreamState(Source.PODS, StreamPhase.STALE, make.NOW - 9, make.NOW - 9, text, text)),
    )


def _assert_harmless(app: App[Any]) -> None:
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            assert not segment.control
            bad = [c for c in segment.text if unicodedata.category(c) in _ZERO_WIDTH_CATEGORIES]
            assert not bad, f"{bad!r} in {segment.text!r}"
            if segment.style is not None:
                assert segment.style.link is None
                assert not any(key.startswith("@") for key in segment.style.meta)
        assert strip.cell_length == app.size.width


@pytest.mark.parametrize("name", HOSTILE)
async def test_every_field_of_every_pane_is_text(name: str) -> None:
    app = WatchStage(hostile_fleet(HOSTILE[name]))
    async with app.run_test(size=(200, 50)) as pilot:
        for pane in app.watch_screen.panes.values():
            pane.toggle_wide()
        app.watch_screen.panes["rollouts"].table.action_open()
        await pilot.pause()
        _assert_harmless(app)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        _assert_harmless(app)


@pytest.mark.parametrize("name", SHOWN_WHOLE)
async def test_what_looks_like_markup_is_shown_as_it_was_written(name: str) -> None:
    app = WatchStage(hostile_fleet(HOSTILE[name]))
    async with app.run_test(size=(200, 50)) as pilot:
        await pilot.pause()
        shown = lines(app)
        assert f"3 HISTORY {HOSTILE[name]} " in "\n".join(shown)
        assert any(line.startswith(f"┃   {HOSTILE[name]} · {HOSTILE[name]}") for line in shown)
        for at in ((5, 3), (5, 4), (150, 10), (150, 11), (20, 30)):
            await pilot.click(offset=at)
        assert app.is_running


@pytest.mark.parametrize("typed", [*SHOWN_WHOLE, "csi"])
async def test_a_filter_that_looks_like_markup_is_text_too(typed: str) -> None:
    app = WatchStage(hostile_fleet("x"))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        app.watch_screen.pane.narrow(sanitise(HOSTILE[typed]))
        await pilot.pause()
        _assert_harmless(app)
