"""Class probabilities as bars, in plain HTML: a tenth of the time of a Plotly chart, and a table to a screen reader.

The live page draws three of them at every change. Every visible word comes in as an argument, and is escaped;
measures and layout are the page's style sheet's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

DIAMOND_FROM = 0.02
"""Ten diamonds on the zero line would tell nothing."""


@dataclass(frozen=True)
class Bars:
    """What a chart of class probabilities shows.

    Attributes:
        name: whose reading it is, for the hover text.
        values: probabilities (K,), summing to one.
    """

    name: str
    values: Sequence[float]


def probabilities(
    classes: Sequence[str], main: Bars, colour: str, label: str, second: Bars | None = None, *, hatched: bool = False
) -> str:
    """One row a class with a bar and a percentage, the highest in bold; a second reading as open diamonds.

    Args:
        classes: names, in label order; drawn from top to bottom.
        colour: of the bars, as CSS writes it.
        label: what the table is, for those who do not see it.
        hatched: draw the bars hatched, for a reading that is not the party's own.
    """
    best = max(range(len(main.values)), key=main.values.__getitem__)
    stripes = f"repeating-linear-gradient(135deg,{colour} 0 4px,transparent 4px 6px)"
    rows = []
    for k, (name, value) in enumerate(zip(classes, main.values, strict=True)):
        hover = [f"{main.name} {value:.1%}"]
        inside = f'<i style="width:{100 * value:.1f}%;background:{stripes if hatched else colour}"></i>'
        if second is not None:
            hover.append(f"{second.name} {second.values[k]:.1%}")
            if second.values[k] > DIAMOND_FROM:
                inside += f'<b style="left:{100 * second.values[k]:.1f}%"></b>'
        title = escape(f"{name}: {', '.join(hover)}")
        rows.append(
            f'<tr{" class=best" if k == best else ""} title="{title}">'
            f"<th scope=row>{escape(name)}</th><td class=bar><div>{inside}</div></td><td>{percent(value)}</td></tr>"
        )
    return f'<table class="class-bars" aria-label="{escape(label)}"><tbody>{"".join(rows)}</tbody></table>'


def percent(value: float) -> str:
    """A certainty that rounding would make up reads as what it is."""
    return "&gt;99%" if value > 0.995 else f"{value:.0%}"
