"""Everything that decides how a small link is trained, as one hashable value, and the same as a recipe."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from semcom_core.channels import CHANNELS
from semcom_core.training.recipe import Recipe

MIXED = "mixed"
"""Half of each batch sees AWGN, the other half block Rayleigh fading, as the large links were trained."""
TRAINED_ON = (MIXED, "awgn", "rayleigh")
MNIST, DRAWN = "mnist", "drawn"
PICTURES = (MNIST, DRAWN)
LIMITS: dict[str, tuple[float, float]] = {
    "images": (100, 5000),
    "symbols": (2, 128),
    "snr_low": (-5.0, 25.0),
    "snr_high": (-5.0, 25.0),
    "lambda_rec": (0.0, 200.0),
    "temperature": (0.25, 8.0),
    "sigma": (0.0, 2.0),
    "lambda_cem": (0.0, 16.0),
    "beta": (0.0, 8.0),
    "tau": (0.1, 10.0),
    "epsilon": (0.0, 0.3),
    "warp": (0.0, 1.0),
    "lr": (1e-5, 0.03),
    "epochs": (1, 40),
    "batch": (8, 256),
    "seed": (0, 2**31 - 1),
}
_OF_THE_STAGE = ("epochs", "batch")
_OF_THE_RECIPE = ("lr", "seed")


@dataclass(frozen=True)
class WorkbenchSettings:
    """One small link. The defaults pass 95 % on MNIST's test pictures at 10 dB.

    Attributes:
        pictures: ``"mnist"``, or ``"drawn"`` by this program.
        images: training pictures.
        symbols: complex symbols a picture, n.
        channel: one of :data:`TRAINED_ON`.
        snr_low, snr_high: each training picture has its own mean SNR, uniform in this range, in dB.
        nested: train on random numbers of symbols, the first m of n, so that a part of a message is readable.
        lambda_rec: weight of the picture's mean squared error beside the cross entropy of the class.
        temperature: T of the softmax in the cross entropy, ``softmax(logits/T)``; the link is used with T = 1.
        sigma: standard deviation of the noise that the sender adds, relative to the signal.
        lambda_cem: weight of CEM's entropy hinge; from the second epoch on.
        beta: weight of RepObE's KL term on single-step adversarial pictures; from the second epoch on.
        tau: of its prototype weights, in units of the median squared distance of clean pictures.
        epsilon: largest change of a pixel by the single-step attack.
        warp: strength of the random changes of each training picture (0: none): turned, moved, bent.
        lr: peak learning rate of AdamW.
        epochs, batch, seed: as usual.

    Raises:
        ValueError: a name is unknown, or a number is out of its range (:data:`LIMITS`).
    """

    pictures: str = MNIST
    images: int = 5000
    symbols: int = 32
    channel: str = MIXED
    snr_low: float = 0.0
    snr_high: float = 20.0
    nested: bool = False
    lambda_rec: float = 20.0
    temperature: float = 1.0
    sigma: float = 0.0
    lambda_cem: float = 0.0
    beta: float = 0.0
    tau: float = 1.0
    epsilon: float = 0.1
    warp: float = 0.5
    lr: float = 3e-3
    epochs: int = 12
    batch: int = 64
    seed: int = 1

    def __post_init__(self) -> None:
        for name, known in (("pictures", PICTURES), ("channel", TRAINED_ON)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}.")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ValueError(f"{name} must be between {low:g} and {high:g}, not {value!r}.")
        for name, kind in _KINDS.items():
            if kind is int and not isinstance(getattr(self, name), int):
                raise ValueError(f"{name} must be a whole number, not {getattr(self, name)!r}.")
        if not isinstance(self.nested, bool):
            raise ValueError(f"nested must be true or false, not {self.nested!r}.")
        if self.snr_low > self.snr_high:
            raise ValueError(f"snr_low must not be above snr_high: {self.snr_low:g} > {self.snr_high:g}.")
        if self.batch > self.images:
            raise ValueError(f"A batch of {self.batch} needs as many pictures; there are {self.images}.")

    @property
    def draws(self) -> bool:
        """Whether the receiver has a picture decoder: without weight in the loss it would learn nothing."""
        return self.lambda_rec > 0

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run; whole batches only."""
        return self.epochs * (self.images // self.batch)

    def changed(self) -> dict[str, Any]:
        """What differs from the defaults, by name."""
        plain = WorkbenchSettings()
        return {
            one.name: value for one in fields(self) if (value := getattr(self, one.name)) != getattr(plain, one.name)
        }


_KINDS = {name: kind for name, kind in get_type_hints(WorkbenchSettings).items() if kind in (int, float)}


def to_toml(settings: WorkbenchSettings) -> str:
    """The settings as a recipe that ``python -m semcom_core train <file>`` takes.

    It publishes the weights ``digits/workbench``, which the live page offers to everybody.
    """
    special = (*_OF_THE_STAGE, *_OF_THE_RECIPE)
    options = {one.name: getattr(settings, one.name) for one in fields(settings) if one.name not in special}
    lines = [
        "# A small link of the workbench, with the attacker that is trained beside it.",
        'task = "workbench"',
        'domain = "digits"',
        'publishes = "digits/workbench"',
        *_assignments({name: getattr(settings, name) for name in _OF_THE_RECIPE}),
        "",
        "[options]",
        *_assignments(options),
        "",
        "[[stage]]",
        *_assignments({name: getattr(settings, name) for name in _OF_THE_STAGE}),
    ]
    return "\n".join(lines) + "\n"


def from_recipe(recipe: Recipe) -> WorkbenchSettings:
    """The inverse of :func:`to_toml`, from the recipe read.

    Raises:
        ValueError: more than one stage, or a value out of range.
        TypeError: an unknown option.
    """
    if len(recipe.stages) != 1:
        raise ValueError(f"A small link is trained in one stage, not {len(recipe.stages)}.")
    (stage,) = recipe.stages
    numbers = {name: float(value) for name, value in recipe.options.items() if _KINDS.get(name) is float}
    return WorkbenchSettings(
        lr=recipe.lr, seed=recipe.seed, epochs=stage.epochs, batch=stage.batch, **(recipe.options | numbers)
    )


def channels(settings: WorkbenchSettings) -> tuple[str, ...]:
    """Registry names of the channels that the link is trained on."""
    chosen = ("awgn", "rayleigh") if settings.channel == MIXED else (settings.channel,)
    assert set(chosen) <= CHANNELS.keys()
    return chosen


def _assignments(values: dict[str, Any]) -> list[str]:
    """TOML lines; numbers, truth values and plain words are written there as in JSON."""
    return [f"{name} = {json.dumps(value)}" for name, value in values.items()]
