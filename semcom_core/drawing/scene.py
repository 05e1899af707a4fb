"""A painter's canvas in NumPy: masks, shading, textures, light. Everything photograph-like uses it.

Coordinates are fractions of the side, x to the right and y down; colours are RGB in [0,1].
Light comes from the upper left and from the sky above, as in most photographs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

SIDE = 448
SUPER = 2
"""Masks are drawn this much larger and averaged, for antialiasing."""

Colour = str | Sequence[float] | np.ndarray
Points = Sequence[tuple[float, float]]
LIGHT = np.array([-0.45, -0.65, 0.62])


def rgb(colour: Colour) -> np.ndarray:
    """``"#rrggbb"`` as three numbers in [0,1]; numbers and whole pictures pass as float64."""
    if isinstance(colour, str):
        return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    return np.asarray(colour, float)


def resized(grid: np.ndarray, side: int = SIDE) -> np.ndarray:
    """A coarse grid enlarged smoothly to (side, side)."""
    return np.asarray(Image.fromarray(grid.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC), float)


def _window(mask: np.ndarray) -> tuple[slice, slice]:
    """The part of the canvas that a mask touches: most shapes are small."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if rows.size == 0:
        return np.s_[0:1, 0:1]
    return np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _normals(mask: np.ndarray, rounding: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit normals (x, y, z) of a shape puffed up to a quarter circle along its edge."""
    radius = max(1.0, rounding * SIDE)
    mask = np.pad(mask > 0.5, 2)
    t = np.clip(ndimage.distance_transform_edt(mask) / radius, 0, 1)
    height = ndimage.gaussian_filter(radius * np.sqrt(1 - (1 - t) ** 2), 1.0)
    dy, dx = (slope[2:-2, 2:-2] for slope in np.gradient(height))
    length = np.sqrt(dx**2 + dy**2 + 1)
    return -dx / length, -dy / length, 1 / length


class Scene:
    """The picture in the making: ``canvas`` float64 (SIDE,SIDE,3), and the randomness of its details."""

    def __init__(self, seed: int, background: Colour = "#808080") -> None:
        self.rng = np.random.default_rng(seed)
        self.canvas = np.broadcast_to(rgb(background), (SIDE, SIDE, 3)).copy()
        self.y, self.x = (np.mgrid[0:SIDE, 0:SIDE] + 0.5) / SIDE
        self._grain = self.noise(6)

    # Noise -------------------------------------------------------------------------------

    def noise(self, cells: int = 4, octaves: int = 6, roughness: float = 0.55, stretch: float = 1.0) -> np.ndarray:
        """Fractal noise, mean 0 and standard deviation 1; ``stretch`` > 1 makes it run sideways."""
        total = np.zeros((SIDE, SIDE))
        for octave in range(octaves):
            n = min(cells * 2**octave, SIDE)
            across = max(2, int(n / stretch))
            total += roughness**octave * resized(self.rng.normal(size=(n, across)))
        return (total - total.mean()) / total.std()

    # Masks -------------------------------------------------------------------------------

    def _mask(self, draw_into) -> np.ndarray:
        big = Image.new("L", (SIDE * SUPER, SIDE * SUPER))
        draw_into(ImageDraw.Draw(big), SIDE * SUPER)
        return np.asarray(big.reduce(SUPER), float) / 255.0

    def polygon(self, points: Points) -> np.ndarray:
        return self._mask(lambda d, s: d.polygon([(x * s, y * s) for x, y in points], fill=255))

    def ellipse(self, x: float, y: float, rx: float, ry: float | None = None) -> np.ndarray:
        ry = rx if ry is None else ry
        return self._mask(lambda d, s: d.ellipse([(x - rx) * s, (y - ry) * s, (x + rx) * s, (y + ry) * s], fill=255))

    def box(self, left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> np.ndarray:
        return self._mask(
            lambda d, s: d.rounded_rectangle([left * s, top * s, right * s, bottom * s], radius * s, fill=255)
        )

    def line(self, points: Points, width: float) -> np.ndarray:
        """A stroke with round ends and joints."""

        def draw_into(draw: ImageDraw.ImageDraw, s: int) -> None:
            scaled = [(x * s, y * s) for x, y in points]
            draw.line(scaled, fill=255, width=max(1, round(width * s)), joint="curve")
            r = width * s / 2
            for x, y in (scaled[0], scaled[-1]):
                draw.ellipse([x - r, y - r, x + r, y + r], fill=255)

        return self._mask(draw_into)

    def lines(self, many: Sequence[Points], width: float) -> np.ndarray:
        """Many thin strokes in one mask."""

        def draw_into(draw: ImageDraw.ImageDraw, s: int) -> None:
            for points in many:
                draw.line([(x * s, y * s) for x, y in points], fill=255, width=max(1, round(width * s)))

        return self._mask(draw_into)

    # Paint -------------------------------------------------------------------------------

    def paint(self, mask: np.ndarray, colour: Colour, opacity: float = 1.0) -> None:
        """Cover with one colour (3,) or a picture (SIDE,SIDE,3)."""
        window = _window(mask)
        colour = rgb(colour)
        alpha = (mask[window] * opacity)[..., None]
        self.canvas[window] += alpha * ((colour[window] if colour.ndim == 3 else colour) - self.canvas[window])

    def darken(self, mask: np.ndarray, strength: float) -> None:
        """Multiply by ``1 − strength`` where the mask is 1; a negative strength brightens."""
        window = _window(mask)
        self.canvas[window] *= 1 - strength * mask[window][..., None]

    def shadow(self, mask: np.ndarray, dx: float, dy: float, blur: float, strength: float = 0.5) -> None:
        """The soft shadow that a shape throws, shifted by (dx, dy)."""
        moved = np.roll(mask, (round(dy * SIDE), round(dx * SIDE)), (0, 1))
        self.darken(ndimage.gaussian_filter(moved, blur * SIDE, truncate=3.0), strength)

    def blur(self, radius: float, mask: np.ndarray | None = None) -> None:
        """Out of focus (where ``mask`` is 1)."""
        soft = ndimage.gaussian_filter(self.canvas, (radius * SIDE, radius * SIDE, 0))
        weight = 1.0 if mask is None else mask[..., None]
        self.canvas = self.canvas * (1 - weight) + soft * weight

    def solid(
        self,
        mask: np.ndarray,
        colour: Colour,
        rounding: float = 0.02,
        gloss: float = 0.3,
        metal: float = 0.0,
        texture: float = 0.03,
        opacity: float = 1.0,
    ) -> None:
        """Paint a shape as a rounded body: edges curve away over ``rounding``, light falls on it.

        Args:
            gloss: strength of the highlight.
            metal: 0 matt to 1 mirror: reflects a horizon, bright sky over dark ground.
            texture: strength of irregularities.
        """
        window = _window(mask)
        nx, ny, nz = _normals(mask[window], rounding)
        base = rgb(colour)
        base = base[window] if base.ndim == 3 else np.broadcast_to(base, (*nx.shape, 3))
        base = base * (1 + texture * self._grain[window])[..., None]
        light = LIGHT / np.linalg.norm(LIGHT)
        lambert = np.clip(nx * light[0] + ny * light[1] + nz * light[2], 0, None)
        shade = 0.42 + 0.12 * -ny + 0.78 * lambert
        half = light + np.array([0, 0, 1.0])
        half /= np.linalg.norm(half)
        shine = np.clip(nx * half[0] + ny * half[1] + nz * half[2], 0, None) ** 40
        body = base * shade[..., None]
        if metal:
            # One reflected ray: up sees the sky, the horizon is a dark band, down sees the ground.
            up = -2 * nz * ny
            env = np.interp(up, [-1, -0.35, -0.08, 0.05, 0.3, 0.6, 1], [0.35, 0.75, 0.30, 0.18, 0.85, 1.25, 0.9])
            body = body * (1 - metal) + base * env[..., None] * metal * 1.1
        lit = np.clip(body + gloss * shine[..., None], 0, 1)
        self.canvas[window] += (mask[window] * opacity)[..., None] * (lit - self.canvas[window])

    # Scenery -----------------------------------------------------------------------------

    def sky(self, top: Colour = "#3f78c4", bottom: Colour = "#bcd6ee", clouds: float = 0.6) -> None:
        """A clear gradient with fair-weather clouds (0 none, 1 many)."""
        t = np.clip(self.y, 0, 1)[..., None]
        self.canvas = rgb(top) * (1 - t) + rgb(bottom) * t
        if clouds:
            shape = self.noise(4, 7, 0.56, stretch=1.8)
            cover = np.clip((shape - 1.4 + 1.6 * clouds) / 1.6, 0, 1) ** 1.3
            relief = np.clip(0.93 + 0.10 * (shape - ndimage.shift(shape, (-8, -5), order=1)), 0.72, 1.0)
            self.paint(cover, relief[..., None] * np.array([1.0, 1.0, 1.01]), 0.92)

    def grass(self, horizon: float, near: Colour = "#4d7a2a", far: Colour = "#7d9c4c", blades: int = 9000) -> None:
        """A lawn from the horizon down: blades grow with nearness."""
        depth = np.clip((self.y - horizon) / max(1e-6, 1 - horizon), 0, 1)
        ground = rgb(far) * (1 - depth[..., None]) + rgb(near) * depth[..., None]
        ground = ground * (1 + 0.10 * self.noise(5, 6, 0.6, stretch=0.5))[..., None]
        self.paint((self.y > horizon).astype(float), np.clip(ground, 0, 1))
        size = SIDE * SUPER
        layer = Image.fromarray((np.clip(self.canvas, 0, 1) * 255).astype(np.uint8)).resize((size, size))
        draw = ImageDraw.Draw(layer)
        depths = np.sort(self.rng.random(blades) ** 0.8)
        for d in depths:
            x, y = self.rng.random() * size, (horizon + d * (1 - horizon) + 0.02 * d) * size
            length = size * (0.004 + 0.055 * d**1.5) * self.rng.uniform(0.5, 1.3)
            lean = self.rng.normal(0, 0.45)
            tone = (rgb(far) * (1 - d) + rgb(near) * d) * self.rng.uniform(0.55, 1.6)
            tone = tone * np.array([1 + 0.15 * self.rng.normal(), 1.0, 0.9])
            fill = tuple(int(v) for v in np.clip(tone * 255, 0, 255))
            draw.line(
                [(x, y), (x + lean * length * 0.5, y - length * 0.6), (x + lean * length, y - length)],
                fill=fill,
                width=max(1, int(size * 0.0035 * d)),
            )
        self.canvas = np.asarray(layer.reduce(SUPER), float) / 255.0

    def trees(self, horizon: float, height: float = 0.14, colour: Colour = "#35522a") -> None:
        """A row of trees behind: billowing tops, lit from above."""
        outline = ndimage.gaussian_filter1d(self.rng.normal(size=SIDE), 14)
        fine = ndimage.gaussian_filter1d(self.rng.normal(size=SIDE), 3)
        top = horizon - height * (0.65 + 2.2 * outline + 0.28 * fine)
        mask = ((self.y > top[None, :]) & (self.y < horizon + 0.01)).astype(float)
        mask = ndimage.gaussian_filter(mask, 0.7)
        leaves = self.noise(24, 4, 0.7)
        lit = np.clip(1.25 - (self.y - top[None, :]) / height * 0.7, 0.4, 1.3)
        self.paint(mask, np.clip(rgb(colour) * (lit * (1 + 0.28 * leaves))[..., None], 0, 1))

    def ground(self, horizon: float, near: Colour, far: Colour, rough: float = 0.06) -> None:
        """Asphalt, concrete or a table: a plain with grain."""
        depth = np.clip((self.y - horizon) / max(1e-6, 1 - horizon), 0, 1)[..., None]
        plain = rgb(far) * (1 - depth) + rgb(near) * depth
        grain = 0.5 * self.noise(8, 6, 0.7, stretch=0.5) + 0.5 * self.rng.normal(size=(SIDE, SIDE))
        self.paint((self.y > horizon).astype(float), np.clip(plain * (1 + rough * grain)[..., None], 0, 1))

    def wood(self, colour: Colour = "#a5794e", planks: int = 5) -> None:
        """A table top of planks over the whole picture."""
        grain = self.noise(40, 4, 0.6, stretch=24.0)
        swirl = np.sin(60 * (self.y + 0.02 * self.noise(3, 3)) + 2 * grain)
        tone = np.ones((SIDE, SIDE))
        for k in range(planks):
            tone[(self.y * planks).astype(int) == k] = self.rng.uniform(0.85, 1.12)
        gaps = np.exp(-((((self.y * planks) % 1.0) - 0.0) ** 2) / 0.0006)
        tone = tone * (1 + 0.05 * swirl + 0.05 * grain) * (1 - 0.55 * gaps)
        self.canvas = np.clip(rgb(colour) * tone[..., None], 0, 1)

    # Camera ------------------------------------------------------------------------------

    def photograph(
        self, warmth: float = 0.02, vignette: float = 0.18, grain: float = 0.009, blur: float = 0.6
    ) -> Image.Image:
        """What a camera makes of it: a soft lens, darker corners, grain, a warm or cold cast."""
        out = ndimage.gaussian_filter(self.canvas, (blur, blur, 0))
        corner = ((self.x - 0.5) ** 2 + (self.y - 0.5) ** 2) * 2
        out = out * (1 - vignette * corner)[..., None] * np.array([1 + warmth, 1.0, 1 - warmth])
        rough = self.rng.normal(size=(SIDE, SIDE, 1)) + 0.5 * self.rng.normal(size=out.shape)
        out = out + grain * ndimage.gaussian_filter(rough, (0.6, 0.6, 0)) * 1.6
        return Image.fromarray((np.clip(out, 0, 1) * 255).round().astype(np.uint8))
