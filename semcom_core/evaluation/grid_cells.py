"""The cells of the grid: which defense, attack, channel and SNR are measured, and on which pictures.

::

    DEFENSES ─┬─ receiver cells ── channel × SNR × choices (noise, steps, labels)
              └─ attack cells ──── attacker × channel × SNR × choices, key policy as the attack needs it

Nothing is measured here. A cell's key tells whether its measurement is still that of these weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from semcom_core import manifest
from semcom_core.attacks import THREATS, needed_against
from semcom_core.attacks.known_plaintext import KnownPlaintext
from semcom_core.attacks.learned import LearnedInversion
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.datasets import ArrayDataset
from semcom_core.defenses import DEFENSES, Defense
from semcom_core.settings import LinkSettings

Kind = Literal["receivers", "attacks"]
VERSION = 1
"""Part of every cell's key: raise it when what a cell measures, or how, is changed."""

CHANNELS = ("awgn", "rayleigh")
SNRS_DB = (7.0, 11.0, 15.0, 19.0, 23.0)
PLANE_SNR_DB = 10.0
"""Where pictures are measured, every attack runs and all choices of a defense are compared."""
CLASS_SNRS_DB = (7.0, 23.0)
"""Further SNRs, on AWGN, for attacks that read the class."""
OFFSET_DB = 3.0
OFFSET = ("ibal", "ibal_wide")
"""IBAL's code labels its SNR 3 dB lower than this project does (FACTS 3.2): measured at both."""
NOISES = (0.5, 1.0, 2.0)
STEPS = ((4, True), (4, False), (0, True))
"""Denoising steps and label embedding; the first of each is a defense's main choice."""

SEEDS = (0, 1, 2)
PICTURES = 200
DENOISED_SHARE = 4
"""A denoising receiver is measured on so many times fewer pictures: it is as many times slower."""
ATTACK_IMAGES = {"digits": 1000, "objects": 500, "photographs": 400}
WHITE_BOX, NEIGHBOURS = "white_box", "neighbours"
SLOW_ATTACK_IMAGES = {"diffusion_prior": 200, WHITE_BOX: 10}
"""Attacks that take seconds or minutes a picture; their cells say so by ``images``."""
WHITE_BOX_DEFENSES = ("none", "noise", "cem", "ibal")
NEIGHBOURS_DEFENSES = {"ibal": (7.0, 10.0, 18.0, 26.0)}
"""Where FACTS 3.3 has a 5-nearest-neighbour attack on the authors' checkpoints, and 7 dB here."""


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes:
        settings: with ``seed`` 0.
        images: how many pictures of the reporting split, chosen by :func:`spread` (receivers) or
            :func:`balanced` (attacks).
        pictures: on how many of them PSNR and SSIM are measured too (receivers).
        weights: hashes of all networks that decide the result, by name within the domain.
        attack: an eavesdropper's name, :data:`WHITE_BOX` or :data:`NEIGHBOURS`, in attack cells.
    """

    kind: Kind
    settings: LinkSettings
    images: int
    seeds: tuple[int, ...] = SEEDS
    pictures: int = 0
    weights: Mapping[str, str] = field(default_factory=dict)
    attack: str = ""

    @property
    def defense(self) -> str:
        return self.settings.defense

    def identity(self) -> dict[str, Any]:
        """What the cell is, as the first fields of its row; choices that do not apply are absent."""
        settings, chosen = self.settings, self.settings.chosen_defense
        row: dict[str, Any] = {"defense": settings.defense}
        if chosen.uses_noise:
            row["noise"] = settings.noise
        if chosen.uses_steps:
            row |= {"steps": settings.steps, "labels": settings.labels}
        if chosen.keyed:
            row["policy"] = settings.policy.value
        if self.kind == "attacks":
            row["attack"] = self.attack
        return row | {"channel": settings.channel, "snr_db": settings.snr_db}

    def key(self, data: str) -> str:
        """Digest of everything that the result depends on.

        Args:
            data: digest of the reporting split (:func:`data_digest`).
        """
        whole = {"version": VERSION, "domain": self.settings.domain, "kind": self.kind, "data": data}
        whole |= self.identity() | {"images": self.images, "pictures": self.pictures, "seeds": self.seeds}
        content = json.dumps(whole | {"weights": dict(self.weights)}, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def untrained(domain: str, defense: Defense) -> list[str]:
    """Weights of a defense that are not in the manifest; it cannot be measured without them."""
    trained = manifest.names()
    needed = (defense.codec, "judge", *defense.networks, *needed_against(defense))
    return [name for name in needed if f"{domain}/{name}" not in trained]


def defenses(domain: str, wanted: Sequence[str] = ()) -> list[Defense]:
    """The defenses of a domain whose weights are there, in the registry's order.

    Raises:
        ValueError: a wanted name is no defense of this domain.
    """
    here = [one for one in DEFENSES.values() if one.available(domain)]
    if unknown := set(wanted) - {one.name for one in here}:
        raise ValueError(f"No defense {', '.join(sorted(unknown))} for {domain}.")
    return [one for one in here if not untrained(domain, one) and (not wanted or one.name in wanted)]


def receiver_cells(domain: str, defense: Defense, split: int, images: int, weights: Mapping[str, str]) -> list[Cell]:
    """Cells of one defense's receiver; none where it is that of the bare link (``Defense.ciphers_base``).

    Args:
        split: pictures in the reporting split.
        images: pictures at most, the same for every defense; ``--part receiver`` has the bare link on all.
    """
    if defense.ciphers_base:
        return []
    count = min(images, split)
    if defense.uses_steps:
        count = max(count // DENOISED_SHARE, min(count, 10))
    cells = []
    for number, main in enumerate(choices(domain, defense)):
        for channel in CHANNELS:
            for snr_db in _receiver_snrs(defense, number, main):
                settings = replace(main, channel=channel, snr_db=snr_db)
                pictures = min(PICTURES, count) if snr_db == PLANE_SNR_DB else 0
                cells.append(Cell("receivers", settings, count, SEEDS, pictures, weights))
    return cells


def _receiver_snrs(defense: Defense, number: int, settings: LinkSettings) -> list[float]:
    if number and not (defense.uses_steps and settings.noise == NOISES[0]):
        return [PLANE_SNR_DB]
    offset = [snr_db + OFFSET_DB for snr_db in SNRS_DB] if defense.name in OFFSET else []
    return sorted({*SNRS_DB, PLANE_SNR_DB, *offset})


def attackers(defense: Defense) -> Iterator[tuple[str, KeyPolicy]]:
    """Who attacks one defense, and under which key policy, if its networks were trained.

    Attackers that take each message by itself meet fresh keys; one that learns a key from a known
    picture, or that learned one key by heart, meets that one key.
    """
    position_cipher = defense.keyed and defense.codec == "base"
    fixed = {KnownPlaintext.name: position_cipher, LearnedInversion.name: defense.name == "repobe"}
    for name, threat in THREATS.items():
        if name in fixed:
            if fixed[name]:
                yield name, KeyPolicy.FIXED
        elif not threat.key and not threat.known_plaintexts:
            yield name, KeyPolicy.MESSAGE


def attack_cells(
    domain: str,
    defense: Defense,
    attack: str,
    policy: KeyPolicy,
    reads_class: bool,
    split: int,
    weights: Mapping[str, str],
) -> list[Cell]:
    """Cells of one attack on one defense.

    Args:
        reads_class: whether it names a class itself; such attacks are measured over SNR, too.
        split: pictures in the reporting split.
    """
    images = min(SLOW_ATTACK_IMAGES.get(attack, ATTACK_IMAGES[domain]), split)
    places = [(channel, PLANE_SNR_DB) for channel in CHANNELS]
    more = [("awgn", snr_db) for snr_db in CLASS_SNRS_DB] if reads_class else []
    cells = []
    for number, main in enumerate(choices(domain, defense)):
        for channel, snr_db in places if number else places + more:
            settings = replace(main, channel=channel, snr_db=snr_db, policy=policy)
            cells.append(Cell("attacks", settings, images, SEEDS[:1], 0, weights, attack))
    return cells


def other_attack_cells(domain: str, defense: Defense, split: int, weights: Mapping[str, str]) -> list[Cell]:
    """Cells of the attacks that are no eavesdroppers of the page, on AWGN, on a few defenses.

    Args:
        weights: those of the defense and the judge.
    """
    main = choices(domain, defense)[0]
    wanted = [(NEIGHBOURS, snr_db, ATTACK_IMAGES[domain]) for snr_db in NEIGHBOURS_DEFENSES.get(defense.name, ())]
    if defense.name in WHITE_BOX_DEFENSES:
        wanted.append((WHITE_BOX, PLANE_SNR_DB, SLOW_ATTACK_IMAGES[WHITE_BOX]))
    return [
        Cell("attacks", replace(main, snr_db=snr_db), min(images, split), SEEDS[:1], 0, weights, attack)
        for attack, snr_db, images in wanted
    ]


def choices(domain: str, defense: Defense) -> list[LinkSettings]:
    """A defense's strengths to compare: noise levels, and denoising with and without; main first."""
    noises = NOISES if defense.uses_noise else (LinkSettings.noise,)
    steps = STEPS if defense.uses_steps else ((LinkSettings.steps, LinkSettings.labels),)
    pairs = [(noises[0], one) for one in steps] + [(noise, steps[0]) for noise in noises[1:]]
    return [
        LinkSettings(domain=domain, defense=defense.name, noise=noise, steps=count, labels=labels)
        for noise, (count, labels) in pairs
    ]


def spread(total: int, count: int) -> np.ndarray:
    """``count`` of ``total`` pictures, evenly over the split."""
    return np.linspace(0, total - 1, count).round().astype(int)


def balanced(labels: np.ndarray, count: int) -> np.ndarray:
    """``count`` pictures with equally many of each class, evenly over each class's own.

    Where ``count`` is no multiple of the number of classes, or a class has too few, fewer.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    each = max(1, min(count // len(classes), int(sizes.min())))
    return np.sort(np.concatenate([np.flatnonzero(labels == k)[spread(np.sum(labels == k), each)] for k in classes]))


def data_digest(data: ArrayDataset) -> str:
    """Digest of a split's pictures and labels."""
    sha = hashlib.sha256(np.ascontiguousarray(data.images).tobytes())
    sha.update(data.labels.tobytes())
    return sha.hexdigest()[:16]
