"""Pure functions from data to Plotly figures; no Streamlit, no words of their own.

Every visible word comes in as an argument, so that the pages' strings stay in one place.
Backgrounds are transparent and text has no colour, so that the page's theme decides both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale, unlabel_rgb

RECEIVER = "#0072B2"
ATTACKER = "#D55E00"
CIPHER = "#CC79A7"
NEUTRAL = "#7A8793"
"""Okabe–Ito blue, vermilion and purple, and a grey that shows on light and on dark."""

_DIVERGING = (
    np.array([unlabel_rgb(colour) for colour in sample_colorscale("PuOr", list(np.linspace(0, 1, 256)))])
    .round()
    .astype(np.uint8)
)
"""Orange, white, purple in 256 steps; safe for colour-blind eyes."""
CLEAR = "rgba(0,0,0,0)"


def position_map(rows: np.ndarray, columns: np.ndarray, hover: str) -> go.Figure:
    """Cells coloured by where their content came from.

    Args:
        rows, columns: for each cell (H,W), the row and column that its content came from.
        hover: hover text with ``%{y}``, ``%{x}`` (the cell) and ``%{customdata[0]}``,
            ``%{customdata[1]}`` (where it came from).
    """
    image = go.Image(
        z=position_colours(rows, columns),
        customdata=np.stack([rows, columns], axis=-1),
        hovertemplate=hover + "<extra></extra>",
    )
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    return go.Figure(image, base_layout(260, xaxis=axis, yaxis={**axis, "autorange": "reversed", "scaleanchor": "x"}))


def position_colours(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A two-dimensional colour code, uint8 (H,W,3): dark to light downwards, cold to warm to the right.

    Bilinear between four corners that also differ in lightness, so that it reads without hue.
    """
    height, width = rows.shape
    top_left, top_right = np.array([0x1F, 0x3B, 0x73]), np.array([0xB3, 0x2E, 0x1E])
    bottom_left, bottom_right = np.array([0x8F, 0xD3, 0xF4]), np.array([0xFB, 0xE3, 0x6B])
    v = (rows / max(height - 1, 1))[..., None]
    u = (columns / max(width - 1, 1))[..., None]
    top = (1 - u) * top_left + u * top_right
    bottom = (1 - u) * bottom_left + u * bottom_right
    return np.rint((1 - v) * top + v * bottom).astype(np.uint8)


def feature_tiles(maps: np.ndarray, limit: float, pixel: int = 6) -> np.ndarray:
    """The channels of a feature map (A,H,W) as tiles, two a row, on a diverging scale ±limit.

    A picture and not a Plotly figure: it is a hundred times smaller and scales with the page.

    Args:
        pixel: side of a cell; browsers would smooth single pixels.

    Returns:
        uint8 RGBA; the gaps between the tiles are transparent.
    """
    count, height, width = maps.shape
    gap, down = 1, (count + 1) // 2
    pixels = np.zeros((down * (height + gap) - gap, 2 * (width + gap) - gap, 4), np.uint8)
    for number, one in enumerate(maps):
        top, left = number // 2 * (height + gap), number % 2 * (width + gap)
        pixels[top : top + height, left : left + width, :3] = _DIVERGING[_level(one, limit)]
        pixels[top : top + height, left : left + width, 3] = 255
    return pixels.repeat(pixel, axis=0).repeat(pixel, axis=1)


def _level(values: np.ndarray, limit: float) -> np.ndarray:
    return np.rint((np.clip(values / limit, -1, 1) + 1) / 2 * 255).astype(np.intp)


@dataclass(frozen=True)
class Curve:
    """One line of a sweep. ``values`` may hold ``None`` where there is nothing to show."""

    name: str
    snr_db: Sequence[float]
    values: Sequence[float | None]
    colour: str
    dash: str = "solid"
    symbol: str = "circle"
    size: int = 7


def curves(
    lines: Sequence[Curve], x_title: str, y_title: str, span: tuple[float, float], *, percent: bool = False
) -> go.Figure:
    """Lines over SNR; line style and marker differ as well as colour.

    Args:
        span: range of the SNR axis, so that it stands still while points come in.
        percent: the values are shares.
    """
    traces = [
        go.Scatter(
            x=list(line.snr_db),
            y=list(line.values),
            name=line.name,
            mode="lines+markers",
            line={"color": line.colour, "dash": line.dash, "width": 2.5},
            marker={"symbol": line.symbol, "size": line.size, "line": {"width": 2}},
            hovertemplate="%{x:g} dB: %{y" + (":.0%" if percent else ":.1f") + "}",
        )
        for line in lines
    ]
    axis = {"fixedrange": True, "zeroline": False}
    share = {"range": [-0.03, 1.03], "tickformat": ".0%"} if percent else {}
    layout = base_layout(
        320, xaxis={**axis, "title": x_title, "range": list(span)}, yaxis={**axis, **share, "title": y_title}
    )
    layout |= {
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": -0.28, "yanchor": "top"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "x unified",
    }
    return go.Figure(traces, layout)


def base_layout(height: int, *, margin: int = 0, **more: Any) -> dict[str, Any]:
    """A layout without background or legend. Given at once: each update of a figure costs a millisecond."""
    return {
        "height": height,
        "margin": dict.fromkeys("lrtb", margin),
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "showlegend": False,
        "dragmode": False,
        **more,
    }
