"""Figures of attacks on what is sent; pure functions, no words of their own (see :mod:`semcom_core.figures`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from semcom_core.figures import ATTACKER, NEUTRAL, RECEIVER, base_layout
from semcom_core.figures_grid import COLOURS, SYMBOLS, Interval, curve, hollow

_SHOWN_CHANGE = 0.45
"""How far from mid-grey the largest change is drawn."""
_LEGEND = {"orientation": "h", "x": 0, "y": -0.24, "yanchor": "top"}


def magnified(change: np.ndarray) -> tuple[np.ndarray, int]:
    """A change of pixels on mid-grey, magnified by a whole number so that the largest one just shows.

    Args:
        change: float (n,n,C), in units of pixels from 0 to 1.

    Returns:
        uint8 (n,n,C) and the factor, at least 1.
    """
    largest = float(np.abs(change).max(initial=0.0))
    factor = max(int(_SHOWN_CHANGE / largest), 1) if largest > 1e-6 else 1
    return np.rint(np.clip(0.5 + factor * change, 0.0, 1.0) * 255).astype(np.uint8), factor


@dataclass(frozen=True)
class Series:
    """One line: ours as a line with intervals, and a paper's values as hollow markers of its colour and symbol.

    Attributes:
        number: of the receiver; decides colour and symbol.
        x: SNR in dB, or radius; a radius of 0 is the untouched picture.
        attacked: drawn solid; untouched pictures are drawn dotted, a paper's with a dot inside.
        intervals: one for each value, or none.
        reported, reported_name: (x, value) pairs of the paper.
        notes: what is said of each value when it is pointed at, or none.
    """

    name: str
    number: int
    x: Sequence[float]
    values: Sequence[float]
    attacked: bool = True
    intervals: Sequence[Interval] = ()
    reported: Sequence[tuple[float, float]] = ()
    reported_name: str = ""
    notes: Sequence[str] = ()


def accuracy(
    series: Sequence[Series],
    x_title: str,
    y_title: str,
    *,
    radius: bool = False,
    x_span: Interval | None = None,
    y_span: Interval = (0.0, 1.0),
    limits: Sequence[tuple[int, float, str]] = (),
    marks: Sequence[float] = (),
    height: int = 430,
) -> go.Figure:
    """Shares over SNR or over the radius of an attack.

    Args:
        radius: the x axis is a radius: logarithmic, with 0 at half the least radius.
        limits: number of a receiver, a value that a paper gives without an SNR, words.
        marks: radii that get a vertical line.
    """
    traces, zero = [], _zero(series)
    for one in series:
        colour, symbol = COLOURS[one.number % len(COLOURS)], SYMBOLS[one.number % len(SYMBOLS)]
        if one.values:
            x = [zero if radius and x == 0 else x for x in one.x]
            look = {"color": colour, "dash": "solid" if one.attacked else "dot", "width": 2.4}
            place, notes = "%{customdata[0]:.3~g}%{customdata[1]}", one.notes or [""] * len(one.x)
            trace = curve(x, one.values, one.intervals, one.name, look, symbol, place)
            said = [(at, note and f", {note}") for at, note in zip(one.x, notes, strict=True)]
            traces.append(trace.update(customdata=said))
        if one.reported:
            kind = f"{symbol}-open{'' if one.attacked else '-dot'}"
            traces.append(hollow(one.reported, one.reported_name, colour, kind, "%{x:g}"))
    if x_span is not None:
        for number, value, words in limits:
            traces.append(
                go.Scatter(
                    x=list(x_span), y=[value, value], name=words, mode="lines",
                    line={"color": COLOURS[number % len(COLOURS)], "dash": "dash", "width": 1.5},
                    hovertemplate="%{y:.2%}<extra>" + words + "</extra>",
                )
            )  # fmt: skip
    axis = {"fixedrange": True, "zeroline": False, "automargin": True}
    x_axis = axis | {"title": {"text": x_title, "standoff": 8}}
    if radius:
        x_axis |= _radii(series, zero)
    elif x_span is not None:
        x_axis |= {"range": list(x_span), "ticksuffix": " dB"}
    room = 0.03 * (y_span[1] - y_span[0])
    y_axis = axis | {
        "title": {"text": y_title, "standoff": 6}, "tickformat": ".1~%", "range": [y_span[0] - room, y_span[1] + room]
    }  # fmt: skip
    layout = base_layout(height, margin=8, xaxis=x_axis, yaxis=y_axis, showlegend=True, legend=_LEGEND)
    layout["shapes"] = [
        {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": NEUTRAL, "dash": "dot"}}
        for x in marks
    ]
    return go.Figure(traces, layout)


def _zero(series: Sequence[Series]) -> float:
    """Where a radius of 0 is drawn on a logarithmic axis."""
    return min((x for one in series for x in one.x if x > 0), default=0.004) / 2


def _radii(series: Sequence[Series], zero: float) -> dict[str, object]:
    """Ticks at a doubling sequence of radii, and at 0."""
    largest = max((x for one in series for x in one.x), default=0.016)
    ticks = [2 * zero * 2**k for k in range(12) if 2 * zero * 2**k <= 1.01 * max(largest, 2 * zero)]
    return {
        "type": "log",
        "tickvals": [zero, *ticks],
        "ticktext": ["0", *(f"{tick:.3g}" for tick in ticks)],
        "range": [float(np.log10(zero / 1.2)), float(np.log10(1.2 * max(largest, 2 * zero)))],
    }


@dataclass(frozen=True, eq=False)
class Moves:
    """Points of :func:`feature_space`.

    Attributes:
        before, after: (N,2).
        misread: whether the receiver reads the attacked picture wrong (N,).
        hover: of each attacked point.
        centres: (K,2) with ``names``.
    """

    before: np.ndarray
    after: np.ndarray
    misread: np.ndarray
    hover: Sequence[str]
    centres: np.ndarray
    names: Sequence[str]


def feature_space(moves: Moves, words: tuple[str, str, str], height: int = 440) -> go.Figure:
    """Arrows from natural to attacked points, and class centres as names.

    Args:
        words: for the legend: natural, attacked and still read right, attacked and misread.
    """
    traces = [
        go.Scatter(
            x=moves.before[:, 0], y=moves.before[:, 1], mode="markers", name=words[0],
            marker={"symbol": "circle", "size": 7, "color": NEUTRAL}, hoverinfo="skip",
        )
    ]  # fmt: skip
    for wrong, colour, symbol, name in ((False, RECEIVER, "circle-open", words[1]), (True, ATTACKER, "x", words[2])):
        index = np.flatnonzero(moves.misread == wrong)
        x: list[float | None] = []
        y: list[float | None] = []
        for k in index:
            x += [moves.before[k, 0], moves.after[k, 0], None]
            y += [moves.before[k, 1], moves.after[k, 1], None]
        traces.append(
            go.Scatter(
                x=x, y=y, mode="lines", line={"color": colour, "width": 1}, opacity=0.6, hoverinfo="skip",
                showlegend=False,
            )
        )  # fmt: skip
        traces.append(
            go.Scatter(
                x=moves.after[index, 0], y=moves.after[index, 1], mode="markers", name=name,
                marker={"symbol": symbol, "size": 9, "color": colour, "line": {"width": 2}},
                customdata=[moves.hover[k] for k in index], hovertemplate="%{customdata}<extra></extra>",
            )
        )  # fmt: skip
    axis = {"fixedrange": True, "zeroline": False, "showgrid": False, "showticklabels": False, "ticks": ""}
    layout = base_layout(height, margin=8, xaxis=axis, yaxis=axis, showlegend=True, legend=_LEGEND | {"y": -0.04})
    layout["annotations"] = [
        {"x": x, "y": y, "text": f"<b>{name}</b>", "showarrow": False, "font": {"size": 17}, "yshift": 17}
        for (x, y), name in zip(moves.centres, moves.names, strict=True)
    ]
    return go.Figure(traces, layout)
