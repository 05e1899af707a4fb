"""Figures of what noise costs an attacker; pure functions, no words of their own (see :mod:`semcom_core.figures`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from semcom_core.entropy import ToyCurve
from semcom_core.figures import ATTACKER, NEUTRAL, RECEIVER, base_layout
from semcom_core.figures_labels import labels, padded

_LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
_HEIGHT = 480
_AXIS = {"fixedrange": True, "zeroline": False, "automargin": True}


def gaussian_toy_figure(
    curve: ToyCurve, names: tuple[str, str], x_title: str, y_title: str, here: ToyCurve | None = None
) -> go.Figure:
    """Bound and optimum together over the noise; what lies between them is what the bound gives away.

    Args:
        curve: from :func:`semcom_core.entropy.toy_curve`; both axes are logarithmic.
        names: of the bound and of the best attack.
        here: one point, at the visitor's noise.
    """
    lines = ((curve.floor, names[0], NEUTRAL, "dash"), (curve.optimum, names[1], ATTACKER, "solid"))
    traces = [
        go.Scatter(
            x=curve.sigma,
            y=values,
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2.5},
            fill="tonexty" if number else None,
            fillcolor="rgba(213,94,0,0.12)",
            hovertemplate="%{x:.3~g}: %{y:.3~g}<extra>" + name + "</extra>",
        )
        for number, (values, name, colour, dash) in enumerate(lines)
    ]
    if here is not None:
        traces.append(
            go.Scatter(
                x=here.sigma * 2,
                y=here.floor + here.optimum,
                mode="markers",
                showlegend=False,
                marker={"size": 11, "color": [NEUTRAL, ATTACKER], "symbol": ["diamond", "square"]},
                hovertemplate="%{x:.3~g}: %{y:.3~g}<extra></extra>",
            )
        )
    x_axis, y_axis = (
        {**_AXIS, "type": "log", "title": {"text": title, "standoff": 12}} for title in (x_title, y_title)
    )
    return go.Figure(traces, base_layout(330, margin=8, xaxis=x_axis, yaxis=y_axis, showlegend=True, legend=_LEGEND))


@dataclass(frozen=True)
class Certified:
    """One defense in :func:`certificate_figure`.

    Attributes:
        name: of the defense, as it is shown.
        ratio: certified ratio, from 0 to 1.
        mse: mean squared error that the best measured attack reaches.
        interval: of ``mse``, if it is known.
        without: name of the same defense without CEM, from which an arrow leads here.
    """

    name: str
    ratio: float
    mse: float
    interval: tuple[float, float] | None = None
    without: str | None = None


def certificate_figure(points: Sequence[Certified], x_title: str, y_title: str) -> go.Figure:
    """What is certified against what attacks really reach: the two need not order alike.

    Filled squares are defenses with CEM, open circles those without; names stand beside them.
    """
    traces: list[go.Scatter] = []
    arrows: list[dict[str, Any]] = []
    by_name = {point.name: point for point in points}
    for point in points:
        improved = point.without is not None
        low, high = point.interval or (point.mse, point.mse)
        traces.append(
            go.Scatter(
                x=[point.ratio],
                y=[point.mse],
                name=point.name,
                mode="markers",
                cliponaxis=False,
                marker={
                    "size": 12,
                    "symbol": "square" if improved else "circle-open",
                    "color": ATTACKER if improved else RECEIVER,
                    "line": {"width": 2},
                },
                error_y={"array": [high - point.mse], "arrayminus": [point.mse - low], "symmetric": False},
                hovertemplate="%{x:.3~g}, %{y:.4~g}<extra>" + point.name + "</extra>",
            )
        )
        if improved and point.without in by_name:
            arrows.append(_arrow(by_name[point.without], point))
    highest = max((point.interval or (0.0, point.mse))[1] for point in points)
    x_range = padded((min(0.9, *(point.ratio for point in points)), 1.0))
    y_range = padded((0.0, highest))
    names = labels([(point.ratio, point.mse, point.name) for point in points], x_range, y_range, _HEIGHT)
    x_axis, y_axis = (
        {**_AXIS, "title": {"text": title, "standoff": 12}, "range": span}
        for title, span in ((x_title, x_range), (y_title, y_range))
    )
    return go.Figure(traces, base_layout(_HEIGHT, margin=24, xaxis=x_axis, yaxis=y_axis, annotations=arrows + names))


def _arrow(start: Certified, end: Certified) -> dict[str, Any]:
    return {
        "x": end.ratio, "y": end.mse, "ax": start.ratio, "ay": start.mse,
        "xref": "x", "yref": "y", "axref": "x", "ayref": "y",
        "text": "", "showarrow": True, "arrowhead": 2, "arrowwidth": 1.5, "arrowcolor": NEUTRAL, "standoff": 8,
    }  # fmt: skip
