"""Figures of the attacks on the cipher; pure functions, no words of their own (see :mod:`semcom_core.figures`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from semcom_core.figures import ATTACKER, CIPHER, NEUTRAL, RECEIVER, base_layout

_LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


@dataclass(frozen=True)
class Line:
    """One line of :func:`lines`. ``values`` may hold ``None``; ``area`` fills down to the axis."""

    name: str
    x: Sequence[float]
    values: Sequence[float | None]
    colour: str = ATTACKER
    dash: str = "solid"
    symbol: str = "square"
    markers: bool = True


def lines(
    drawn: Sequence[Line],
    x_title: str,
    y_title: str,
    *,
    log_x: bool = False,
    log_y: bool = False,
    percent: bool = False,
    x_span: tuple[float, float] | None = None,
    y_span: tuple[float, float] | None = None,
    height: int = 330,
) -> go.Figure:
    """Lines over any quantity; dash and marker differ as well as colour.

    Args:
        percent: the values are shares from 0 to 1.
        x_span, y_span: ranges, so that the axes stand still while points come in.
    """
    shown = ":.0%" if percent else ":.4~g"
    traces = [
        go.Scatter(
            x=list(line.x),
            y=list(line.values),
            name=line.name,
            mode="lines+markers" if line.markers else "lines",
            line={"color": line.colour, "dash": line.dash, "width": 2.5},
            marker={"symbol": line.symbol, "size": 8, "line": {"width": 2}},
            hovertemplate="%{x:.4~g}: %{y" + shown + "}<extra>" + line.name + "</extra>",
        )
        for line in drawn
    ]
    x_axis = _axis(x_title, log_x, x_span)
    y_axis = _axis(y_title, log_y, (-0.03, 1.03) if percent else y_span)
    if percent:
        y_axis["tickformat"] = ".0%"
    if log_x:
        x_axis |= {"tickvals": sorted({x for line in drawn for x in line.x}), "tickformat": "~g"}
    return go.Figure(traces, base_layout(height, margin=8, xaxis=x_axis, yaxis=y_axis, showlegend=True, legend=_LEGEND))


def entries(right: np.ndarray, names: Sequence[str], words: tuple[str, str]) -> go.Figure:
    """Which entries of a key are right: a filled square, or an open cross.

    Args:
        right: bool (rows, entries).
        names: of the rows.
        words: for the hover text of a right and of a wrong entry.
    """
    rows, count = right.shape
    traces = []
    for good, symbol, colour, word in (
        (True, "square", ATTACKER, words[0]),
        (False, "x-open", NEUTRAL, words[1]),
    ):
        y, x = np.nonzero(right == good)
        traces.append(
            go.Scatter(
                x=x,
                y=[names[row] for row in y],
                mode="markers",
                name=word,
                marker={"symbol": symbol, "size": 9, "color": colour},
                hovertemplate="%{y}[%{x}]: " + word + "<extra></extra>",
            )
        )
    x_axis = _axis("", False, (-0.7, count - 0.3)) | {"showgrid": False}
    y_axis = {"type": "category", "fixedrange": True, "showgrid": False, "range": [rows - 0.5, -0.5]}
    return go.Figure(traces, base_layout(130, margin=8, xaxis=x_axis, yaxis=y_axis, showlegend=True, legend=_LEGEND))


def constellation(symbols: np.ndarray, colour: str = CIPHER, limit: float = 4.0) -> go.Figure:
    """Complex symbols as points; a ring marks modulus 1 (mean power)."""
    points = go.Scatter(
        x=symbols.real,
        y=symbols.imag,
        mode="markers",
        marker={"size": 4, "color": colour, "opacity": 0.55},
        hovertemplate="%{x:.2f} + %{y:.2f}j<extra></extra>",
    )
    angle = np.linspace(0, 2 * np.pi, 73)
    ring = go.Scatter(
        x=np.cos(angle), y=np.sin(angle), mode="lines", line={"color": NEUTRAL, "dash": "dot"}, hoverinfo="skip"
    )
    axis = {"range": [-limit, limit], "fixedrange": True, "zeroline": True, "constrain": "domain"}
    return go.Figure([points, ring], base_layout(300, margin=8, xaxis=axis, yaxis={**axis, "scaleanchor": "x"}))


def moduli(
    before: np.ndarray, after: np.ndarray, law: tuple[np.ndarray, np.ndarray], names: tuple[str, str, str], x_title: str
) -> go.Figure:
    """Histograms of the moduli of one message before and after, and the law on the sphere.

    Args:
        law: moduli and their density.
        names: of the three, in this order.
    """
    bins = {"start": 0.0, "end": float(law[0][-1]), "size": 0.1}

    def histogram(values: np.ndarray, name: str, colour: str, pattern: str) -> go.Histogram:
        marker = {"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay", "solidity": 0.3}}
        return go.Histogram(
            x=values, name=name, xbins=bins, histnorm="probability density", opacity=0.55, marker=marker
        )

    traces = [
        histogram(before, names[0], RECEIVER, "/"),
        histogram(after, names[1], CIPHER, ""),
        go.Scatter(x=law[0], y=law[1], name=names[2], mode="lines", line={"color": NEUTRAL, "width": 3}),
    ]
    layout = base_layout(
        300,
        margin=8,
        xaxis=_axis(x_title, False, (0.0, float(law[0][-1]))),
        yaxis={"fixedrange": True, "visible": False},
        showlegend=True,
        legend=_LEGEND,
        barmode="overlay",
    )
    return go.Figure(traces, layout)


def shares(names: Sequence[str], values: Sequence[float], colours: Sequence[str], x_title: str) -> go.Figure:
    """Named shares from 0 to 1 as horizontal bars with percentages."""
    bars = go.Bar(
        x=list(values),
        y=list(names),
        orientation="h",
        marker={"color": list(colours)},
        text=[f"{value:.0%}" for value in values],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    x_axis = _axis(x_title, False, (0.0, 1.12)) | {"tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    y_axis = {"type": "category", "fixedrange": True, "automargin": True, "range": [len(names) - 0.5, -0.5]}
    return go.Figure(bars, base_layout(46 * len(names) + 80, margin=8, xaxis=x_axis, yaxis=y_axis))


def _axis(title: str, log: bool, span: tuple[float, float] | None) -> dict[str, object]:
    axis: dict[str, object] = {"fixedrange": True, "zeroline": False, "automargin": True}
    if title:
        axis["title"] = {"text": title, "standoff": 12}
    if log:
        axis["type"] = "log"
    if span is not None:
        axis["range"] = [float(np.log10(end)) for end in span] if log else list(span)
    return axis
