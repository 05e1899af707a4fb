"""A garbage truck at work in a street, rendered."""

from __future__ import annotations

import numpy as np
from PIL import Image

from semcom_core.drawing.scene import Colour, Scene, rgb


def garbage_truck(
    seed: int,
    body: Colour = "#2f7d46",
    cab: Colour = "#eceae4",
    x: float = 0.07,
    foot: float = 0.80,
    length: float = 0.86,
    houses: bool = True,
) -> Image.Image:
    """A rear loader from its side: hopper, ribbed body, cab, six wheels."""
    scene = Scene(seed)
    scene.sky(rgb("#5b8fce"), rgb("#cfdfee"), 0.5)
    scene.trees(0.60, 0.20)
    if houses:
        _houses(scene)
    scene.grass(0.60, rgb("#66803f"), rgb("#7f965a"), 2500)
    scene.ground(0.70, rgb("#6c6b6a"), rgb("#85837f"))
    scene.paint(scene.box(-0.1, 0.685, 1.1, 0.712), rgb("#b3afa6"))
    scene.blur(0.006)

    def at(px: float, py: float) -> tuple[float, float]:
        """Fractions of the truck's length from its tail, and of the same length above the road."""
        return x + px * length, foot - py * length

    shade = scene.box(*at(0.0, 0.05), *at(1.0, -0.030), 0.03)
    scene.shadow(shade, 0.01, 0.0, 0.014, 0.8)
    scene.solid(scene.box(*at(0.04, 0.16), *at(0.97, 0.085), 0.004), rgb("#26272a"), 0.01, 0.1)
    # Body: a long box with ribs, slightly domed above.
    body = rgb(body)
    hull = scene.polygon(
        [at(0.17, 0.14), at(0.70, 0.14), at(0.70, 0.515), at(0.66, 0.545), at(0.22, 0.55), at(0.17, 0.52)]
    )
    scene.solid(hull, body, 0.02, 0.22, texture=0.05)
    scene.solid(
        scene.polygon([at(0.18, 0.52), at(0.70, 0.515), at(0.67, 0.55), at(0.22, 0.555)]),
        np.clip(body * 1.25, 0, 1),
        0.01,
        0.2,
    )
    for px in np.linspace(0.215, 0.68, 8):
        rib = scene.box(*at(px, 0.52), *at(px + 0.016, 0.15), 0.002)
        scene.shadow(rib, 0.006, 0.0, 0.004, 0.35)
        scene.solid(rib, np.clip(body * 1.05, 0, 1), 0.006, 0.2)
    scene.solid(scene.box(*at(0.17, 0.345), *at(0.70, 0.325)), np.clip(body * 0.85, 0, 1), 0.004, 0.1)
    badge = scene.ellipse(*at(0.455, 0.43), 0.052 * length)
    scene.paint(badge, rgb("#f3f2ec"))
    _recycling(scene, *at(0.455, 0.43), 0.034 * length, body)
    # Hopper at the tail: slanted, open, with rams.
    tail = scene.polygon(
        [at(0.185, 0.54), at(0.06, 0.50), at(-0.005, 0.36), at(-0.015, 0.15), at(0.05, 0.085), at(0.185, 0.12)]
    )
    scene.shadow(tail, 0.008, 0.0, 0.008, 0.35)
    scene.solid(tail, np.clip(body * 0.93, 0, 1), 0.02, 0.22, texture=0.06)
    scene.solid(
        scene.polygon([at(-0.012, 0.33), at(0.07, 0.31), at(0.085, 0.17), at(-0.014, 0.165)]),
        rgb("#1d1f20"),
        0.012,
        0.05,
    )
    for _ in range(14):  # rubbish bags in the hopper
        px, py = scene.rng.uniform(0.0, 0.066), scene.rng.uniform(0.18, 0.235)
        tint = (rgb("#2b2c30"), rgb("#d8d6cf"), rgb("#3b5f8f"), rgb("#16171a"))[int(scene.rng.integers(4))]
        scene.solid(scene.ellipse(*at(px, py), 0.022 * length, 0.018 * length), tint, 0.014, 0.35, texture=0.12)
    scene.solid(scene.line([at(0.075, 0.46), at(0.155, 0.20)], 0.018), rgb("#b9bcc0"), 0.009, 0.4, metal=0.7)
    scene.solid(scene.line([at(0.03, 0.40), at(0.045, 0.30)], 0.012), rgb("#e3b21c"), 0.006, 0.2)
    for k in range(7):  # warning stripes on the sill
        stripe = scene.polygon(
            [
                at(-0.012 + 0.028 * k, 0.118),
                at(0.002 + 0.028 * k, 0.118),
                at(0.012 + 0.028 * k, 0.148),
                at(-0.002 + 0.028 * k, 0.148),
            ]
        )
        scene.paint(stripe, rgb("#e3b21c") if k % 2 else rgb("#c8372d"))
    _cab(scene, at, rgb(cab), length)
    for px in (0.245, 0.375, 0.845):
        _wheel(scene, *at(px, 0.073), 0.078 * length)
    scene.solid(scene.box(*at(0.44, 0.15), *at(0.60, 0.075), 0.01), rgb("#8d9094"), 0.02, 0.3, metal=0.3)
    bin_ = scene.polygon([at(-0.075, 0.20), at(-0.018, 0.20), at(-0.025, 0.02), at(-0.068, 0.02)])
    scene.shadow(bin_, 0.01, 0.01, 0.01, 0.5)
    scene.solid(bin_, rgb("#3a5a86"), 0.012, 0.15)
    scene.solid(scene.box(*at(-0.082, 0.215), *at(-0.010, 0.195), 0.004), rgb("#2d4668"), 0.006, 0.2)
    return scene.photograph(vignette=0.16)


def _cab(scene: Scene, at, colour: np.ndarray, length: float) -> None:
    shell = scene.polygon([at(0.715, 0.12), at(0.715, 0.44), at(0.735, 0.47), at(0.93, 0.465), at(0.955, 0.43), at(0.985, 0.28),
                           at(0.99, 0.10), at(0.72, 0.10)])  # fmt: skip
    scene.shadow(shell, -0.008, 0.0, 0.008, 0.4)
    scene.solid(shell, colour, 0.022, 0.3)
    door = [at(0.755, 0.13), at(0.755, 0.435), at(0.88, 0.435), at(0.915, 0.29), at(0.915, 0.17)]
    scene.darken(scene.lines([[*door, door[0]]], 0.0035), 0.6)
    glass = np.clip(0.30 + 0.55 * (scene.x - scene.y + 0.1) + 0.05 * scene.noise(5), 0.08, 0.8)[..., None] * rgb(
        "#9db4c8"
    )
    scene.paint(scene.polygon([at(0.77, 0.42), at(0.87, 0.42), at(0.895, 0.30), at(0.77, 0.30)]), glass)
    scene.paint(scene.polygon([at(0.905, 0.435), at(0.945, 0.43), at(0.975, 0.295), at(0.93, 0.30)]), glass * 1.15)
    scene.paint(scene.line([at(0.775, 0.245), at(0.80, 0.245)], 0.008), rgb("#2a2a2c"))
    mirror = scene.box(*at(0.955, 0.40), *at(0.975, 0.32), 0.004)
    scene.solid(mirror, rgb("#222326"), 0.006, 0.3)
    scene.solid(scene.box(*at(0.93, 0.135), *at(1.0, 0.075), 0.006), rgb("#4a4c50"), 0.008, 0.2)
    scene.solid(scene.ellipse(*at(0.975, 0.165), 0.020 * length, 0.018 * length), rgb("#f3efd8"), 0.012, 0.6)
    scene.solid(scene.box(*at(0.955, 0.205), *at(0.985, 0.192), 0.002), rgb("#e8861c"), 0.004, 0.4)
    for px in (0.78, 0.87):
        scene.solid(scene.box(*at(px, 0.495), *at(px + 0.035, 0.468), 0.005), rgb("#f09a1c"), 0.008, 0.5)


def _wheel(scene: Scene, x: float, y: float, r: float) -> None:
    arch = scene.ellipse(x, y - 0.01, r * 1.18) * (scene.y < y + 0.3 * r)
    scene.paint(arch, rgb("#161718"))
    scene.solid(scene.ellipse(x, y, r), rgb("#232426"), 0.02, 0.12, texture=0.08)
    scene.paint(scene.ellipse(x, y, r * 0.62), rgb("#131415"))
    scene.solid(scene.ellipse(x, y, r * 0.58), rgb("#b8bbbe"), 0.014, 0.3, metal=0.4)
    scene.paint(scene.ellipse(x, y, r * 0.36), rgb("#606368"))
    scene.solid(scene.ellipse(x, y, r * 0.24), rgb("#caccce"), 0.012, 0.3, metal=0.4)
    for a in np.arange(8) * np.pi / 4:
        scene.paint(scene.ellipse(x + 0.46 * r * np.cos(a), y + 0.46 * r * np.sin(a), r * 0.055), rgb("#3a3c40"))


def _recycling(scene: Scene, x: float, y: float, r: float, colour: np.ndarray) -> None:
    """Three arrows in a ring."""
    for k in range(3):
        a0 = 2 * np.pi * k / 3 - 0.5
        arc = [(x + r * np.cos(a), y + r * np.sin(a)) for a in np.linspace(a0, a0 + 1.25, 8)]
        scene.paint(scene.lines([arc], 0.32 * r), colour * 0.9)
        tip = a0 + 1.25
        head = [
            (x + q * r * np.cos(tip + t), y + q * r * np.sin(tip + t)) for q, t in ((1.38, 0), (0.62, 0), (1.0, 0.55))
        ]
        scene.paint(scene.polygon(head), colour * 0.9)


def _houses(scene: Scene) -> None:
    left = -0.06
    while left < 1.0:
        width, height = scene.rng.uniform(0.22, 0.34), scene.rng.uniform(0.16, 0.24)
        tint = (rgb("#b98a70"), rgb("#d8cfbc"), rgb("#a8b0b4"), rgb("#c9a88a"))[int(scene.rng.integers(4))]
        roof = (rgb("#6a4638"), rgb("#55575c"))[int(scene.rng.integers(2))]
        base = 0.62
        scene.paint(
            scene.box(left, base - height, left + width, base),
            (tint * (1 + 0.04 * scene.noise(20))[..., None]).clip(0, 1),
        )
        scene.paint(
            scene.polygon(
                [
                    (left - 0.02, base - height),
                    (left + width / 2, base - height - 0.11),
                    (left + width + 0.02, base - height),
                ]
            ),
            roof,
        )
        for k in range(3):
            px = left + width * (0.18 + 0.27 * k)
            scene.paint(scene.box(px, base - 0.75 * height, px + 0.12 * width, base - 0.4 * height), rgb("#e6e3da"))
            scene.paint(
                scene.box(px + 0.006, base - 0.73 * height, px + 0.12 * width - 0.006, base - 0.42 * height),
                rgb("#4b5866"),
            )
        left += width + scene.rng.uniform(0.03, 0.12)
