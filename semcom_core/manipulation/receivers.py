"""The receivers that are attacked side by side: one codec a training method."""

from __future__ import annotations

from semcom_core import link, manifest
from semcom_core.codecs.repobe import RepObECodec
from semcom_core.codecs.robust import assemble

BASE = "base"
RECEIVERS = (BASE, "at", "trades", "repobe")
"""Baseline, adversarial training, TRADES, RepObE: what a visitor attacks."""
ABLATION = ("repobe_no_contrast", "repobe_no_weights", "repobe_plain")
METHODS = (BASE, "natural", *RECEIVERS[1:], *ABLATION)
"""With the control that trained as long on natural pictures only, and RepObE without its terms."""


def networks_of(method: str) -> tuple[str, ...]:
    """Names of the weights, within a domain, that a method's codec is made of."""
    return (BASE,) if method == BASE else (BASE, f"adv_{method}")


def trained(domain: str) -> list[str]:
    """Methods of :data:`METHODS` whose weights are there."""
    there = manifest.names()
    return [name for name in METHODS if all(f"{domain}/{part}" in there for part in networks_of(name))]


def load_receiver(domain: str, method: str, load: link.Load = link.load_network) -> RepObECodec:
    """One method's codec.

    Args:
        load: how to load one network; a server passes one that shares them.

    Raises:
        WeightsError: see :func:`semcom_core.link.load_network`.
    """
    base, *own = (load(f"{domain}/{name}")[0] for name in networks_of(method))
    return assemble(base, own[0]) if own else base
