r"""A picture of a handwritten digit -> 28×28, the way MNIST itself was made.

LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition"
(1998): the ink is scaled into a 20×20 box keeping its aspect ratio, then shifted so that its
centre of mass is the middle of a 28×28 field, light ink on black. NIST's pages were scanned;
a phone's photograph needs its light and paper removed first::

    picture ─ grey ─ polarity ─ divide by the paper ─ soft threshold ─ drop specks ─ thicken hairlines
            ─ crop ─ 20×20 box ─ centre of mass ─ 28×28

The soft threshold adapts to the noise of the paper, so an image of MNIST itself passes almost
unchanged: mean absolute difference 0.0005 over 2,000 training images, 0.003 at most but for six
that lose a detached speck.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from semcom_core.images import PictureError, to_rgb

FIELD, BOX = 28, 20
WORK_SIDE = 400
"""Pictures are reduced to this side first: 20 pixels for one of the result if the digit fills the frame."""

MIN_CONTRAST = 0.08
"""Ink must differ from its paper by this much of full scale (or of the paper's brightness)."""

MIN_STROKE = 2.0
"""Pixels of the 28×28 field; MNIST's own strokes are 2 to 4 wide."""

NO_INK = "No handwriting was found in this picture: use one dark digit on plain light paper, filling much of the frame."


def normalise(picture: Image.Image) -> tuple[np.ndarray, tuple[str, ...]]:
    """One digit as MNIST would show it.

    Args:
        picture: any mode, any size from 8×8.

    Returns:
        float32 (28,28) in [0,1], light on black, and notes for the visitor.

    Raises:
        PictureError: there is no ink.
    """
    grey = _grey(picture)
    notes: list[str] = []
    dark_ink = _ink_is_dark(grey)
    if dark_ink:
        notes.append("Dark ink on light paper: inverted, because the digits of MNIST are light on black.")
    ink = _ink(grey, dark_ink)
    rows, columns = np.nonzero(ink > 0.1)
    if rows.size == 0:
        raise PictureError(NO_INK)
    longer = max(np.ptp(rows), np.ptp(columns)) + 1
    stroke = _stroke_width(ink) * BOX / longer
    if stroke < MIN_STROKE and longer > BOX:
        ink = _thicken(ink, (MIN_STROKE - stroke) * longer / BOX)
        notes.append("The strokes were thin: thickened, because they would vanish at 28×28.")
    return _place(_fit(ink)), tuple(notes)


def _grey(picture: Image.Image) -> np.ndarray:
    """Luma, float64 (H,W) in [0,1], longer side at most WORK_SIDE."""
    picture = to_rgb(picture).convert("L")
    scale = WORK_SIDE / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BOX)
    return np.asarray(picture, dtype=np.float64) / 255.0


def _ink_is_dark(grey: np.ndarray) -> bool:
    """Polarity: ink is the minority, so what deviates from the local mean is skewed its way.

    Shadows are broad and leave the local mean with little skew. Where ink and paper are nearly
    balanced (a fat digit that fills the frame), the border decides: it is paper.
    """
    detail = grey - ndimage.gaussian_filter(grey, max(grey.shape) / 6, mode="nearest")
    spread = detail.std()
    skew = 0.0 if spread == 0 else float((detail**3).mean() / spread**3)
    if abs(skew) > 0.5:
        return skew < 0
    border = np.concatenate([detail[0], detail[-1], detail[:, 0], detail[:, -1]])
    return bool(np.median(border) >= np.median(detail))


def _ink(grey: np.ndarray, dark: bool) -> np.ndarray:
    """Where the ink is: float64 (H,W) in [0,1], 1 inside a stroke, 0 on paper.

    Raises:
        PictureError: nothing stands out from the paper.
    """
    contrast = _flatten(grey, dark)
    paper = contrast[contrast <= _otsu(contrast)]
    # A closing rides on top of the noise: take that offset away with the paper's median.
    contrast = contrast - float(np.median(paper))
    noise = 1.4826 * float(np.median(np.abs(paper - np.median(paper))))
    clean = noise < 0.004 and not _is_photo(grey)  # a small drawing, or MNIST itself
    if not clean:
        contrast = ndimage.gaussian_filter(contrast, max(grey.shape) / 300)
    level = _otsu(contrast)
    strong = contrast > level
    if not strong.any():
        raise PictureError(NO_INK)
    full = float(np.percentile(contrast[strong], 99.5 if clean else 75))
    if full < max(MIN_CONTRAST, 5 * noise) or strong.mean() > 0.6:
        raise PictureError(NO_INK)
    # Clean: the ramp starts at 0, so the antialiasing survives. Otherwise well above noise and shade;
    # there, the reduction to 28×28 makes new soft edges.
    low = 0.0 if clean else min(max(4 * noise, 0.35 * full), 0.75 * level)
    ink = np.clip((contrast - low) / (full - low), 0.0, 1.0)
    return _without_specks(ink)


def _flatten(grey: np.ndarray, dark: bool) -> np.ndarray:
    """Contrast of the ink against the paper beneath it, float64 (H,W), about 0 on paper.

    The paper beneath comes from a morphological closing with a window wider than any stroke: it
    fills the strokes and follows shadows, even their edges, where a blur would not. Dark ink
    gives ``1 − grey/paper``, as light falls on both alike and so divides out; light ink (a
    screen, chalk, MNIST) gives ``grey − paper``.
    """
    side = max(grey.shape)
    photo = _is_photo(grey)
    window = max(3, min(grey.shape) // 3 if photo else 2 * min(grey.shape) // 3)
    smooth = ndimage.gaussian_filter(grey, side / 200, mode="nearest") if photo else grey
    fill = ndimage.grey_closing if dark else ndimage.grey_opening
    paper = fill(smooth, size=(window, window), mode="nearest")
    if photo:
        paper = ndimage.gaussian_filter(paper, side / 80, mode="nearest")
    return (paper - grey) / np.maximum(paper, 0.05) if dark else grey - paper


def _is_photo(grey: np.ndarray) -> bool:
    """Smaller pictures come from a screen: no shadows, but strokes of any width."""
    return max(grey.shape) > 100


def _otsu(values: np.ndarray) -> float:
    """The threshold that separates two classes best (Otsu 1979), on 128 bins of [0, max]."""
    counts, edges = np.histogram(values, bins=128, range=(0.0, max(float(values.max()), 1e-6)))
    middles = (edges[1:] + edges[:-1]) / 2
    below, mass = np.cumsum(counts), np.cumsum(counts * middles)
    above = below[-1] - below
    valid = (below > 0) & (above > 0)
    between = np.zeros(len(counts))
    between[valid] = (mass[-1] * below[valid] - mass[valid] * below[-1]) ** 2 / (below[valid] * above[valid])
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    return float(edges[1:][best].mean())  # an empty valley is a plateau: take its middle


def _without_specks(ink: np.ndarray) -> np.ndarray:
    """Keep the pieces of ink that belong to the digit.

    Faint pieces are ruled lines and texture. Pieces below 1.5 % of the largest are dust.
    Pieces at the picture's edge are shadows and the table, unless the digit itself reaches the edge.
    """
    pieces, count = ndimage.label(ink > 0, np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    mass = ndimage.sum_labels(ink**2, pieces, numbers)
    density = mass / np.maximum(ndimage.sum_labels(ink, pieces, numbers), 1e-9)  # near 1 for ink, low for shade
    dense = density > 0.5 * density[np.argmax(mass)]
    edge = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    inner = ~np.isin(numbers, edge)
    keep = dense
    if mass[keep & inner].max(initial=0.0) > 0.1 * mass[keep].max(initial=0.0):
        keep = keep & inner
    keep = keep & (mass >= 0.015 * mass[keep].max(initial=0.0))
    return np.where(np.isin(pieces, numbers[keep]), ink, 0.0)


def _stroke_width(ink: np.ndarray) -> float:
    """Mean width of the strokes in pixels: over a strip of width w, the distance to its edge averages w/4."""
    smooth = ndimage.gaussian_filter(ink, max(ink.shape) / 200)  # a dithered or speckled stroke is one stroke
    solid = np.pad(smooth > 0.5, 1)
    return 4.0 * float(ndimage.distance_transform_edt(solid)[solid].mean()) - 2.0 if solid.any() else 1.0


def _thicken(ink: np.ndarray, by: float) -> np.ndarray:
    """Grow strokes by ``by`` pixels in width with a round brush."""
    radius = by / 2
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return ndimage.grey_dilation(np.pad(ink, reach), footprint=np.hypot(x, y) <= radius + 0.25)


def _fit(ink: np.ndarray) -> np.ndarray:
    """Crop to the ink and scale it into the 20×20 box, float64 (h,w), one side 20 or nearly."""
    rows, columns = np.nonzero(ink > 0.1)
    crop = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    if max(ink.shape) <= FIELD and 16 <= max(crop.shape) <= BOX:
        # Already MNIST's own scale: resampling would only blur it. Faint edges stay, too.
        rows, columns = np.nonzero(ink > 0)
        whole = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        return whole if max(whole.shape) <= FIELD else crop
    scale = BOX / max(crop.shape)
    size = (max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale)))
    resample = Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BICUBIC
    small = np.asarray(Image.fromarray(crop.astype(np.float32)).resize(size, resample), dtype=np.float64)
    small = np.clip(small, 0.0, 1.0)
    # MNIST's strokes are full white inside: make up for what averaging took from thin ones.
    return np.clip(small / np.clip(np.percentile(small[small > 0.1], 90), 0.4, 1.0), 0.0, 1.0)


def _place(box: np.ndarray) -> np.ndarray:
    """Into the 28×28 field, the centre of mass in its middle (pixel (14,14), in whole pixels, as in MNIST)."""
    field = np.zeros((FIELD, FIELD), dtype=np.float32)
    middle = FIELD // 2  # of the pixel numbers 0 to 27: measured on MNIST, all within ±0.5
    top, left = (
        int(np.clip(round(middle - centre), 0, FIELD - length))
        for centre, length in zip(ndimage.center_of_mass(box), box.shape, strict=True)
    )
    field[top : top + box.shape[0], left : left + box.shape[1]] = box
    return field
