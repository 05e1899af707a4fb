"""After the test: results computed again in this process, from the student's own settings and picture.

If the page had shown one student another one's result, or mixed up a cache, the pixels would differ.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import torch

from semcom_core import link
from semcom_core.attacks import THREATS
from semcom_core.settings import LinkSettings
from tests.students import pictures
from tests.students.student import Picture, Result

TOLERANCE = 2.0
"""Mean difference in grey levels up to which two pictures are the same: another number of threads may round
another way, and an attacker's search may then take another turn at a tie."""

_load = cache(link.load_live)


@dataclass(frozen=True)
class Recheck:
    """How many results were computed again, and which were not the ones shown."""

    checked: int
    wrong: tuple[str, ...]


def recheck(looks: list[tuple[Result, dict[str, np.ndarray]]], count: int, seed: int) -> Recheck:
    """Compute ``count`` results again, spread evenly over domains and defenses."""
    groups: dict[tuple[str, str], list[tuple[Result, dict[str, np.ndarray]]]] = defaultdict(list)
    for look in looks:
        groups[look[0].domain, look[0].defense].append(look)
    shuffled = random.Random(seed)
    for group in groups.values():
        shuffled.shuffle(group)
    chosen = []
    while len(chosen) < count and any(groups.values()):
        chosen += [group.pop() for group in groups.values() if group]
    wrong = [message for result, shown in chosen[:count] for message in _differences(result, shown)]
    return Recheck(len(chosen[:count]), tuple(wrong))


def _differences(result: Result, shown: dict[str, np.ndarray]) -> list[str]:
    expected = _transmit(result.domain, result.defense, LinkSettings(**result.settings), result.picture)
    found = []
    for party, picture in shown.items():
        if expected.get(party) is None:
            found.append(f"student {result.student}, {result.defense}: an unexpected picture of the {party}")
            continue
        distance = float(np.abs(picture.astype(float) - expected[party].astype(float)).mean())
        if distance > TOLERANCE:
            found.append(
                f"student {result.student}, {result.domain}/{result.defense}, {party}: "
                f"{distance:.1f} grey levels from the result computed again"
            )
    return found


@lru_cache(maxsize=4)
def _models(domain: str, defense: str) -> link.LinkModels:
    return link.load_models(domain, defense, _load)


def _transmit(domain: str, defense: str, settings: LinkSettings, picture: Picture) -> dict[str, np.ndarray]:
    models = _models(domain, defense)
    native = torch.from_numpy(picture.native(domain))[None]
    known = None
    if THREATS[settings.chosen_attacker].known_plaintexts:
        keys = pictures.sample_keys(domain)
        other = next(key for key in keys if not np.array_equal(pictures.sample_native(domain, key), native[0].numpy()))
        known = link.encode(models, torch.from_numpy(pictures.sample_native(domain, other))[None])
    done = link.transmit(models, native, settings, known=known)
    readings = {"receiver": done.reception.reading, "attacker": done.eavesdropping.reading}
    found = {party: pictures.pixels(one.native[0].numpy()) for party, one in readings.items() if one.native is not None}
    return found | {"sent": pictures.pixels(native[0].numpy())}
