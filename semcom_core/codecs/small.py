"""A link that trains in seconds: the workbench's codec for 28×28 digits, about 0.3 million weights."""

from __future__ import annotations

from torch import Tensor, nn

from semcom_core.codecs.base import Codec, Decoded
from semcom_core.codecs.ibal import pack_reals, unpack_reals


class SmallEncoder(nn.Module):
    """Digits (B,1,28,28) in [0,1] to ``outputs`` numbers: two convolutions and a dense layer.

    No batch norm: one picture's result must not depend on which others are in its batch.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(), nn.Flatten(),
            nn.Linear(32 * 49, outputs),
        )  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        return self.layers((image - 0.13) / 0.31)  # mean and deviation of MNIST's pixels


class SmallCodec(Codec):
    r"""Convolutional encoder to n symbols; dense class reader and picture decoder.

    ::

        I ─ conv/2 16 ─ conv/2 32 ─ FC 2n ─ ‖·‖ ─ s … channel … ŝ ─┬─ FC 128 ─ FC ──────────────── logits
        1×28×28                                 n symbols          └─ FC 32×7×7 ─ ConvT 16 ─ ConvT ─ Î

    Args:
        channel_uses: complex symbols a picture, n.
        classes: number of classes.
        draws: whether there is a picture decoder (0 or 1); a link trained for the class alone has none.
    """

    size = 28

    def __init__(self, channel_uses: int, classes: int = 10, draws: int = 1) -> None:
        super().__init__()
        self.channel_uses = channel_uses
        self.encoder = SmallEncoder(2 * channel_uses)
        self.reader = nn.Sequential(nn.Linear(2 * channel_uses, 128), nn.ReLU(), nn.Linear(128, classes))
        self.painter: nn.Module | None = None
        if draws:
            self.painter = nn.Sequential(
                nn.Linear(2 * channel_uses, 32 * 49), nn.ReLU(), nn.Unflatten(1, (32, 7, 7)),
                nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Sigmoid(),
            )  # fmt: skip

    def encode(self, image: Tensor) -> Tensor:
        """Images (B,1,28,28) in [0,1] to complex symbols (B,n), each picture with mean power 1."""
        return pack_reals(self.encoder(image).float())

    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """Equalised symbols (B,n) to image (B,1,28,28), if it draws, and class logits; needs no noise level."""
        z = unpack_reals(symbols)
        return Decoded(None if self.painter is None else self.painter(z).float(), self.reader(z).float())

    def classify(self, symbols: Tensor, noise: Tensor | None = None) -> Tensor:
        """Equalised symbols (B,n) to class logits only."""
        return self.reader(unpack_reals(symbols)).float()
