r"""Ridge / LMMSE inversion in closed form, of low rank, exact at every noise level.

::

    heard  u = s + e,  E ee* = v·I      known from training:  C = Cov(s),  P = Cov(s, [picture, class])
    LMMSE  p̂ = p̄ + Pᵀ (C + v·I)⁻¹ (u − ū)

A basis Q of the few directions of u that tell most about the pictures is kept, chosen at one noise
level (reduced-rank regression: the leading left singular vectors of ``(C+v₀I)^{-1/2} P``), with
``QᵀQ = I`` and ``QᵀCQ`` diagonal. In this basis the best linear estimate for *any* v is a division:
``p̂ = p̄ + Gᵀ diag(1/(λ+v+ρ)) Qᵀ(u − ū)``, so that one fit serves every SNR and every fade.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.networks.inversion_reader import real_values

REFERENCE_NOISE = 0.1
"""v₀: 10 dB."""
_LEAST = 1e-3
"""Smallest linear class score that is not taken for zero."""


class RidgeInversion(nn.Module):
    """The fitted linear attacker; buffers only, solved and never trained.

    Args:
        channel_uses: symbols a message, n.
        rank: directions that are kept, at most 2n.
        image_channels: 1 or 3.
        small: side of the pictures that it estimates.
        size: side of the pictures that it gives; enlarged bilinearly where ``small`` is less.
        classes: number of classes; scores are regressed on one-hot labels.

    Shape: ``(B, n) complex, (B,) -> logits (B, classes), picture (B, image_channels, size, size)``.
    """

    def __init__(self, channel_uses: int, rank: int, image_channels: int, small: int, size: int, classes: int) -> None:
        super().__init__()
        if rank > 2 * channel_uses:
            raise ValueError(f"{channel_uses} symbols have no {rank} directions.")
        self.picture_shape, self.size = (image_channels, small, small), size
        pixels = image_channels * small**2
        for name, shape in {
            "mean": (2 * channel_uses,), "Q": (2 * channel_uses, rank), "level": (rank,), "penalty": (),
            "picture_mean": (pixels,), "G": (rank, pixels), "class_mean": (classes,), "G_class": (rank, classes),
        }.items():  # fmt: skip
            self.register_buffer(name, torch.zeros(shape))

    @torch.no_grad()
    def fit(
        self, mean: Tensor, C: Tensor, target_mean: Tensor, P: Tensor, generator: torch.Generator
    ) -> RidgeInversion:
        """Set everything but the penalty from first and second moments.

        Args:
            mean, C: of the real values (d,), (d,d), without channel noise.
            target_mean, P: of the targets (t,), and their cross-covariance with the values (d,t);
                pixels first, classes last.
            generator: for the start of the subspace iteration.
        """
        pixels, rank = len(self.picture_mean), len(self.level)
        L = torch.linalg.cholesky(C.double() + REFERENCE_NOISE * torch.eye(len(C), dtype=torch.float64))
        white = torch.linalg.solve_triangular(L, P.double(), upper=False)
        # Class scores have at most K−1 directions: they are all kept, the rest is for the pictures.
        k = min(P.shape[1] - pixels, rank)
        about_class = torch.linalg.qr(white[:, pixels:])[0][:, :k]
        about_picture = _leading(white[:, :pixels], rank - k, generator)
        directions = torch.linalg.solve_triangular(L.mT, torch.cat([about_class, about_picture], 1), upper=True)
        if left := rank - directions.shape[1]:  # few pixels: other noise levels want other directions
            directions = torch.cat([directions, torch.linalg.eigh(C.double())[1][:, -left:]], 1)
        basis = torch.linalg.qr(directions)[0]
        level, turn = torch.linalg.eigh(basis.mT @ C.double() @ basis)
        Q = basis @ turn
        G = Q.mT @ P.double()
        for name, value in {
            "mean": mean, "Q": Q, "level": level.clamp_min(0.0), "picture_mean": target_mean[:pixels],
            "G": G[:, :pixels], "class_mean": target_mean[pixels:], "G_class": G[:, pixels:],
        }.items():  # fmt: skip
            getattr(self, name).copy_(value)
        return self

    def coordinates(self, symbols: Tensor, noise: Tensor) -> Tensor:
        """Symbols as MMSE estimates, and their noise, to ``(Qᵀ(u−ū))/(λ+v+ρ)``, (B,rank)."""
        u = real_values(symbols) * (1.0 + noise)[:, None]
        # A deep fade makes v huge, and its estimate then is the mean, as it should be.
        return (u - self.mean) @ self.Q / (self.level + noise[:, None] + self.penalty).clamp_min(1e-6)

    def small_picture(self, coordinates: Tensor) -> Tensor:
        """(B,rank) to pictures at the side ``small``, not clipped."""
        return (self.picture_mean + coordinates @ self.G).reshape(-1, *self.picture_shape)

    def forward(self, symbols: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        found = self.coordinates(symbols, noise)
        picture = self.small_picture(found).clamp(0.0, 1.0)
        if picture.shape[-1] != self.size:
            picture = F.interpolate(picture, (self.size, self.size), mode="bilinear", align_corners=False)
        scores = self.class_mean + found @ self.G_class
        return scores.clamp_min(_LEAST).log(), picture


def _leading(M: Tensor, count: int, generator: torch.Generator, rounds: int = 6) -> Tensor:
    """The leading ``count`` left singular vectors of M (d,t), by subspace iteration."""
    extra = min(count + 16, *M.shape)
    start = torch.randn(M.shape[1], extra, generator=generator, dtype=M.dtype)
    Y = torch.linalg.qr(M @ start)[0]
    for _ in range(rounds):
        Y = torch.linalg.qr(M @ (M.mT @ Y))[0]
    # Within the subspace: order by singular value.
    _, turn = torch.linalg.eigh((Y.mT @ M) @ (Y.mT @ M).mT)
    return (Y @ turn.flip(1))[:, :count]
