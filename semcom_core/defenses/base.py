"""What a plug-in between codec and channel must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from semcom_core.ciphers.keys import KeyStream


class PlugIn(ABC):
    """Maps symbols to symbols at the sender and back at the receiver, keeping ``E|x|² = 1``.

    A plug-in is a value: it holds parameters, never keys or state. Plug-ins compose; the
    receiver undoes them in reverse order.
    """

    name: ClassVar[str]
    keyed: ClassVar[bool] = False
    """Whether it needs a key that the eavesdropper lacks."""

    def key(self, stream: KeyStream) -> Any:
        """This plug-in's key for one message, drawn from that message's key stream."""
        return None

    @abstractmethod
    def protect(self, s: Tensor, keys: Sequence[Any], generator: torch.Generator) -> Tensor:
        """Symbols (B,n) to protected symbols (B,n).

        Args:
            keys: one key an image, from :meth:`key`.
            generator: for noise that the sender adds; never for key material.
        """

    @abstractmethod
    def recover(self, s_hat: Tensor, keys: Sequence[Any], noise: Tensor | None = None) -> Tensor:
        """Linear MMSE estimates of the protected symbols (B,n) to those of the codec's symbols (B,n).

        Args:
            noise: (B,), variance of the noise in ``s_hat`` relative to the signal, for plug-ins
                that adapt to it; ``None`` if it is not known.
        """

    def noise_after(self, noise: Tensor) -> Tensor:
        """Relative noise variance (B,) of what :meth:`recover` gives, from that of what it gets."""
        return noise
