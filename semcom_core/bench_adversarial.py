"""How long a visitor waits for an attack on one picture."""

from __future__ import annotations

from functools import cache

import torch

from semcom_core import link
from semcom_core.domains import DOMAINS
from semcom_core.manipulation import MANIPULATORS, link_victim
from semcom_core.manipulation.receivers import RECEIVERS, load_receiver, trained
from semcom_core.timing import Timing, timed

SNR_DB = 10.0


def time_attacks(domain: str, native: torch.Tensor, runs: int) -> tuple[tuple[str, ...], Timing]:
    """PGD-5 on one picture against every receiver that is trained, one after another; the receivers and the time.

    Args:
        native: one prepared picture (1,C,n,n).
    """
    load = cache(link.load_network)
    names = tuple(name for name in RECEIVERS if name in trained(domain))
    attack, labels = MANIPULATORS["pgd"](), torch.zeros(1, dtype=torch.long)
    victims = [
        link_victim("native", DOMAINS[domain], load_receiver(domain, name, load), native, "awgn", SNR_DB)
        for name in names
    ]

    def attack_all(number: int) -> None:
        for victim in victims:
            attack.run(victim, labels, torch.Generator().manual_seed(number))

    return names, timed(attack_all, runs)
