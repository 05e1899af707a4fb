"""CEM's clusters: k-means within each class, and the loss on their variance."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

LLOYD_STEPS = 50
OFFSET = 0.01
"""Added to variances before the logarithm, as the authors do."""
MIX, MIX_LIMIT = 10.0, 0.99


def k_means(points: Tensor, centroids: Tensor) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm until nothing moves, at most :data:`LLOYD_STEPS` times.

    Args:
        points: (N,D).
        centroids: (J,D) to start from; one that wins no point stays where it is.

    Returns:
        Centroids (J,D) and the nearest one's index for each point (N,).
    """
    nearest = torch.full((len(points),), -1, device=points.device)
    for _ in range(LLOYD_STEPS):
        found = torch.cdist(points, centroids).argmin(1)
        if torch.equal(found, nearest):
            break
        nearest = found
        counts = torch.bincount(nearest, minlength=len(centroids))
        sums = torch.zeros_like(centroids).index_add_(0, nearest, points)
        centroids = torch.where(counts[:, None] > 0, sums / counts.clamp_min(1)[:, None], centroids)
    return centroids, nearest


def plus_plus(points: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    """k-means++ seeding (Arthur and Vassilvitskii, 2007): (N,D) to (count,D)."""
    chosen = [points[int(rng.integers(len(points)))]]
    for _ in range(count - 1):
        gap = torch.cdist(points, torch.stack(chosen)).min(1).values.square().double().cpu().numpy()
        share = gap / gap.sum() if gap.sum() > 0 else None  # all points alike: any of them
        chosen.append(points[int(rng.choice(len(points), p=share))])
    return torch.stack(chosen)


class Clusters(nn.Module):
    """Centroids, weights and variances of each class's clusters; buffers, so that a run can resume.

    Args:
        classes: number of classes K.
        clusters: clusters a class, J (authors: 5 for features in (0,1)).
        dimensions: length D of a feature vector.
    """

    def __init__(self, classes: int, clusters: int, dimensions: int) -> None:
        super().__init__()
        self.register_buffer("mu", torch.zeros(classes, clusters, dimensions))
        self.register_buffer("pi", torch.zeros(classes, clusters))
        self.register_buffer("v", torch.zeros(classes, clusters))
        self.register_buffer("ready", torch.tensor(0))

    @torch.no_grad()
    def refresh(self, z: Tensor, labels: Tensor, rng: np.random.Generator) -> None:
        """Cluster noise-free features (N,D) anew: k-means++ the first time, then from the old centroids."""
        for y in range(len(self.mu)):
            points = z[labels == y]
            start = self.mu[y] if self.ready else plus_plus(points, self.mu.shape[1], rng)
            self.mu[y], nearest = k_means(points, start)
            gap = (points - self.mu[y][nearest]).square().mean(1)
            counts = torch.bincount(nearest, minlength=self.mu.shape[1])
            self.pi[y] = counts / len(points)
            self.v[y] = torch.zeros_like(self.v[y]).index_add_(0, nearest, gap) / counts.clamp_min(1)
        self.ready.fill_(1)

    def loss(self, z: Tensor, labels: Tensor, floor: float, images: int) -> tuple[Tensor, Tensor]:
        r"""CEM's loss on noise-free features, as the authors' code computes it (``log_entropy = 1``).

        ``L_C = mean_y Σ_j π_yj ReLU(log(v + 0.01) − log(floor + 0.01))`` with
        ``v = m·v_b + (1−m)·v_yj``, ``v_b`` the batch's mean squared distance to the centroid over
        samples and dimensions, ``m = min(0.99, 10·n_b/(π_yj·N/K))``. Not a determinant: one
        variance a cluster, shrunk until it is below the floor.

        Args:
            z: (B,D).
            floor: ``tau·sigma²``.
            images: N, training images.

        Returns:
            The loss, and the mean squared distance to the nearest centroid.
        """
        gaps = (z[:, None] - self.mu[labels]).square().mean(2)
        gap, nearest = gaps.min(1)
        cell = labels * self.mu.shape[1] + nearest
        count = torch.bincount(cell, minlength=self.pi.numel())
        v_batch = torch.zeros_like(self.v.flatten()).index_add(0, cell, gap) / count.clamp_min(1)
        m = (MIX * count / (self.pi.flatten() * images / len(self.mu)).clamp_min(1e-6)).clamp_max(MIX_LIMIT)
        v = (m * v_batch + (1.0 - m) * self.v.flatten()).reshape(self.v.shape)
        hinge = torch.relu(torch.log(v + OFFSET) - float(np.log(floor + OFFSET)))
        return (self.pi * hinge).sum(1).mean(), gap.mean()
