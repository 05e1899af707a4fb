"""How long a visitor waits for an attack on one picture."""

from __future__ import annotations

from functools import cache

import torch

from semcom_core import link
from semcom_core.domains import DOMAINS
from semcom_core.lab import manipulated
from semcom_core.manipulation.receivers import RECEIVERS, load_receiver, trained
from semcom_core.timing import Timing, timed


def time_attacks(domain: str, native: torch.Tensor, runs: int) -> tuple[tuple[str, ...], Timing]:
    """The page's row for every receiver that is trained, one after another; the receivers and the time.

    A row is PGD-5 and what the receiver reads before and after it, over several channel draws.

    Args:
        native: one prepared picture (1,C,n,n).
    """
    load = cache(link.load_network)
    codecs = {name: load_receiver(domain, name, load) for name in RECEIVERS if name in trained(domain)}

    def attack_all(number: int) -> None:
        for name, codec in codecs.items():
            manipulated.run(name, codec, DOMAINS[domain], native, 0, manipulated.Setup(seed=number))

    return tuple(codecs), timed(attack_all, runs)
