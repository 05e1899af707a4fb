"""Names beside the points of a figure, none over another."""

from __future__ import annotations

from collections.abc import Sequence

from semcom_core.figures import NEUTRAL

_WIDTH = 620
"""Width in pixels that the labels are placed for; on a wider plot they only have more room."""
_TALL, _LETTER = 17, 7.0
_FRAME = 60
"""Pixels of a figure's height that are not plot."""
Box = tuple[float, float, float, float]


def padded(span: tuple[float, float]) -> list[float]:
    """An axis range with a little room on both sides."""
    room = 0.04 * (span[1] - span[0])
    return [span[0] - room, span[1] + room]


def labels(
    points: Sequence[tuple[float, float, str]], x_range: Sequence[float], y_range: Sequence[float], height: int
) -> list[dict[str, object]]:
    """One annotation a point, each at the nearest free place around it, with a thin leader.

    Args:
        points: x, y, name.
        x_range, y_range: of the axes.
        height: of the figure in pixels.
    """

    def pixel(x: float, y: float) -> tuple[float, float]:
        across = (x - x_range[0]) / (x_range[1] - x_range[0]) * _WIDTH
        return across, (1 - (y - y_range[0]) / (y_range[1] - y_range[0])) * (height - _FRAME)

    taken: list[Box] = [(x - 8, y - 8, x + 8, y + 8) for x, y in (pixel(*point[:2]) for point in points)]
    found = []
    for value_x, value_y, name in sorted(points, key=lambda one: (-one[1], one[0])):
        x, y = pixel(value_x, value_y)
        half = len(name) * _LETTER / 2
        best: tuple[float, float, float, Box] | None = None
        for down in (20, -20, 40, 60, 80, 100, 120, 140, 160, 180, 200):
            for aside in (0, half + 4, -half - 4, 2 * half, -2 * half):
                centre_x, centre_y = x + aside, y + down
                box = (centre_x - half, centre_y - _TALL / 2, centre_x + half, centre_y + _TALL / 2)
                if box[0] < 0 or box[2] > _WIDTH or box[1] < -10 or box[3] > height - _FRAME:
                    continue
                cost = 500 * sum(_overlap(box, other) for other in taken) + abs(down) + 0.4 * abs(aside)
                if best is None or cost < best[0]:
                    best = (cost, aside, down, box)
        if best is None:
            best = (0.0, 0.0, 20.0, (x - half, y + 12, x + half, y + 28))
        taken.append(best[3])
        found.append(
            {
                "x": value_x,
                "y": value_y,
                "text": name,
                "showarrow": True,
                "arrowhead": 0,
                "arrowwidth": 1,
                "arrowcolor": NEUTRAL,
                "standoff": 7,
                "ax": best[1],
                "ay": best[2],
                "font": {"size": 12},
            }
        )
    return found


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
