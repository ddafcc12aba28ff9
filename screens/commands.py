"""The registry for Textual's command palette: find a command by any word of it."""

from __future__ import annotations

from collections.abc import Callable

from textual.command import DiscoveryHit, Hit, Hits, Provider

from actions import Action, View, actions_on
from actions.keys import key_label
from domain.targets import Target
from widgets.messages import ActionRequested


class RegistryCommands(Provider):
    """What applies on the view below the palette."""

    async def discover(self) -> Hits:
        for a in self._actions():
            yield DiscoveryHit(_name(a), self._ask(a), help=a.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for a in self._actions():
            score = max(matcher.match(text) for text in (_name(a), a.help, *a.words))
            if score > 0:
                yield Hit(score, matcher.highlight(_name(a)), self._ask(a), help=a.help)

    def _actions(self) -> tuple[Action, ...]:
        view = getattr(self.screen, "view", View.WATCH)
        return tuple(a for a in actions_on(view) if a.name not in ("palette", "command"))

    def _ask(self, a: Action) -> Callable[[], None]:
        perform = getattr(self.screen, "perform", None)
        target = getattr(self.screen, "target", Target())

        def ask() -> None:
            if perform is not None:
                perform(a.name)
            else:
                self.screen.post_message(ActionRequested(a.name, target))

        return ask


def _name(a: Action) -> str:
    keys = f" ({key_label(a.keys[0])})" if a.keys else ""
    words = f"  :{a.words[0]}" if a.words else ""
    return f"{a.title}{keys}{words}"
