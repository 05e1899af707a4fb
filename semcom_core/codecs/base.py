"""What every codec does: pictures to symbols, symbols back to a picture and a class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from torch import Tensor, nn


class Decoded(NamedTuple):
    """A receiver's output: image (B,C,s,s) in [0,1] or ``None``, and class logits (B,K)."""

    image: Tensor | None
    logits: Tensor


class Codec(nn.Module, ABC):
    """Encoder and decoder of one link.

    Attributes:
        size: side of the pictures that it takes.
        channel_uses: complex symbols per picture.
    """

    size: int
    channel_uses: int

    @abstractmethod
    def encode(self, image: Tensor) -> Tensor:
        """Images (B,C,size,size) in [0,1] to complex symbols (B,channel_uses), ``E|s|² = 1``."""

    @abstractmethod
    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """Symbols as the receiver has them (B,n) to image and class logits.

        Args:
            symbols: linear MMSE estimates, ``(s + e)/(1 + noise)`` with ``E|e|² = noise``.
            noise: (B,), that noise's variance relative to the signal; ``None`` if not known.
        """

    def classify(self, symbols: Tensor, noise: Tensor | None = None) -> Tensor:
        """Class logits of :meth:`decode`; a codec that can leave out the picture is faster here."""
        return self.decode(symbols, noise).logits


class IdealCodec(Codec):
    """A digital link whose channel code is ideal: delivered is what Shannon's limit allows, and nothing is decoded."""

    @abstractmethod
    def deliver(self, native: Tensor, snr_db: float, noise: Tensor, fading: bool) -> Decoded:
        """What a party has whose channel carries the message or does not.

        Args:
            native: the pictures that were sent (B,C,size,size) in [0,1].
            snr_db: the receiver's mean SNR, from which the *sender* picked the rate.
            noise: (B,), noise variance of this party's own channel relative to the signal,
                ``1/(|h|² SNR)``.
            fading: whether the receiver's channel fades, so that the sender cannot know its capacity.
        """

    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """There is no decoder of an ideal code.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("An ideal code cannot be decoded; deliver() says what arrives.")
