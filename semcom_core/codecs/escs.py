"""ESCS: a public semantic codec, and the keyed networks that encrypt what it sends."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semcom_core.codecs.base import Codec, Decoded
from semcom_core.codecs.ibal import pack_reals, unpack_reals
from semcom_core.networks.blocks import ResBlock, conv3x3

DEPTH, GRID = 64, 7
REALS = DEPTH * GRID * GRID
"""3,136 reals = 1,568 complex uses: 64 numbers at each of 49 positions."""
KEY_BITS = 64


class KeyedNetwork(nn.Module):
    r"""Encryptor or decryptor: a network on the symbols whose units the key gates.

    ::

        c ─ 49 positions × 64 ─ FC 128 ─ ∘ g₁(k, position) ─ mix positions ─ ReLU-FC ∘ g₂(k, position) ─ FC ─ c'
        k ∈ {−1,1}^64 ─ with the position ─ FC 128 ─ ReLU ─ FC ─ g₁, g₂

    Abadi and Andersen ("Learning to protect communications with adversarial neural cryptography",
    2016) concatenate key and text; gating gives the network products of both to begin with.

    Shape: ``symbols (B,1568) complex, keys (B,64) -> (B,1568) complex``, power 1 a message.
    """

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(GRID * GRID, 32) * 0.3)
        self.gates = nn.Sequential(nn.Linear(KEY_BITS + 32, 128), nn.ReLU(), nn.Linear(128, 2 * width))
        self.first, self.second = nn.Linear(DEPTH, width), nn.Linear(width, width)
        self.mix, self.last = nn.Linear(GRID * GRID, GRID * GRID), nn.Linear(width, DEPTH)

    def forward(self, symbols: Tensor, keys: Tensor) -> Tensor:
        batch, places = len(symbols), GRID * GRID
        c = unpack_reals(symbols).reshape(batch, DEPTH, places).transpose(1, 2)
        code = torch.cat([keys[:, None].expand(-1, places, -1), self.position.expand(batch, -1, -1)], dim=2)
        g1, g2 = self.gates(code).chunk(2, dim=2)
        h = self.first(c) * g1
        h = h + self.mix(h.transpose(1, 2)).transpose(1, 2)
        h = h + self.second(h.relu()) * g2
        return pack_reals(self.last(h).transpose(1, 2).reshape(batch, REALS))


class ESCSCodec(Codec):
    r"""The universal part of ESCS (codec, public) and its confidential part (keyed networks).

    X. Luo, Z. Chen, M. Tao and F. Yang, "Encrypted semantic communication using adversarial
    training for privacy preserving", IEEE Commun. Lett. 27(6), 2023 (arXiv 2209.09008).

    ::

        I ─ encoder ─ s ─┬─ (as it is) ────── channel ────── ŝ ─┬─ decoder ─ Î, logits
                         └─ E(s,k) ── channel ── D(ĉ,k) ────────┘

    Both ways are trained, so the codec also serves whoever has no key. Which one a link uses is
    the choice of its defense: the keyed networks act as a plug-in
    (:class:`semcom_core.defenses.escs.NeuralEncryption`) and are kept here because they are
    trained together.

    Ours: only the abstract was available; it is about text. Networks, loss weights and the key
    of 64 bits are ours, "ESCS-style". RepObE's "ESCST" is taken to be this.

    Args:
        classes: number of classes.
    """

    size = 28
    channel_uses = REALS // 2

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            conv3x3(1, 32, 2), nn.BatchNorm2d(32), nn.ReLU(), ResBlock(32, DEPTH, 2), nn.Conv2d(DEPTH, DEPTH, 1)
        )
        self.trunk = ResBlock(DEPTH, DEPTH)
        self.fc = nn.Linear(DEPTH, classes)
        self.paint = nn.Sequential(
            conv3x3(DEPTH, 128), nn.BatchNorm2d(128), nn.ReLU(), nn.PixelShuffle(2),
            conv3x3(32, 32), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 4, 3, 1, 1), nn.PixelShuffle(2),
        )  # fmt: skip
        self.encryptor, self.decryptor = KeyedNetwork(), KeyedNetwork()

    def encode(self, image: Tensor) -> Tensor:
        """Images (B,1,28,28) in [0,1] to symbols (B,1568) with ``E|s|² = 1``, not encrypted."""
        return pack_reals(self.encoder(image).float().flatten(1))

    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """Symbols (B,1568), decrypted if need be, to image (B,1,28,28) and class logits; needs no noise level."""
        z = unpack_reals(symbols).reshape(-1, DEPTH, GRID, GRID).contiguous(memory_format=torch.channels_last)
        F = self.trunk(z)
        return Decoded(self.paint(F).sigmoid().float(), self.fc(F.mean((2, 3))).float())
