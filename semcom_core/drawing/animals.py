"""Animals, rendered: smooth outlines, fur and light. Each function is one picture for one seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy.interpolate import CubicSpline

from semcom_core.drawing.scene import Colour, Points, Scene, rgb


def smooth(points: Points, steps: int = 160) -> list[tuple[float, float]]:
    """A closed smooth curve through the points."""
    loop = np.asarray([*points, points[0]], float)
    along = np.concatenate([[0], np.cumsum(np.sqrt(np.hypot(*np.diff(loop, axis=0).T)))])
    curve = CubicSpline(along, loop, bc_type="periodic")(np.linspace(0, along[-1], steps, endpoint=False))
    return [(float(x), float(y)) for x, y in curve]


class Figure:
    """A body in a scene: its own coordinates, u to the right and v up, ``scale`` long, at (x, y)."""

    def __init__(self, scene: Scene, x: float, y: float, scale: float, fur: float = 0.10) -> None:
        self.scene, self.x, self.y, self.scale = scene, x, y, scale
        self.coat = 1 + fur * scene.noise(40, 3, 0.7) + 0.5 * fur * scene.noise(6, 3)

    def at(self, u: float, v: float) -> tuple[float, float]:
        return self.x + u * self.scale, self.y - v * self.scale

    def skin(self, mask: np.ndarray, colour: Colour, rounding: float, gloss: float = 0.08) -> None:
        coat = np.clip(rgb(colour) * self.coat[..., None], 0, 1)
        self.scene.solid(mask, coat, rounding * self.scale, gloss, texture=0.05)

    def body(self, points: Points, colour: Colour, rounding: float = 0.1, gloss: float = 0.08) -> np.ndarray:
        """A smooth closed outline, painted; its mask comes back for shadows and marks."""
        mask = self.scene.polygon([self.at(*point) for point in smooth(points)])
        self.skin(mask, colour, rounding, gloss)
        return mask

    def limb(self, points: Points, widths: Sequence[float], colour: Colour) -> None:
        """A leg or a neck: a tapering stroke through the points."""
        line, half = np.asarray(points, float), np.asarray(widths)[:, None] / 2
        joints = [self.scene.ellipse(*self.at(*joint), w * self.scale) for joint, (w,) in zip(line, half, strict=True)]
        mask = np.maximum.reduce(joints)
        for start, end, w, w_end in zip(line, line[1:], half, half[1:], strict=False):
            along = (end - start) / np.hypot(*(end - start))
            across = np.array([-along[1], along[0]])
            sides = (start + w * across, end + w_end * across, end - w_end * across, start - w * across)
            mask = np.maximum(mask, self.scene.polygon([self.at(*side) for side in sides]))
        self.skin(mask, colour, 0.4 * float(np.mean(widths)))

    def spot(self, u: float, v: float, r: float, colour: Colour, ratio: float = 1.0, opacity: float = 1.0) -> None:
        self.scene.paint(self.scene.ellipse(*self.at(u, v), r * self.scale, r * ratio * self.scale), colour, opacity)

    def eye(self, u: float, v: float, r: float, iris: Colour = "#2a1a10", slit: bool = False) -> None:
        self.spot(u, v, 1.25 * r, "#141110")
        self.spot(u, v, r, iris)
        self.spot(u, v, 0.6 * r, "#080808", 1.5 if slit else 1.0)
        self.spot(u - 0.3 * r, v + 0.35 * r, 0.25 * r, "#ffffff", opacity=0.9)


def _meadow(
    scene: Scene, horizon: float, near: Colour = "#577a34", far: Colour = "#7f9a52", height: float = 0.22
) -> None:
    scene.sky(rgb("#8fb4dc"), rgb("#dce8ee"), 0.4)
    scene.trees(horizon + 0.01, height, "#3f5a33")
    scene.grass(horizon, near, far, 7000)
    scene.blur(0.006)


def horse(seed: int, coat: Colour = "#6e3b1e", mane: Colour = "#22150e", x: float = 0.47, y: float = 0.47,
          scale: float = 0.80) -> Image.Image:  # fmt: skip
    """A horse from its side on a meadow."""
    scene = Scene(seed)
    _meadow(scene, 0.50)
    figure, coat, mane = Figure(scene, x, y, scale, 0.05), rgb(coat), rgb(mane)
    scene.shadow(scene.ellipse(*figure.at(0.0, -0.50), 0.40 * scale, 0.035 * scale), 0.02, 0.0, 0.02, 0.55)
    for hip, knee, foot in ((-0.25, -0.30, -0.25), (0.20, 0.23, 0.20)):  # the legs on the far side
        figure.limb([(hip, -0.05), (knee, -0.27), (foot, -0.48)], [0.13, 0.055, 0.045], coat * 0.55)
    figure.limb([(-0.38, 0.10), (-0.45, -0.05), (-0.45, -0.30)], [0.05, 0.08, 0.04], mane)
    figure.body([(-0.39, 0.08), (-0.33, 0.17), (-0.18, 0.18), (0.0, 0.14), (0.16, 0.18), (0.27, 0.14), (0.30, 0.0),
                 (0.22, -0.11), (0.02, -0.14), (-0.18, -0.10), (-0.32, -0.12), (-0.40, -0.03)], coat, 0.14)  # fmt: skip
    figure.limb([(0.22, 0.05), (0.32, 0.24), (0.39, 0.38)], [0.24, 0.17, 0.12], coat)
    figure.limb([(0.38, 0.37), (0.45, 0.30), (0.53, 0.20)], [0.13, 0.11, 0.075], coat)
    figure.spot(0.53, 0.19, 0.035, coat * 0.45, opacity=0.8)
    figure.limb([(0.10, 0.20), (0.24, 0.34), (0.35, 0.47)], [0.05, 0.09, 0.05], mane)
    for u in (0.36, 0.41):
        figure.limb([(u, 0.43), (u + 0.015, 0.51)], [0.05, 0.015], coat * 0.9)
    figure.eye(0.425, 0.365, 0.014)
    for hip, knee, foot in ((-0.31, -0.35, -0.33), (0.24, 0.26, 0.27)):
        figure.limb([(hip, 0.0), (knee, -0.26), (foot, -0.49)], [0.17, 0.06, 0.045], coat * 0.95)
        figure.limb([(foot, -0.46), (foot + 0.015, -0.50)], [0.05, 0.06], mane)
    return scene.photograph(vignette=0.12)


def deer(seed: int, coat: Colour = "#9a6a3c", x: float = 0.46, y: float = 0.53, scale: float = 0.74) -> Image.Image:
    """A stag from its side at the edge of a wood, its head turned to the right."""
    scene = Scene(seed)
    scene.canvas[:] = np.clip(rgb("#4f6238") * (1 + 0.22 * scene.noise(7, 5, 0.6))[..., None], 0, 1)
    for left in scene.rng.uniform(0, 1, 7):
        scene.paint(scene.box(left, -0.1, left + scene.rng.uniform(0.02, 0.05), 0.62), rgb("#3a3226"), 0.8)
    scene.blur(0.016)
    scene.grass(0.55, "#6d8040", "#8a955a", 8000)
    figure, coat = Figure(scene, x, y, scale, 0.08), rgb(coat)
    scene.shadow(scene.ellipse(*figure.at(0.0, -0.48), 0.34 * scale, 0.03 * scale), 0.02, 0.0, 0.02, 0.5)
    for hip, knee, foot in ((-0.22, -0.25, -0.20), (0.15, 0.17, 0.14)):
        figure.limb([(hip, -0.05), (knee, -0.26), (foot, -0.47)], [0.10, 0.035, 0.03], coat * 0.55)
    for side, reach in ((0.31, -0.12), (0.36, 0.10)):  # antlers: a beam with tines
        tip = (side + 2.1 * reach, 0.86)
        figure.limb([(side, 0.50), (side + 1.3 * reach, 0.62), tip], [0.028, 0.024, 0.012], "#6b5238")
        for t in (0.35, 0.6, 0.8):
            root = (side + 2.1 * reach * t, 0.50 + 0.36 * t)
            figure.limb([root, (root[0] + 0.06 + 0.3 * reach, root[1] + 0.09)], [0.020, 0.010], "#6b5238")
    figure.body([(-0.34, 0.08), (-0.28, 0.14), (-0.12, 0.14), (0.06, 0.13), (0.20, 0.16), (0.25, 0.04), (0.17, -0.09),
                 (0.0, -0.10), (-0.16, -0.07), (-0.28, -0.09), (-0.35, 0.0)], coat, 0.12)  # fmt: skip
    figure.limb([(0.17, 0.06), (0.25, 0.25), (0.31, 0.43)], [0.20, 0.13, 0.09], coat * 0.92)
    figure.limb([(0.31, 0.44), (0.39, 0.42), (0.475, 0.375)], [0.12, 0.10, 0.055], coat)
    figure.spot(0.485, 0.375, 0.022, "#1c1512")
    for u, v in ((0.21, 0.51), (0.40, 0.54)):
        figure.limb([(0.31, 0.48), (u, v)], [0.05, 0.025], coat * 0.9)
    figure.eye(0.36, 0.455, 0.014)
    figure.spot(-0.35, 0.06, 0.045, "#efe6d6", 1.3, 0.9)
    for hip, knee, foot in ((-0.27, -0.31, -0.28), (0.18, 0.19, 0.20)):
        figure.limb([(hip, 0.0), (knee, -0.26), (foot, -0.48)], [0.14, 0.04, 0.03], coat * 0.95)
    return scene.photograph(vignette=0.2)


def bird(seed: int, back: Colour = "#5a6f86", breast: Colour = "#c8642c", x: float = 0.5, y: float = 0.5,
         scale: float = 0.80) -> Image.Image:  # fmt: skip
    """A songbird from its side on a branch, leaves out of focus behind."""
    scene = Scene(seed)
    scene.canvas[:] = np.clip(rgb("#8fae6c") * (1 + 0.20 * scene.noise(4, 3, 0.5))[..., None], 0, 1)
    scene.blur(0.03)
    figure, back, breast = Figure(scene, x, y, scale, 0.06), rgb(back), rgb(breast)
    bough = scene.line([(-0.1, 0.86), (0.4, 0.80), (1.1, 0.76)], 0.055)
    scene.solid(bough, np.clip(rgb("#5b4532") * (1 + 0.2 * scene.noise(30, 3, 0.7))[..., None], 0, 1), 0.02, 0.05)
    figure.body([(-0.20, -0.05), (-0.48, -0.28), (-0.56, -0.27), (-0.54, -0.21), (-0.24, 0.06)], back * 0.75, 0.03)
    for u in (0.0, 0.08):
        figure.limb([(u, -0.22), (u + 0.02, -0.36)], [0.022, 0.02], "#3b2c22")
    hull = figure.body([(-0.27, -0.08), (-0.20, 0.08), (-0.02, 0.22), (0.10, 0.37), (0.22, 0.40), (0.31, 0.32),
                        (0.32, 0.20), (0.30, 0.02), (0.20, -0.16), (0.02, -0.24), (-0.16, -0.20)], back, 0.16)  # fmt: skip
    du, dv = (scene.x - x) / scale, (y - scene.y) / scale
    front = np.clip(1.6 - np.hypot((du - 0.24) / 0.16, (dv - 0.02) / 0.24), 0, 1) * hull
    scene.paint(front, np.clip(breast * figure.coat[..., None], 0, 1), 0.9)
    belly = np.clip(1.3 - np.hypot((du - 0.05) / 0.20, (dv + 0.22) / 0.12), 0, 1) * hull
    scene.paint(belly, rgb("#ece6da"), 0.85)
    figure.body([(-0.34, -0.14), (-0.26, 0.05), (-0.08, 0.16), (0.08, 0.12), (0.10, 0.0), (-0.05, -0.10), (-0.22, -0.14)],
                back * 0.70, 0.06)  # fmt: skip
    scene.darken(
        scene.lines([[figure.at(-0.30, -0.10 + k), figure.at(0.04, 0.02 + k)] for k in (0.0, 0.05)], 0.008), 0.4
    )
    beak = scene.polygon([figure.at(0.30, 0.33), figure.at(0.42, 0.285), figure.at(0.31, 0.265)])
    scene.solid(beak, rgb("#2b2622"), 0.012, 0.2)
    figure.eye(0.235, 0.315, 0.026)
    return scene.photograph(vignette=0.15)


def frog(seed: int, skin: Colour = "#5f8a2f", x: float = 0.48, y: float = 0.56, scale: float = 0.86) -> Image.Image:
    """A frog on damp ground, seen from its right front."""
    scene = Scene(seed)
    scene.canvas[:] = np.clip(rgb("#7a6448") * (1 + 0.22 * scene.noise(9, 6, 0.7))[..., None], 0, 1)
    figure, skin = Figure(scene, x, y, scale, 0.08), rgb(skin)
    scene.shadow(scene.ellipse(*figure.at(0.0, -0.27), 0.46 * scale, 0.07 * scale), 0.01, 0.01, 0.02, 0.6)
    figure.limb([(-0.20, -0.12), (-0.44, -0.02), (-0.22, -0.25), (-0.48, -0.28)], [0.17, 0.13, 0.08, 0.05], skin * 0.8)
    hull = figure.body([(-0.40, -0.14), (-0.34, 0.04), (-0.14, 0.18), (0.08, 0.25), (0.28, 0.24), (0.43, 0.13), (0.44, 0.02),
                        (0.32, -0.08), (0.20, -0.22), (-0.05, -0.28), (-0.30, -0.24)], skin, 0.20, 0.25)  # fmt: skip
    dv = (y - scene.y) / scale
    scene.paint(np.clip(-dv * 5.0 - 0.3, 0, 1) * hull, rgb("#d9d6a2"), 0.75)
    marks = np.clip(scene.noise(9, 3) - 0.7, 0, 1) * hull * (dv > 0)
    scene.darken(marks, 0.6)
    scene.darken(scene.lines([[figure.at(0.44, 0.05), figure.at(0.32, 0.0), figure.at(0.16, 0.0)]], 0.009), 0.6)
    figure.limb([(0.20, -0.08), (0.25, -0.20), (0.20, -0.30), (0.34, -0.32)], [0.11, 0.08, 0.06, 0.05], skin * 0.9)
    figure.limb([(-0.02, -0.12), (-0.08, -0.24), (0.02, -0.33)], [0.11, 0.07, 0.05], skin * 0.8)
    figure.body(
        [(-0.36, -0.20), (-0.34, -0.02), (-0.20, 0.05), (-0.08, -0.04), (-0.14, -0.18), (-0.26, -0.27)],
        skin * 0.95,
        0.1,
    )
    for u, v in ((0.06, 0.27), (0.29, 0.26)):
        figure.skin(scene.ellipse(*figure.at(u, v), 0.085 * scale), skin * 1.1, 0.07, 0.2)
        figure.eye(u + 0.015, v + 0.01, 0.05, "#c89a2a")
    return scene.photograph(vignette=0.2)


def cat(seed: int, fur: Colour = "#8a7a68", x: float = 0.5, y: float = 0.50, scale: float = 0.92,
        backdrop: Colour = "#a89a8c") -> Image.Image:  # fmt: skip
    """A tabby's head and shoulders from the front, indoors."""
    scene = _room(seed, backdrop)
    figure, fur = Figure(scene, x, y, scale, 0.12), rgb(fur)
    figure.body(
        [(-0.34, -0.62), (-0.30, -0.25), (-0.18, -0.10), (0.18, -0.10), (0.30, -0.25), (0.34, -0.62)], fur * 0.85, 0.15
    )
    figure.body([(-0.12, -0.60), (-0.13, -0.25), (0.0, -0.18), (0.13, -0.25), (0.12, -0.60)], "#d9cfc2", 0.1)
    for side in (-1, 1):
        ear = [(side * 0.31, 0.10), (side * 0.315, 0.42), (side * 0.07, 0.25)]
        scene.solid(
            scene.polygon([figure.at(*p) for p in ear]), np.clip(fur * figure.coat[..., None], 0, 1), 0.03, 0.05
        )
        inner = [(side * 0.27, 0.18), (side * 0.285, 0.35), (side * 0.14, 0.25)]
        scene.paint(scene.polygon([figure.at(*p) for p in inner]), rgb("#c08d80"), 0.85)
    head = figure.body([(-0.33, 0.02), (-0.29, 0.19), (-0.15, 0.27), (0.0, 0.28), (0.15, 0.27), (0.29, 0.19), (0.33, 0.02),
                        (0.24, -0.15), (0.10, -0.24), (-0.10, -0.24), (-0.24, -0.15)], fur, 0.24)  # fmt: skip
    for k in (-0.08, -0.03, 0.03, 0.08):
        scene.darken(scene.line([figure.at(k, 0.15), figure.at(1.4 * k, 0.27)], 0.02) * head, 0.5)
    for side in (-1, 1):
        for k in range(3):
            stripe = [figure.at(side * 0.20, -0.01 - 0.05 * k), figure.at(side * 0.32, 0.03 - 0.05 * k)]
            scene.darken(scene.line(stripe, 0.018) * head, 0.42)
        figure.skin(scene.ellipse(*figure.at(side * 0.075, -0.12), 0.095 * scale, 0.075 * scale), "#e2d8cc", 0.07)
    figure.skin(scene.ellipse(*figure.at(0, -0.19), 0.07 * scale, 0.05 * scale), "#e2d8cc", 0.05)
    for side in (-1, 1):
        figure.eye(side * 0.135, 0.055, 0.058, "#9fae3c", slit=True)
    nose = scene.polygon([figure.at(-0.04, -0.045), figure.at(0.04, -0.045), figure.at(0, -0.09)])
    scene.solid(nose, rgb("#b8685f"), 0.012, 0.2)
    scene.darken(
        scene.lines([[figure.at(0, -0.09), figure.at(0, -0.135), figure.at(s * 0.07, -0.165)] for s in (-1, 1)], 0.008),
        0.7,
    )
    whiskers = [
        [figure.at(s * 0.10, -0.11 - 0.02 * k), figure.at(s * 0.40, -0.06 - 0.06 * k)]
        for s in (-1, 1)
        for k in range(3)
    ]
    scene.paint(scene.lines(whiskers, 0.003), (1, 1, 1), 0.7)
    return scene.photograph(vignette=0.2)


def dog(seed: int, fur: Colour = "#b07a42", x: float = 0.5, y: float = 0.50, scale: float = 0.92,
        backdrop: Colour = "#6f8a4a") -> Image.Image:  # fmt: skip
    """A retriever's head and shoulders from the front, ears hanging, mouth open."""
    scene = _room(seed, backdrop)
    figure, fur = Figure(scene, x, y, scale, 0.10), rgb(fur)
    figure.body(
        [(-0.36, -0.62), (-0.30, -0.25), (-0.16, -0.08), (0.16, -0.08), (0.30, -0.25), (0.36, -0.62)], fur * 0.9, 0.15
    )
    figure.body([(-0.12, -0.62), (-0.14, -0.34), (0.0, -0.22), (0.14, -0.34), (0.12, -0.62)], "#e6d6bd", 0.1)
    figure.body([(-0.25, 0.05), (-0.24, 0.24), (-0.12, 0.35), (0.0, 0.37), (0.12, 0.35), (0.24, 0.24), (0.25, 0.05),
                 (0.17, -0.18), (0.0, -0.26), (-0.17, -0.18)], fur, 0.20)  # fmt: skip
    for side in (-1, 1):
        figure.body([(side * 0.19, 0.30), (side * 0.32, 0.25), (side * 0.38, 0.02), (side * 0.33, -0.16),
                     (side * 0.25, -0.10), (side * 0.225, 0.10)], fur * 0.62, 0.06)  # fmt: skip
    figure.body(
        [(-0.05, 0.36), (-0.06, 0.10), (0.0, 0.05), (0.06, 0.10), (0.05, 0.36)], np.clip(fur * 1.35, 0, 1), 0.05
    )
    mouth = scene.ellipse(*figure.at(0, -0.225), 0.10 * scale, 0.085 * scale)
    scene.paint(mouth, rgb("#3a1512"))
    scene.solid(scene.ellipse(*figure.at(0, -0.255), 0.062 * scale, 0.075 * scale), rgb("#d0726e"), 0.03, 0.2)
    figure.body([(-0.155, -0.10), (-0.10, 0.02), (0.0, 0.06), (0.10, 0.02), (0.155, -0.10), (0.09, -0.185), (0.0, -0.17),
                 (-0.09, -0.185)], np.clip(fur * 1.3, 0, 1), 0.10)  # fmt: skip
    scene.solid(scene.ellipse(*figure.at(0, -0.035), 0.065 * scale, 0.048 * scale), rgb("#17120f"), 0.03, 0.4)
    scene.darken(scene.lines([[figure.at(0, -0.07), figure.at(0, -0.165)]], 0.010), 0.7)
    for side in (-1, 1):
        figure.eye(side * 0.115, 0.125, 0.034, "#4a2c14")
    return scene.photograph(vignette=0.2)


def _room(seed: int, backdrop: Colour) -> Scene:
    """A scene with nothing but a soft backdrop."""
    scene = Scene(seed)
    tone = 1 + 0.14 * scene.noise(2, 3, 0.5) + 0.10 * (0.5 - scene.y)
    scene.canvas[:] = np.clip(rgb(backdrop) * tone[..., None], 0, 1)
    scene.blur(0.02)
    return scene
