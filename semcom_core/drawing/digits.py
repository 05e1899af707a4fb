"""Handwritten digits, drawn stroke by stroke, and a phone's photograph of them.

A glyph is a list of strokes, a stroke a list of points (x to the right, y down, unit square)
that a Catmull-Rom curve runs through; the pen lifts or turns a corner between strokes.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy import ndimage

Stroke = tuple[tuple[float, float], ...]
Glyph = tuple[Stroke, ...]

# fmt: off
ROUND: dict[str, Glyph] = {
    "0": (
        ((0.56, 0.04), (0.30, 0.16), (0.17, 0.48), (0.26, 0.82), (0.50, 0.96), (0.74, 0.82), (0.83, 0.48),
         (0.73, 0.17), (0.50, 0.05), (0.42, 0.09)),
    ),
    "1": (((0.42, 0.20), (0.48, 0.13), (0.54, 0.04)), ((0.54, 0.04), (0.53, 0.50), (0.51, 0.96))),
    "2": (
        ((0.20, 0.27), (0.30, 0.10), (0.53, 0.04), (0.73, 0.14), (0.75, 0.34), (0.60, 0.57), (0.38, 0.76),
         (0.18, 0.93)),
        ((0.18, 0.93), (0.48, 0.91), (0.84, 0.93)),
    ),
    "3": (
        ((0.22, 0.15), (0.44, 0.04), (0.69, 0.12), (0.72, 0.30), (0.58, 0.43), (0.40, 0.47)),
        ((0.40, 0.47), (0.66, 0.52), (0.80, 0.70), (0.70, 0.89), (0.45, 0.97), (0.18, 0.86)),
    ),
    "4": (
        ((0.36, 0.04), (0.28, 0.30), (0.17, 0.60)),
        ((0.17, 0.60), (0.50, 0.60), (0.86, 0.57)),
        ((0.66, 0.24), (0.65, 0.60), (0.62, 0.97)),
    ),
    "5": (
        ((0.78, 0.06), (0.55, 0.07), (0.31, 0.08)),
        ((0.31, 0.08), (0.28, 0.25), (0.24, 0.46)),
        ((0.24, 0.46), (0.45, 0.38), (0.70, 0.45), (0.80, 0.66), (0.68, 0.88), (0.43, 0.96), (0.19, 0.87)),
    ),
    "6": (
        ((0.68, 0.04), (0.43, 0.22), (0.26, 0.50), (0.24, 0.77), (0.42, 0.96), (0.66, 0.91), (0.76, 0.72),
         (0.65, 0.54), (0.44, 0.53), (0.27, 0.68)),
    ),
    "7": (((0.19, 0.08), (0.50, 0.09), (0.82, 0.07)), ((0.82, 0.07), (0.62, 0.40), (0.48, 0.70), (0.41, 0.97))),
    "8": (
        ((0.71, 0.16), (0.51, 0.04), (0.31, 0.13), (0.30, 0.30), (0.50, 0.47), (0.73, 0.64), (0.75, 0.83),
         (0.52, 0.96), (0.27, 0.84), (0.26, 0.66), (0.49, 0.47), (0.69, 0.31), (0.71, 0.17)),
    ),
    "9": (
        ((0.74, 0.22), (0.58, 0.06), (0.36, 0.08), (0.25, 0.27), (0.36, 0.46), (0.58, 0.44), (0.74, 0.24)),
        ((0.74, 0.24), (0.73, 0.55), (0.68, 0.97)),
    ),
}
"""An upright, round hand."""

SLANTED: dict[str, Glyph] = {
    "0": (
        ((0.66, 0.08), (0.44, 0.08), (0.24, 0.34), (0.18, 0.70), (0.34, 0.94), (0.58, 0.88), (0.76, 0.58),
         (0.78, 0.24), (0.62, 0.06)),
    ),
    "1": (((0.60, 0.04), (0.53, 0.48), (0.44, 0.96)),),
    "2": (
        ((0.26, 0.22), (0.46, 0.05), (0.70, 0.10), (0.74, 0.30), (0.56, 0.60), (0.28, 0.90), (0.18, 0.88),
         (0.24, 0.78), (0.42, 0.84), (0.60, 0.95), (0.82, 0.86)),
    ),
    "3": (
        ((0.30, 0.06), (0.55, 0.07), (0.80, 0.05)),
        ((0.80, 0.05), (0.64, 0.22), (0.48, 0.40)),
        ((0.48, 0.40), (0.70, 0.46), (0.78, 0.66), (0.66, 0.88), (0.42, 0.97), (0.18, 0.90)),
    ),
    "4": (
        ((0.66, 0.04), (0.44, 0.34), (0.16, 0.68)),
        ((0.16, 0.68), (0.48, 0.66), (0.84, 0.65)),
        ((0.66, 0.04), (0.60, 0.50), (0.54, 0.97)),
    ),
    "5": (
        ((0.42, 0.10), (0.38, 0.28), (0.32, 0.44)),
        ((0.32, 0.44), (0.52, 0.38), (0.70, 0.48), (0.70, 0.72), (0.52, 0.92), (0.20, 0.95)),
        ((0.42, 0.10), (0.62, 0.08), (0.86, 0.05)),
    ),
    "6": (
        ((0.74, 0.06), (0.50, 0.16), (0.30, 0.44), (0.22, 0.74), (0.34, 0.95), (0.56, 0.92), (0.70, 0.74),
         (0.62, 0.58), (0.44, 0.60), (0.26, 0.78)),
    ),
    "7": (
        ((0.24, 0.12), (0.50, 0.10), (0.84, 0.06)),
        ((0.84, 0.06), (0.62, 0.42), (0.50, 0.70), (0.42, 0.97)),
        ((0.38, 0.50), (0.58, 0.48), (0.76, 0.47)),
    ),
    "8": (
        ((0.78, 0.14), (0.60, 0.05), (0.40, 0.14), (0.38, 0.32), (0.54, 0.48), (0.64, 0.68), (0.56, 0.90),
         (0.34, 0.96), (0.22, 0.80), (0.32, 0.60), (0.56, 0.42), (0.76, 0.26), (0.80, 0.16)),
    ),
    "9": (
        ((0.78, 0.18), (0.60, 0.06), (0.38, 0.16), (0.30, 0.36), (0.42, 0.48), (0.62, 0.40), (0.78, 0.20)),
        ((0.78, 0.20), (0.68, 0.56), (0.52, 0.97)),
    ),
}
"""A quicker, slanted hand: barred seven, closed four, looped two."""

FOREIGN: dict[str, Glyph] = {
    "A": (
        ((0.50, 0.04), (0.34, 0.48), (0.14, 0.96)),
        ((0.50, 0.04), (0.66, 0.46), (0.86, 0.96)),
        ((0.25, 0.64), (0.50, 0.62), (0.76, 0.64)),
    ),
    "smile": (
        ((0.56, 0.05), (0.24, 0.15), (0.05, 0.48), (0.20, 0.85), (0.52, 0.96), (0.84, 0.82), (0.95, 0.48),
         (0.80, 0.16), (0.50, 0.05)),
        ((0.35, 0.32), (0.35, 0.38), (0.35, 0.42)),
        ((0.64, 0.32), (0.64, 0.38), (0.64, 0.42)),
        ((0.28, 0.62), (0.42, 0.76), (0.60, 0.76), (0.73, 0.61)),
    ),
}
"""Marks that are no digit."""

# fmt: on
HANDS = {"round": ROUND, "slanted": SLANTED}


def _curve(stroke: Stroke, samples: int = 60) -> np.ndarray:
    """Points (N,2) of the uniform Catmull-Rom curve through a stroke's points."""
    p = np.asarray(stroke, dtype=float)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])  # phantom ends keep the end directions
    t = np.linspace(0, 1, samples, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.vstack([*parts, p[-2:-1]])


def coverage(glyph: Glyph, size: tuple[int, int], height: float, width: float, angle: float, seed: int) -> np.ndarray:
    """How much of each pixel the ink covers.

    Args:
        size: (height, width) of the picture in pixels.
        height: of the glyph, in pixels; its centre is the picture's.
        width: of the pen, in pixels.
        angle: in degrees, clockwise.
        seed: of the hand's unsteadiness (pressure and tremble).

    Returns:
        float64 (H,W) in [0,1], antialiased.
    """
    rng = np.random.default_rng(seed)
    turn = np.radians(angle)
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    rows, columns = np.indices(size) + 0.5
    distance = np.full(size, np.inf)
    for stroke in glyph:
        points = (_curve(stroke) - 0.5) * height
        steps = len(points)
        tremble = ndimage.gaussian_filter1d(rng.normal(0, 1, (steps, 2)), 12, axis=0) * 0.035 * height
        pressure = 1 + 0.9 * ndimage.gaussian_filter1d(rng.normal(0, 1, steps), 18)
        # The pen lands and lifts: a short taper at both ends.
        taper = 1 - 0.25 * np.exp(-np.minimum(np.arange(steps), np.arange(steps)[::-1]) / 8)
        points = (points + tremble * 0.35) @ rotate + np.array([size[1], size[0]]) / 2
        for (x, y), radius in zip(points, 0.5 * width * np.clip(pressure, 0.75, 1.3) * taper, strict=True):
            # Only the disc's own neighbourhood: thousands of full-size passes would take seconds.
            reach = int(radius + 2)
            top, left = max(0, int(y) - reach), max(0, int(x) - reach)
            window = np.s_[top : int(y) + reach + 1, left : int(x) + reach + 1]
            if distance[window].size:
                np.minimum(
                    distance[window], np.hypot(columns[window] - x, rows[window] - y) - radius, out=distance[window]
                )
    return np.clip(0.5 - distance, 0, 1)


def clean(glyph: Glyph, seed: int, side: int = 320) -> Image.Image:
    """Dark felt-tip ink on plain white paper, RGB, ``side`` × ``side``."""
    ink = coverage(glyph, (side, side), 0.72 * side, 0.085 * side, 0.0, seed)[..., None]
    paper, pen = np.array([253.0, 253.0, 251.0]), np.array([28.0, 32.0, 58.0])
    return Image.fromarray(np.round(paper + (pen - paper) * ink).astype(np.uint8))


PENS = ((26, 30, 62), (34, 34, 36), (20, 48, 118), (70, 64, 66), (96, 28, 34))
PAPERS = ((236, 230, 216), (228, 229, 226), (242, 234, 208), (214, 206, 190))


def phone_photo(digit: int, seed: int) -> Image.Image:
    """What a phone makes of a digit on paper: 640×480, RGB.

    Dark ink on textured light paper, turned by up to 10°, lit from one side, the shadow of a
    hand or phone across a corner, defocus, sensor noise and JPEG.

    Args:
        digit: 0 to 9.
        seed: chooses hand, pen, paper, light and noise.
    """
    rng = np.random.default_rng([digit, seed])
    height, width = size = (480, 640)
    hand = (ROUND, SLANTED)[rng.integers(2)]
    glyph_height = rng.uniform(210, 340)
    ink = coverage(
        hand[str(digit)],
        size,
        glyph_height,
        glyph_height * rng.uniform(0.035, 0.085),
        rng.uniform(-10, 10),
        int(rng.integers(2**31)),
    )
    ink = np.roll(ink, (int(rng.integers(-40, 41)), int(rng.integers(-90, 91))), (0, 1))
    # Ink runs along the fibres: it is never evenly dark.
    fibres = ndimage.gaussian_filter(rng.normal(0, 1, size), (0.7, 2.2)) * 1.8
    blotches = ndimage.gaussian_filter(rng.normal(0, 1, size), 9) * 16
    ink = np.clip(ink * (0.93 + 0.05 * fibres), 0, 1)
    paper = np.array(PAPERS[rng.integers(len(PAPERS))], float)
    pen = np.array(PENS[rng.integers(len(PENS))], float)
    sheet = paper * (1 + 0.018 * fibres + 0.010 * blotches)[..., None]
    if rng.random() < 0.4:  # faintly ruled paper, as in a school book
        rows = np.arange(height) + rng.uniform(0, 48)
        sheet = sheet * (1 - 0.07 * np.exp(-(((rows % 48) - 24) ** 2) / 1.5))[:, None, None]
    scene = sheet + (pen - sheet) * ink[..., None]

    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    towards = rng.uniform(0, 2 * np.pi)
    ramp = (x - 0.5) * np.cos(towards) + (y - 0.5) * np.sin(towards)
    light = 1 - rng.uniform(0.25, 0.5) * (ramp + 0.5)
    across = (x - 0.5) * np.cos(towards + 0.9) + (y - 0.5) * np.sin(towards + 0.9) - rng.uniform(0.12, 0.35)
    light *= 1 - rng.uniform(0.2, 0.4) / (1 + np.exp(-across / rng.uniform(0.02, 0.06)))
    warmth = 1 + rng.uniform(-0.05, 0.05) * np.array([1.0, 0.0, -1.0])
    scene = scene * light[..., None] * warmth

    scene = ndimage.gaussian_filter(scene, (*[rng.uniform(0.8, 1.8)] * 2, 0))
    scene += rng.normal(0, 4.5, size)[..., None] + rng.normal(0, 2.5, scene.shape)
    picture = Image.fromarray(np.clip(scene, 0, 255).round().astype(np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(rng.integers(62, 85)))
    with Image.open(buffer) as compressed:
        return compressed.convert("RGB")
