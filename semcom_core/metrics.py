"""Picture quality and accuracy, with intervals."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Interval = tuple[float, float]


def psnr(image: Tensor, reference: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of each image, (B,C,H,W) in [0,1] -> (B,).

    Identical images give ``inf``. A data set's figure is the mean of this over images (CEM's
    code averages the MSE over a batch first, so its numbers do not compare).
    """
    mse = (image - reference).square().flatten(1).mean(1)
    return -10.0 * torch.log10(mse)


def ssim(image: Tensor, reference: Tensor) -> Tensor:
    """Structural similarity of each image (11×11 Gaussian window, sigma 1.5), (B,); in float32 whatever surrounds it.

    Wang et al., IEEE TIP 13(4), 2004, with windows that lie inside the picture, biased covariances, and the mean over
    positions and channels. All five local means are one convolution: a library that makes them one by one takes more
    than twice as long, more than a decoder. In bf16 its variances, differences of nearly equal numbers, would be noise.
    """
    with torch.autocast(image.device.type, enabled=False):
        x, y = image.float(), reference.float()
        channels = x.shape[1]
        offset = torch.arange(-5.0, 6.0, device=x.device)
        window = torch.exp(-(offset**2) / (2 * 1.5**2))
        across = (window / window.sum()).expand(5 * channels, 1, 1, 11)
        # Channels last: a third of the time of one channel after another.
        local = torch.cat([x, y, x * x, y * y, x * y], 1).contiguous(memory_format=torch.channels_last)
        local = F.conv2d(F.conv2d(local, across, groups=5 * channels), across.mT, groups=5 * channels)
        mean_x, mean_y, xx, yy, xy = local.chunk(5, 1)
        both, squares = mean_x * mean_y, mean_x**2 + mean_y**2
        structure = (2 * (xy - both) + 0.03**2) / (xx + yy - squares + 0.03**2)
        return (structure * (2 * both + 0.01**2) / (squares + 0.01**2)).mean((1, 2, 3))


def balanced_accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes of the accuracy within each class; chance is 1/classes."""
    return float(np.mean([np.mean(predicted[labels == k] == k) for k in np.unique(labels)]))


def bootstrap(values: np.ndarray, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Interval:
    """Percentile interval of a mean over images.

    Args:
        values: one number an image, already averaged over that image's channel seeds.
    """
    rng = np.random.default_rng(seed)
    means = np.array([values[rng.integers(len(values), size=len(values))].mean() for _ in range(draws)])
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def wilson(successes: int, trials: int, z: float = 1.96) -> Interval:
    """Wilson score interval of one proportion (single channel seed)."""
    p, z2 = successes / trials, z * z / trials
    centre = (p + z2 / 2) / (1 + z2)
    half = z * np.sqrt(p * (1 - p) / trials + z2 / trials / 4) / (1 + z2)
    return float(centre - half), float(centre + half)


def accuracy_interval(right: np.ndarray) -> Interval:
    """Interval of an accuracy over images: bootstrap, but Wilson's where all images agree.

    Resampling a sample without an error never meets one, so its interval would have no width: as if
    200 right answers in a row ruled out every error.

    Args:
        right: one share of right answers an image, over that image's channel seeds.
    """
    if right.min() == right.max() and right[0] in (0.0, 1.0):
        return wilson(int(right.sum()), len(right))
    return bootstrap(right)


def chance_p_value(predicted: np.ndarray, labels: np.ndarray, draws: int = 5000, seed: int = 0) -> float:
    """Permutation test of "the prediction says nothing about the label", on balanced accuracy.

    Returns:
        Two-sided p-value, at least ``1/(draws+1)``.
    """
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    weight = dict(zip(classes.tolist(), (1.0 / counts / len(classes)).tolist(), strict=True))
    weights = np.array([weight[label] for label in labels.tolist()])
    observed = abs(float(weights[predicted == labels].sum()) - 1 / len(classes))
    extreme = 0
    for _ in range(draws):
        order = rng.permutation(len(labels))
        extreme += abs(float(weights[order][predicted == labels[order]].sum()) - 1 / len(classes)) >= observed - 1e-12
    return (extreme + 1) / (draws + 1)


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down adjusted p-values: compare each with the family-wise level."""
    order = np.argsort(p_values)
    adjusted = np.empty(len(p_values))
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted.tolist()
