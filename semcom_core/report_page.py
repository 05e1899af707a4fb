"""One page that a visitor takes away: what was sent, who read what, what was measured, and where it comes from.

The report is data first (:class:`Report`), then a page (:func:`render`). Words come in as
arguments; nothing of the visitor's file but the prepared picture does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from semcom_core.pdf import A4, Colour, Page, wrapped

_RECEIVER, _ATTACKER, _GREY = (0.0, 0.447, 0.698), (0.835, 0.369, 0.0), (0.35, 0.40, 0.46)
_COLOURS: tuple[Colour, ...] = (_GREY, _RECEIVER, _ATTACKER)
_MARGIN, _SIDE, _GAP = 42.0, 128.0, 20.0
_STARTS = (0.0, 0.40, 0.64, 0.79, 0.89)
"""Where a table's columns begin, as shares of the width."""
_SCALES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)


@dataclass(frozen=True)
class Party:
    """One of the three pictures.

    Attributes:
        title: who has it.
        picture: ``None`` where this party gets none.
        alt: what it shows, in words.
        lines: what is read from it, how close it is.
    """

    title: str
    picture: Image.Image | None
    alt: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A heading, a header line, and rows of at most five cells; the first column is the widest."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """Everything on the page, in the order of reading.

    Attributes:
        date: when it was made, in words.
        headline: the transmission in one or two sentences.
        parties: sent, receiver, attacker.
        settings: names and values.
        measured: averages over many pictures.
        caveats_title, caveats: what the page does not show.
        weights_title, weights: names of networks and their SHA-256.
        address: of the page with these settings; ``address_note`` says what it restores.
    """

    title: str
    language: str
    date: str
    headline: str
    parties: tuple[Party, Party, Party]
    settings_title: str
    settings: tuple[tuple[str, str], ...]
    measured: Table
    caveats_title: str
    caveats: tuple[str, ...]
    weights_title: str
    weights: tuple[tuple[str, str], ...]
    address_title: str
    address: str
    address_note: str


def render(report: Report) -> bytes:
    """The report as a PDF of one page; long content is set smaller.

    Raises:
        ValueError: it does not fit on one page at half the size.
    """
    for scale in _SCALES:
        layout = _Layout(report, scale)
        layout.draw()
        if layout.y * scale <= A4[1] - _MARGIN * 0.6:
            return layout.page.save()
    raise ValueError("The report is too long for one page; leave out rows or networks.")


class _Layout:
    """From top to bottom; ``y`` is the next free line. Smaller type leaves more room to the right."""

    def __init__(self, report: Report, scale: float) -> None:
        self.report = report
        self.page = Page(report.title, report.language, scale)
        self.room = A4[0] / scale - 2 * _MARGIN
        self.y = _MARGIN

    def draw(self) -> None:
        report = self.report
        self._words(report.title, 17, bold=True, tag="H1")
        self._words(report.date, 9, colour=_GREY)
        self.y += 5
        self._words(report.headline, 12.5, bold=True)
        self.y += 8
        self._parties(report.parties)
        self._heading(report.settings_title)
        self._settings(report.settings)
        self._table(report.measured)
        self._heading(report.caveats_title)
        for caveat in report.caveats:
            self._words(f"• {caveat}", 8.5)
        self._heading(report.weights_title)
        with self.page.tag("Table"):
            for name, sha in report.weights:
                self._row((name, sha), (0.0, 150.0), 7.5)
        self._heading(report.address_title)
        self._words(report.address, 8.5)
        self._words(report.address_note, 8, colour=_GREY)

    def _heading(self, words: str) -> None:
        self.y += 8
        self.page.box(_MARGIN, self.y, self.room, 0.6, (0.82, 0.85, 0.88))
        self.y += 4
        self._words(words, 10, bold=True, tag="H2")
        self.y += 2

    def _words(
        self, words: str, size: float, *, bold: bool = False, colour: Colour | None = None, tag: str = "P"
    ) -> None:
        with self.page.tag(tag):
            for line in wrapped(words, size, self.room, bold):
                self.y += size * 1.3
                self._line(_MARGIN, line, size, bold=bold, colour=colour)

    def _line(self, x: float, words: str, size: float, *, bold: bool = False, colour: Colour | None = None) -> None:
        more = {} if colour is None else {"colour": colour}
        self.page.text(x, self.y, words, size, bold=bold, **more)

    def _parties(self, parties: Sequence[Party]) -> None:
        column = (self.room - 2 * _GAP) / 3
        top, lowest = self.y, self.y
        for number, party in enumerate(parties):
            self.y, x, colour = top, _MARGIN + number * (column + _GAP), _COLOURS[number]
            self.page.box(x, top, 3, 14, colour)
            with self.page.tag("H2"):
                self.y += 11
                self._line(x + 8, party.title, 10.5, bold=True, colour=colour)
            self.y += 8
            if party.picture is not None:
                self.page.image(x, self.y, _SIDE, party.picture, party.alt)
            self.y += _SIDE + 3 if party.picture is not None else 0
            with self.page.tag("P"):
                for words in party.lines:
                    for line in wrapped(words, 8.5, column):
                        self.y += 11
                        self._line(x, line, 8.5)
            lowest = max(lowest, self.y)
        self.y = lowest + 2

    def _settings(self, settings: Sequence[tuple[str, str]]) -> None:
        """Two columns of names and values."""
        half = (len(settings) + 1) // 2
        column = (self.room - _GAP) / 2
        with self.page.tag("Table"):
            for left, right in zip(settings[:half], [*settings[half:], ("", "")], strict=False):
                self._row((*left, *right), (0.0, 95.0, column + _GAP, column + _GAP + 95.0), 8.5, names=(0, 2))

    def _table(self, table: Table) -> None:
        self._heading(table.title)
        starts = [self.room * start for start in _STARTS[: len(table.header)]]
        with self.page.tag("Table"):
            self._row(table.header, starts, 8, names=range(len(table.header)))
            for row in table.rows:
                self._row(row, starts, 8.5)
        if table.note:
            self.y += 2
            self._words(table.note, 8, colour=_GREY)

    def _row(self, cells: Sequence[str], starts: Sequence[float], size: float, names: Sequence[int] = (0,)) -> None:
        """Cells at their starts, wrapped to the next one; the row is as high as its highest cell."""
        top, lowest = self.y, self.y
        ends = (*starts[1:], self.room)
        with self.page.tag("TR"):
            for number, (cell, start, end) in enumerate(zip(cells, starts, ends, strict=False)):
                self.y = top
                is_name = number in names
                with self.page.tag("TH" if is_name else "TD"):
                    for line in wrapped(cell, size, end - start - 6):
                        self.y += size * 1.3
                        self._line(_MARGIN + start, line, size, colour=_GREY if is_name else None)
                lowest = max(lowest, self.y)
        self.y = lowest
