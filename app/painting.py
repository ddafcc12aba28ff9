"""What the terminal shows, cell by cell, so that only cells that differ are sent to it.

Textual sends whole lines and, while a screen comes up, whole screens several times over. Over a line that a jump host is
reached by, each is a packet and a wait: one changed number costs some 30 bytes here, and a repaint of the same costs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

Cell = tuple[str, str]
"""A character with what combines with it, and its SGR codes. The right half of a wide character is `_RIGHT_HALF`."""
Piece = tuple[int, int, Strip]
"""x, y and what stands from there on."""

_BLANK: Cell = (" ", "")
_RIGHT_HALF: Cell = ("", "")
_BRIDGE = 5
"""Moving the cursor costs six to eight bytes: a shorter gap between two changes is sent along."""
_PLAIN = frozenset("│─┌┐└┘├┤┬┴┼╭╮╰╯┃━┏┓┗┛┣┫┳┻╋═║╔╗╚╝▏▎▍▌▋▊▉█▕▁▂▃▄▅▆▇░▒▓…·•→←↑↓✔✖●○◐★▸▾▴")
"""Not ASCII, and one column wide wherever we have looked."""
_SHOWN_ON_BLANK = frozenset({"4", "7", "9", "21", "53"})
"""Underline, reverse, strike, double underline, overline: what makes a space visible, beside a background."""


class PaintedScreen:
    """`changes` gives the bytes that turn what is shown into what should be, and takes them as sent."""

    def __init__(self) -> None:
        self._size = (0, 0)
        self._rows: list[list[Cell]] = []
        self._codes: dict[int, tuple[Style, str, str]] = {}

    def forget(self) -> None:
        """Something else has written to the terminal: the next update clears it and sends everything."""
        self._size = (0, 0)

    def changes(self, update: CompositorUpdate, size: tuple[int, int], colors: ColorSystem) -> str | None:
        """`size` is (columns, rows). "" when nothing differs; None for an update that is not a screen's."""
        if isinstance(update, LayoutUpdate):
            pieces = _of_layout(update)
        elif isinstance(update, ChopsUpdate):
            pieces = _of_chops(update)
        else:
            return None
        out: list[str] = []
        if size != self._size:
            self._size = size
            self._rows = [[_BLANK] * size[0] for _ in range(size[1])]
            out.append("\x1b[0m\x1b[2J")
        pen = _Pen(out)
        for x, y, strip in pieces:
            if 0 <= y < size[1]:
                self._paint(x, y, strip, colors, pen)
        pen.lift()
        return "".join(out)

    def _paint(self, x: int, y: int, strip: Strip, colors: ColorSystem, pen: _Pen) -> None:
        row = self._rows[y]
        width = len(row)
        pending: list[Cell] = []
        start = 0
        for cell in self._cells(strip, colors):
            if x >= width:
                break
            if row[x] != cell:
                if pending and x - start - len(pending) <= _BRIDGE:
                    pending += row[start + len(pending) : x]
                elif pending:
                    pen.draw(start, y, pending)
                    pending = []
                if not pending:
                    start = x
                pending.append(cell)
                row[x] = cell
            x += 1
        if pending:
            pen.draw(start, y, pending)

    def _cells(self, strip: Strip, colors: ColorSystem) -> Iterator[Cell]:
        for text, style, control in strip:
            if control:
                continue
            codes, blank_codes = self._codes_of(style, colors)
            if text.isascii():
                for character in text:
                    yield (character, codes if character != " " else blank_codes)
            else:
                yield from _wide_cells(text, codes, blank_codes)

    def _codes_of(self, style: Style | None, colors: ColorSystem) -> tuple[str, str]:
        if style is None:
            return "", ""
        known = self._codes.get(id(style))
        if known is None or known[0] is not style:
            if len(self._codes) > 4000:
                self._codes.clear()
            codes = _without_defaults(Strip.render_ansi(style, colors))
            known = self._codes[id(style)] = (style, codes, _on_blank(codes))
        return known[1], known[2]


class _Pen:
    """Writes runs of cells; remembers where the cursor is and which attributes are on."""

    def __init__(self, out: list[str]) -> None:
        self._out = out
        self._at: tuple[int, int] | None = None
        self._codes = ""

    def draw(self, x: int, y: int, cells: list[Cell]) -> None:
        for text, codes in cells:
            if text:
                if self._at != (x, y):
                    self._out.append(f"\x1b[{y + 1};{x + 1}H")
                if codes != self._codes:
                    self._out.append(f"\x1b[0;{codes}m" if self._codes and codes else f"\x1b[{codes}m")
                    self._codes = codes
                self._out.append(text)
                # Terminals disagree on how wide some characters are: after one that is not plain, the place is said again.
                self._at = (x + 1, y) if text.isascii() or text in _PLAIN else None
            x += 1

    def lift(self) -> None:
        if self._codes:
            self._out.append("\x1b[m")
            self._codes = ""


def _of_layout(update: LayoutUpdate) -> Iterator[Piece]:
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield x, y, strip
            x += strip.cell_length


def _of_chops(update: ChopsUpdate) -> Iterator[Piece]:
    for y, left, right in update.spans:
        chops: Iterable[tuple[int, tuple[int, Strip | None]]] = zip(
            update.chop_ends[y], update.chops[y].items(), strict=False
        )
        for end, (x, strip) in chops:
            if strip is None or x >= right or end <= left:
                continue
            # A chop belongs to one widget: where the span touches it, all of it has been rendered.
            yield x, y, strip


def _wide_cells(text: str, codes: str, blank_codes: str) -> Iterator[Cell]:
    cell = ""
    size = 1
    for character in text:
        width = get_character_cell_size(character)
        if width == 0:
            cell += character
            continue
        if cell:
            yield (cell, codes if cell != " " else blank_codes)
            if size == 2:
                yield _RIGHT_HALF
        cell, size = character, width
    if cell:
        yield (cell, codes if cell != " " else blank_codes)
        if size == 2:
            yield _RIGHT_HALF


def _without_defaults(codes: str) -> str:
    """39 and 49 say "the terminal's own colour", which is what there is after a reset."""
    return ";".join(code for code in codes.split(";") if code not in ("39", "49"))


def _on_blank(codes: str) -> str:
    """Of `codes`, what can be seen on a space: so that blanks in many colours of nothing are one blank."""
    kept: list[str] = []
    parts = iter(codes.split(";"))
    for code in parts:
        if code in ("38", "48"):
            length = 1 if (kind := next(parts, "")) == "5" else 3
            rest = [next(parts, "") for _ in range(length)]
            if code == "48":
                kept += [code, kind, *rest]
        elif code in _SHOWN_ON_BLANK or (code.isdigit() and (40 <= int(code) <= 47 or 100 <= int(code) <= 107)):
            kept.append(code)
    if "7" in kept or any(c in kept for c in ("4", "9", "21", "53")):
        return codes
    return ";".join(kept)
