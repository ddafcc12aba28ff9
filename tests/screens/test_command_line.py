from __future__ import annotations

from typing import Any, ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from widgets.command_line import CommandLine, Word
from widgets.messages import CommandEntered, FilterChanged, LineClosed

WORDS = (
    Word("logs", "Follow the log."),
    Word("rollback", "Go back."),
    Word("ns", "Another namespace.", "namespace"),
    Word("namespace", "Another namespace.", "namespace"),
)


class Host(Widget, can_focus=True):
    pass


class LineApp(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "acted", "Act"),
        Binding("ctrl+q,ctrl+c", "acted", "Act", priority=True),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []
        self.acted = 0

    def compose(self) -> ComposeResult:
        yield Host()
        self.line = CommandLine(WORDS)
        yield self.line

    def action_acted(self) -> None:
        self.acted += 1

    def on_command_entered(self, message: CommandEntered) -> None:
        self.heard.append((message.word, message.argument))

    def on_filter_changed(self, message: FilterChanged) -> None:
        self.heard.append((message.text, message.is_done))

    def on_line_closed(self, message: LineClosed) -> None:
        self.heard.append("closed")


def _row(app: LineApp) -> str:
    return app.line.render_line(0).text


async def _typed(keys: str | list[str], text: str = "") -> LineApp:
    app = LineApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(Host).focus()
        app.line.candidates = {"namespace": ("shop", "shop-alpha", "kube-system")}
        app.line.open_command(text)
        await pilot.press(*keys)
        await pilot.pause()
        app.heard.append(("line", app.line.text, app.line.is_open, type(app.focused).__name__))
    return app


@pytest.mark.parametrize(
    "keys, heard",
    [
        ([*"logs", "enter"], ("logs", "")),
        ([*"lo", "tab", "enter"], ("logs", "")),
        ([*"ro", "right", "enter"], ("rollback", "")),
        ([*"ns sh", "tab", "enter"], ("ns", "shop")),
        ([*"ns", "tab", *"kube", "tab", "enter"], ("ns", "kube-system")),
        ([*"ns  odd name ", "enter"], ("ns", "odd name")),
        ([*"xlogs", "home", "delete", "enter"], ("logs", "")),
        ([*"ns shop", "ctrl+w", *"all", "enter"], ("ns", "all")),
    ],
)
async def test_a_command_is_typed_and_completed(keys: list[str], heard: tuple[str, str]) -> None:
    app = await _typed(keys)
    assert [h for h in app.heard if h != "closed"] == [heard, ("line", app.line.text, False, "Host")]


async def test_an_unknown_word_names_the_nearest_and_tab_takes_it() -> None:
    app = LineApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.line.open_command()
        await pilot.press(*"rolback", "enter")
        assert "No command “rolback”. Did you mean “rollback”?" in _row(app)
        assert app.line.is_open and app.heard == []
        await pilot.press("tab", "enter")
        await pilot.pause()
    assert ("rollback", "") in app.heard


async def test_keys_typed_there_never_act_not_even_priority_ones() -> None:
    app = await _typed(["x", "x", "ctrl+q"])
    assert app.acted == 0 and app.line.text == "xx"


async def test_escape_and_ctrl_c_leave_and_give_the_focus_back() -> None:
    for key in ("escape", "ctrl+c"):
        app = await _typed([*"lo", key])
        assert app.heard == ["closed", ("line", "lo", False, "Host")] and app.acted == 0


async def test_backspace_on_an_empty_line_leaves() -> None:
    assert (await _typed(["backspace"])).heard[-1] == ("line", "", False, "Host")


async def test_up_recalls_and_down_comes_back_to_what_was_being_typed() -> None:
    app = LineApp()
    async with app.run_test() as pilot:
        for words in ("logs", "ns shop", "logs"):
            app.line.open_command(words)
            await pilot.press("enter")
        app.line.open_command()
        await pilot.press(*"ro", "up")
        assert app.line.text == "logs"
        await pilot.press("up", "up", "up")
        assert app.line.text == "ns shop", "a command is remembered once, at its last use"
        await pilot.press("down", "down", "down")
        assert app.line.text == "ro"


async def test_the_filter_is_told_as_it_is_typed_and_taken_back_by_escape() -> None:
    app = LineApp()
    async with app.run_test() as pilot:
        app.line.open_filter()
        for key in "!ok":
            await pilot.press(key)
        await pilot.press("enter")
        await pilot.pause()
        assert app.heard == [("!", False), ("!o", False), ("!ok", False), ("!ok", True), "closed"]
        app.heard.clear()
        app.line.open_filter("!ok")
        await pilot.press("escape")
        await pilot.pause()
        assert app.heard == [("", True), "closed"]


async def test_a_burst_of_filter_changes_costs_one() -> None:
    earlier: Message = FilterChanged("a")
    assert FilterChanged("ab").can_replace(earlier)
    assert not FilterChanged("ab").can_replace(FilterChanged("a", is_done=True))


async def test_a_narrow_line_keeps_the_cursor_in_sight() -> None:
    app = LineApp()
    async with app.run_test(size=(20, 5)) as pilot:
        app.line.open_command("a" * 50 + "日本")
        await pilot.pause()
        assert len(_row(app)) <= 20 and "日本" in _row(app)


async def test_pasted_control_characters_are_shown_not_obeyed() -> None:
    from textual import events

    app = LineApp()
    async with app.run_test() as pilot:
        app.line.open_command()
        app.line.post_message(events.Paste("lo\x1b]52;c;AAAA\x07gs\n"))
        await pilot.pause()
        assert app.line.text == "lo␛]52;c;AAAA␇gs"
