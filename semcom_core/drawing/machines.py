"""Petrol pumps, cassette players and garbage trucks, rendered."""

from __future__ import annotations

import numpy as np
from PIL import Image

from semcom_core.drawing.scene import Colour, Scene, rgb


def gas_pump(
    seed: int,
    colour: Colour = "#c3202a",
    x: float = 0.47,
    globe: bool = False,
    scale: float = 1.0,
    night: bool = False,
) -> Image.Image:
    """A filling-station pump: display, hoses and nozzles on both sides, forecourt behind."""
    scene = Scene(seed)
    scene.sky(rgb("#6f9ccc"), rgb("#d5e3ef"), 0.35)
    scene.trees(0.62, 0.13)
    _station(scene, colour, night)
    scene.ground(0.66, rgb("#8f8d88"), rgb("#b4b1aa"))
    scene.blur(0.008)
    base, top = 0.93, (0.30 if globe else 0.10)
    half = 0.185 * scale

    def at(px: float, py: float) -> tuple[float, float]:
        """px: −1 to 1 across the body; py: 0 at the foot to 1 at the top."""
        return x + px * half, base - py * (base - top)

    island = scene.box(x - 0.42, base - 0.02, x + 0.42, base + 0.05, 0.015)
    scene.shadow(island, 0.02, 0.03, 0.015, 0.5)
    scene.solid(island, rgb("#c9c6bd"), 0.012, 0.05, texture=0.06)
    body = scene.box(*at(-1, 1), *at(1, 0), 0.02)
    scene.shadow(body, 0.03, 0.015, 0.02, 0.35)
    scene.solid(body, rgb(colour), 0.025, 0.22)
    scene.solid(scene.box(*at(-1.04, 1.015), *at(1.04, 0.945), 0.012), rgb("#e9e9e6"), 0.012, 0.3)
    if globe:
        stem = scene.box(x - 0.03, top - 0.03, x + 0.03, top + 0.01)
        scene.solid(stem, rgb("#d8d8d6"), 0.01, 0.2)
        ball = scene.ellipse(x, top - 0.115, 0.10)
        scene.solid(ball, rgb("#f7f4ea"), 0.1, 0.3)
        scene.paint(scene.ellipse(x, top - 0.115, 0.075) - scene.ellipse(x, top - 0.115, 0.055), rgb(colour) * 0.9)
    # Display: two rows of figures behind glass.
    panel = scene.box(*at(-0.84, 0.90), *at(0.84, 0.60), 0.008)
    scene.solid(panel, rgb("#e8e6df"), 0.006, 0.15)
    for low, high in ((0.77, 0.87), (0.63, 0.73)):
        scene.paint(scene.box(*at(-0.70, high), *at(0.70, low), 0.004), rgb("#20241f"))
        _figures(scene, at(-0.60, high - 0.015), at(0.60, low + 0.015), 5)
    scene.darken(scene.polygon([at(-0.84, 0.90), at(-0.1, 0.90), at(-0.5, 0.60), at(-0.84, 0.60)]), -0.10)
    # Grades, slots, the lower door.
    for k, tint in enumerate(("#f0f0ea", "#f3c61c", "#2a7d3f")):
        left = -0.78 + 0.54 * k
        scene.solid(scene.box(*at(left, 0.565), *at(left + 0.44, 0.485), 0.006), rgb(tint), 0.006, 0.2)
        scene.paint(scene.box(*at(left + 0.08, 0.54), *at(left + 0.36, 0.51)), rgb("#30343a"), 0.8)
    scene.solid(
        scene.box(*at(-0.84, 0.44), *at(0.84, 0.05), 0.008), np.clip(rgb(colour) * 0.9 + 0.03, 0, 1), 0.008, 0.2
    )
    scene.solid(scene.box(*at(-0.62, 0.36), *at(0.62, 0.18), 0.006), rgb("#f2f0ea"), 0.004, 0.1)
    for k in range(3):
        scene.paint(
            scene.box(*at(-0.5, 0.33 - 0.05 * k), *at(0.5 - 0.3 * (k == 2), 0.305 - 0.05 * k)), rgb(colour) * 0.75
        )
    _hose(scene, at, 1)
    _hose(scene, at, -1)
    return scene.photograph(vignette=0.2)


def _station(scene: Scene, colour: Colour, night: bool) -> None:
    """Shop and canopy in the background."""
    scene.paint(scene.box(0.0, 0.42, 0.34, 0.67), rgb("#d9d4c6"))
    scene.paint(scene.box(0.03, 0.47, 0.31, 0.62), rgb("#4b5a66"))
    scene.paint(scene.box(0.72, 0.46, 1.0, 0.67), rgb("#bcb6a8"))
    scene.paint(scene.box(-0.1, 0.02, 1.1, 0.13), rgb("#eeeeea"))
    scene.paint(scene.box(-0.1, 0.085, 1.1, 0.125), rgb(colour))
    for px in (0.10, 0.88):
        scene.paint(scene.box(px, 0.13, px + 0.035, 0.68), rgb("#d0d0cc"))
    car = scene.polygon(
        [(0.74, 0.66), (0.74, 0.60), (0.79, 0.59), (0.83, 0.54), (0.95, 0.54), (1.0, 0.59), (1.0, 0.66)]
    )
    scene.paint(car, rgb("#3a4f7a"))


def _figures(scene: Scene, upper: tuple[float, float], lower: tuple[float, float], count: int) -> None:
    """Seven-segment figures of a display."""
    segments = {
        "a": ((0, 0), (1, 0)), "b": ((1, 0), (1, 0.5)), "c": ((1, 0.5), (1, 1)), "d": ((0, 1), (1, 1)),
        "e": ((0, 0.5), (0, 1)), "f": ((0, 0), (0, 0.5)), "g": ((0, 0.5), (1, 0.5)),
    }  # fmt: skip
    lit = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
    (left, top), (right, bottom) = upper, lower
    pitch = (right - left) / count
    strokes = []
    for k in range(count):
        for name in lit[int(scene.rng.integers(10))]:
            strokes.append([(left + pitch * (k + 0.2 + 0.5 * u), top + (bottom - top) * v) for u, v in segments[name]])
    scene.paint(scene.lines(strokes, 0.0055), rgb("#e8efdc"))


def _hose(scene: Scene, at, side: int) -> None:
    """Holster, nozzle and a hanging hose at one side of the body."""
    points = []
    for t in np.linspace(0, 1, 40):  # a cubic from the top of the body, out, down and back to the nozzle
        p = [(0.93, 0.93), (2.1, 0.75), (1.75, -0.12), (1.15, 0.50)]
        c = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3]
        points.append(
            at(
                side * sum(w * q[0] for w, q in zip(c, p, strict=True)),
                sum(w * q[1] for w, q in zip(c, p, strict=True)),
            )
        )
    hose = scene.line(points, 0.026)
    scene.shadow(hose, 0.012, 0.01, 0.008, 0.35)
    scene.solid(hose, rgb("#1c1c1f"), 0.013, 0.35)
    scene.solid(scene.box(*sorted_box(at(side * 0.98, 0.60), at(side * 1.22, 0.38)), 0.01), rgb("#3c3f45"), 0.012, 0.2)
    grip = scene.line([at(side * 1.15, 0.52), at(side * 1.20, 0.60), at(side * 1.06, 0.67)], 0.034)
    scene.solid(grip, rgb("#18191c"), 0.017, 0.4)
    spout = scene.line([at(side * 1.08, 0.66), at(side * 0.93, 0.70)], 0.016)
    scene.solid(spout, rgb("#c9ccd0"), 0.008, 0.4, metal=0.8)


def sorted_box(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of two corners."""
    return min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])


def cassette_player(
    seed: int,
    colour: Colour = "#26272b",
    trim: Colour = "#b9bcc0",
    boombox: bool = True,
    top: float = 0.30,
    table: Colour = "#a5794e",
) -> Image.Image:
    """A portable stereo (or a deck): loudspeakers, a cassette behind a window, keys, a dial."""
    scene = Scene(seed)
    scene.canvas[:] = rgb("#cfc9bd")
    scene.canvas *= (1 + 0.03 * scene.noise(3))[..., None]
    wall = scene.canvas.copy()
    scene.wood(table, 4)
    scene.canvas = np.where((scene.y > 0.70)[..., None], scene.canvas, wall)
    scene.darken(np.exp(-((scene.y - 0.70) ** 2) / 0.0004), 0.25)
    scene.blur(0.004)
    left, right, bottom = 0.05, 0.95, 0.83
    if boombox:
        handle = scene.line([(0.16, top + 0.03), (0.18, top - 0.13), (0.82, top - 0.13), (0.84, top + 0.03)], 0.032)
        scene.shadow(handle, 0.02, 0.02, 0.015, 0.3)
        scene.solid(handle, trim, 0.016, 0.35, metal=0.35)
        antenna = scene.line([(0.80, top), (0.965, 0.03)], 0.007)
        scene.solid(antenna, rgb("#d5d7da"), 0.004, 0.4, metal=0.6)
    scene.shadow(scene.box(left, top + 0.2, right, bottom, 0.02), 0.02, 0.035, 0.025, 0.6)
    scene.solid(scene.box(left, top, right, bottom, 0.022), colour, 0.018, 0.25, texture=0.02)
    scene.solid(scene.box(left + 0.02, top + 0.02, right - 0.02, top + 0.115, 0.006), trim, 0.005, 0.15, metal=0.25)
    _tuner(scene, left + 0.05, top + 0.035, right - 0.30, top + 0.10)
    for k in range(3):
        _knob(scene, right - 0.225 + 0.08 * k, top + 0.067, 0.030)
    if boombox:
        for cx in (0.215, 0.785):
            _speaker(scene, cx, (top + 0.12 + bottom) / 2, 0.145)
        _cassette(scene, 0.378, top + 0.145, 0.622, top + 0.345)
        _keys(scene, 0.372, top + 0.38, 0.628, top + 0.445)
        for k in range(7):
            for row in range(2):
                scene.paint(
                    scene.box(
                        0.385 + 0.034 * k, bottom - 0.062 + 0.022 * row, 0.408 + 0.034 * k, bottom - 0.052 + 0.022 * row
                    ),
                    trim,
                    0.7,
                )
    else:
        _cassette(scene, 0.09, top + 0.145, 0.40, top + 0.37)
        _cassette(scene, 0.60, top + 0.145, 0.91, top + 0.37)
        _keys(scene, 0.09, top + 0.40, 0.40, top + 0.465)
        _keys(scene, 0.60, top + 0.40, 0.91, top + 0.465)
        _meters(scene, 0.425, top + 0.16, 0.575, top + 0.30)
        for k in range(3):
            _knob(scene, 0.45 + 0.05 * k, top + 0.42, 0.02)
    return scene.photograph(vignette=0.22)


def _cassette(scene: Scene, left: float, top: float, right: float, bottom: float) -> None:
    w, h = right - left, bottom - top
    scene.solid(
        scene.box(left - 0.012, top - 0.012, right + 0.012, bottom + 0.012, 0.008),
        rgb("#8c8f94"),
        0.008,
        0.3,
        metal=0.4,
    )
    scene.paint(scene.box(left, top, right, bottom, 0.006), rgb("#121316"))
    scene.solid(
        scene.box(left + 0.06 * w, top + 0.10 * h, right - 0.06 * w, bottom - 0.08 * h, 0.008),
        rgb("#d9d3c2"),
        0.006,
        0.1,
    )
    scene.paint(scene.box(left + 0.10 * w, top + 0.15 * h, right - 0.10 * w, top + 0.34 * h), rgb("#f4f1e8"))
    scene.paint(scene.lines([[(left + 0.14 * w, top + f * h), (right - 0.2 * w, top + f * h)] for f in (0.21, 0.28)], 0.003),
                rgb("#39465e"), 0.8)  # fmt: skip
    scene.paint(scene.box(left + 0.10 * w, top + 0.36 * h, right - 0.10 * w, top + 0.42 * h), rgb("#d2542a"))
    scene.paint(scene.box(left + 0.16 * w, top + 0.45 * h, right - 0.16 * w, top + 0.76 * h, 0.01), rgb("#2a2524"))
    for cx, wound in ((left + 0.32 * w, 0.19), (right - 0.32 * w, 0.13)):
        cy = top + 0.605 * h
        scene.paint(
            scene.ellipse(cx, cy, wound * w)
            * scene.box(left + 0.16 * w, top + 0.45 * h, right - 0.16 * w, top + 0.76 * h),
            rgb("#54392a"),
        )
        scene.solid(scene.ellipse(cx, cy, 0.085 * w), rgb("#f1efe9"), 0.01, 0.2)
        scene.paint(scene.ellipse(cx, cy, 0.05 * w), rgb("#1a1a1c"))
        teeth = [
            [(cx, cy), (cx + 0.075 * w * np.cos(a), cy + 0.075 * w * np.sin(a))] for a in np.arange(6) * np.pi / 3 + 0.3
        ]
        scene.paint(scene.lines(teeth, 0.004), rgb("#1a1a1c"))
    glare = scene.polygon([(left, top), (left + 0.45 * w, top), (left + 0.1 * w, bottom), (left, bottom)])
    scene.paint(glare, (1, 1, 1), 0.10)


def _speaker(scene: Scene, x: float, y: float, r: float) -> None:
    scene.solid(scene.ellipse(x, y, r), rgb("#9a9da2"), 0.014, 0.4, metal=0.6)
    scene.paint(scene.ellipse(x, y, r * 0.91), rgb("#17181a"))
    distance = np.hypot(scene.x - x, scene.y - y) / r
    cone = 0.10 + 0.12 * np.clip(1 - distance, 0, 1) + 0.05 * (y - scene.y) / r
    scene.paint(scene.ellipse(x, y, r * 0.84), np.clip(cone, 0, 1)[..., None] * np.ones(3))
    scene.solid(scene.ellipse(x, y, r * 0.30), rgb("#2c2d31"), 0.03, 0.5)
    holes = (np.sin(scene.x * 260) * np.sin(scene.y * 260)) ** 2
    scene.darken(scene.ellipse(x, y, r * 0.91) * (holes > 0.45), -0.55)


def _keys(scene: Scene, left: float, top: float, right: float, bottom: float) -> None:
    pitch = (right - left) / 6
    for k in range(6):
        key = scene.box(left + pitch * k + 0.003, top, left + pitch * (k + 1) - 0.003, bottom, 0.005)
        scene.solid(key, rgb("#b23a2e") if k == 0 else rgb("#c4c7cb"), 0.010, 0.3, metal=0.25)
        scene.darken(scene.box(left + pitch * (k + 0.35), top + 0.02, left + pitch * (k + 0.65), top + 0.032), 0.6)


def _knob(scene: Scene, x: float, y: float, r: float) -> None:
    knob = scene.ellipse(x, y, r)
    scene.shadow(knob, 0.008, 0.012, 0.006, 0.5)
    scene.solid(knob, rgb("#55585d"), 0.010, 0.4, metal=0.4)
    scene.solid(scene.ellipse(x, y, r * 0.72), rgb("#c0c3c7"), 0.006, 0.3, metal=0.3)
    scene.paint(scene.line([(x, y), (x - r * 0.4, y - r * 0.55)], 0.005), rgb("#222326"))


def _tuner(scene: Scene, left: float, top: float, right: float, bottom: float) -> None:
    scene.paint(scene.box(left, top, right, bottom, 0.004), rgb("#101418"))
    ticks = [
        [(px, top + 0.012), (px, top + (0.032 if k % 5 else 0.042))]
        for k, px in enumerate(np.linspace(left + 0.02, right - 0.02, 36))
    ]
    scene.paint(scene.lines(ticks, 0.002), rgb("#d9e7e0"))
    scene.paint(
        scene.line(
            [(left + 0.38 * (right - left), top + 0.006), (left + 0.38 * (right - left), bottom - 0.006)], 0.005
        ),
        rgb("#e0422e"),
    )


def _meters(scene: Scene, left: float, top: float, right: float, bottom: float) -> None:
    scene.paint(scene.box(left, top, right, bottom, 0.004), rgb("#0d1114"))
    for row in range(2):
        lit = int(scene.rng.integers(5, 10))
        for k in range(10):
            tint = rgb("#4ad06a") if k < 7 else rgb("#e2452f")
            y0 = top + 0.02 + 0.055 * row
            x0 = left + 0.012 + (right - left - 0.024) * k / 10
            scene.paint(scene.box(x0, y0, x0 + 0.009, y0 + 0.035), tint * (1.0 if k < lit else 0.25))
