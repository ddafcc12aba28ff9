"""The composition root of the screen: sessions in, snapshots down to the screens, requests up to `Doing`."""

from __future__ import annotations

import logging
from typing import Any, cast

from rich.color import ColorSystem
from rich.text import Text
from textual import events
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import CompositorUpdate
from textual.app import App, ScreenStackError
from textual.message_pump import MessagePump
from textual.screen import Screen

from app.boot import Beginning
from app.doing import Doing
from app.key_order import KeyOrder
from app.news import News
from app.painting import PaintedScreen
from app.session import Session
from app.terminal import Terminal
from domain.fleet import Fleet
from domain.workloads import WorkloadKey
from screens.watch import WatchScreen
from widgets.messages import ActionRequested, CommandEntered

log = logging.getLogger("quarterdeck.app")

WORTH_SYNCHRONISING = 400
"""Bytes: a smaller update arrives in one packet, and cannot be seen half done."""


class QuarterdeckApp(App[None], inherit_bindings=False):
    """Holds no state of its own but the session: what is shown is always the newest fleet."""

    TITLE = "quarterdeck"

    def __init__(self, beginning: Beginning) -> None:
        super().__init__(driver_class=Terminal)
        self.beginning = beginning
        self.config = beginning.config
        self.theme = beginning.config.theme
        self.set_keymap(dict(beginning.config.keys))
        self.doing = Doing(self)
        self._news = News()
        self._painted = PaintedScreen()
        self._keys_in_order = KeyOrder(super().on_event, self._way_of_a_key)
        self.session: Session
        self.watch_screen: WatchScreen

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._keys_in_order.take(event)
        else:
            await super().on_event(event)

    def _way_of_a_key(self) -> list[MessagePump]:
        target: MessagePump | None = self.focused or self.screen
        way: list[MessagePump] = []
        while target is not None:
            way.append(target)
            target = target._parent
        return way

    def on_mount(self) -> None:
        first = self.beginning
        self.session = Session(first.access, first.scope, first.config, self.publish, self.defect)
        self.watch_screen = WatchScreen()
        self.watch_screen.fleet = self.session.seed(first.pages.take())
        self.push_screen(self.watch_screen)
        self.watch(self.watch_screen, "selected", self._look_at)
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        """The first paint is out: now what may take its time."""
        from app.log_file import log_to_file

        log_to_file()
        self.session.start()
        self.doing.learn_candidates()

    async def change_session(self, session: Session) -> None:
        """Watch something else from now on; the screen stays."""
        old, self.session = self.session, session
        self._news = News()
        self.watch_screen.fleet = session.fleet
        session.start()
        self.doing.learn_candidates()
        await old.stop()

    async def on_unmount(self) -> None:
        await self.doing.stop()
        await self.session.stop()

    def publish(self, fleet: Fleet) -> None:
        """A new snapshot, to whichever screen shows fleets; the watch screen gets the newest when it is back on top."""
        screen = self.screen
        if hasattr(screen, "fleet"):
            cast(Any, screen).fleet = fleet
        self.doing.take(fleet)
        for line in self._news.of(fleet):
            self._tell(line.title, is_loud=line.is_loud)

    def open(self, screen: Screen[Any]) -> None:
        """Put a view on top; when it is left, the watch screen gets the newest snapshot."""
        if hasattr(screen, "candidates"):
            screen.candidates = self.watch_screen.command_line.candidates
        self.push_screen(screen, lambda _: self.show_newest())

    def show_newest(self) -> None:
        screen = self.screen
        if hasattr(screen, "fleet"):
            cast(Any, screen).fleet = self.session.fleet

    def say(self, note: str, style: str = "quiet") -> None:
        """One sentence in the bottom line of whatever is on top."""
        footer = getattr(self.screen, "footer", None)
        if footer is not None:
            footer.say(note, style)
        else:
            self.notify(note, markup=False)

    @property
    def has_terminal_taken_all(self) -> bool:
        """Nothing that was drawn is still on its way to the terminal."""
        return not isinstance(self._driver, Terminal) or self._driver.is_drained

    def bell_for_news(self) -> None:
        if self.config.has_bell:
            self.bell()

    def paint_everything(self) -> None:
        """As after something else wrote to the terminal."""
        self._painted.forget()
        self.screen.refresh(layout=True)

    def _tell(self, title: str, *, is_loud: bool) -> None:
        driver = self._driver
        if isinstance(driver, Terminal):
            driver.set_title(title)
        if is_loud and self.config.has_bell:
            self.bell()

    def _look_at(self, key: WorkloadKey | None) -> None:
        self.session.look_at(key)

    def on_action_requested(self, message: ActionRequested) -> None:
        self.doing.do(message.name, message.target)

    def on_command_entered(self, message: CommandEntered) -> None:
        self.doing.command(message.word, message.argument)

    # What `app.terminal` asks for.

    def defect(self, error: BaseException) -> None:
        """Something outside of Textual's own tasks broke: it ends as one of those would."""
        self._handle_exception(error if isinstance(error, Exception) else RuntimeError(str(error)))

    def end(self, return_code: int) -> None:
        self.exit(return_code=return_code)

    def repaint(self) -> None:
        """The line took nothing for a while and is back: what was left out is drawn once, whole."""
        try:
            self.screen.refresh(layout=True)
        except ScreenStackError:
            return

    def _display(self, screen: Screen[Any], renderable: object) -> None:
        driver = self._driver
        if not isinstance(driver, Terminal) or not isinstance(renderable, CompositorUpdate):
            super()._display(screen, cast(Any, renderable))
            return
        # A frame that is left out stays unsent: the next one is compared with what the terminal really shows.
        if self._batch_count == 0 and self._running and not driver.is_behind:
            self._paint(driver, renderable)
        self.post_display_hook()

    def _paint(self, driver: Terminal, update: CompositorUpdate) -> None:
        colors = self.console._color_system or ColorSystem.TRUECOLOR
        sequence = self._painted.changes(update, (self.size.width, self.size.height), colors)
        if sequence is None:
            return
        if self._sync_available and len(sequence) > WORTH_SYNCHRONISING:
            sequence = SYNC_START + sequence + SYNC_END
        if sequence:
            driver.write(sequence)

    def _fatal_error(self) -> None:
        """Textual would print a traceback with local variables: tokens among them."""
        from app.report_error import defect_lines

        self._exit_renderables.append(Text("\n".join(defect_lines(self._exception))))
        self._close_messages_no_wait()
