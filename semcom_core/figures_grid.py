"""Figures of the measured grid; pure functions, no words of their own (see :mod:`semcom_core.figures`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from semcom_core.figures import ATTACKER, CIPHER, NEUTRAL, RECEIVER, base_layout
from semcom_core.figures_labels import labels, padded

OTHERS = ("#009E73", "#E69F00", "#56B4E9")
"""The rest of the Okabe–Ito colours that are used for lines."""
COLOURS = (RECEIVER, *OTHERS, CIPHER, NEUTRAL)
"""For receivers of several defenses; the attacker's vermilion is not among them."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
PATTERNS = ("", "/", ".", "x", "-", "+")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")
Interval = tuple[float, float]


@dataclass(frozen=True)
class PlanePoint:
    """One defense on the plane.

    Attributes:
        key: what a click gives back.
        name: its label.
        receiver, attacker: accuracies from 0 to 1, with intervals.
        hover: text shown when pointing at it.
        keyed: drawn in the cipher's colour and as a diamond.
    """

    key: str
    name: str
    receiver: float
    attacker: float
    receiver_interval: Interval
    attacker_interval: Interval
    hover: str
    keyed: bool = False


def plane(
    shown: Sequence[PlanePoint],
    x_title: str,
    y_title: str,
    diagonal: str,
    *,
    span: Interval = (0.0, 1.0),
    y_span: Interval = (0.0, 1.0),
    chosen: str | None = None,
    height: int = 520,
) -> go.Figure:
    """Receiver's accuracy over attacker's, with the diagonal and each point's distance to it.

    The vertical stem from a point down to the diagonal is exactly receiver minus attacker.

    Args:
        diagonal: words on the diagonal.
        span, y_span: what the axes show.
        chosen: key of the point that is marked.
    """
    traces: list[go.Scatter] = [
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": NEUTRAL, "dash": "dash", "width": 1.5}, hoverinfo="skip"
        )
    ]
    stems_x: list[float | None] = []
    stems_y: list[float | None] = []
    for point in shown:
        stems_x += [point.attacker, point.attacker, None]
        stems_y += [point.receiver, point.attacker, None]
    traces.append(
        go.Scatter(
            x=stems_x, y=stems_y, mode="lines", line={"color": NEUTRAL, "dash": "dot", "width": 1}, hoverinfo="skip"
        )
    )
    for keyed, colour, symbol in ((False, RECEIVER, "circle"), (True, CIPHER, "diamond")):
        group = [point for point in shown if point.keyed == keyed]
        traces.append(
            go.Scatter(
                x=[point.attacker for point in group],
                y=[point.receiver for point in group],
                mode="markers",
                customdata=[[point.key, point.hover] for point in group],
                marker={
                    "symbol": symbol,
                    "size": [15 if point.key == chosen else 11 for point in group],
                    "color": colour,
                    "line": {"width": [3 if point.key == chosen else 1 for point in group], "color": NEUTRAL},
                },
                error_x=interval_bars(
                    [point.attacker for point in group], [point.attacker_interval for point in group]
                ),
                error_y=interval_bars(
                    [point.receiver for point in group], [point.receiver_interval for point in group]
                ),
                hovertemplate="%{customdata[1]}<extra></extra>",
            )
        )
    axis = {"fixedrange": True, "zeroline": False, "tickformat": ".0%", "automargin": True}
    x_range, y_range = padded(span), padded(y_span)
    x_axis = axis | {"title": {"text": x_title, "standoff": 8}, "range": x_range}
    y_axis = axis | {"title": {"text": y_title, "standoff": 6}, "range": y_range}
    names = labels([(point.attacker, point.receiver, point.name) for point in shown], x_range, y_range, height)
    layout = base_layout(height, margin=8, xaxis=x_axis, yaxis=y_axis, annotations=names)
    inside = max(span[0], y_span[0]) + 0.3 * (min(span[1], y_span[1]) - max(span[0], y_span[0]))
    layout["annotations"].append(
        {
            "x": inside,
            "y": inside,
            "text": diagonal,
            "showarrow": False,
            "xanchor": "left",
            "yanchor": "top",
            "xshift": 6,
        }
    )
    return go.Figure(traces, layout)


def interval_bars(values: Sequence[float], intervals: Sequence[Interval]) -> dict[str, object]:
    """Asymmetric error bars from intervals."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, (_, high) in zip(values, intervals, strict=True)],
        "arrayminus": [value - low for value, (low, _) in zip(values, intervals, strict=True)],
        "thickness": 1.2,
        "width": 3,
    }


@dataclass(frozen=True)
class Measured:
    """One line over SNR: ours, solid, with intervals; and the paper's values as hollow markers.

    Attributes:
        intervals: one for each value; empty for none.
        reported: (SNR, value) pairs of the paper, in the same colour and symbol, hollow.
        reported_name: for the legend and the hover of those.
    """

    name: str
    snr_db: Sequence[float]
    values: Sequence[float]
    intervals: Sequence[Interval] = ()
    reported: Sequence[tuple[float, float]] = ()
    reported_name: str = ""


def curve(
    x: Sequence[float],
    values: Sequence[float],
    intervals: Sequence[Interval],
    name: str,
    line: dict[str, object],
    symbol: str,
    hover: str,
) -> go.Scatter:
    """Our measurements: a line with solid markers, and intervals where there are any.

    Args:
        hover: how a point's place is written when it is pointed at.
    """
    return go.Scatter(
        x=list(x),
        y=list(values),
        name=name,
        mode="lines+markers",
        line=line,
        marker={"symbol": symbol, "size": 8, "color": line["color"]},
        error_y=interval_bars(values, intervals) if intervals else None,
        hovertemplate=hover + ": %{y:.2%}<extra>" + name + "</extra>",
    )


def hollow(points: Sequence[tuple[float, float]], name: str, colour: str, symbol: str, hover: str) -> go.Scatter:
    """A paper's values: large hollow markers."""
    return go.Scatter(
        x=[x for x, _ in points],
        y=[value for _, value in points],
        name=name,
        mode="markers",
        marker={"symbol": symbol, "size": 13, "color": colour, "line": {"width": 2.5, "color": colour}},
        hovertemplate=hover + ": %{y:.2%}<extra>" + name + "</extra>",
    )


def accuracy_curves(
    lines: Sequence[Measured],
    x_title: str,
    y_title: str,
    span: Interval,
    y_span: Interval,
    limits: Sequence[tuple[float, str]] = (),
    height: int = 430,
) -> go.Figure:
    """Accuracies over SNR; colour, dash and symbol differ from line to line.

    Args:
        limits: horizontal lines with their words, for values that a paper gives without an SNR.
    """
    traces = []
    for number, line in enumerate(lines):
        colour, symbol = COLOURS[number % len(COLOURS)], SYMBOLS[number % len(SYMBOLS)]
        dash = DASHES[(number // len(COLOURS)) % len(DASHES)] if number >= len(COLOURS) else "solid"
        if line.values:
            look = {"color": colour, "dash": dash, "width": 2.3}
            traces.append(curve(line.snr_db, line.values, line.intervals, line.name, look, symbol, "%{x:g} dB"))
        if line.reported:
            traces.append(hollow(line.reported, line.reported_name, colour, f"{symbol}-open", "%{x:g} dB"))
    for value, words in limits:
        traces.append(
            go.Scatter(
                x=list(span),
                y=[value, value],
                name=words,
                mode="lines",
                line={"color": NEUTRAL, "dash": "dot", "width": 1.5},
                hovertemplate="%{y:.2%}<extra>" + words + "</extra>",
            )
        )
    axis = {"fixedrange": True, "zeroline": False, "automargin": True}
    x_axis = axis | {"title": {"text": x_title, "standoff": 8}, "range": list(span), "ticksuffix": " dB"}
    y_axis = axis | {"title": {"text": y_title, "standoff": 6}, "range": list(y_span), "tickformat": ".1~%"}
    legend = {"orientation": "h", "x": 0, "y": -0.24, "yanchor": "top"}
    return go.Figure(traces, base_layout(height, margin=8, xaxis=x_axis, yaxis=y_axis, showlegend=True, legend=legend))


def gain_bars(
    names: Sequence[str],
    groups: Sequence[tuple[str, Sequence[float | None]]],
    x_title: str,
    reported: tuple[float, float, str] | None = None,
) -> go.Figure:
    """Relative gains against attacks as grouped horizontal bars, with a reported range as a band.

    Args:
        names: one a group of bars.
        groups: name of a bar, and its value for each of ``names``.
        reported: low, high, words.
    """
    traces = [
        go.Bar(
            x=list(values),
            y=list(names),
            orientation="h",
            name=name,
            marker={
                "color": ATTACKER,
                "pattern": {"shape": PATTERNS[number % len(PATTERNS)], "fillmode": "overlay", "solidity": 0.35},
            },
            text=["" if value is None else f"{value:+.1%}" for value in values],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:+.1%}<extra>" + name + "</extra>",
        )
        for number, (name, values) in enumerate(groups)
    ]
    axis = {"fixedrange": True, "automargin": True}
    high = max([value for _, values in groups for value in values if value is not None] + [0.5])
    low = min([value for _, values in groups for value in values if value is not None] + [0.0])
    x_axis = axis | {
        "title": {"text": x_title, "standoff": 8},
        "tickformat": "+.0%",
        "range": [1.25 * low - 0.02, 1.2 * high],
    }
    y_axis = axis | {"type": "category", "autorange": "reversed"}
    height = 120 + 26 * len(names) * max(len(groups), 1)
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    layout = base_layout(height, margin=8, xaxis=x_axis, yaxis=y_axis, showlegend=True, legend=legend, barmode="group")
    if reported is not None:
        layout["shapes"] = [
            {
                "type": "rect", "x0": reported[0], "x1": reported[1], "y0": 0, "y1": 1, "yref": "paper",
                "line": {"color": NEUTRAL, "dash": "dot", "width": 1.5}, "fillcolor": NEUTRAL, "opacity": 0.18,
                "layer": "below",
            }
        ]  # fmt: skip
        layout["annotations"] = [
            {"x": reported[1], "y": 0, "yref": "paper", "text": reported[2], "showarrow": False, "xanchor": "left",
             "yanchor": "bottom", "xshift": 6}
        ]  # fmt: skip
    return go.Figure(traces, layout)
