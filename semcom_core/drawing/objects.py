"""French horns, chain saws and a tench, rendered."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from semcom_core.drawing.scene import Colour, Scene, rgb

BRASS = rgb("#d9a441")
BACKDROPS = {"velvet": "#5c1420", "white": "#e9e7e2", "night": "#15171c", "blue": "#3a4f74"}


def _arc(
    x: float, y: float, rx: float, ry: float, start: float, stop: float, steps: int = 60
) -> list[tuple[float, float]]:
    """Points of an ellipse's arc; angles in degrees, clockwise from the right."""
    return [(x + rx * np.cos(a), y + ry * np.sin(a)) for a in np.radians(np.linspace(start, stop, steps))]


def french_horn(seed: int, metal: Colour = BRASS, backdrop: str = "velvet", x: float = 0.47, y: float = 0.47,
                size: float = 1.0) -> Image.Image:  # fmt: skip
    """A horn on cloth, its bell towards the camera, tubes coiled above it, three valves."""
    scene = Scene(seed, rgb(BACKDROPS[backdrop]))
    folds = scene.noise(2, 3, 0.5) * 0.11 + scene.noise(60, 3, 0.8) * 0.025
    falloff = 1.12 - 0.5 * np.hypot(scene.x - 0.35, scene.y - 0.3)
    scene.canvas = np.clip(scene.canvas * ((1 + folds) * falloff)[..., None], 0, 1)
    metal = rgb(metal)

    def p(px: float, py: float) -> tuple[float, float]:
        return x + px * size, y + py * size

    def tube(points: list[tuple[float, float]], width: float) -> None:
        stroke = scene.line(points, width * size)
        scene.shadow(stroke, 0.010, 0.014, 0.008, 0.45)
        scene.solid(stroke, metal, width * size / 2, 0.45, metal=0.72, texture=0.0)

    r = size
    # The coil: tubes of slightly different radius round one centre, then inner crooks.
    tube(_arc(*p(0, 0), 0.335 * r, 0.325 * r, 95, 410), 0.032)
    tube(_arc(*p(-0.01, -0.005), 0.292 * r, 0.283 * r, 60, 395), 0.028)
    tube(_arc(*p(-0.02, -0.01), 0.250 * r, 0.242 * r, 120, 372), 0.026)
    for k in range(3):
        cx = -0.125 + 0.10 * k
        tube(
            [
                p(cx - 0.024, -0.10),
                p(cx - 0.024, 0.03),
                *_arc(*p(cx, 0.03), 0.024 * r, 0.03 * r, 180, 0, 16),
                p(cx + 0.024, -0.10),
            ],
            0.020,
        )
        tube(
            [
                p(cx - 0.03, -0.10),
                p(cx - 0.03, -0.19),
                *_arc(*p(cx, -0.19), 0.03 * r, 0.026 * r, 180, 360, 16),
                p(cx + 0.03, -0.10),
            ],
            0.019,
        )
    tube([p(-0.27, -0.10), p(0.16, -0.10)], 0.026)
    for k in range(3):  # rotary valves and their levers
        cx, cy = p(-0.125 + 0.10 * k, -0.10)
        cap = scene.ellipse(cx, cy, 0.040 * r)
        scene.shadow(cap, 0.008, 0.012, 0.006, 0.5)
        scene.solid(cap, metal * 0.98, 0.014, 0.5, metal=0.6, texture=0.0)
        scene.solid(scene.ellipse(cx, cy, 0.022 * r), np.clip(metal * 1.1, 0, 1), 0.010, 0.6, metal=0.6, texture=0.0)
        lever = scene.line([(cx, cy), p(-0.31 - 0.012 * k, -0.18 + 0.055 * k)], 0.010 * r)
        scene.solid(lever, rgb("#d9d6cc"), 0.005, 0.5, metal=0.6)
        key = scene.ellipse(*p(-0.335 - 0.012 * k, -0.185 + 0.058 * k), 0.030 * r, 0.017 * r)
        scene.solid(key, rgb("#dedbd2"), 0.010, 0.5, metal=0.5)
    # Leadpipe to the mouthpiece.
    tube([*_arc(*p(-0.02, 0.0), 0.37 * r, 0.36 * r, 215, 262, 24), p(0.08, -0.385), p(0.22, -0.43)], 0.020)
    tube([p(0.20, -0.424), p(0.27, -0.447)], 0.028)
    scene.solid(scene.ellipse(*p(0.278, -0.45), 0.018 * r, 0.026 * r), rgb("#dfe0e2"), 0.012, 0.6, metal=0.5)
    # Throat, widening along the coil into the bell.
    for k, (px, py) in enumerate(_arc(*p(0.02, 0.02), 0.325 * r, 0.33 * r, 10, 58, 26)):
        width = 0.036 + 0.075 * (k / 25) ** 2
        disc = scene.ellipse(px, py, width / 2 * r * 1.4)
        scene.solid(disc, metal, width * r * 0.7, 0.0, metal=0.6, texture=0.0)
    _bell(scene, *p(0.17, 0.22), 0.262 * r, metal)
    return scene.photograph(warmth=0.03, vignette=0.25)


def _bell(scene: Scene, x: float, y: float, r: float, metal: np.ndarray) -> None:
    """The flare seen from the front: a brass funnel that mirrors the room in rings, black within."""
    rim = scene.ellipse(x, y, r, 0.97 * r)
    scene.shadow(rim, 0.022, 0.030, 0.022, 0.6)
    u, v = (scene.x - x) / r, (scene.y - y) / (0.97 * r)
    rho, angle = np.hypot(u, v), np.arctan2(v, u)
    tilt = np.clip(1.25 - rho, 0, 1) ** 1.4  # steep towards the throat
    up = np.sin(angle) * tilt * 1.3
    env = np.interp(up, [-1.2, -0.5, -0.2, 0.0, 0.15, 0.45, 0.8, 1.2], [0.25, 0.55, 0.95, 0.75, 1.05, 0.80, 0.40, 0.25])
    streak = 0.42 * np.exp(-(((angle + 2.35) / 0.28) ** 2)) + 0.25 * np.exp(-(((angle - 0.75) / 0.22) ** 2))
    tone = env * 0.75 + streak * (0.35 + rho) + 0.05 * np.sin(38 * rho)
    throat = np.clip((rho - 0.13) / 0.30, 0, 1) ** 0.8
    scene.paint(rim, np.clip(metal * (tone * throat)[..., None] + 0.16 * (streak**2 * throat)[..., None], 0, 1))
    ring = np.clip(rim - scene.ellipse(x, y, 0.965 * r, 0.935 * r), 0, 1)
    scene.solid(ring, np.clip(metal * 1.15, 0, 1), 0.008, 0.7, metal=0.3, texture=0.0)


def chain_saw(seed: int, colour: Colour = "#e8641b", x: float = 0.06, y: float = 0.56, scale: float = 0.90,
              table: str = "grass", angle: float = -8.0) -> Image.Image:  # fmt: skip
    """A chain saw from its side: guide bar to the right, toothed chain, hand guard, handles."""
    scene = Scene(seed)
    if table == "grass":
        scene.canvas[:] = rgb("#6b7f45")
        scene.grass(-0.25, rgb("#5a7436"), rgb("#708a4a"), 11000)
    elif table == "wood":
        scene.wood(rgb("#9c7a55"), 6)
    else:
        scene.canvas[:] = rgb("#ecebe8")
        scene.canvas *= (1.04 - 0.16 * scene.y)[..., None]
    turn = np.radians(angle)
    cos, sin = np.cos(turn), np.sin(turn)

    def at(px: float, py: float) -> tuple[float, float]:
        """px from the rear handle (0) to the bar's tip (1); py upwards from the bar's middle."""
        return x + (px * cos + py * sin) * scale, y + (px * sin - py * cos) * scale

    def shape(points: list[tuple[float, float]]) -> np.ndarray:
        return scene.polygon([at(*q) for q in points])

    colour = rgb(colour)
    steel, black = rgb("#c4c7ca"), rgb("#222326")
    tip = [at(0.965 + 0.035 * np.cos(a), 0.035 * np.sin(a)) for a in np.linspace(-np.pi / 2, np.pi / 2, 14)]
    bar = scene.polygon([at(0.44, -0.042), at(0.75, -0.046), *tip, at(0.75, 0.046), at(0.44, 0.042)])
    loop = [at(0.44, -0.048), at(0.75, -0.053), *tip, at(0.75, 0.053), at(0.44, 0.048)]
    chain = scene.line(loop, 0.016 * scale)
    everything = np.maximum(bar, shape([(0.0, -0.1), (0.5, -0.1), (0.5, 0.16), (0.05, 0.14)]))
    scene.shadow(everything, 0.018, 0.032, 0.02, 0.55)
    scene.solid(bar, steel, 0.006, 0.25, metal=0.35, texture=0.05)
    scene.paint(scene.lines([[at(0.50, 0.0), at(0.90, 0.0)]], 0.006), rgb("#8e9196"))
    scene.solid(chain, rgb("#4d4f53"), 0.006, 0.35, metal=0.4)
    edge = np.array(loop)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(edge, axis=0).T))])
    for s in np.arange(0.01, along[-1], 0.021):  # cutters stand out of the chain
        cx, cy = np.interp(s, along, edge[:, 0]), np.interp(s, along, edge[:, 1])
        ahead = np.interp(s + 0.004, along, edge[:, 0]) - cx, np.interp(s + 0.004, along, edge[:, 1]) - cy
        norm = np.hypot(*ahead) + 1e-9
        ox, oy = ahead[1] / norm, -ahead[0] / norm
        k = -1 if (ox * (cx - at(0.7, 0)[0]) + oy * (cy - at(0.7, 0)[1])) < 0 else 1
        tooth = [
            (cx - 0.006 * ox, cy),
            (cx + k * 0.014 * ox, cy + k * 0.014 * oy),
            (cx + ahead[0] / norm * 0.012, cy + ahead[1] / norm * 0.012),
        ]
        scene.paint(scene.polygon(tooth), rgb("#75787d"))
    # Handles.
    rear = scene.line(
        [at(0.16, 0.06), at(0.07, 0.065), at(0.02, 0.02), at(0.02, -0.055), at(0.07, -0.095), at(0.2, -0.10)],
        0.042 * scale,
    )
    scene.solid(rear, black, 0.02, 0.25)
    trigger = scene.line([at(0.085, 0.03), at(0.10, 0.0)], 0.014 * scale)
    scene.solid(trigger, colour * 0.9, 0.006, 0.2)
    front = scene.line(
        [at(0.235, 0.10), at(0.245, 0.215), at(0.30, 0.245), at(0.385, 0.235), at(0.41, 0.10), at(0.40, -0.08)],
        0.028 * scale,
    )
    scene.solid(front, black, 0.014, 0.35)
    # Engine housing, cover, guard.
    housing = shape(
        [(0.12, -0.10), (0.46, -0.10), (0.475, 0.05), (0.44, 0.125), (0.30, 0.155), (0.18, 0.14), (0.12, 0.07)]
    )
    scene.solid(housing, colour, 0.035, 0.35, texture=0.03)
    cover = shape([(0.26, -0.085), (0.465, -0.085), (0.475, 0.045), (0.40, 0.07), (0.27, 0.045)])
    scene.shadow(cover, 0.006, 0.008, 0.006, 0.4)
    scene.solid(cover, np.clip(colour * 0.92, 0, 1), 0.02, 0.3)
    scene.solid(
        shape([(0.14, 0.055), (0.26, 0.07), (0.27, 0.135), (0.185, 0.13), (0.14, 0.085)]), rgb("#e9e6df"), 0.016, 0.25
    )
    for k in range(6):
        scene.darken(scene.line([at(0.15 + 0.018 * k, -0.075), at(0.158 + 0.018 * k, 0.03)], 0.008 * scale), 0.75)
    for px in (0.36, 0.43):
        scene.solid(scene.ellipse(*at(px, -0.018), 0.014 * scale), steel, 0.008, 0.4, metal=0.6)
    scene.paint(shape([(0.29, -0.055), (0.44, -0.055), (0.442, -0.035), (0.29, -0.035)]), rgb("#f2f0ea"))
    guard = shape([(0.43, 0.09), (0.465, 0.10), (0.505, 0.245), (0.47, 0.262), (0.44, 0.20)])
    scene.shadow(guard, 0.006, 0.01, 0.008, 0.4)
    scene.solid(guard, black, 0.012, 0.3)
    starter = scene.ellipse(*at(0.215, -0.025), 0.012 * scale)
    scene.solid(starter, black, 0.006, 0.3)
    spikes = shape(
        [(0.465, -0.07), (0.495, -0.06), (0.472, -0.035), (0.497, -0.02), (0.472, 0.0), (0.495, 0.02), (0.465, 0.035)]
    )
    scene.solid(spikes, rgb("#55585c"), 0.005, 0.3, metal=0.4)
    return scene.photograph(vignette=0.18)


def tench(seed: int, x: float = 0.5, y: float = 0.56, length: float = 0.86, angle: float = -4.0, held: bool = False,
          colour: Colour = "#7d7434") -> Image.Image:  # fmt: skip
    """A tench on the bank (or held by an angler): olive gold, small scales, round dark fins, a red eye."""
    scene = Scene(seed)
    if held:
        _angler(scene)
    else:
        scene.canvas[:] = rgb("#5f7438")
        scene.grass(-0.3, rgb("#56702f"), rgb("#6d8744"), 12000)
    turn = np.radians(angle)
    cos, sin = np.cos(turn), np.sin(turn)

    def at(u: float, v: float) -> tuple[float, float]:
        """u: −0.5 tail to 0.5 snout; v upwards; both in body lengths."""
        return x + (u * cos + v * sin) * length, y + (u * sin - v * cos) * length

    along = np.array([-0.36, -0.28, -0.15, 0.0, 0.15, 0.28, 0.38, 0.45, 0.495])
    back = np.array([0.052, 0.062, 0.105, 0.140, 0.145, 0.125, 0.095, 0.060, 0.018])
    belly = np.array([-0.050, -0.062, -0.115, -0.150, -0.150, -0.125, -0.095, -0.066, -0.030])
    fine = np.linspace(along[0], along[-1], 80)
    upper, lower = (np.interp(fine, along, side) for side in (back, belly))
    upper, lower = ndimage.gaussian_filter1d(upper, 3), ndimage.gaussian_filter1d(lower, 3)
    body = scene.polygon([at(u, v) for u, v in zip(fine, upper, strict=True)]
                         + [at(u, v) for u, v in zip(fine[::-1], lower[::-1], strict=True)])  # fmt: skip
    fin = rgb(colour) * 0.42
    fins = [
        [
            (-0.34, 0.045),
            (-0.42, 0.10),
            (-0.49, 0.125),
            (-0.50, 0.06),
            (-0.485, 0.0),
            (-0.50, -0.07),
            (-0.48, -0.125),
            (-0.41, -0.10),
            (-0.34, -0.045),
        ],
        [(0.08, 0.14), (0.04, 0.225), (-0.03, 0.245), (-0.09, 0.205), (-0.11, 0.12)],
        [(-0.13, -0.115), (-0.17, -0.195), (-0.235, -0.19), (-0.25, -0.13), (-0.24, -0.075)],
        [(0.06, -0.145), (0.02, -0.225), (-0.05, -0.225), (-0.06, -0.15)],
    ]
    shadow_of = body.copy()
    for points in fins:
        mask = ndimage.gaussian_filter(scene.polygon([at(*q) for q in points]), 1.2)
        shadow_of = np.maximum(shadow_of, mask)
    scene.shadow(shadow_of, 0.015, 0.035, 0.02, 0.6)
    du, dv = (scene.x - x) / length, (scene.y - y) / length
    u, v = du * cos + dv * sin, du * sin - dv * cos  # picture to body coordinates
    for points in fins:
        mask = ndimage.gaussian_filter(scene.polygon([at(*q) for q in points]), 1.2)
        rays = 0.85 + 0.22 * np.sin(220 * np.arctan2(v, u + 0.15) * 0.5 + 2)
        scene.solid(mask, np.clip(fin * rays[..., None] * 1.5, 0, 1), 0.012, 0.12, texture=0.1)
    high = np.clip((v + 0.15) / 0.30, 0, 1)[..., None]
    flank = rgb(colour) * 1.2 * (1 - high) + rgb(colour) * 0.58 * high
    flank = flank + np.clip(1 - np.abs(v + 0.09) / 0.08, 0, 1)[..., None] * rgb("#6a4e10") * 0.55
    row = np.floor(v * 95)
    scales = np.hypot(((u * 95 + 0.5 * (row % 2)) % 1) - 0.5, ((v * 95) % 1) - 0.5)
    skin = flank * (1 + 0.16 * (0.45 - scales) + 0.08 * scene.noise(5))[..., None]
    scene.solid(body, np.clip(skin, 0, 1), 0.13 * length, 0.30, texture=0.03)
    wet = np.exp(-(((v - 0.075 - 0.03 * np.cos(3 * u)) / 0.014) ** 2)) * (u > -0.3) * (u < 0.36)
    scene.paint(body * np.clip(wet * (0.65 + 0.3 * scene.noise(30, 3)), 0, 1), (1.0, 1.0, 0.95), 0.35)
    cheek = scene.polygon(
        [at(0.30, 0.10), at(0.265, 0.03), at(0.27, -0.06), at(0.31, -0.10)]
        + [at(0.315, -0.09), at(0.28, -0.05), at(0.277, 0.03), at(0.31, 0.095)]
    )
    scene.darken(cheek, 0.45)
    pectoral = ndimage.gaussian_filter(
        scene.polygon([at(0.25, -0.075), at(0.20, -0.155), at(0.13, -0.175), at(0.125, -0.115), at(0.21, -0.06)]), 1.0
    )
    scene.shadow(pectoral, 0.004, 0.012, 0.006, 0.4)
    scene.solid(pectoral, np.clip(fin * 1.25, 0, 1), 0.012, 0.15, texture=0.15)
    scene.darken(scene.lines([[at(0.495, -0.012), at(0.455, -0.028), at(0.44, -0.045)]], 0.007), 0.55)
    eye = scene.ellipse(*at(0.405, 0.032), 0.017 * length)
    scene.solid(eye, rgb("#b5451c"), 0.010, 0.3)
    scene.paint(scene.ellipse(*at(0.405, 0.032), 0.009 * length), rgb("#0c0b0a"))
    scene.paint(scene.ellipse(*at(0.402, 0.037), 0.0035 * length), (1, 1, 1), 0.9)
    if held:
        for px in (0.30, 0.68):
            _hand(scene, px, y + 0.075 * length)
    return scene.photograph(vignette=0.2, blur=0.8)


def _angler(scene: Scene) -> None:
    """A person with cap and jacket in front of a pond."""
    scene.sky(rgb("#8fa9bd"), rgb("#c8d3d8"), 0.5)
    scene.trees(0.30, 0.20)
    scene.ground(0.30, rgb("#55665a"), rgb("#8d9c98"), 0.05)
    scene.grass(0.60, rgb("#56702f"), rgb("#6d8744"), 7000)
    scene.blur(0.010)
    jacket, skin = rgb("#47523a"), rgb("#c99877")
    torso = scene.polygon(
        [(0.24, 1.02), (0.27, 0.50), (0.34, 0.40), (0.46, 0.36), (0.54, 0.36), (0.66, 0.40), (0.73, 0.50), (0.76, 1.02)]
    )
    scene.solid(torso, np.clip(jacket * (1 + 0.10 * scene.noise(6))[..., None], 0, 1), 0.06, 0.05, texture=0.06)
    for side in (-1, 1):
        arm = scene.line([(0.5 + side * 0.20, 0.45), (0.5 + side * 0.30, 0.66), (0.5 + side * 0.19, 0.70)], 0.11)
        scene.solid(arm, np.clip(jacket * 1.08, 0, 1), 0.05, 0.05, texture=0.08)
    scene.solid(scene.box(0.455, 0.28, 0.545, 0.40, 0.03), skin * 0.85, 0.03, 0.05)
    scene.solid(scene.ellipse(0.5, 0.235, 0.085, 0.108), skin, 0.07, 0.10)
    for side in (-1, 1):
        scene.darken(scene.ellipse(0.5 + side * 0.034, 0.225, 0.011, 0.006), 0.75)
    scene.darken(scene.lines([[(0.47, 0.292), (0.5, 0.30), (0.53, 0.292)]], 0.007), 0.5)
    scene.darken(scene.lines([[(0.5, 0.235), (0.507, 0.262), (0.495, 0.266)]], 0.005), 0.3)
    scene.solid(
        scene.polygon([(0.412, 0.205), (0.42, 0.14), (0.46, 0.105), (0.54, 0.105), (0.58, 0.14), (0.588, 0.205)]),
        rgb("#3b4430"),
        0.04,
        0.05,
    )
    scene.solid(scene.ellipse(0.5, 0.203, 0.105, 0.020), rgb("#2f3727"), 0.012, 0.05)


def _hand(scene: Scene, x: float, y: float) -> None:
    """Fingers that come up in front of the fish from below."""
    skin = rgb("#c99877")
    palm = scene.ellipse(x, y + 0.035, 0.065, 0.035)
    scene.solid(palm, skin * 0.92, 0.03, 0.08)
    for k in range(4):
        fx = x - 0.045 + 0.030 * k
        finger = scene.line([(fx, y + 0.03), (fx + 0.004, y - 0.02)], 0.026)
        scene.shadow(finger, 0.003, -0.004, 0.004, 0.25)
        scene.solid(finger, skin * (0.97 + 0.02 * k), 0.013, 0.12)
