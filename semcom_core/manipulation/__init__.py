"""Manipulators: attacks that change the picture before it is sent, or the symbols on the air."""

from __future__ import annotations

from collections.abc import Callable

from semcom_core.manipulation.apgd import APGD, APGDCE, APGDDLR
from semcom_core.manipulation.base import Attempt, Manipulator, Threat, Victim
from semcom_core.manipulation.gradient import FGSM, PGD, KLAscent, TargetedPGD
from semcom_core.manipulation.square import Square
from semcom_core.manipulation.victims import EPS, PLACEMENTS, Placement, Score, link_victim, score

MANIPULATORS: dict[str, Callable[..., Manipulator]] = {
    attack.name: attack for attack in (FGSM, PGD, TargetedPGD, KLAscent, APGDCE, APGDDLR, APGD, Square)
}
"""By name; called with the attack's own parameters (steps, eot, …), all of which have defaults."""

__all__ = [
    "EPS", "MANIPULATORS", "PLACEMENTS", "Attempt", "Manipulator", "Placement", "Score", "Threat", "Victim",
    "link_victim", "score",
]  # fmt: skip
