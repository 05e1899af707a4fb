"""Class probabilities as a table: read back by an HTML parser."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from semcom_core import bars
from semcom_core.bars import Bars

CLASSES = tuple("0123456789")
VALUES = [0.01] * 9 + [0.91]


class Table(HTMLParser):
    """Texts of the cells, and the styles of what lies in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.cells.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def test_names_percentages_lengths_and_the_highest() -> None:
    table = Table(bars.probabilities(CLASSES, Bars("receiver", VALUES), "#0072B2", "ten classes"))
    assert table.cells == [text for name in CLASSES for text in (name, "91%" if name == "9" else "1%")]
    assert [one["style"].split(";")[0] for one in table.all("i")] == ["width:1.0%"] * 9 + ["width:91.0%"]
    assert [one.get("class") for one in table.all("tr")] == [None] * 9 + ["best"]
    assert table.all("table")[0]["aria-label"] == "ten classes"
    assert not table.all("b")


def test_a_second_reading_is_a_shape_and_not_only_a_colour() -> None:
    table = Table(bars.probabilities(CLASSES, Bars("own", VALUES), "red", "", Bars("judge", VALUES[::-1])))
    assert [one["style"] for one in table.all("b")] == ["left:91.0%"]  # where it says nothing there is none
    assert table.all("tr")[0]["title"] == "0: own 1.0%, judge 91.0%"


def test_hatched() -> None:
    table = Table(bars.probabilities(CLASSES, Bars("judge", VALUES), "red", "", hatched=True))
    assert all("repeating-linear-gradient" in one["style"] for one in table.all("i"))


def test_words_are_escaped() -> None:
    table = Table(bars.probabilities(("<b>x</b>", 'y"'), Bars('"<i>', [0.4, 0.6]), "red", "<&>"))
    assert [text for text in table.cells if "%" not in text] == ["<b>x</b>", 'y"']
    assert table.all("tr")[1]["title"] == 'y": "<i> 60.0%' and table.all("table")[0]["aria-label"] == "<&>"


@pytest.mark.parametrize(("value", "text"), [(0.996, "&gt;99%"), (0.994, "99%"), (0.0, "0%")])
def test_rounding_makes_up_no_certainty(value: float, text: str) -> None:
    assert bars.percent(value) == text
