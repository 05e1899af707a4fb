"""Domains: what kind of picture a link was trained for, and how any picture becomes one.

::

    any picture ── prepare ──► native (C,n,n) ── enlarge ──► (B,C,224,224) ── link ──► … ── to_native ──► (B,C,n,n)

PSNR, SSIM and the judge work at the native size: enlarged pictures inflate both figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from semcom_core.handwriting import normalise
from semcom_core.images import to_rgb

CODEC_SIZE = 224
"""Side of the pictures that RepObE's encoder takes and its reconstructor gives."""

OBJECT_SIZE = 32
"""Side of CIFAR-10's pictures."""

Notes = tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """A picture as a domain sees it.

    Attributes:
        native: float32 (C,n,n) in [0,1].
        notes: sentences for the visitor about what was changed.
    """

    native: Tensor
    notes: Notes = ()


def _digit(image: Image.Image) -> tuple[np.ndarray, Notes]:
    field, notes = normalise(image)
    return field[..., None], notes


def _centre_square(image: Image.Image, size: int) -> tuple[np.ndarray, Notes]:
    """The centre square, reduced with anti-aliasing (or enlarged) to ``size``, float32 (size,size,3)."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.resize((size, size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))
    notes = []
    if max(image.size) > 1.02 * side:
        notes.append("Only the square in the middle is sent.")
    if side < size // 2:
        notes.append(f"The picture has only {side} pixels a side: enlarged, so it is blurred before it is sent.")
    return np.asarray(square, dtype=np.float32) / 255.0, tuple(notes)


def _object(image: Image.Image) -> tuple[np.ndarray, Notes]:
    """As CIFAR-10 shows things: the centre square at 32×32, float32 (32,32,3)."""
    pixels, notes = _centre_square(image, OBJECT_SIZE)
    if min(image.size) > 2 * OBJECT_SIZE:
        notes = (
            *notes,
            f"Objects are {OBJECT_SIZE} pixels a side, as in CIFAR-10: fine detail is gone before sending.",
        )
    return pixels, notes


def _photograph(image: Image.Image) -> tuple[np.ndarray, Notes]:
    return _centre_square(image, CODEC_SIZE)


@dataclass(frozen=True)
class Domain:
    """A family of pictures with its ten classes.

    Attributes:
        name: registry key, folder under ``weights/`` and URL value.
        native_size: side at which PSNR and SSIM are computed.
        channels: 1 or 3.
        classes: class names in label order, as shown to a person.
        normalise: RGB picture -> float32 (n,n,C) in [0,1] and notes.
    """

    name: str
    native_size: int
    channels: int
    classes: tuple[str, ...]
    normalise: Callable[[Image.Image], tuple[np.ndarray, Notes]]

    def prepare(self, image: Image.Image) -> Prepared:
        """Any picture as this domain's data set would show it.

        Args:
            image: any mode; each side at least 8 pixels.

        Raises:
            PictureError: nothing of the domain's kind is in it (no ink, for digits).
        """
        pixels, notes = self.normalise(to_rgb(image))
        return Prepared(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), notes)

    def enlarge(self, native: Tensor, size: int = CODEC_SIZE) -> Tensor:
        """Native pictures (B,C,n,n) to a codec's size (B,C,size,size), bilinear.

        The same enlargement as :func:`semcom_core.training.augment.plain`.
        """
        if native.shape[-1] == size:
            return native
        return F.interpolate(native, size=(size, size), mode="bilinear", align_corners=False)

    def to_native(self, image: Tensor) -> Tensor:
        """Pictures at the codec's size (B,C,224,224) back to native (B,C,n,n).

        The least-squares inverse of :meth:`enlarge`: of all native pictures the one whose
        enlargement is nearest to ``image``. It uses every pixel, and the round trip is exact:
        146 dB on 500 MNIST images, where area averaging, which blurs the tent of the bilinear
        enlargement once more, gives 26.9 dB and antialiased bilinear 24.6 dB. Like any sharp
        filter it may leave [0,1] by a little. Pictures that are native already pass unchanged.
        """
        if image.shape[-1] == self.native_size:
            return image
        reduce = _least_squares(self.native_size).to(image)
        return reduce @ image @ reduce.T


@lru_cache(maxsize=4)
def _least_squares(native_size: int) -> Tensor:
    """Pseudo-inverse (n,224) of bilinear enlargement along one axis, float32."""
    enlarge = F.interpolate(
        torch.eye(native_size, dtype=torch.float64)[None], size=CODEC_SIZE, mode="linear", align_corners=False
    )[0]
    return torch.linalg.pinv(enlarge.T).float()


DOMAINS: dict[str, Domain] = {
    domain.name: domain
    for domain in (
        Domain("digits", 28, 1, tuple("0123456789"), _digit),
        Domain(
            "objects",
            OBJECT_SIZE,
            3,
            ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
            _object,
        ),
        Domain(
            "photographs",
            224,
            3,
            (
                "tench",
                "English springer",
                "cassette player",
                "chain saw",
                "church",
                "French horn",
                "garbage truck",
                "gas pump",
                "golf ball",
                "parachute",
            ),
            _photograph,
        ),
    )
}
