r"""Defenses × attacks on one picture: the link's stages, run once for each pair, as rows for a table.

::

    picture ─ encode ─ send ─┬─ receive ───────────────── Row.receiver
                             ├─ eavesdrop, attack 1 ───── Row.attacks["…"]
                             └─ eavesdrop, attack 2 ───── …

Every defense meets the same channel draw (the generators depend on seed and purpose only), and
every attack on one defense hears the very same samples.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semcom_core import link
from semcom_core.attacks import THREATS, fits
from semcom_core.attacks.learned import LearnedInversion
from semcom_core.ciphers.keys import KeySource
from semcom_core.defenses import DEFENSES
from semcom_core.link import LinkModels, Reading
from semcom_core.settings import LinkSettings

Keep = Callable[[Hashable, Callable[[], Any]], Any]
"""A cache: the value under a key, computed if it is not there."""


@dataclass(frozen=True)
class Cell:
    """What one party has of one picture.

    Attributes:
        picture: uint8 (n,n,C) at the domain's native size; ``None`` if the party gets no picture.
        own: the party's own class probabilities (K,); ``None`` if it makes no guess.
        judged: the judge's class probabilities for the picture (K,); ``None`` without one.
        foreign: whether the judge finds the picture unlike all classes.
        psnr, mse: against the picture sent, in dB and on values in [0,1]; ``None`` without one.
    """

    picture: np.ndarray | None
    own: np.ndarray | None
    judged: np.ndarray | None
    foreign: bool = False
    psnr: float | None = None
    mse: float | None = None

    @property
    def answers(self) -> tuple[int, ...]:
        """The classes that this party's two readings name."""
        return tuple(int(one.argmax()) for one in (self.own, self.judged) if one is not None)


@dataclass(frozen=True)
class Row:
    """One defense on one picture.

    Attributes:
        settings: what was sent how.
        channel_uses: complex symbols on the air.
        receiver: the legitimate receiver.
        attacks: by attack; ``None`` where its networks were not trained on this defense.
    """

    settings: LinkSettings
    channel_uses: int
    receiver: Cell
    attacks: Mapping[str, Cell | None]

    @property
    def defense(self) -> str:
        return self.settings.defense


def attacks() -> list[str]:
    """Names of the eavesdroppers that the comparison sends out.

    Those that need no key and no earlier picture, because each message has a key of its own here;
    for the same reason the one that learned a single fixed key stays at home.
    """
    return [
        name
        for name, threat in THREATS.items()
        if not (threat.key or threat.known_plaintexts or name == LearnedInversion.name)
    ]


def canonical(settings: LinkSettings, defense: str) -> LinkSettings:
    """The settings with this defense, and what it does not heed at its default.

    So equal results have equal settings, and a cache finds them.
    """
    chosen, plain = DEFENSES[defense], LinkSettings()
    return replace(
        settings,
        defense=defense,
        noise=settings.noise if chosen.uses_noise else plain.noise,
        steps=settings.steps if chosen.uses_steps else plain.steps,
        labels=settings.labels if chosen.uses_steps else plain.labels,
        attacker=plain.attacker,
        eve_snr_db=None,
    )


def compute(_: Hashable, work: Callable[[], Any]) -> Any:
    """The :data:`Keep` that keeps nothing."""
    return work()


def compare(
    models: LinkModels, native: Tensor, settings: LinkSettings, wanted: Sequence[str], keep: Keep = compute
) -> Row:
    """One defense on one prepared picture, against several attacks, under the published demo key.

    Args:
        models: of the settings' domain and defense.
        native: (1,C,n,n) in [0,1].
        settings: canonical (:func:`canonical`).
        wanted: names of eavesdroppers; without their networks the result is ``None``.
        keep: a cache for encoding, sending, and each party's cell.
    """
    source = KeySource.published()
    digest, chosen = link.digest(native[0]), settings.chosen_defense
    encoded = keep(("encode", settings.domain, chosen.encoder, digest), lambda: link.encode(models, native))

    @cache
    def sent() -> link.Sent:
        key = ("send", digest, _sender(settings, models))
        return keep(key, lambda: link.send(encoded, settings, source, models.parts))

    def heard_by(name: str) -> Cell:
        heard = link.eavesdrop(models, encoded, sent(), replace(settings, attacker=name), source)
        return cell(heard.reading)

    receiver = keep(
        ("receive", digest, settings), lambda: cell(link.receive(models, encoded, sent(), settings).reading)
    )
    found = {
        name: keep(("eavesdrop", digest, settings, name), lambda name=name: heard_by(name))
        if fits(name, chosen, models.attacks)
        else None
        for name in wanted
    }
    return Row(settings, encoded.symbols.shape[1], receiver, found)


def _sender(settings: LinkSettings, models: LinkModels) -> LinkSettings:
    """The settings with channel and SNR at their defaults where the plug-ins do not heed them."""
    plain = replace(settings, channel=LinkSettings.channel, snr_db=LinkSettings.snr_db)
    chain = settings.chosen_defense.chain
    return plain if chain(settings, models.parts) == chain(plain, models.parts) else settings


@torch.inference_mode()
def sent_cell(models: LinkModels, native: Tensor) -> Cell:
    """The picture as sent (1,C,n,n), as the judge sees it."""
    logits = models.judge(native)
    foreign = bool(link.energy(logits)[0] > models.judge.energy_threshold)
    return Cell(_pixels(native[0]), None, _probabilities(logits), foreign)


def cell(reading: Reading) -> Cell:
    """The first picture of a reading, small enough to keep."""
    own = None if reading.logits is None else _probabilities(reading.logits)
    if reading.native is None:
        return Cell(None, own, None)
    psnr = float(reading.psnr[0])
    return Cell(
        _pixels(reading.native[0]),
        own,
        _probabilities(reading.judged),
        bool(reading.foreign[0]),
        psnr,
        float(10.0 ** (-psnr / 10.0)),
    )


def _pixels(native: Tensor) -> np.ndarray:
    return (native.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()


def _probabilities(logits: Tensor) -> np.ndarray:
    return torch.softmax(logits[0].float(), dim=0).numpy()
