"""Churches, rendered: a white wooden one, a stone one and a brick one."""

from __future__ import annotations

import numpy as np
from PIL import Image

from semcom_core.drawing.scene import SIDE, Colour, Scene, rgb

WALLS = {
    "wood": ("#eceae2", "#5a5d63"),
    "stone": ("#b3a68f", "#5d5148"),
    "brick": ("#9a4f3c", "#4b4c50"),
    "plaster": ("#e9dfc4", "#a6502f"),
}
"""Name -> colours of wall and roof."""


def church(
    seed: int,
    wall: str = "wood",
    x: float = 0.34,
    base: float = 0.84,
    scale: float = 0.82,
    clouds: float = 0.45,
    sky: tuple[str, str] = ("#3f78c4", "#c3d9ee"),
    trees: bool = True,
) -> Image.Image:
    """A steeple in front, the nave running back to the right, trees and a lawn.

    Args:
        x, base: where the tower stands (centre, foot).
        scale: 0.82 fills the frame's height.
    """
    scene = Scene(seed)
    scene.sky(rgb(sky[0]), rgb(sky[1]), clouds)
    if trees:
        scene.trees(base, 0.15)
    scene.grass(base - 0.01, rgb("#5b7a37"), rgb("#7f9a55"), 7000)

    def at(px: float, py: float) -> tuple[float, float]:
        return x + px * scale, base - py * scale

    colour, roof = (rgb(code) for code in WALLS[wall])
    front, side = _masonry(scene, wall, colour * 1.03), _masonry(scene, wall, colour * 0.74)
    path = scene.polygon([at(-0.03, 0.0), at(0.05, 0.0), (x + 0.22, 1.02), (x - 0.10, 1.02)])
    scene.paint(path, (rgb("#b5a88f") * (1 + 0.08 * scene.noise(10))[..., None]).clip(0, 1), 0.9)

    scene.shadow(scene.polygon([at(-0.20, 0), at(0.62, 0), at(0.58, 0.10), at(-0.14, 0.10)]), 0.03, 0.04, 0.02, 0.55)
    # Nave: side wall, gable front, roof.
    scene.paint(scene.polygon([at(0.17, 0), at(0.60, 0.035), at(0.60, 0.24), at(0.17, 0.27)]), side)
    slates = (roof * (1 + 0.07 * np.sign(np.sin(scene.y * 330 + 1.5 * scene.x)) + 0.08 * scene.noise(30, 4, 0.7)
                      )[..., None]).clip(0, 1)  # fmt: skip
    scene.paint(scene.polygon([at(0.0, 0.455), at(0.185, 0.262), at(0.625, 0.232), at(0.47, 0.39)]), slates * 0.95)
    scene.paint(scene.polygon([at(-0.17, 0), at(0.17, 0), at(0.17, 0.27), at(0.0, 0.45), at(-0.17, 0.27)]), front)
    eaves = scene.lines([[at(-0.195, 0.245), at(0.0, 0.457), at(0.192, 0.258)]], 0.014 * scale)
    scene.solid(eaves, roof * 0.9 if wall != "wood" else rgb("#f4f3ee"), 0.006, 0.1)
    scene.darken(scene.lines([[at(0.18, 0.253), at(0.61, 0.224)]], 0.012 * scale), 0.45)
    for k in range(4):
        px = 0.225 + 0.095 * k * (1 - 0.03 * k)
        _window(scene, at, px, 0.085 + 0.01 * k, 0.022, 0.10, wall)
    for px in (-0.125, 0.125):
        _window(scene, at, px, 0.08, 0.022, 0.115, wall)

    # Tower, belfry, spire.
    scene.paint(scene.polygon([at(0.085, 0), at(0.115, 0.01), at(0.115, 0.585), at(0.085, 0.60)]), side)
    scene.paint(scene.polygon([at(-0.085, 0), at(0.085, 0), at(0.085, 0.60), at(-0.085, 0.60)]), front * 1.02)
    for height in (0.40, 0.595):
        cornice = scene.polygon([at(-0.097, height), at(0.097, height), at(0.123, height + 0.004),
                                 at(0.123, height + 0.018), at(-0.097, height + 0.022)])  # fmt: skip
        scene.shadow(cornice, 0.0, 0.012, 0.006, 0.35)
        scene.solid(cornice, np.clip(colour * 1.12, 0, 1), 0.006, 0.05)
    _louvres(scene, at, -0.035, 0.435, 0.030, 0.12, wall)
    _louvres(scene, at, 0.035, 0.435, 0.030, 0.12, wall)
    clock = scene.ellipse(*at(0, 0.345), 0.034 * scale)
    scene.paint(clock, rgb("#26282c"))
    scene.paint(scene.ellipse(*at(0, 0.345), 0.028 * scale), rgb("#f2efe4"))
    scene.paint(scene.lines([[at(0, 0.345), at(0, 0.367)], [at(0, 0.345), at(0.014, 0.338)]], 0.005), rgb("#202020"))
    spire_dark, spire_light = roof * 0.62, np.clip(roof * 1.15, 0, 1)
    scene.paint(scene.polygon([at(-0.095, 0.615), at(0.05, 0.615), at(0.006, 0.965)]), spire_light)
    scene.paint(scene.polygon([at(0.045, 0.615), at(0.12, 0.612), at(0.006, 0.965)]), spire_dark)
    scene.paint(scene.lines([[at(0.006, 0.955), at(0.006, 1.02)], [at(-0.014, 0.997), at(0.026, 0.997)]], 0.007),
                rgb("#c9a23a") * 0.9)  # fmt: skip

    _door(scene, at, wall)
    # Bushes hide where wall meets lawn.
    for px in np.concatenate([scene.rng.uniform(-0.2, -0.09, 4), scene.rng.uniform(0.12, 0.6, 9)]):
        r = scene.rng.uniform(0.02, 0.036) * scale
        bush = scene.ellipse(*at(px, 0.012), r * 1.3, r)
        leaves = rgb("#3b5a2b") * (1 + 0.35 * scene.noise(40, 3, 0.7))[..., None]
        scene.solid(bush, leaves.clip(0, 1), r, 0.0)
    return scene.photograph(vignette=0.14, blur=0.7)


def _masonry(scene: Scene, wall: str, colour: Colour) -> np.ndarray:
    """A whole canvas (SIDE,SIDE,3) of clapboard, stone, brick or plaster."""
    tone = 1 + 0.04 * scene.noise(4) + 0.03 * scene.noise(50, 3, 0.8)
    if wall == "wood":
        tone = tone * (1 - 0.16 * (((scene.y * 110) % 1.0) < 0.22))
    if wall in {"brick", "stone"}:
        rows, across = (64, 30) if wall == "brick" else (34, 20)
        row = np.floor(scene.y * rows)
        column = scene.x * across + 0.5 * (row % 2)
        cell = scene.rng.uniform(0.82, 1.14, (rows + 1, across + 2))[row.astype(int), column.astype(int)]
        joint = ((scene.y * rows) % 1 < 0.15) | (column % 1 < 0.09)
        tone = tone * np.where(joint, 1.18 if wall == "brick" else 0.84, cell)
    return np.clip(rgb(colour) * tone[..., None], 0, 1)


def _arch(at, px: float, foot: float, half: float, height: float) -> list[tuple[float, float]]:
    """Outline of a round-headed opening."""
    top = [at(px + half * np.cos(a), foot + height - half + half * np.sin(a)) for a in np.linspace(0, np.pi, 14)]
    return [at(px + half, foot), *top, at(px - half, foot)]


def _window(scene: Scene, at, px: float, foot: float, half: float, height: float, wall: str) -> None:
    frame = scene.polygon(_arch(at, px, foot - 0.006, half + 0.008, height + 0.014))
    scene.paint(frame, rgb("#f5f3ec") if wall in {"wood", "brick"} else rgb("#d9ceb8"))
    glass = scene.polygon(_arch(at, px, foot, half, height))
    sheen = np.clip(0.22 + 0.5 * (scene.noise(8) > 0.6) * 0.4 + 0.25 * (1 - scene.y), 0, 1)
    scene.paint(glass, sheen[..., None] * rgb("#7d93ad"))
    bars = [
        [at(px, foot), at(px, foot + height)],
        [at(px - half, foot + height * 0.35), at(px + half, foot + height * 0.35)],
        [at(px - half, foot + height * 0.66), at(px + half, foot + height * 0.66)],
    ]
    scene.paint(scene.lines(bars, 0.0035) * glass, rgb("#e9e6dc"))


def _louvres(scene: Scene, at, px: float, foot: float, half: float, height: float, wall: str) -> None:
    opening = scene.polygon(_arch(at, px, foot, half * 0.85, height))
    slats = 0.35 + 0.3 * (((scene.y * SIDE / 5) % 1) > 0.5)
    tint = rgb("#5b6a5e") if wall == "wood" else rgb("#4a443e")
    scene.paint(opening, slats[..., None] * tint * 1.4)


def _door(scene: Scene, at, wall: str) -> None:
    surround = scene.polygon(_arch(at, 0, 0.0, 0.054, 0.205))
    scene.paint(surround, rgb("#f3f1ea") if wall in {"wood", "brick"} else rgb("#d3c7ae"))
    door = scene.polygon(_arch(at, 0, 0.0, 0.042, 0.19))
    scene.solid(door, rgb("#7a2a22") if wall in {"wood", "plaster"} else rgb("#5a3a22"), 0.01, 0.1)
    scene.paint(scene.lines([[at(0, 0), at(0, 0.19)]], 0.004), rgb("#2b1a12"), 0.9)
    for height in (0.05, 0.10, 0.145):
        scene.darken(scene.lines([[at(-0.042, height), at(0.042, height)]], 0.003), 0.4)
    for k in range(3):  # steps
        scene.paint(scene.box(*at(-0.07 - 0.012 * k, -0.004 - 0.011 * k), *at(0.07 + 0.012 * k, -0.015 - 0.011 * k)),
                    rgb("#b9b3a6") * (1.0 - 0.10 * k))  # fmt: skip
