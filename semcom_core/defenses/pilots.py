r"""Tamper detection that fits an analogue channel: secret pilot symbols at keyed positions.

::

    s (B,n) ─ insert k pilots ─ x (B,n+k) ── channel ── residual at the pilots ─ chi-square test
                                                    └── take them out ─ ŝ (B,n)

The receiver knows what the pilots were, and what the SNR lets noise do to them. A residual
beyond that was put there by somebody.

This is **detection, not authentication**: a change that misses every pilot, or hides below the
noise, passes; and whoever knows the key can do anything. It costs k channel uses. Pilots need a
key for each message: under a fixed key they stand still while the rest changes, so that anyone
can see where they are. Pilots placed *before* a rotation (chain: pilots, rotation) meet a share
k/(n+k) of any tampering's energy, however few symbols it touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy.stats import chi2, ncx2
from torch import Tensor

from semcom_core.channels import Received
from semcom_core.ciphers.keys import KeyStream, SeedKey
from semcom_core.defenses.base import PlugIn


@dataclass(frozen=True)
class PilotCheck:
    """The verdict on a batch of messages.

    Attributes:
        statistic: normalised residual energy at the pilots (B,).
        threshold: what an untouched message exceeds with probability ``false_alarm``.
        p_value: how often noise alone would reach this statistic (B,).
    """

    statistic: Tensor
    threshold: float
    p_value: Tensor

    @property
    def tampered(self) -> Tensor:
        """Whether the alarm goes off, bool (B,)."""
        return self.statistic > self.threshold


@dataclass(frozen=True)
class SecretPilots(PlugIn):
    r"""Inserts ``count`` unit-power pilots with secret phases at secret positions.

    Its own name gives it its own HKDF label, so pilots share no key stream with a cipher.

    Under the null hypothesis ``T = Σ 2|y_p − h p|²/σ²`` is chi-square with 2k degrees of
    freedom. A receiver without CSI must first fit one complex gain to the pilots: 2(k−1)
    degrees, and a change of the whole signal's strength or phase cannot be seen at all.

    Attributes:
        count: pilots k, i.e. extra channel uses of each message.
        false_alarm: probability of an alarm on an untouched message.
    """

    count: int = 64
    false_alarm: float = 0.01
    name: ClassVar[str] = "pilots"
    keyed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.count < 2:
            raise ValueError(f"At least 2 pilots are needed, not {self.count}.")
        if not 0.0 < self.false_alarm < 1.0:
            raise ValueError(f"The false-alarm rate must be between 0 and 1, not {self.false_alarm}.")

    def key(self, stream: KeyStream) -> SeedKey:
        return SeedKey.draw(stream)

    def protect(self, s: Tensor, keys: Sequence[SeedKey], generator: torch.Generator) -> Tensor:
        batch, n = s.shape
        x = s.new_empty(batch, n + self.count)
        for row, (positions, pilots) in enumerate(self._pilots(keys, n + self.count)):
            x[row, positions] = pilots.to(s.device)
            x[row, _others(positions, n + self.count)] = s[row]
        return x

    def recover(self, s_hat: Tensor, keys: Sequence[SeedKey], noise: Tensor | None = None) -> Tensor:
        total = s_hat.shape[1]
        rows = zip(s_hat, self._pilots(keys, total), strict=True)
        return torch.stack([row[_others(positions, total)] for row, (positions, _) in rows])

    def check(self, received: Received, keys: Sequence[SeedKey]) -> PilotCheck:
        """Test what an antenna received, where pilots are the outermost plug-in."""
        if not received.csi:
            return self._test(received.y, received.sigma2, keys, fit_gain=True)
        variance = received.sigma2 / received.h.abs().square().clamp_min(1e-12)
        return self._test(received.y / received.h, variance, keys, fit_gain=False)

    def check_symbols(self, symbols: Tensor, variance: Tensor, keys: Sequence[SeedKey]) -> PilotCheck:
        """Test unbiased symbols (``y/h``, outer plug-ins undone), where pilots are inside a rotation.

        Args:
            symbols: (B,n+k).
            variance: noise power on each, ``σ²/|h|²``, (B,1) or scalar: a rotation needs one fade a message.
        """
        return self._test(symbols, variance, keys, fit_gain=False)

    def threshold(self, fit_gain: bool = False) -> float:
        """The chi-square quantile of the stated false-alarm rate."""
        return float(chi2.isf(self.false_alarm, self._degrees(fit_gain)))

    def detection_probability(self, pilot_energy: float, sigma2: float) -> float:
        """How often tampering is noticed that adds this energy ``Σ_pilots |h δ|²``, in closed form.

        The statistic is then non-central chi-square with non-centrality ``2·energy/σ²``. For
        scaling by 1+a the energy is ``k·a²·|h|²``; for a dense δ its share at the pilots.
        """
        return float(ncx2.sf(self.threshold(), self._degrees(False), 2.0 * pilot_energy / sigma2))

    def _test(self, symbols: Tensor, variance: Tensor, keys: Sequence[SeedKey], fit_gain: bool) -> PilotCheck:
        batch, total = symbols.shape
        variance = torch.as_tensor(variance).expand(batch, total)
        statistic = torch.empty(batch)
        for row, (positions, pilots) in enumerate(self._pilots(keys, total)):
            got, expected = symbols[row, positions], pilots.to(symbols.device)
            if fit_gain:
                expected = expected * (expected.conj() * got).mean()
            statistic[row] = (2.0 * (got - expected).abs().square() / variance[row, positions]).sum()
        p_value = torch.from_numpy(chi2.sf(statistic.numpy(), self._degrees(fit_gain)))
        return PilotCheck(statistic, self.threshold(fit_gain), p_value)

    def _degrees(self, fit_gain: bool) -> int:
        return 2 * (self.count - fit_gain)

    def _pilots(self, keys: Sequence[SeedKey], total: int) -> list[tuple[Tensor, Tensor]]:
        """Positions (k,) and values (k,) of each message's pilots among ``total`` symbols."""
        drawn = []
        for key in keys:
            stream = key.stream()
            positions = torch.from_numpy(stream.permutation_by_sorting(total)[: self.count])
            drawn.append((positions, torch.from_numpy(stream.phases(self.count).astype(np.complex64))))
        return drawn


def roc(untouched: Tensor, tampered: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """False-alarm and detection rates over all thresholds, from statistics of both kinds.

    Returns:
        Two arrays from 0 to 1, ready to plot; the first is increasing.
    """
    clean, changed = np.sort(untouched.numpy()), np.sort(tampered.numpy())
    thresholds = np.unique(np.concatenate([clean, changed]))[::-1]
    false_alarm = 1.0 - np.searchsorted(clean, thresholds, side="left") / len(clean)
    detection = 1.0 - np.searchsorted(changed, thresholds, side="left") / len(changed)
    return np.concatenate([[0.0], false_alarm]), np.concatenate([[0.0], detection])


def _others(positions: Tensor, total: int) -> Tensor:
    """The positions that carry the message, in order."""
    free = torch.ones(total, dtype=torch.bool)
    free[positions] = False
    return free.nonzero().squeeze(1)
