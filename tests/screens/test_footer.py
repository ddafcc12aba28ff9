from __future__ import annotations

from rich.segment import Segment
from textual.app import App, ComposeResult

from widgets.footer import ActionFooter, FooterKey, fitting
from widgets.messages import ActionRequested

LOGS = FooterKey("logs", "l", "Logs", rank=10)
SHELL = FooterKey("shell", "s", "Shell", rank=60)
HELP = FooterKey("help", "?", "Help", rank=5)


class FooterApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.theme = "ansi-dark"

    def compose(self) -> ComposeResult:
        yield ActionFooter()

    @property
    def footer(self) -> ActionFooter:
        return self.query_one(ActionFooter)

    def on_action_requested(self, message: ActionRequested) -> None:
        self.asked.append(message.name)


def _segment(app: FooterApp, text: str) -> Segment:
    return next(s for s in app.footer.render_line(0) if s.text.strip() == text)


def test_the_least_needed_keys_give_way_first() -> None:
    assert fitting((LOGS, SHELL, HELP), 80) == (LOGS, SHELL, HELP)
    assert fitting((LOGS, SHELL, HELP), 20) == (LOGS, HELP)
    assert fitting((LOGS, SHELL, HELP), 10) == (HELP,)
    assert fitting((LOGS, SHELL, HELP), 3) == ()


async def test_keys_and_titles_stand_on_one_line() -> None:
    app = FooterApp()
    async with app.run_test(size=(80, 24)):
        app.footer.show((LOGS, HELP))
        assert app.footer.render_line(0).text.rstrip() == " l Logs  ? Help"


async def test_a_disabled_key_is_greyed_and_says_why_where_there_is_room() -> None:
    app = FooterApp()
    refused = FooterKey("shell", "s", "Shell", "Read-only: set by --readonly.", rank=60)
    async with app.run_test(size=(80, 24)):
        app.footer.show((LOGS, refused))
        style = _segment(app, "s").style
        assert style is not None and style.dim
        assert "Shell: Read-only: set by --readonly." in app.footer.render_line(0).text


async def test_a_refused_key_says_why_and_the_keys_come_back() -> None:
    app = FooterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.footer.show((LOGS,))
        app.footer.refuse("logs", "Nothing is selected.")
        assert app.footer.render_line(0).text.rstrip() == " ! Logs: Nothing is selected."
        app.footer.say("saved", "good", for_s=0.01)
        await pilot.pause(0.05)
        assert app.footer.note == "" and "l Logs" in app.footer.render_line(0).text


async def test_what_did_not_change_is_not_painted_again() -> None:
    app = FooterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.footer.show((LOGS, HELP))
        await pilot.pause()
        painted: list[int] = []
        original = app.footer.render_line
        app.footer.render_line = lambda y: (painted.append(y), original(y))[1]  # type: ignore[method-assign,func-returns-value]
        app.footer.show((FooterKey("logs", "l", "Logs", rank=10), HELP))
        await pilot.pause()
        assert painted == []
        app.footer.show((LOGS,))
        await pilot.pause()
        assert painted == [0]


async def test_a_click_on_a_key_asks_for_its_action() -> None:
    app = FooterApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.footer.show((LOGS, HELP))
        await pilot.click(ActionFooter, offset=(11, 0))
        await pilot.click(ActionFooter, offset=(40, 0))
        await pilot.pause()
    assert app.asked == ["help"]
