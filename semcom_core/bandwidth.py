"""Less bandwidth: only the first m of a message's n symbols are sent."""

from __future__ import annotations

from dataclasses import replace

import torch

from semcom_core.channels import Received


def first_symbols(received: Received, n: int) -> Received:
    """A reception of the first m symbols (B,m) as one of n, in which the others say nothing.

    What was never sent is estimated as 0, the mean of a symbol, by :meth:`Received.equalise`;
    :meth:`Received.effective` still tells the noise of those that were sent. These keep the power
    that they have in the whole message, so the SNR is that of the whole message, too.
    """
    missing = n - received.y.shape[1]
    if not missing:
        return received
    y = torch.cat([received.y, received.y.new_zeros(len(received.y), missing)], 1)
    h = received.h
    if h.shape[1] > 1:
        h = torch.cat([h, h.mean(1, keepdim=True).expand(-1, missing)], 1)
    return replace(received, y=y, h=h)
