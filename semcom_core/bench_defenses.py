"""How long one visitor waits under each defense: a full transmission, and a moved SNR slider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import torch

from semcom_core import link
from semcom_core.ciphers.keys import KeySource
from semcom_core.settings import LinkSettings
from semcom_core.timing import Timing, timed


@dataclass(frozen=True)
class DefenseTiming:
    """One picture under one defense, with its default attacker and, where it denoises, the default steps.

    Attributes:
        transmission: encode, protect, channel, receiver, attack, judge (sent, receiver, attacker).
        slider: a new SNR: all of that but what the SNR does not change; encoding never, and
            protecting only where the sender adapts to the SNR.
        transmission_ratio, slider_ratio: medians over those of the link without a defense, measured
            in the same run: what carries over to another machine.
    """

    transmission: Timing
    slider: Timing
    transmission_ratio: float
    slider_ratio: float


def time_defenses(
    domain: str, native: torch.Tensor, runs: int, load: link.Load | None = None
) -> dict[str, DefenseTiming]:
    """Time every defense of a domain whose weights are there, by name; ``none`` first.

    Args:
        native: one prepared picture (1,C,n,n).
        load: loads one network; each is loaded once if omitted.
    """
    load = load or cache(link.load_live)
    times = {}
    for name in sorted(link.trained_defenses(domain), key=lambda one: one != "none"):
        models = link.load_models(domain, name, load)
        times[name] = time_link(models, native, LinkSettings(domain=domain, defense=name), runs)
    bare_transmission, bare_slider = (one.p50 for one in times["none"])
    return {
        name: DefenseTiming(
            transmission, slider, round(transmission.p50 / bare_transmission, 2), round(slider.p50 / bare_slider, 2)
        )
        for name, (transmission, slider) in times.items()
    }


@torch.inference_mode()
def time_link(
    models: link.LinkModels, native: torch.Tensor, settings: LinkSettings, runs: int
) -> tuple[Timing, Timing]:
    """Full transmission and moved SNR slider of one link, on the page's own stages.

    Args:
        native: one prepared picture (1,C,n,n).
    """
    source = KeySource.published()
    transmission = timed(lambda number: link.transmit(models, native, replace(settings, seed=number), source), runs)
    return transmission, timed(slider(models, native, settings), runs)


def slider(models: link.LinkModels, native: torch.Tensor, settings: LinkSettings) -> Callable[[int], link.Transmission]:
    """What happens when a visitor moves the SNR slider, as a function of the number of the move."""
    source = KeySource.published()
    encoded = link.encode(models, native)
    sent = link.send(encoded, settings, source, models.parts)
    judged = link.judge_sent(models, encoded)

    def move(number: int) -> link.Transmission:
        moved = replace(settings, snr_db=float(number % 30))
        again = link.send(encoded, moved, source, models.parts) if settings.chosen_defense.heeds_snr else sent
        reception = link.receive(models, encoded, again, moved)
        eavesdropping = link.eavesdrop(models, encoded, again, moved, source)
        return link.compose(models, moved, encoded, again, reception, eavesdropping, judged)

    return move


def table(times: dict[str, DefenseTiming]) -> list[str]:
    """Lines of a table for a person."""
    lines = [f"  {'defense':<26}{'transmission p50':>17}{'p95':>9}{'ratio':>7}{'slider p50':>12}{'p95':>9}{'ratio':>7}"]
    for name, one in times.items():
        lines.append(
            f"  {name:<26}{one.transmission.p50:>17.1f}{one.transmission.p95:>9.1f}{one.transmission_ratio:>7.2f}"
            f"{one.slider.p50:>12.1f}{one.slider.p95:>9.1f}{one.slider_ratio:>7.2f}"
        )
    return lines
