"""Golf balls, parachutes and churches, rendered. Each function is one picture for one seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree

from semcom_core.drawing.scene import LIGHT, SIDE, Colour, Scene, rgb


def golf_ball(
    seed: int,
    x: float = 0.5,
    y: float = 0.55,
    radius: float = 0.3,
    horizon: float = 0.2,
    near: Colour = "#537a30",
    tee: bool = False,
    dimples: int = 330,
) -> Image.Image:
    """A dimpled ball on a lawn (or on a tee), the background out of focus."""
    scene = Scene(seed)
    scene.sky(clouds=0.4)
    scene.trees(horizon + 0.01, 0.18)
    scene.grass(horizon, near, rgb(near) * 1.25)
    scene.blur(0.012, np.clip((y + 0.6 * radius - scene.y) / 0.25, 0, 1))
    foot = y + radius * (0.93 if not tee else 1.0)
    if tee:
        peg = scene.polygon([(x - 0.075, foot - 0.01), (x + 0.075, foot - 0.01), (x + 0.02, foot + 0.09),
                             (x + 0.016, 1.0), (x - 0.016, 1.0), (x - 0.02, foot + 0.09)])  # fmt: skip
        scene.solid(peg, rgb("#d8b47a"), 0.03)
    else:
        spread = ((scene.x - x - 0.25 * radius) / (1.15 * radius)) ** 2 + ((scene.y - foot) / (0.30 * radius)) ** 2
        scene.darken(np.exp(-(spread**1.2)), 0.72)
    _sphere(scene, x, y, radius, near, dimples)
    if not tee:
        _blades(scene, x, foot, radius, near)
    return scene.photograph()


def _sphere(scene: Scene, x: float, y: float, radius: float, bounce: Colour, dimples: int) -> None:
    u, v = (scene.x - x) / radius, (scene.y - y) / radius
    inside = u**2 + v**2 < 1
    w = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
    normal = np.stack([u, v, w], -1)
    # Dimple centres: Fibonacci's spiral covers a sphere almost hexagonally; turned at random.
    k = np.arange(dimples) + 0.5
    polar, around = np.arccos(1 - 2 * k / dimples), np.pi * (1 + 5**0.5) * k
    centres = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1)
    centres = centres @ np.linalg.qr(scene.rng.normal(size=(3, 3)))[0]
    distance, nearest = cKDTree(centres).query(normal.reshape(-1, 3))
    reach = 1.62 / np.sqrt(dimples)
    t = (distance / reach).reshape(SIDE, SIDE)
    away = (normal.reshape(-1, 3) - centres[nearest]).reshape(SIDE, SIDE, 3)
    # Steepest just inside the rim: the near wall looks away from the centre's normal.
    slope = np.where(t < 1, 3.4 * t * (1 - t**4), 0.0) / reach * 0.26
    bent = normal - away * slope[..., None]
    bent /= np.linalg.norm(bent, axis=-1, keepdims=True)
    light = LIGHT / np.linalg.norm(LIGHT)
    lambert = np.clip(bent @ light, 0, None)
    shadowed = 0.36 + 0.24 * np.clip(-bent[..., 1], -1, 1) + 0.72 * lambert
    half = (light + [0, 0, 1]) / np.linalg.norm(light + [0, 0, 1])
    shine = np.clip(bent @ half, 0, None) ** 60 * 0.45
    green = np.clip(bent[..., 1], 0, 1)[..., None] * rgb(bounce) * 0.38
    body = shadowed[..., None] * np.array([1.0, 0.99, 0.96]) + green + shine[..., None]
    body = body * np.where(t < 1, 1 - 0.06 * (1 - t), 1.0)[..., None]
    edge = np.clip((1 - np.sqrt(u**2 + v**2)) * radius * SIDE + 0.5, 0, 1)
    scene.paint(edge * np.where(inside, 1, edge), np.clip(body, 0, 1))


def _blades(scene: Scene, x: float, foot: float, radius: float, colour: Colour) -> None:
    """Grass in front of the ball's foot."""
    for shade in (0.6, 0.9, 1.25):
        many = []
        for _ in range(45):
            root = x + scene.rng.uniform(-1.1, 1.1) * radius
            base, tip = foot + scene.rng.uniform(0.02, 0.16) * radius, scene.rng.uniform(0.12, 0.34) * radius
            lean = scene.rng.normal(0, 0.35) * tip
            many.append([(root, base), (root + 0.4 * lean, base - 0.6 * tip), (root + lean, base - tip)])
        scene.paint(scene.lines(many, 0.0042), np.clip(rgb(colour) * shade, 0, 1), 0.95)


CANOPIES = {
    "red": ("#c8202c", "#f2f0ea"),
    "rainbow": ("#d7263d", "#f49d37", "#f4e04d", "#3fa34d", "#2e6fba", "#6a3d9a"),
    "blue": ("#1c4fa0", "#f4c20d"),
    "olive": ("#6d7148", "#7d8156"),
    "orange": ("#f0701a", "#fdfdf8"),
}


def parachute(
    seed: int,
    colours: str = "red",
    x: float = 0.48,
    y: float = 0.33,
    radius: float = 0.29,
    pitch: float = -0.38,
    gores: int = 20,
    clouds: float = 0.35,
    sky: tuple[str, str] = ("#2f6cc0", "#9fc6ec"),
) -> Image.Image:
    """A round canopy in the sky, seen from below, with its lines and a jumper."""
    scene = Scene(seed)
    scene.sky(rgb(sky[0]), rgb(sky[1]), clouds)
    tilt = scene.rng.uniform(-0.12, 0.12)
    feet = (x + 1.3 * tilt * radius, y + 1.72 * radius)
    cos, sin = np.cos(tilt), np.sin(tilt)
    u0, v0 = (scene.x - x) / radius, (scene.y - y) / radius
    u, v = u0 * cos + v0 * sin, (-u0 * sin + v0 * cos) / 0.86
    inside = u**2 + v**2 < 1
    w = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
    palette = np.array([rgb(code) for code in CANOPIES[colours]])

    rim = []
    for angle in np.linspace(0, 2 * np.pi, gores, endpoint=False):  # where the lines are tied on
        sx, sy = np.sin(angle), 0.86 * np.cos(angle) * np.sin(pitch)
        rim.append((x + radius * (sx * cos - sy * sin), y + radius * (sx * sin + sy * cos)))

    for side in (-1, 1):  # the far side first: of it one sees the inside
        depth = side * w
        up = -v * np.cos(pitch) + depth * np.sin(pitch)
        out = v * np.sin(pitch) + depth * np.cos(pitch)
        around = np.arctan2(u, out)
        gore = around / (2 * np.pi) * gores
        within = np.abs((gore % 1.0) - 0.5) * 2  # 0 in the middle of a gore, 1 at a seam
        hem = 0.06 * (1 - within**2)
        vent = up > 0.985
        mask = (inside & (up > -0.02 + hem) & ~vent).astype(float)
        cloth = palette[np.floor(gore).astype(int) % len(palette)]
        puff = 1 - 0.22 * within**3
        if side < 0:
            tone = (0.50 + 0.25 * up) * puff
        else:
            lit = np.clip(u * LIGHT[0] + v * LIGHT[1] + depth * LIGHT[2], 0, 1)
            tone = (0.62 + 0.55 * lit) * puff
        tone = tone * (1 + 0.03 * scene.noise(10))
        seams = np.where(within > 0.94, 0.82, 1.0)
        scene.paint(mask, np.clip(cloth * (tone * seams)[..., None], 0, 1))
    scene.paint(scene.lines([[p, (feet[0], feet[1] - 0.05)] for p in rim], 0.0018), rgb("#3a3a40"), 0.75)
    _jumper(scene, *feet, size=0.42 * radius)
    return scene.photograph(vignette=0.12)


def ram_air(seed: int, colours: str = "rainbow", x: float = 0.5, y: float = 0.34, span: float = 0.4, clouds: float = 0.3,
            sky: tuple[str, str] = ("#3a76c6", "#b4d2ee")) -> Image.Image:  # fmt: skip
    """A sport parachute: a curved wing of cells, with its lines and a jumper."""
    scene = Scene(seed)
    scene.sky(rgb(sky[0]), rgb(sky[1]), clouds)
    palette = [rgb(code) for code in CANOPIES[colours]]
    cells, bank = 18, scene.rng.uniform(-0.2, 0.2)
    turn = np.array([[np.cos(bank), -np.sin(bank)], [np.sin(bank), np.cos(bank)]])

    def at(angle: float, r: float) -> tuple[float, float]:
        px, py = turn @ np.array([1.25 * r * np.sin(angle), 0.80 * (1 - r * np.cos(angle)) - 0.3])
        return x + span * px, y + span * py

    half = 0.88
    edges = np.linspace(-half, half, cells + 1)
    rim = []
    for left, right in pairwise(edges):
        middle = (left + right) / 2
        colour = palette[int((middle + half) / (2 * half) * len(palette) * 0.999) % len(palette)]
        lower = [at(a, 0.80 - 0.03 * np.sin(np.pi * (a - left) / (right - left))) for a in np.linspace(left, right, 6)]
        upper = [at(a, 1.10 + 0.022 * np.sin(np.pi * (a - left) / (right - left))) for a in np.linspace(right, left, 6)]
        cell = scene.polygon([*lower, *upper])
        scene.solid(cell, colour * (0.95 + 0.12 * np.cos(middle * 1.5 + 0.6)), 0.018, 0.12, texture=0.02)
        mouth = scene.polygon(
            [at(left + 0.012, 0.80), at(right - 0.012, 0.80), at(right - 0.012, 0.86), at(left + 0.012, 0.86)]
        )
        scene.paint(mouth, colour * 0.30, 0.85)
        rim += [at(left, 0.81), at(middle, 0.97)]
    feet = (x + 0.25 * bank, y + 1.18 * span)
    scene.paint(scene.lines([[p, (feet[0] + (0.02 if p[0] > feet[0] else -0.02), feet[1] - 0.07)] for p in rim], 0.0016),
                rgb("#40424a"), 0.7)  # fmt: skip
    _jumper(scene, *feet, size=0.40 * span)
    return scene.photograph(vignette=0.12)


def _jumper(scene: Scene, x: float, y: float, size: float) -> None:
    """A person in harness hanging at (x, y), ``size`` tall."""
    suit, skin = rgb("#26303f"), rgb("#b98a68")

    def limb(points: list[tuple[float, float]], width: float, colour: np.ndarray) -> None:
        scene.solid(scene.line([(x + px * size, y + py * size) for px, py in points], width * size), colour, 0.01, 0.1)

    limb([(-0.08, -0.20), (-0.22, -0.50)], 0.09, suit)
    limb([(0.08, -0.20), (0.22, -0.50)], 0.09, suit)
    limb([(0, -0.18), (0, 0.15)], 0.24, suit)
    limb([(-0.05, 0.15), (-0.10, 0.40), (-0.08, 0.62)], 0.12, suit * 0.8)
    limb([(0.05, 0.15), (0.13, 0.38), (0.15, 0.60)], 0.12, suit * 0.8)
    limb([(0, -0.36), (0, -0.34)], 0.17, skin)
    limb([(0, -0.40), (0, -0.39)], 0.19, rgb("#c33333"))
