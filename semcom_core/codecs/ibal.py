"""IBAL: a variational information bottleneck against inversion, for the class alone."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core.codecs.base import Codec, Decoded

MEAN, DEVIATION = 0.1307, 0.3081
"""Of MNIST's pixels: the authors' code normalises pictures with these."""
K1, K2, K3 = 0.63576, 1.8732, 1.48695
"""Constants of the approximate KL divergence to the log-uniform prior (Molchanov et al., ICML 2017)."""
HIDDEN = {64: 1024, 3136: 256}
"""First layer of the reader for each length of the code; 256 keeps the long one below 7 MB."""


class Transmitter(nn.Module):
    r"""``z = tanh(μ ∘ (W̄x + b̄))``: one linear layer with normalised rows and descending gains.

    As in the authors' code: row i and its bias are divided by ``√(‖w_i‖²+b_i²)``, and the gains
    are ``μ = (n, n−1, …, 1)``, fixed (meant to be learned, they are created anew in every pass).

    Shape: ``(B,1,28,28) in [0,1] -> (B,n) in (−1,1)``.
    """

    gain: Tensor

    def __init__(self, n: int) -> None:
        super().__init__()
        self.linear = nn.Linear(784, n)
        nn.init.xavier_uniform_(self.linear.weight)
        # Not saved: half precision has no odd integers above 2,048.
        self.register_buffer("gain", torch.arange(n, 0, -1).float(), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        W, b = self.linear.weight, self.linear.bias
        norm = (W.square().sum(1) + b.square()).sqrt().clamp_min(1e-8)
        h = F.linear((image.flatten(1) - MEAN) / DEVIATION, W, b) / norm
        return torch.tanh(self.gain * h)


class Reader(nn.Module):
    """Received code (B,n) and noise deviation (B,1) to class logits, as in the authors' code."""

    def __init__(self, n: int, classes: int) -> None:
        super().__init__()
        self.fc2 = nn.Linear(n, HIDDEN[n])
        self.noise = nn.Sequential(
            nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU()
        )
        self.head = nn.Sequential(nn.Linear(HIDDEN[n] + 16, 256), nn.ReLU(), nn.Linear(256, classes))

    def forward(self, z: Tensor, sigma: Tensor) -> Tensor:
        return self.head(torch.cat([self.fc2(z).relu(), self.noise(sigma)], dim=1))


class IBALCodec(Codec):
    r"""Information bottleneck and adversarial learning: the class passes, the picture should not.

    Y. Wang, S. Guo, Y. Deng, H. Zhang and Y. Fang, "Privacy-preserving task-oriented semantic
    communications against model inversion attacks", IEEE Trans. Wireless Commun. 23(8), 2024
    (arXiv 2312.03252); network and losses after the code that the authors released.

    ::

        x ─ (x−.1307)/.3081 ─ W̄, gains n…1, tanh ─ z ─ ‖·‖ ─ s … channel … ŝ ─ fc2 ─┬─ fc3 ─ fc4 ─ logits
           784                                    n    n/2                σ ─ MLP ──┘

    Trained with cross entropy, the KL divergence of the bottleneck and against a decoder that
    tries to invert it (:mod:`semcom_core.training.ibal`). There is no picture at the receiver.

    Ours: the paper's body was not available, only the MNIST part of its code. The code caps the
    power of a batch at 1; here each picture's code is scaled to power 1, as all links in this
    project do (95 % of the entries are near ±1 anyway). The code's SNR label is 3 dB below ours.
    The length 3,136 (1,568 complex uses) is the same network scaled up to RepObE's bandwidth.

    Args:
        reals: length n of the code, 64 as published, or 3136.
        classes: number of classes.
    """

    size = 28

    def __init__(self, reals: int = 64, classes: int = 10) -> None:
        super().__init__()
        self.channel_uses = reals // 2
        self.transmitter, self.reader = Transmitter(reals), Reader(reals, classes)

    def encode(self, image: Tensor) -> Tensor:
        """Images (B,1,28,28) in [0,1] to symbols (B,n/2) with ``E|s|² = 1``."""
        return pack_reals(self.transmitter(image).float())

    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """Symbols (B,n/2) to class logits; no picture. ``noise`` is taken as 0 if it is not known."""
        z = unpack_reals(symbols)
        sigma = z.new_zeros(len(z), 1) if noise is None else noise.sqrt().clamp_max(3.0)[:, None]
        return Decoded(None, self.reader(z, sigma).float())


def pack_reals(z: Tensor) -> Tensor:
    """Real codes (B,n) to symbols (B,n/2) of power 1 a picture: the first half is I, the second Q."""
    real, imag = (z * (math.sqrt(z.shape[1] / 2) / z.norm(dim=1, keepdim=True).clamp_min(1e-8))).chunk(2, dim=1)
    return torch.complex(real, imag)


def unpack_reals(symbols: Tensor) -> Tensor:
    """Symbols (B,n/2) to real codes (B,n) with power 1 an entry."""
    return torch.cat([symbols.real, symbols.imag], dim=1) * math.sqrt(2.0)


def kl_log_uniform(z: Tensor, sigma: Tensor) -> Tensor:
    r"""KL divergence of ``N(z, σ²)`` to the log-uniform prior, up to a constant, (B,n) and (B,1) -> (B,).

    Molchanov et al., ICML 2017, eq. (14), with ``α = σ²/(z² + 1e-4)``, summed over the entries.
    """
    log_alpha = sigma.square().log() - (z.square() + 1e-4).log()
    return -(K1 * torch.sigmoid(K2 + K3 * log_alpha) - 0.5 * F.softplus(-log_alpha) - K1).sum(1)
