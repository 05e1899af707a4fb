"""Privacy by training: noise corruption, adversarial representation learning, and CEM on top of either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from semcom_core.codecs.base import Decoded
from semcom_core.codecs.repobe import OwnReceiver, RepObECodec, pack, unpack
from semcom_core.defenses.base import PlugIn
from semcom_core.networks.private_head import PrivateHead, PrivateLink


@dataclass(frozen=True, eq=False)
class PrivateFeatures(PlugIn):
    r"""Conditional entropy maximisation: features that say the class and little else.

    S. Xia, Y. Yu, W. Yang, M. Ding, Z. Chen, L.-Y. Duan, A. C. Kot, X. Jiang, "Theoretical
    Insights in Model Inversion Robustness and Conditional Entropy Maximization for
    Collaborative Inference Systems", CVPR 2025, pp. 8753-8763, arXiv 2503.00383.

    ::

        z ─ trained head ─ z' ─ + sigma·e ─ channel ─ equalise ─┬─ tuned classifier ─ logits
            4×28×28, ‖z'‖² = 3136   (AdditiveNoise)             └─ restorer ─ codec's reconstructor ─ Î

    No key: the receiver's networks are public and an eavesdropper at the same SNR sees the same.
    What protects the picture is that z' has lost it and the noise hides the rest, so the receiver's
    own picture is as poor. ``recover`` therefore leaves the symbols alone: the receiver
    (:class:`PrivateReceiver`) and attackers alike work on the noisy z' itself.

    The paper's tables were not available, its code was; where theirs trains a whole classifier cut
    in two, here the codec stays frozen and only this head and the receiver's ends are trained, and
    noise and variances are relative to features of unit power. Trained networks
    (:mod:`semcom_core.training.cem`) exist with and without the CEM term, and with and without
    adversarial representation learning: the same plug-in, other weights.

    Attributes:
        head: the trained network.
    """

    head: PrivateHead
    name: ClassVar[str] = "private_features"

    def protect(self, s: Tensor, keys: Sequence[Any], generator: torch.Generator) -> Tensor:
        return pack(self.head(unpack(s).contiguous(memory_format=torch.channels_last)))

    def recover(self, s_hat: Tensor, keys: Sequence[Any], noise: Tensor | None = None) -> Tensor:
        return s_hat


class PrivateReceiver(OwnReceiver):
    """The codec with the receiver that was trained for private features.

    Args:
        codec: the frozen codec; its encoder, shared classifier blocks and reconstructor are used.
        link: the trained networks.
    """

    def __init__(self, codec: RepObECodec, link: PrivateLink) -> None:
        super().__init__(codec)
        self.link = link

    def decode(self, symbols: Tensor, noise: Tensor | None = None) -> Decoded:
        """Noisy private symbols (B,1568) to image (B,C,224,224) and class logits."""
        restored = self.link.restorer(_planes(symbols)).contiguous(memory_format=torch.channels_last)
        return Decoded(self.codec.reconstructor(restored).float(), self.classify(symbols, noise))

    def classify(self, symbols: Tensor, noise: Tensor | None = None) -> Tensor:
        """Noisy private symbols (B,1568) to class logits only."""
        return self.link.classify(self.codec.classifier, _planes(symbols))


def _planes(symbols: Tensor) -> Tensor:
    return unpack(symbols).contiguous(memory_format=torch.channels_last)
