"""What the papers report, as numbers to stand beside ours: *reported*, never measured here.

Only values that a paper quotes in its text or that were taken from the authors' own files are
here; curves without quoted values are not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Quantity = Literal[
    "receiver_accuracy",
    "attack_psnr",
    "neighbour_accuracy",
    "attack_mse_gain",
    "receiver_accuracy_gain",
    "natural_accuracy",
    "adversarial_accuracy",
]


@dataclass(frozen=True)
class Reported:
    """One reported value.

    Attributes:
        defense: our name of the method; of adversarial quantities, of the receiver that was trained by it.
        domain: our name of the data set; ``None`` if the figure is an average over several.
        quantity: what was measured; ``…_gain`` are differences or ratios, as a share (0.129 is 12.9 %).
        value: an accuracy or share in [0,1], or dB.
        source: paper and place.
        channel: ``None`` where the source names none.
        snr_db: mean SNR in this project's convention; ``None`` if the value is a maximum or an
            average over SNR.
        bound: "=" for a value, "≤" for a largest value over SNR.
        label_db: the SNR as the source labels it, where that differs.
        note: what else to know.
    """

    defense: str
    domain: str | None
    quantity: Quantity
    value: float
    source: str
    channel: str | None = None
    snr_db: float | None = None
    bound: Literal["=", "≤"] = "="
    label_db: float | None = None
    note: str = ""


REPOBE = "Lin et al., IJCAI 2025"
IBAL = "Wang et al., IEEE TWC 23(8), 2024: released checkpoints, run by us"
CEM = "Xia et al., CVPR 2025, abstract"
DIFFSEM = "Wang et al., arXiv 2506.19886v1, abstract"

_IBAL_CHECKPOINTS = (
    # label, test accuracy, PSNR of the authors' attack on [0,1] pixels, of a ridge attack
    (7.0, 0.951, 12.75, 13.71),
    (11.0, 0.952, 12.65, 13.58),
    (15.0, 0.948, 12.64, 13.63),
    (19.0, 0.946, 12.56, 13.48),
    (23.0, 0.951, 12.61, 13.67),
)
_IBAL_NEIGHBOURS = ((7.0, 0.940), (15.0, 0.938), (23.0, 0.934))
IBAL_OFFSET_DB = 3.0
"""IBAL's code puts its noise on a label 3 dB lower than this project does."""


def _repobe() -> Iterable[Reported]:
    for domain, channel, figure, low, high in (
        ("digits", "awgn", "Fig. 3a", 0.9943, 0.9966),
        ("digits", "rayleigh", "Fig. 3b", 0.9920, 0.9956),
        ("objects", "rayleigh", "Fig. 3c", 0.9021, 0.9151),
    ):
        for snr_db, value in ((7.0, low), (23.0, high)):
            yield Reported("repobe", domain, "receiver_accuracy", value, f"{REPOBE}, {figure}", channel, snr_db)
    figure = f"{REPOBE}, Fig. 3c"
    yield Reported("vae", "objects", "receiver_accuracy", 0.8512, figure, "rayleigh", None, "≤")
    yield Reported("jpeg2000", "objects", "receiver_accuracy", 0.9203, figure, "rayleigh", 23.0)


def _robust() -> Iterable[Reported]:
    """RepObE, Fig. 4: PGD with eps 0.016, 5 steps of 0.0032; "natural" is the same receiver on untouched pictures."""
    for domain, channel, figure, method, quantity, low, high in (
        ("digits", "awgn", "Fig. 4a", "repobe", "natural_accuracy", 0.9903, 0.9945),
        ("digits", "awgn", "Fig. 4a", "base", "natural_accuracy", 0.9944, 0.9965),
        ("digits", "awgn", "Fig. 4a", "repobe", "adversarial_accuracy", 0.9832, 0.9907),
        ("digits", "rayleigh", "Fig. 4b", "repobe", "natural_accuracy", 0.9902, 0.9931),
        ("digits", "rayleigh", "Fig. 4b", "base", "natural_accuracy", 0.9921, 0.9957),
        ("digits", "rayleigh", "Fig. 4b", "repobe", "adversarial_accuracy", 0.9745, 0.9924),
        ("digits", "rayleigh", "Fig. 4b", "base", "adversarial_accuracy", 0.7912, 0.8023),
        ("objects", "awgn", "Fig. 4c", "repobe", "adversarial_accuracy", 0.6904, 0.7296),
        ("objects", "rayleigh", "Fig. 4d", "repobe", "adversarial_accuracy", 0.6849, 0.7099),
        ("objects", "rayleigh", "Fig. 4d", "at", "adversarial_accuracy", 0.5654, 0.5943),
    ):
        for snr_db, value in ((7.0, low), (23.0, high)):
            yield Reported(method, domain, quantity, value, f"{REPOBE}, {figure}", channel, snr_db)
    for method, channel, figure, value in (
        ("at", "awgn", "Fig. 4c", 0.6756),
        ("trades", "awgn", "Fig. 4c", 0.6669),
        ("trades", "rayleigh", "Fig. 4d", 0.6656),
    ):
        source, note = f"{REPOBE}, {figure}", "also the greatest over the SNR"
        yield Reported(method, "objects", "adversarial_accuracy", value, source, channel, 23.0, note=note)


def _ibal() -> Iterable[Reported]:
    def row(quantity: Quantity, label: float, value: float, note: str) -> Reported:
        snr_db = label + IBAL_OFFSET_DB
        return Reported("ibal", "digits", quantity, value, IBAL, "awgn", snr_db, label_db=label, note=note)

    for label, accuracy, attack, ridge in _IBAL_CHECKPOINTS:
        yield row("receiver_accuracy", label, accuracy, "64 real channel uses; each SNR its own checkpoint")
        yield row("attack_psnr", label, attack, "the authors' decoder, on pixels in [0,1]")
        yield row("attack_psnr", label, ridge, "ridge regression from 60,000 pictures")
    for label, accuracy in _IBAL_NEIGHBOURS:
        yield row("neighbour_accuracy", label, accuracy, "5 nearest neighbours among 20,000 labelled features")


REPORTED: tuple[Reported, ...] = (
    *_repobe(),
    *_robust(),
    *_ibal(),
    Reported("cem", None, "attack_mse_gain", 0.129, CEM, note="smallest average gain over the plugged defenses"),
    Reported("cem", None, "attack_mse_gain", 0.482, CEM, note="largest average gain over the plugged defenses"),
    Reported("diffsem", "digits", "receiver_accuracy_gain", 0.1003, DIFFSEM, note="the abstract's only number"),
)


def reported(
    defense: str | None = None,
    domain: str | None = None,
    quantity: Quantity | None = None,
    channel: str | None = None,
) -> list[Reported]:
    """The reported values that match everything given."""
    wanted = {"defense": defense, "domain": domain, "quantity": quantity, "channel": channel}
    return [
        one for one in REPORTED if all(getattr(one, key) == value for key, value in wanted.items() if value is not None)
    ]
