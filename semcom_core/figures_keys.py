"""Pure functions to Plotly figures about keys: an exchange as a sequence diagram, counts, key spaces.

Words come in as arguments; see :mod:`semcom_core.figures` for the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from semcom_core.figures import CIPHER, NEUTRAL, RECEIVER, base_layout

_GRID = "rgba(128,128,128,0.28)"


@dataclass(frozen=True)
class Arrow:
    """One message: from and to are positions in the list of parties."""

    sender: int
    receiver: int
    label: str
    hover: str
    colour: str = NEUTRAL


def sequence(parties: Sequence[tuple[str, str]], arrows: Sequence[Arrow], *, row_px: int = 44) -> go.Figure:
    """A sequence diagram: one lifeline a party, time runs downwards.

    Args:
        parties: names and colours, from left to right.
    """
    depth = len(arrows)
    lines = [
        go.Scatter(
            x=[place, place], y=[-0.35, depth - 0.3], mode="lines", hoverinfo="skip",
            line={"color": colour, "width": 3},
        )
        for place, (_, colour) in enumerate(parties)
    ]  # fmt: skip
    names = go.Scatter(
        x=list(range(len(parties))),
        y=[-0.75] * len(parties),
        text=[f"<b>{name}</b>" for name, _ in parties],
        mode="text",
        hoverinfo="skip",
        cliponaxis=False,
    )
    labels = go.Scatter(
        x=[(one.sender + one.receiver) / 2 for one in arrows],
        y=[row - 0.06 for row in range(depth)],
        text=[one.label for one in arrows],
        customdata=[one.hover for one in arrows],
        mode="text",
        textposition="top center",
        textfont={"size": 12},
        hovertemplate="%{customdata}<extra></extra>",
        cliponaxis=False,
    )
    heads = [
        {
            "x": one.receiver, "y": row, "ax": one.sender, "ay": row, "xref": "x", "yref": "y", "axref": "x",
            "ayref": "y", "showarrow": True, "arrowhead": 2, "arrowsize": 1.1, "arrowwidth": 2,
            "arrowcolor": one.colour, "text": "", "standoff": 2, "startstandoff": 2,
        }
        for row, one in enumerate(arrows)
    ]  # fmt: skip
    axis = {"visible": False, "fixedrange": True}
    return go.Figure(
        [*lines, names, labels],
        base_layout(
            row_px * (depth + 1) + 16,
            annotations=heads,
            xaxis={**axis, "range": [-0.28, len(parties) - 0.72]},
            yaxis={**axis, "range": [depth - 0.2, -1.1]},
        ),
    )


def permutation_counts(
    orders: Sequence[Sequence[int]],
    fair: np.ndarray,
    naive: np.ndarray,
    expected: float,
    fair_name: str,
    naive_name: str,
    expected_name: str,
    y_title: str,
) -> go.Figure:
    """How often each permutation was drawn: bars for the fair shuffle, diamonds for the naive one.

    Args:
        fair, naive: counts (n!,), in the order of ``orders``.
        expected: count of each under a uniform law.
    """
    names = ["".join(map(str, order)) for order in orders]
    bars = go.Bar(
        x=names,
        y=fair,
        name=fair_name,
        marker={"color": CIPHER},
        hovertemplate="%{x}: %{y}<extra>" + fair_name + "</extra>",
    )
    diamonds = go.Scatter(
        x=names,
        y=naive,
        name=naive_name,
        mode="markers",
        marker={"symbol": "diamond-open", "size": 9, "color": NEUTRAL, "line": {"width": 2}},
        hovertemplate="%{x}: %{y}<extra>" + naive_name + "</extra>",
    )
    line = go.Scatter(
        x=[names[0], names[-1]], y=[expected, expected], mode="lines", name=expected_name, hoverinfo="skip",
        line={"color": NEUTRAL, "dash": "dash", "width": 2},
    )  # fmt: skip
    layout = base_layout(
        330,
        xaxis={"type": "category", "tickangle": -90, "fixedrange": True, "tickfont": {"size": 11}},
        yaxis={"title": y_title, "fixedrange": True, "gridcolor": _GRID, "rangemode": "tozero"},
        bargap=0.25,
    )
    return go.Figure([bars, diamonds, line], layout | _legend())


def key_bits(
    sides: Sequence[int],
    claimed: Sequence[float],
    true: Sequence[float],
    claimed_name: str,
    true_name: str,
    reference: tuple[float, str],
    x_title: str,
    y_title: str,
) -> go.Figure:
    """Key spaces in bits over the side of a square map, with a reference line and its name."""
    bits, name = reference
    traces = [
        go.Scatter(
            x=sides, y=claimed, name=claimed_name, mode="lines", hovertemplate="%{x}×%{x}: %{y:.1f}",
            line={"color": NEUTRAL, "dash": "dash", "width": 2.5},
        ),
        go.Scatter(
            x=sides, y=true, name=true_name, mode="lines", hovertemplate="%{x}×%{x}: %{y:.1f}",
            line={"color": CIPHER, "width": 3},
        ),
        go.Scatter(
            x=[sides[0], sides[-1]], y=[bits, bits], name=name, mode="lines", hoverinfo="skip",
            line={"color": NEUTRAL, "dash": "dot", "width": 2},
        ),
    ]  # fmt: skip
    layout = base_layout(
        320,
        xaxis={"title": x_title, "fixedrange": True, "zeroline": False, "gridcolor": _GRID},
        yaxis={"title": y_title, "fixedrange": True, "zeroline": False, "gridcolor": _GRID},
        hovermode="x unified",
    )
    return go.Figure(traces, layout | _legend())


def with_intervals(
    amounts: Sequence[int],
    values: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    name: str,
    x_title: str,
    y_title: str,
    span: tuple[float, float],
    *,
    reference: tuple[float, str] | None = None,
    marked: int | None = None,
    percent: bool = False,
) -> go.Figure:
    """A receiver's curve over an amount, with error bars.

    Args:
        intervals: lower and upper end of each value.
        span: range of the horizontal axis, so that it stands still while points come in.
        reference: a level and its name, drawn dotted.
        marked: an amount to mark with a vertical line.
    """
    values_ = np.asarray(values, dtype=float)
    ends = np.asarray(intervals, dtype=float).reshape(-1, 2)
    form = ":.0%" if percent else ":.1f"
    traces: list[Any] = []
    if reference is not None:
        level, reference_name = reference
        traces.append(
            go.Scatter(
                x=list(span), y=[level, level], name=reference_name, mode="lines", hoverinfo="skip",
                line={"color": NEUTRAL, "dash": "dot", "width": 2},
            )
        )  # fmt: skip
    traces.append(
        go.Scatter(
            x=list(amounts),
            y=values_,
            name=name,
            mode="lines+markers",
            line={"color": RECEIVER, "width": 2.5},
            marker={"size": 8},
            error_y={
                "type": "data", "array": ends[:, 1] - values_, "arrayminus": values_ - ends[:, 0], "thickness": 1.4,
                "width": 4, "color": RECEIVER,
            },
            customdata=ends,
            hovertemplate="%{x}: %{y" + form + "} (%{customdata[0]" + form + "} – %{customdata[1]" + form + "})"
            "<extra></extra>",
        )
    )  # fmt: skip
    share = {"range": [-0.03, 1.05], "tickformat": ".0%"} if percent else {"rangemode": "tozero"}
    layout = (
        base_layout(
            320,
            xaxis={"title": x_title, "range": list(span), "fixedrange": True, "zeroline": False, "gridcolor": _GRID},
            yaxis={"title": y_title, "fixedrange": True, "zeroline": False, "gridcolor": _GRID, **share},
        )
        | _legend()
    )
    if marked is not None:
        layout["shapes"] = [{
            "type": "line", "x0": marked, "x1": marked, "y0": 0, "y1": 1, "yref": "paper",
            "line": {"color": CIPHER, "width": 1.5, "dash": "dash"},
        }]  # fmt: skip
    return go.Figure(traces, layout)


def _legend() -> dict[str, Any]:
    return {
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": -0.28, "yanchor": "top"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    }
