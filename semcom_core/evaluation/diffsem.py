"""DiffSem's gap: what the denoiser gives the receiver, and what it gives an eavesdropper who has it too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from tqdm import tqdm

from semcom_core import link
from semcom_core.attacks.base import undo
from semcom_core.channels import CHANNELS, propagate
from semcom_core.defenses import DEFENSES
from semcom_core.defenses.diffsem import DiffSemReceiver
from semcom_core.evaluation.measure import Measured
from semcom_core.metrics import bootstrap
from semcom_core.training.observations import Choice

SIGMAS = {"digits": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0), "objects": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)}
"""Privacy levels. Digits are sent with so much redundancy that only more than a visitor may choose matters."""
LINKS = tuple(product(("awgn", "rayleigh"), (7.0, 15.0, 23.0)))
"""Channels and SNRs in dB."""
STEPS = (1, 2, 4, 10, 25)
STEP_SIGMAS, STEP_LINK = {"digits": (2.0, 5.0), "objects": (1.0, 2.0)}, ("awgn", 15.0)
IMAGES = 1000
"""Pictures of a cell, spread evenly over the reporting split."""
USUAL_STEPS = 4
WITHOUT, WITH, WITH_LABELS = "without", "with", "with_labels"
ARMS = {WITHOUT: (0, False), WITH: (USUAL_STEPS, False), WITH_LABELS: (USUAL_STEPS, True)}
"""Steps and labels of the receivers that are compared."""
Arms = dict[str, tuple[int, bool]]
Right = dict[str, np.ndarray]
"""For each arm whether each picture's class was read, float (N,)."""


def gap(
    measured: Measured,
    sigmas: Sequence[float] | None = None,
    links: Sequence[tuple[str, float]] = LINKS,
    step_sigmas: Sequence[float] | None = None,
    seed: int = 0,
) -> dict[str, list[dict[str, object]]]:
    """Receiver and receiver-equal attacker with and without denoiser, over noise, channel and SNR.

    All arms of a party read the same receptions. The attacker hears the same transmissions over a
    channel of its own at the same mean SNR, with the receiver's networks: it may train the same.

    Args:
        measured: encoded pictures; its models are those of the defense ``diffsem``.
        sigmas, step_sigmas: privacy levels; the domain's if omitted.
        links: (channel, mean SNR in dB) of both parties.

    Returns:
        ``noises``, all links together, averaged picture by picture; ``steps``, the receiver over
        the number of denoising steps; ``cells``, one for each noise and link.
    """
    domain = measured.models.domain.name
    cells, noises = [], []
    for sigma in SIGMAS[domain] if sigmas is None else sigmas:
        parties: list[tuple[Right, Right]] = []
        for channel, snr_db in tqdm(links, desc=f"diffsem, noise {sigma:g}", unit="cell", mininterval=10):
            place = Choice(noise=sigma, snr_db=snr_db)
            bob, eve = (reads(measured, place, channel, ARMS, party, seed) for party in ("bob", "eve"))
            parties.append((bob, eve))
            cells.append(_where(measured, place, channel, seed) | _summary(bob, eve))
        bob, eve = ({arm: np.mean([pair[side][arm] for pair in parties], axis=0) for arm in ARMS} for side in range(2))
        noises.append({"noise": sigma, "links": len(links), "images": measured.images} | _summary(bob, eve))
    return {
        "noises": noises,
        "steps": list(_steps(measured, STEP_SIGMAS[domain] if step_sigmas is None else step_sigmas, seed)),
        "cells": cells,
    }


def _steps(measured: Measured, sigmas: Sequence[float], seed: int) -> Iterator[dict[str, object]]:
    for sigma, labels in product(sigmas, (False, True)):
        channel, snr_db = STEP_LINK
        place = Choice(noise=sigma, snr_db=snr_db)
        arms: Arms = {str(steps): (steps, labels) for steps in STEPS}
        for steps, right in reads(measured, place, channel, arms, "bob", seed).items():
            yield _where(measured, place, channel, seed) | {"labels": labels, "steps": int(steps)} | _accuracy(right)


@torch.inference_mode()
def reads(measured: Measured, place: Choice, channel: str, arms: Arms, party: str, seed: int) -> Right:
    """What several receivers make of the same receptions of one party.

    Args:
        place: privacy level and mean SNR.
        arms: by name denoising steps and whether the denoiser is told the first guess.
        party: ``bob`` or ``eve``: whose channel draw.
    """
    models = measured.models
    assert isinstance(models.codec, DiffSemReceiver)
    chains = {
        arm: DEFENSES["diffsem"].chain(replace(place, steps=steps, labels=labels), models.parts)
        for arm, (steps, labels) in arms.items()
    }
    right: dict[str, list[np.ndarray]] = {arm: [] for arm in arms}
    done = 0
    for number, encoded in enumerate(measured.encoded):
        chunk_seed, x = seed * 10_000 + number, encoded.symbols
        nothing = [None] * len(x)  # no plug-in here has a key
        for position, plug_in in enumerate(next(iter(chains.values()))):
            x = plug_in.protect(x, nothing, link.generator(chunk_seed, f"sender/{position}"))
        received = propagate(CHANNELS[channel], x, place.snr_db, link.generator(chunk_seed, party))
        equalised, noise = received.equalise(), received.effective()[1]
        labels = measured.labels[done : done + len(x)]
        for arm, chain in chains.items():
            logits = models.codec.classify(*undo(equalised, chain, [nothing] * len(chain), noise))
            right[arm].append((logits.argmax(1).numpy() == labels).astype(float))
        done += len(x)
    return {arm: np.concatenate(rows) for arm, rows in right.items()}


def _where(measured: Measured, place: Choice, channel: str, seed: int) -> dict[str, object]:
    where = {"noise": place.noise, "channel": channel, "snr_db": place.snr_db}
    return where | {"images": measured.images, "seeds": [seed]}


def _summary(bob: Right, eve: Right) -> dict[str, object]:
    """Accuracies of both, what the denoiser adds, and the receiver's lead over the attacker."""
    denoised = (WITH, WITH_LABELS)
    return {
        "receiver": {arm: _accuracy(right) for arm, right in bob.items()},
        "attacker": {arm: _accuracy(right) for arm, right in eve.items()},
        "gain": {arm: _difference(bob[arm], bob[WITHOUT]) for arm in denoised},
        "attacker_gain": {arm: _difference(eve[arm], eve[WITHOUT]) for arm in denoised},
        "labels_gain": _difference(bob[WITH_LABELS], bob[WITH]),
        "lead": {arm: _difference(bob[arm], eve[arm]) for arm in bob},
    }


def _accuracy(right: np.ndarray) -> dict[str, object]:
    return {"accuracy": round(float(right.mean()), 5), "interval": _rounded(bootstrap(right))}


def _difference(one: np.ndarray, other: np.ndarray) -> dict[str, object]:
    """Paired over pictures."""
    return {
        "difference": round(float((one - other).mean()), 5),
        "interval": _rounded(bootstrap(one - other)),
    }


def _rounded(interval: tuple[float, float]) -> list[float]:
    return [round(bound, 5) for bound in interval]
