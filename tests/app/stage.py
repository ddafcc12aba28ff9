"""The smallest program on our driver: a counter that changes ten times a second. Run by test_terminal.py."""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import Static

from app.terminal import Terminal


class Stage(App[None], inherit_bindings=False):
    def __init__(self) -> None:
        super().__init__(driver_class=Terminal)
        self.count = 0

    def compose(self) -> ComposeResult:
        yield Static("", id="count", markup=False)

    def on_mount(self) -> None:
        self.set_interval(0.1, self.advance)

    def advance(self) -> None:
        self.count += 1
        self.query_one("#count", Static).update(f"ready, count {self.count}, " + f"{self.count} " * 400)

    def end(self, return_code: int) -> None:
        self.exit(return_code=return_code)

    def repaint(self) -> None:
        self.screen.refresh(layout=True)


if __name__ == "__main__":
    stage = Stage()
    stage.run(mouse="--mouse" in sys.argv)
    sys.exit(stage.return_code or 0)
