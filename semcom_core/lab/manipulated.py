r"""A visitor's attack on one picture: one receiver at a time, bare and behind a purifier.

::

    picture ─ Manipulator.search(bare link) ──── x ─┬─ bare link ─────── Outcome.after
                                                    └─ purified link ─── Outcome.purified.unaware
            └ Manipulator.search(purified link) ─ x ── purified link ─── Outcome.purified.aware

Every reading is over :data:`DRAWS` channel draws, the same ones before and after; the attacker
plans with draws of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semcom_core import link
from semcom_core.codecs.base import Codec
from semcom_core.codecs.repobe import RepObECodec, unpack
from semcom_core.defenses import purification
from semcom_core.defenses.base import PlugIn
from semcom_core.defenses.purification import Level
from semcom_core.domains import Domain
from semcom_core.manipulation import EPS, MANIPULATORS, Attempt, Manipulator, Placement, Victim, link_victim
from semcom_core.manipulation.base import probe
from semcom_core.manipulation.receivers import BASE
from semcom_core.manipulation.victims import POWER_DB, LinkVictim
from semcom_core.networks.denoiser import DiffSemNetworks
from semcom_core.precision import autocast

DRAWS = 5
"""Channel draws of a reading."""
_PARAMETERS = {
    "fgsm": ("eot",),
    "pgd": ("steps", "share", "restarts", "eot"),
    "targeted_pgd": ("steps", "share", "restarts", "eot"),
    "apgd": ("steps", "eot"),
    "square": ("steps", "eot"),
}
ATTACKS = tuple(_PARAMETERS)
"""Attacks on offer, the weakest first; names of :data:`MANIPULATORS`."""


def parameters(attack: str) -> tuple[str, ...]:
    """What an attack heeds of ``steps``, ``share``, ``restarts`` and ``eot``."""
    return _PARAMETERS[attack]


@dataclass(frozen=True)
class Setup:
    """The link and the attack on it; the defaults are RepObE's PGD.

    Attributes:
        eps: radius in pixels; heeded unless on the air.
        power_db: power on the air relative to the signal; heeded there only.
        share: step length as a share of the radius.
        target: class that a targeted attack wants.
        level: how far the purifier diffuses and in how many steps it returns; ``None`` for none.
        seed: of all channel draws and random starts.
    """

    channel: str = "awgn"
    snr_db: float = 11.0
    attack: str = "pgd"
    placement: Placement = "native"
    eps: float = EPS
    power_db: float = POWER_DB
    steps: int = 5
    share: float = 0.2
    restarts: int = 1
    eot: int = 1
    target: int | None = None
    level: Level | None = None
    seed: int = 0

    @property
    def targeted(self) -> bool:
        return self.attack == "targeted_pgd"

    @property
    def gradients(self) -> int:
        """Passes through the receiver that one search takes, about."""
        heeded = parameters(self.attack)
        steps = self.steps if "steps" in heeded else 1
        return steps * self.eot * (self.restarts if "restarts" in heeded else 1) * (2 if self.attack == "apgd" else 1)

    def manipulator(self) -> Manipulator:
        """The attack with the parameters that it heeds."""
        return MANIPULATORS[self.attack](**{name: getattr(self, name) for name in parameters(self.attack)})

    def wanted(self, label: int) -> Tensor:
        """What the attack is given as ``labels`` (1,): its target, or the class to get away from.

        Raises:
            ValueError: a targeted attack without a target.
        """
        if not self.targeted:
            return torch.tensor([label])
        if self.target is None:
            raise ValueError("A targeted attack needs a class to aim at.")
        return torch.tensor([self.target])


@dataclass(frozen=True, eq=False)
class Reading:
    """What a receiver says: class probabilities (K,), their mean over channel draws, and the answer in each draw."""

    probabilities: np.ndarray
    answers: tuple[int, ...]

    @property
    def answer(self) -> int:
        """The class with the greatest mean probability."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, eq=False)
class Purified:
    """Readings behind the purifier.

    Attributes:
        clean: of the untouched picture.
        unaware: of what was planned against the link without purifier.
        aware: of what was planned through the purifier.
    """

    clean: Reading
    unaware: Reading
    aware: Reading


@dataclass(frozen=True, eq=False)
class Outcome:
    """One receiver under attack.

    Attributes:
        picture: the attacked picture uint8 (n,n,C), or (224,224,C) if it was attacked there.
        change: what was added, float32, like ``picture`` in units of pixels; on the air the
            features (4,28,28) that the added symbols stand for.
        before, after: readings of the bare link.
    """

    method: str
    picture: np.ndarray
    change: np.ndarray
    before: Reading
    after: Reading
    purified: Purified | None = None


def attack(
    method: str,
    codec: RepObECodec,
    domain: Domain,
    native: Tensor,
    label: int,
    setup: Setup,
    denoiser: DiffSemNetworks | None = None,
) -> Iterator[Attempt | Outcome]:
    """Attack one receiver; attempts as they come, then the outcome.

    Args:
        method: name of the receiver.
        native: one prepared picture (1,C,n,n).
        label: the class that counts as right.
        denoiser: the purifier's networks; needed where ``setup.level`` is given.

    Raises:
        ValueError: the attack does not fit the placement, or lacks its target.
    """
    bare = _victim(codec, (), domain, native, setup)
    x = yield from _search(bare, label, setup)
    before, after = read(bare, bare.origin, setup.seed), read(bare, x, setup.seed)
    purified = None
    if setup.level is not None:
        behind = _victim(*_purifier(method, codec, denoiser, setup), domain, native, setup)
        aware = yield from _search(behind, label, setup, quick=False)
        purified = Purified(*(read(behind, point, setup.seed) for point in (behind.origin, x, aware)))
    yield Outcome(method, *_seen(bare, x, setup), before, after, purified)


def run(
    method: str,
    codec: RepObECodec,
    domain: Domain,
    native: Tensor,
    label: int,
    setup: Setup,
    denoiser: DiffSemNetworks | None = None,
) -> Outcome:
    """The outcome of :func:`attack` alone."""
    return deque(attack(method, codec, domain, native, label, setup, denoiser), maxlen=1)[0]


def searches(setup: Setup) -> int:
    """Searches that one receiver takes."""
    return 1 if setup.level is None else 2


def read(victim: Victim, x: Tensor, seed: int) -> Reading:
    """One point (1,…) over the scored channel draws, which no attacker plans with."""
    scored = link.generator(seed, "bob")
    logits = probe(victim, x, lambda: scored, DRAWS)[:, 0]
    return Reading(logits.softmax(1).mean(0).numpy(), tuple(logits.argmax(1).tolist()))


def pixels(picture: Tensor) -> np.ndarray:
    """(C,n,n) in [0,1] as uint8 (n,n,C)."""
    return (picture.clamp(0.0, 1.0) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def _search(victim: LinkVictim, label: int, setup: Setup, *, quick: bool = True) -> Iterator[Attempt]:
    """Attempts as they come; returns the last one's point.

    Args:
        quick: gradients in bf16 where that is faster; through a purifier it costs the attacker something.
    """
    attempts = setup.manipulator().search(victim, setup.wanted(label), link.generator(setup.seed, "manipulator"))
    x = victim.origin
    while True:
        with autocast(x.device.type, wanted=quick):  # not around the yield: the caller's work is in float32
            attempt = next(attempts, None)
        if attempt is None:
            return x
        x = attempt.x.float()
        yield attempt


def _victim(codec: Codec, chain: Sequence[PlugIn], domain: Domain, native: Tensor, setup: Setup) -> LinkVictim:
    return link_victim(
        setup.placement, domain, codec, native, setup.channel, setup.snr_db, chain=chain, eps=setup.eps,
        power_db=setup.power_db,
    )  # fmt: skip


def _purifier(
    method: str, codec: RepObECodec, denoiser: DiffSemNetworks | None, setup: Setup
) -> tuple[Codec, tuple[PlugIn, ...]]:
    """The purified link. The tuned classifier is the baseline's; the others read with their own."""
    if denoiser is None or setup.level is None:
        raise ValueError("A purifier needs its networks and a level.")
    chain = purification.purifier(denoiser, codec, setup.level, setup.snr_db)
    return purification.receiver(denoiser, codec) if method == BASE else codec, chain


def _seen(victim: LinkVictim, x: Tensor, setup: Setup) -> tuple[np.ndarray, np.ndarray]:
    """Picture and change, for the eye."""
    if setup.placement == "symbols":
        return pixels(victim.native(x)[0]), unpack(torch.view_as_complex(x.contiguous()))[0].numpy()
    return pixels(x[0]), (x - victim.origin)[0].permute(1, 2, 0).numpy()
