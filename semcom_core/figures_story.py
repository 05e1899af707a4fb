"""The one chart of the story; pure functions, no words of their own (see :mod:`semcom_core.figures`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from semcom_core.figures import ATTACKER, NEUTRAL, RECEIVER, base_layout

Interval = tuple[float, float]


@dataclass(frozen=True)
class Pair:
    """One protection: shares from 0 to 1 with intervals; ``None`` where nothing was measured."""

    name: str
    receiver: float | None
    attacker: float | None
    receiver_interval: Interval | None = None
    attacker_interval: Interval | None = None


def kept_and_leaked(
    pairs: Sequence[Pair],
    receiver: str,
    attacker: str,
    axis: str,
    chance: float,
    guessing: str,
    missing: str,
    size: int = 16,
) -> go.Figure:
    """Two bars a protection, the receiver's above the attacker's, and the line of guessing.

    Args:
        receiver, attacker: names of the two kinds of bars.
        chance: the share that guessing gets; ``guessing`` names its line.
        missing: written where nothing was measured.
        size: of the type, in pixels.
    """
    names = [f"<b>{pair.name}</b>" for pair in pairs]
    figure = go.Figure()
    for name, colour, pattern, field in ((receiver, RECEIVER, "", "receiver"), (attacker, ATTACKER, "/", "attacker")):
        shares = [getattr(pair, field) for pair in pairs]
        bounds = [getattr(pair, f"{field}_interval") for pair in pairs]
        figure.add_bar(
            x=[0 if share is None else 100 * share for share in shares],
            y=names,
            orientation="h",
            name=name,
            marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay", "size": 8, "solidity": 0.25}},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [_above(share, bound) for share, bound in zip(shares, bounds, strict=True)],
                "arrayminus": [_below(share, bound) for share, bound in zip(shares, bounds, strict=True)],
                "color": NEUTRAL,
                "thickness": 1.5,
            },
            hoverinfo="skip",
        )
        for row, share in enumerate(shares):  # a column of numbers: at the end of a bar the interval would cross them
            figure.add_annotation(
                x=103 if share is not None else 1,
                y=row,
                yshift=0.24 * _ROW * (1 if field == "receiver" else -1),
                xanchor="left",
                showarrow=False,
                text=missing if share is None else f"{100 * share:.1f}".removesuffix(".0"),
                font={"size": size},
            )
    figure.add_vline(
        x=100 * chance,
        line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
        annotation={"text": guessing, "font": {"size": size - 2}, "yanchor": "bottom"},
        annotation_position="top",
    )
    figure.update_layout(**base_layout(height=_ROW * len(pairs) + 130))
    figure.update_layout(
        showlegend=True,
        barmode="group",
        bargap=0.28,
        bargroupgap=0.08,
        legend={"orientation": "h", "y": -0.32, "yanchor": "top", "x": 0.0, "font": {"size": size}},
        font={"size": size},
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
    )
    axis_font = {"size": size}
    figure.update_xaxes(
        title={"text": axis, "font": axis_font},
        tickfont=axis_font,
        range=[0, 118],
        tickvals=[0, 25, 50, 75, 100],
        fixedrange=True,
    )
    figure.update_yaxes(tickfont=axis_font, autorange="reversed", automargin=True, fixedrange=True, title=None)
    return figure


_ROW = 66
"""Height of a protection's two bars, in pixels."""


def _above(share: float | None, interval: Interval | None) -> float:
    return 0.0 if share is None or interval is None else 100 * max(interval[1] - share, 0.0)


def _below(share: float | None, interval: Interval | None) -> float:
    return 0.0 if share is None or interval is None else 100 * max(share - interval[0], 0.0)
