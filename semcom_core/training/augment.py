"""Random changes of training images: crops for photographs and objects, small warps for digits."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2 import functional as V


def photographs(images: np.ndarray, size: int, rng: np.random.Generator, min_scale: float = 0.35) -> Tensor:
    """Random resized crop, flip, and light colour jitter.

    Args:
        images: uint8 (B,H,W,3).
        size: side of the output.
        min_scale: smallest share of the area that a crop keeps; 1 gives the plain picture.

    Returns:
        float32 (B,3,size,size) in [0,1].
    """
    out = torch.empty(len(images), 3, size, size)
    for i, image in enumerate(images):
        picture = torch.from_numpy(image).permute(2, 0, 1)
        height, width = picture.shape[1:]
        area = height * width * rng.uniform(min_scale, 1.0)
        aspect = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3))) if min_scale < 1 else 1.0
        crop_h = min(height, max(1, round(math.sqrt(area / aspect))))
        crop_w = min(width, max(1, round(math.sqrt(area * aspect))))
        top, left = rng.integers(height - crop_h + 1), rng.integers(width - crop_w + 1)
        crop = V.resized_crop(picture, top, left, crop_h, crop_w, [size, size], antialias=True)
        out[i] = (crop.flip(2) if rng.random() < 0.5 else crop).float() / 255.0
    return _jitter(out, rng)


def objects(images: np.ndarray, size: int, rng: np.random.Generator, min_scale: float = 0.5) -> Tensor:
    """Random window, flip and light colour jitter, resampled once to ``size``.

    Args:
        images: uint8 (B,H,W,3).
        size: side of the output.
        min_scale: smallest share of the area that a window keeps. Windows may reach over the
            border by an eighth of the picture, which is mirrored there.

    Returns:
        float32 (B,3,size,size) in [0,1].
    """
    batch = len(images)
    side = np.sqrt(rng.uniform(min_scale, 1.0, (batch, 1))) * np.exp(rng.uniform(-0.12, 0.12, (batch, 2)))
    room = np.maximum(1.0 - side, 0.0) + 0.25
    theta = np.zeros((batch, 2, 3))
    theta[:, 0, 0] = side[:, 0] * rng.choice([-1.0, 1.0], batch)
    theta[:, 1, 1] = side[:, 1]
    theta[:, :, 2] = rng.uniform(-room, room)
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0
    grid = F.affine_grid(torch.from_numpy(theta).float(), [batch, 3, size, size], align_corners=False)
    out = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return _jitter(out, rng)


def _jitter(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Random brightness, contrast and saturation, one draw a picture, clipped to [0,1]."""

    def draw(low: float, high: float) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (len(pictures), 1, 1, 1))).float()

    gain, contrast, saturation = draw(0.7, 1.3), draw(0.7, 1.3), draw(0.6, 1.4)
    grey = pictures.mean(1, keepdim=True)
    pictures = grey + saturation * (pictures - grey)
    mean = pictures.mean((1, 2, 3), keepdim=True)
    return (gain * (mean + contrast * (pictures - mean))).clamp(0.0, 1.0)


def digits(images: np.ndarray, size: int, rng: np.random.Generator, strength: float = 1.0) -> Tensor:
    """Random rotation, shear, scale, shift and elastic warp, resampled once to ``size``.

    Args:
        images: uint8 (B,28,28).
        size: side of the output.
        strength: 1 for the usual warp, 0 for plain bilinear up-sampling (then equal to
            ``F.interpolate(mode="bilinear")`` inside the picture).

    Returns:
        float32 (B,1,size,size) in [0,1].
    """
    batch = len(images)
    pictures = torch.from_numpy(images).float()[:, None] / 255.0

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (batch, *shape))).float()

    angle = strength * uniform(-math.radians(14), math.radians(14))
    shear = strength * uniform(-0.18, 0.18)
    scale = torch.exp(strength * uniform(-0.16, 0.16, 2))
    shift = strength * uniform(-2.2, 2.2, 2) / 14.0
    cos, sin = angle.cos(), angle.sin()
    theta = torch.stack(
        [
            torch.stack([scale[:, 0] * cos, scale[:, 0] * (shear * cos - sin), shift[:, 0]], 1),
            torch.stack([scale[:, 1] * sin, scale[:, 1] * (shear * sin + cos), shift[:, 1]], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [batch, 1, size, size], align_corners=False)
    if strength > 0:
        bend = torch.from_numpy(rng.normal(0, 0.045 * strength, (batch, 2, 6, 6))).float()
        bend = F.interpolate(bend, size=(size, size), mode="bicubic", align_corners=True)
        grid = grid + bend.permute(0, 2, 3, 1)
    warped = F.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    if strength > 0:  # thinner or thicker strokes: a soft threshold that moves
        gamma = torch.exp(strength * uniform(-0.35, 0.35, 1, 1, 1))
        warped = warped.clamp(0, 1) ** gamma
    return warped


AUGMENT = {"digits": digits, "objects": objects, "photographs": photographs}


def plain(domain: str, images: np.ndarray, size: int) -> Tensor:
    """Images at ``size`` without any random change, as evaluation sees them."""
    pictures = torch.from_numpy(images)
    pictures = pictures[:, None] if pictures.ndim == 3 else pictures.permute(0, 3, 1, 2)
    pictures = pictures.float() / 255.0
    if pictures.shape[-1] == size:
        return pictures
    shrinking = pictures.shape[-1] > size
    return F.interpolate(pictures, size=(size, size), mode="bilinear", align_corners=False, antialias=shrinking)
