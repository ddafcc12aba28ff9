"""A few lines that stay in sight: as high as they need to be, and gone where there are none."""

from __future__ import annotations

from collections.abc import Sequence

from widgets.text_lines import TextLine
from widgets.text_view import TextView

MOST = 6


class Notice(TextView, can_focus=False):
    """Folded between words at the width there is; never higher than a third of the screen."""

    DEFAULT_CSS = "Notice { height: 0; }"

    def __init__(self) -> None:
        super().__init__(is_wrapped=True, by_words=True)

    def show(self, lines: Sequence[TextLine]) -> None:
        self.set_lines(lines)
        self._stretch()

    def on_resize(self) -> None:
        self.call_after_refresh(self._stretch)

    def _stretch(self) -> None:
        most = max(1, min(MOST, self.app.size.height // 3))
        wanted = min(self._folds.count, most)
        if self.styles.height is None or self.styles.height.value != wanted:
            self.styles.height = wanted
