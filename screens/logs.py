"""The log of one pod, or of all pods of a workload or a revision, as it is written. The app pushes the lines in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from actions import View
from domain.fleet import Fleet
from domain.log_lines import LogLine, LogPhase, LogStream
from domain.targets import Target
from screens.log_ring import MOST_LINES, LogRing, level_spans
from screens.registry_keys import bindings_on
from screens.view_screen import ViewScreen
from widgets import palette
from widgets.text_view import TextView

_WAITING = ("Waiting for the first line.",)
_NOWHERE = Target()
_WIDE = 100
"""Cells from which streams are counted even where none is in trouble."""


class LogsScreen(ViewScreen):
    """`title` names what is followed: "shop-backend, new revision v1.9.0". Lines are sanitised before they get here."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_on(View.LOGS), ViewScreen.UP]
    AUTO_FOCUS = "TextView"
    view = View.LOGS
    ending = "log"

    def __init__(
        self,
        title: str,
        *,
        is_previous: bool = False,
        fleet: Fleet | None = None,
        target: Target = _NOWHERE,
        most_lines: int = MOST_LINES,
    ) -> None:
        super().__init__(fleet=fleet, target=target)
        self.is_previous = is_previous
        self._subject = title
        self._ring = LogRing(most_lines=most_lines)
        self._streams: tuple[LogStream, ...] = ()
        self._text = TextView(empty=_WAITING, styler=level_spans, is_wrapped=True, follows=True)

    # What the app tells it

    def add_lines(self, lines: Sequence[LogLine]) -> None:
        """In the order to be shown; batches of any size, as often as wanted."""
        if not lines:
            return
        change = self._ring.add(lines)
        if change.is_redressed:
            self._text.set_lines(self._ring.all_shown())
        else:
            self._text.drop_lines(change.gone)
            self._text.add_lines(change.added)
        self._refreshed()

    def show_streams(self, streams: Sequence[LogStream]) -> None:
        """All of them, whenever one has changed."""
        self._streams = tuple(streams)
        self._refreshed()

    def start_over(self, title: str, *, is_previous: bool = False) -> None:
        """Another log in the same view, for instance the previous run's."""
        self._subject, self.is_previous = title, is_previous
        self._streams = ()
        self._ring.clear()
        self._ring.only = ""
        self._text.set_lines(())
        self._text.is_following = True
        self._refreshed()

    # What it shows

    def body(self) -> Sequence[Widget]:
        return (self._text,)

    def heading(self) -> str:
        only = f", only {self._ring.only}" if self._ring.only else ""
        return f"{'Previous logs' if self.is_previous else 'Logs'} {self._subject}{only}"

    def state(self) -> tuple[str, str]:
        phases = {stream.phase for stream in self._streams}
        has_trouble = bool(phases & {LogPhase.LOST, LogPhase.REFUSED, LogPhase.WAITING})
        parts = [self._streams_word() if has_trouble or self.app.size.width >= _WIDE else "", self._count_word()]
        style = "quiet"
        if phases & {LogPhase.LOST, LogPhase.REFUSED}:
            style = "bad"
        elif not self._text.is_following:
            style = "warn"
        return f" {palette.signs.dot} ".join(part for part in (*parts, self._follow_word()) if part), style

    def titles(self) -> Mapping[str, str]:
        return {
            "follow": "Pause" if self._text.is_following else "Follow",
            "wrap": "Unwrap" if self._text.is_wrapped else "Wrap",
            "timestamps": "No times" if self._ring.has_times else "Times",
            "only": "All" if self._ring.only else "Only one",
            "previous_logs": "Current run" if self.is_previous else "Previous",
        }

    def _follow_word(self) -> str:
        if self._text.is_following:
            return "following"
        return f"paused, {self._text.missed:,} new" if self._text.missed else "paused"

    def _count_word(self) -> str:
        shown, held = len(self._text.lines), len(self._ring)
        word = f"{shown:,} of {held:,} lines" if shown != held else f"{held:,} line{'s' if held != 1 else ''}"
        if self._ring.filter:
            word = f"/{self._ring.filter.text} {palette.signs.dot} {word}"
        if self._ring.dropped:
            word += f" ({self._ring.dropped:,} older let go)"
        return word

    def _streams_word(self) -> str:
        streams = self._streams
        if not streams or (len(streams) == 1 and streams[0].phase is LogPhase.LIVE):
            return ""
        worst = next((s for phase in (LogPhase.REFUSED, LogPhase.LOST) for s in streams if s.phase is phase), None)
        if len(streams) == 1:
            return f"{streams[0].phase}: {streams[0].reason}" if streams[0].reason else str(streams[0].phase)
        counts = Counter(stream.phase for stream in streams)
        word = ", ".join(f"{counts[phase]} {phase}" for phase in LogPhase if counts[phase])
        return f"{palette.signs.bad} {word}: {worst.reason}" if worst is not None and worst.reason else word

    def _refreshed(self) -> None:
        if not self.is_mounted:
            return
        if not self._text.lines:
            self._text.say_empty(self._why_empty())
        self.show_state()

    def _why_empty(self) -> tuple[str, ...]:
        if len(self._ring):
            return (f"None of {len(self._ring):,} lines match.", "Esc clears the filter, o shows all pods again.")
        reasons = dict.fromkeys(f"{s.pod}/{s.container}: {s.reason or s.phase}" for s in self._streams)
        ended = self._streams and all(s.phase in (LogPhase.ENDED, LogPhase.REFUSED) for s in self._streams)
        if ended:
            nothing = "There is no previous run." if self.is_previous else "Nothing was written."
            return (nothing, *list(reasons)[:4])
        return (*_WAITING, *list(reasons)[:4])

    @on(TextView.Moved)
    def _moved(self, message: TextView.Moved) -> None:
        message.stop()
        self.show_state()

    # What can be asked for here

    def filter_changed(self, text: str, is_done: bool) -> None:
        self._ring.narrow(text)
        self._show_again()

    def clear(self) -> bool:
        if not self._ring.filter and not self._ring.only:
            return False
        self._ring.narrow("")
        self._ring.only = ""
        self._show_again()
        return True

    def _show_again(self) -> None:
        self._text.set_lines(self._ring.all_shown())
        self._refreshed()

    def text_to_keep(self) -> str:
        return self._ring.plain()

    def do_filter(self, argument: str = "") -> None:
        if argument:
            self.filter_changed(argument, True)
        else:
            self.open_filter(self._ring.filter.text)

    def do_follow(self, _argument: str = "") -> None:
        self._text.is_following = not self._text.is_following
        self.show_state()

    def do_wrap(self, _argument: str = "") -> None:
        self._text.is_wrapped = not self._text.is_wrapped
        self.show_state()

    def do_timestamps(self, _argument: str = "") -> None:
        self._ring.has_times = not self._ring.has_times
        self._show_again()

    def do_only(self, argument: str = "") -> None:
        sources = self._ring.sources
        names = list(dict.fromkeys(name for pod, container in sources for name in (pod, f"{pod}/{container}")))
        if len({container for _, container in sources}) == 1:
            names = [name for name in names if "/" not in name]
        if argument:
            found = argument if argument in names else next((name for name in names if argument in name), None)
            self._choose(found)
            if found is None:
                self.say(f"No pod or container here is called “{argument}”.", "warn")
        elif self._ring.only:
            self._choose("")
        elif len(names) < 2:
            self.say("All lines come from one container.", "warn")
        else:
            from screens.choose import Choice, ChooseScreen

            choices = [Choice(name) for name in names]
            self.app.push_screen(ChooseScreen("Only the lines of", choices), self._choose)

    def _choose(self, name: str | None) -> None:
        if name is not None:
            self._ring.only = name
            self._show_again()
