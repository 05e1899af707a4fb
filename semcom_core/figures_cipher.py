"""Pure functions from cipher states to Plotly figures: boards of cells, the film, the matrix.

As in :mod:`semcom_core.figures`, words come in as arguments, backgrounds are transparent and text
has no colour of its own, except on a cell, where it must stand out from the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale, unlabel_rgb

from semcom_core.figures import CIPHER, CLEAR, base_layout, position_colours

SIDE = 340
"""Height of a board in pixels; it also fits a phone's width, so cells keep their size there."""
PRINTED = 12
"""Up to this side the labels stand on the cells."""


@dataclass(frozen=True, eq=False)
class Board:
    """What the cells of the plain map hold and look like; a cipher moves them, no more.

    Attributes:
        colours: uint8 (H,W,3).
        labels: what each cell holds, as text (H,W); printed on the cells of small boards.
    """

    colours: np.ndarray
    labels: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.labels.shape

    @property
    def printed(self) -> bool:
        return max(self.shape) <= PRINTED


def numbered(height: int, width: int) -> Board:
    """The cells numbered from 0, row by row, coloured by where they are."""
    numbers = np.arange(height * width).reshape(height, width)
    return Board(position_colours(*np.indices((height, width))), numbers.astype(str))


def of_values(values: np.ndarray, limit: float) -> Board:
    """A feature map (H,W) on a diverging scale ±limit."""
    shares = (np.clip(values / limit, -1, 1) + 1) / 2
    colours = np.array([unlabel_rgb(one) for one in sample_colorscale("PuOr", shares.ravel().tolist())])
    return Board(colours.round().astype(np.uint8).reshape(*values.shape, 3), np.char.mod("%.2f", values))


def of_picture(pixels: np.ndarray) -> Board:
    """A picture, uint8 (H,W,1) or (H,W,3)."""
    colours = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
    if pixels.shape[-1] == 1:
        return Board(colours, pixels[..., 0].astype(str))
    text = [["rgb " + " ".join(map(str, cell)) for cell in row] for row in pixels.tolist()]
    return Board(colours, np.array(text))


def recoloured(board: Board) -> Board:
    """The same cells, coloured by where they start."""
    return Board(position_colours(*np.indices(board.shape)), board.labels)


def board_figure(
    board: Board, origin: np.ndarray, hover: Sequence[str], marked: tuple[int, int] | None = None
) -> go.Figure:
    """A board after a step.

    Args:
        origin: for each cell (H,W) the flat position on the plain board that it now shows.
        hover: hover text of each cell, row by row, H·W long.
        marked: row and column of a cell to frame.
    """
    height, width = board.shape
    colours = board.colours.reshape(-1, 3)[origin]
    labels = board.labels.ravel()[origin]
    traces: list[Any] = [
        go.Image(
            z=colours,
            customdata=np.array(hover, dtype=object).reshape(height, width),
            hovertemplate="%{customdata}<extra></extra>",
        )
    ]
    if board.printed:
        rows, columns = np.indices((height, width))
        traces.append(
            go.Scatter(
                x=columns.ravel(),
                y=rows.ravel(),
                text=labels.ravel(),
                mode="text",
                textfont={"color": _ink(colours.reshape(-1, 3)), "size": _type_size(height, width, labels)},
                hoverinfo="skip",
            )
        )
    layout = _board_layout(height, width, SIDE)
    if marked is not None:
        i, j = marked
        # Two frames, one dark and one light: one of them stands out from any cell.
        layout["shapes"] = [
            _frame(i, j, "#000000", 5),
            _frame(i, j, "#FFFFFF", 2.5),
        ]
    return go.Figure(traces, layout)


@dataclass(frozen=True)
class FilmWords:
    """Words of the film. ``hover`` knows ``%{customdata[0]}``, ``[1]`` (start) and ``[2]`` (content)."""

    play: str
    pause: str
    hover: str


def film(
    board: Board,
    origins: Sequence[np.ndarray],
    names: Sequence[str],
    marks: Sequence[str],
    words: FilmWords,
    *,
    start: int = 0,
    duration_ms: int = 1100,
) -> go.Figure:
    """All states as frames: each cell keeps its colour and label and moves to its new place.

    Args:
        origins: of each state, as in :func:`board_figure`.
        names: of each state, shown above the board.
        marks: of each state, short, below the slider.
        start: the state that is shown first.
    """
    height, width = board.shape
    colours, labels = board.colours.reshape(-1, 3), board.labels.ravel()
    places = []
    for origin in origins:
        # Cell p of the plain board is now where origin says p.
        place = np.argsort(origin.ravel())
        places.append(np.divmod(place, width))
    begin = np.indices((height, width)).reshape(2, -1)
    cell = 0.9 * SIDE / max(height, width)
    squares = go.Scatter(
        x=places[start][1],
        y=places[start][0],
        ids=[str(p) for p in range(height * width)],
        mode="markers+text" if board.printed else "markers",
        marker={"symbol": "square", "size": cell, "color": _rgb(colours), "line": {"width": 0}, "opacity": 1},
        text=labels if board.printed else None,
        textfont={"color": _ink(colours), "size": _type_size(height, width, labels)} if board.printed else None,
        customdata=np.stack([*begin.astype(object), labels], axis=-1),
        hovertemplate=words.hover + "<extra></extra>",
        cliponaxis=False,
    )
    # The name is a trace and not a title: a frame can change it without redrawing the board.
    pixel = max(height, width) / SIDE
    above = -0.5 - 20 * pixel
    title = go.Scatter(
        x=[(width - 1) / 2],
        y=[above],
        text=[f"<b>{names[start]}</b>"],
        mode="text",
        textfont={"size": 15},
        hoverinfo="skip",
        cliponaxis=False,
    )
    frames = [
        go.Frame(
            name=str(number),
            data=[{"type": "scatter", "x": x, "y": y}, {"type": "scatter", "text": [f"<b>{names[number]}</b>"]}],
            traces=[0, 1],
        )
        for number, (y, x) in enumerate(places)
    ]
    move = {"transition": {"duration": duration_ms, "easing": "cubic-in-out"}, "mode": "immediate"}
    play = {**move, "frame": {"duration": duration_ms + 700, "redraw": False}, "fromcurrent": True}
    jump = {**move, "frame": {"duration": duration_ms, "redraw": False}}
    stop = {"mode": "immediate", "frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
    layout = _board_layout(height, width, SIDE + 160)
    layout["yaxis"]["range"] = [height - 0.5, -0.5 - 40 * pixel]
    layout |= {
        "margin": {"l": 4, "r": 4, "t": 4, "b": 120},
        "updatemenus": [
            {
                "type": "buttons", "direction": "left", "showactive": False, "x": 0, "y": 0, "xanchor": "left",
                "yanchor": "top", "pad": {"t": 14, "l": 0, "r": 8}, "bgcolor": CLEAR, "bordercolor": CIPHER,
                "buttons": [
                    {"label": words.play, "method": "animate", "args": [None, play]},
                    {"label": words.pause, "method": "animate", "args": [[None], stop]},
                ],
            }
        ],
        "sliders": [
            {
                "active": start, "x": 0, "y": 0, "len": 1, "xanchor": "left", "yanchor": "top",
                "pad": {"t": 62, "l": 10, "r": 14}, "activebgcolor": CIPHER, "bgcolor": "rgba(128,128,128,0.3)",
                "bordercolor": CLEAR, "ticklen": 4, "minorticklen": 0, "transition": {"duration": 0},
                "currentvalue": {"visible": False},
                "steps": [
                    {"label": mark, "method": "animate", "args": [[str(number)], jump]}
                    for number, mark in enumerate(marks)
                ],
                "font": {"size": 12},
            }
        ],
    }  # fmt: skip
    return go.Figure([squares, title], layout, frames)


def permutation_matrix(
    permutation: np.ndarray, width: int, x_title: str, y_title: str, hover: str, *, height_px: int = 460
) -> go.Figure:
    """The matrix ``P`` with ``F_en.flat = P · F_s.flat``: one dot in each row and each column.

    Args:
        permutation: ``F_en.flat[p] = F_s.flat[permutation[p]]``, (n,).
        width: of the map, to name cells and to draw a line after each row of cells.
        hover: with ``%{y}``, ``%{x}`` (flat positions) and ``%{customdata[0…3]}``: row and column
            on the air, row and column on the plain map.
    """
    count = len(permutation)
    positions = np.arange(count)
    cells = np.stack([*np.divmod(positions, width), *np.divmod(permutation, width)], axis=-1)
    dots = go.Scatter(
        x=permutation,
        y=positions,
        mode="markers",
        marker={"symbol": "square", "size": float(np.clip(0.8 * 380 / count, 2.5, 16)), "color": CIPHER},
        customdata=cells,
        hovertemplate=hover + "<extra></extra>",
        cliponaxis=False,
    )
    axis: dict[str, Any] = {
        "range": [-0.5, count - 0.5],
        "tickvals": np.arange(0, count, width) - 0.5,
        "ticktext": [str(tick) if tick % max(width * (count // width // 7), width) == 0 else "" for tick in
                     range(0, count, width)],
        "gridcolor": "rgba(128,128,128,0.28)",
        "zeroline": False,
        "fixedrange": True,
        "constrain": "domain",
    }  # fmt: skip
    figure = go.Figure(dots, base_layout(height_px, margin=4))
    figure.update_layout(
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        xaxis={**axis, "title": x_title},
        yaxis={**axis, "title": y_title, "range": [count - 0.5, -0.5], "scaleanchor": "x"},
        shapes=[{
            "type": "rect", "x0": -0.5, "x1": count - 0.5, "y0": -0.5, "y1": count - 0.5,
            "line": {"width": 1, "color": "rgba(128,128,128,0.6)"},
        }],
    )  # fmt: skip
    return figure


def _ink(colours: np.ndarray) -> list[str]:
    """Black or white for each colour (n,3), whichever has the larger contrast (WCAG luminance)."""
    linear = np.where(colours / 255 <= 0.04045, colours / 255 / 12.92, ((colours / 255 + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return ["#000000" if one > 0.179 else "#FFFFFF" for one in luminance]


def _type_size(height: int, width: int, labels: np.ndarray) -> int:
    longest = max(len(label) for label in labels.ravel())
    return int(np.clip(SIDE / max(height, width) / max(0.75 * longest, 1.6), 8, 22))


def _rgb(colours: np.ndarray) -> list[str]:
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours.tolist()]


def _frame(i: int, j: int, colour: str, thickness: float) -> dict[str, Any]:
    line = {"color": colour, "width": thickness}
    return {"type": "rect", "x0": j - 0.5, "x1": j + 0.5, "y0": i - 0.5, "y1": i + 0.5, "line": line}


def _board_layout(height: int, width: int, height_px: int) -> dict[str, Any]:
    axis = {"visible": False, "fixedrange": True, "constrain": "domain"}
    return base_layout(
        height_px,
        margin=4,
        xaxis={**axis, "range": [-0.5, width - 0.5]},
        yaxis={**axis, "range": [height - 0.5, -0.5], "scaleanchor": "x"},
    )
