"""An airliner, a car and a ship, rendered. Each function is one picture for one seed."""

from __future__ import annotations

import numpy as np
from PIL import Image

from semcom_core.drawing.scene import Colour, Scene, rgb


def airplane(seed: int, body: Colour = "#f1f3f5", paint: Colour = "#1f4e9e", angle: float = -9.0, scale: float = 0.86,
             clouds: float = 0.3, x: float = 0.5, y: float = 0.52) -> Image.Image:  # fmt: skip
    """An airliner from its side, climbing to the right, in the sky."""
    scene = Scene(seed)
    scene.sky(rgb("#4c86c8"), rgb("#b4d0ea"), clouds)
    body, paint = rgb(body), rgb(paint)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))

    def at(u: float, v: float) -> tuple[float, float]:
        """u from the tail (−0.5) to the nose (0.5), v upwards, in lengths of the plane."""
        return x + (u * cos + v * sin) * scale, y + (u * sin - v * cos) * scale

    def shape(*points: tuple[float, float]) -> np.ndarray:
        return scene.polygon([at(*point) for point in points])

    far_wing = shape((0.10, 0.02), (-0.10, 0.21), (-0.17, 0.21), (-0.06, 0.02))
    scene.solid(far_wing, body * 0.72, 0.01, 0.1)
    scene.solid(shape((-0.40, 0.03), (-0.52, 0.12), (-0.56, 0.12), (-0.49, 0.02)), body * 0.7, 0.008, 0.1)
    fin = shape((-0.32, 0.04), (-0.455, 0.25), (-0.535, 0.25), (-0.47, 0.03))
    scene.solid(fin, paint, 0.012, 0.2)
    nose = [(0.5 - 0.13 * (1 - np.cos(a)), 0.068 * np.sin(a) - 0.012 * np.cos(a)) for a in np.linspace(-1.5, 1.5, 24)]
    hull = shape((-0.53, 0.045), (-0.30, -0.045), *nose, (-0.30, 0.068), (-0.46, 0.066))
    scene.solid(hull, body, 0.06, 0.35, texture=0.01)
    stripe = shape((-0.50, 0.045), (-0.30, 0.004), (0.46, 0.004), (0.46, -0.012), (-0.30, -0.014))
    scene.paint(stripe * hull, paint, 0.9)
    for u in np.linspace(-0.30, 0.36, 24):
        scene.paint(scene.ellipse(*at(u, 0.030), 0.0075 * scale, 0.010 * scale), rgb("#2d3745"), 0.9)
    scene.paint(shape((0.405, 0.030), (0.455, 0.020), (0.435, 0.052), (0.405, 0.058)) * hull, rgb("#1d2733"))
    wing = shape((0.13, -0.030), (-0.16, -0.26), (-0.235, -0.265), (-0.09, -0.035))
    scene.shadow(wing, -0.01, -0.012, 0.012, 0.3)
    scene.solid(wing, body * 0.86, 0.012, 0.25)
    for u, v in ((0.055, -0.115), (-0.045, -0.200)):
        engine = scene.line([at(u - 0.045, v), at(u + 0.045, v)], 0.055 * scale)
        scene.solid(engine, body * 0.8, 0.022, 0.4)
        scene.solid(scene.ellipse(*at(u + 0.065, v), 0.012 * scale, 0.028 * scale), rgb("#2c3440"), 0.01, 0.2)
    scene.solid(shape((-0.36, 0.005), (-0.53, -0.075), (-0.575, -0.075), (-0.47, 0.005)), body * 0.86, 0.01, 0.2)
    return scene.photograph(warmth=-0.01, vignette=0.10)


def automobile(seed: int, body: Colour = "#b8202a", x: float = 0.05, foot: float = 0.79, length: float = 0.90,
               sky: tuple[str, str] = ("#7fa8d6", "#dfe8ef")) -> Image.Image:  # fmt: skip
    """A saloon car from its side on a road, trees behind."""
    scene = Scene(seed)
    scene.sky(rgb(sky[0]), rgb(sky[1]), 0.4)
    scene.trees(0.47, 0.17, "#48613a")
    scene.grass(0.46, "#6f8a45", "#86a058", 2500)
    scene.ground(0.60, "#77777a", "#94938f")
    scene.blur(0.008)
    body = rgb(body)

    def at(u: float, v: float) -> tuple[float, float]:
        """u from tail to nose, v above the road, in lengths of the car."""
        return x + u * length, foot - v * length

    def shape(*points: tuple[float, float]) -> np.ndarray:
        return scene.polygon([at(*point) for point in points])

    under = scene.box(*at(0.03, 0.06), *at(0.97, -0.035), 0.02)
    scene.shadow(under, 0.0, 0.012, 0.016, 0.75)
    cabin = shape((0.14, 0.24), (0.225, 0.365), (0.30, 0.395), (0.50, 0.395), (0.57, 0.365), (0.705, 0.24))
    scene.solid(cabin, body, 0.03, 0.4)
    hull = shape((0.02, 0.085), (0.01, 0.20), (0.04, 0.245), (0.16, 0.262), (0.70, 0.255), (0.88, 0.225), (0.965, 0.185),
                 (0.985, 0.12), (0.97, 0.075), (0.10, 0.07))  # fmt: skip
    scene.solid(hull, body, 0.055, 0.45)
    glass = np.clip(0.35 + 0.6 * (0.55 - scene.y), 0.1, 0.8)[..., None] * rgb("#a9bccb")
    scene.paint(shape((0.205, 0.262), (0.25, 0.355), (0.31, 0.375), (0.40, 0.375), (0.40, 0.262)), glass)
    scene.paint(shape((0.425, 0.262), (0.425, 0.375), (0.50, 0.375), (0.555, 0.350), (0.65, 0.262)), glass)
    scene.darken(scene.lines([[at(0.412, 0.37), at(0.412, 0.09)], [at(0.205, 0.25), at(0.205, 0.15)]], 0.004), 0.5)
    scene.darken(scene.line([at(0.06, 0.165), at(0.93, 0.165)], 0.006), 0.25)
    scene.paint(scene.box(*at(0.34, 0.212), *at(0.39, 0.200), 0.004), body * 0.5)
    scene.solid(shape((0.90, 0.205), (0.968, 0.172), (0.966, 0.145), (0.915, 0.155)), rgb("#f5f2e2"), 0.01, 0.7)
    scene.solid(scene.box(*at(0.012, 0.215), *at(0.045, 0.165), 0.006), rgb("#7c1015"), 0.008, 0.5)
    scene.paint(scene.box(*at(0.03, 0.095), *at(0.97, 0.070), 0.008), rgb("#2a2a2d"), 0.85)
    for u in (0.20, 0.785):
        scene.paint(scene.ellipse(*at(u, 0.085), 0.102 * length), rgb("#131415"))
        scene.solid(scene.ellipse(*at(u, 0.075), 0.088 * length), rgb("#202123"), 0.02, 0.15)
        scene.solid(scene.ellipse(*at(u, 0.075), 0.056 * length), rgb("#c9ccd0"), 0.014, 0.4, metal=0.3)
        for a in np.arange(5) * 2 * np.pi / 5:
            spot = at(u + 0.036 * np.cos(a), 0.075 + 0.036 * np.sin(a))
            scene.paint(scene.ellipse(*spot, 0.011 * length), rgb("#3a3c40"))
    return scene.photograph(vignette=0.12)


def ship(seed: int, hull: Colour = "#7d1f22", x: float = 0.04, waterline: float = 0.66, length: float = 0.92,
         sky: tuple[str, str] = ("#6d9fd6", "#d6e4ee")) -> Image.Image:  # fmt: skip
    """A freighter from its side on open water, the bridge at the stern."""
    scene = Scene(seed)
    scene.sky(rgb(sky[0]), rgb(sky[1]), 0.35)
    horizon = 0.58
    depth = np.clip((scene.y - horizon) / (1 - horizon), 0, 1)[..., None]
    waves = scene.noise(24, 4, 0.6, stretch=0.35) * 0.5 + scene.noise(60, 3, 0.7, stretch=6.0) * 0.9
    water = (rgb("#5d8fb3") * (1 - depth) + rgb("#24517d") * depth) * (1 + 0.10 * waves * (0.4 + depth[..., 0]))[
        ..., None
    ]
    scene.paint((scene.y > horizon).astype(float), np.clip(water, 0, 1))

    def at(u: float, v: float) -> tuple[float, float]:
        """u from stern to bow, v above the water, in lengths of the ship."""
        return x + u * length, waterline - v * length

    def shape(*points: tuple[float, float]) -> np.ndarray:
        return scene.polygon([at(*point) for point in points])

    tower = shape((0.07, 0.10), (0.07, 0.37), (0.225, 0.37), (0.245, 0.10))
    scene.solid(tower, rgb("#eef0ee"), 0.02, 0.2)
    for v in (0.325, 0.265, 0.205):
        scene.paint(scene.box(*at(0.085, v + 0.012), *at(0.225, v - 0.012)), rgb("#39495a"), 0.85)
    scene.solid(scene.box(*at(0.045, 0.385), *at(0.26, 0.365)), rgb("#dfe3e3"), 0.006, 0.2)
    scene.solid(scene.box(*at(0.10, 0.47), *at(0.165, 0.38), 0.006), rgb("#d88a1e"), 0.02, 0.2)
    scene.paint(scene.box(*at(0.10, 0.47), *at(0.165, 0.45), 0.004), rgb("#22252a"))
    scene.paint(
        scene.lines([[at(0.205, 0.38), at(0.205, 0.52)], [at(0.90, 0.15), at(0.90, 0.35)]], 0.009), rgb("#c9cdd0")
    )
    tints = ("#b3542e", "#2f6690", "#8c8f92", "#3c7a50", "#c9a23a", "#9a2f2f")
    for row in range(3):
        for k in range(8 - row):
            left, low = 0.275 + 0.074 * k, 0.105 + 0.062 * row
            crate = scene.box(*at(left, low + 0.060), *at(left + 0.070, low), 0.002)
            scene.solid(crate, rgb(tints[int(scene.rng.integers(len(tints)))]), 0.006, 0.1)
    body = shape((0.012, 0.125), (0.04, -0.03), (0.93, -0.03), (0.955, 0.03), (1.0, 0.16), (0.88, 0.115), (0.30, 0.105))
    scene.solid(body, rgb("#22303f"), 0.03, 0.2)
    scene.paint(body * (scene.y > waterline - 0.035 * length), rgb(hull))
    scene.paint(scene.line([at(0.02, 0.112), at(0.30, 0.105)], 0.007), rgb("#e5e7e6"))
    scene.paint(scene.line([at(0.88, 0.120), at(0.995, 0.158)], 0.008), rgb("#e5e7e6"))
    wake = np.exp(-(((scene.y - waterline - 0.012) / 0.011) ** 2)) * np.clip((scene.x - x) * 20, 0, 1)
    wake *= np.clip((x + 1.02 * length - scene.x) * 20, 0, 1) * np.clip(0.6 + 0.5 * waves, 0, 1)
    scene.paint(wake, rgb("#eaf1f4"), 0.9)
    mirrored = np.clip((scene.y - waterline - 0.02) / 0.01, 0, 1) * np.clip(1 - (scene.y - waterline) / 0.16, 0, 1)
    scene.darken(mirrored * ((scene.x > x + 0.03) & (scene.x < x + 0.96 * length)), 0.30)
    return scene.photograph(warmth=0.0, vignette=0.10)
