"""Everything that a visitor can set about one transmission, as one hashable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from semcom_core.attacks import EAVESDROPPERS, default_attacker
from semcom_core.channels import CHANNELS
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.defenses import DEFENSES, Defense
from semcom_core.domains import DOMAINS

SNR_LIMITS_DB = (-5.0, 30.0)
NOISE_LIMITS = (0.0, 3.0)
STEP_LIMITS = (0, 50)
LIVE_STEPS = (0, 1, 2, 3, 4, 10, 25, 50)
"""Denoising steps on offer; more than four take their time."""
AUTO = "auto"


@dataclass(frozen=True)
class LinkSettings:
    """One transmission.

    Attributes:
        domain, channel, defense: registry names.
        snr_db: the receiver's mean SNR.
        eve_snr_db: the eavesdropper's; ``None`` follows the receiver's.
        noise: standard deviation of the sender's noise, for defenses that add noise.
        steps: denoising steps of a diffusion receiver; 0 leaves the denoiser out.
        labels: whether the denoiser is told the receiver's first guess of the class.
        policy: how long a key lives.
        attacker: registry name, or ``"auto"``: the strongest without the key for this policy.
        seed: decides channel noise, fading and sender noise ("new noise" adds one).
        message: counter of messages ("new key" adds one under the message policy).
        session: counter of sessions ("new key" adds one under the session policy).

    Raises:
        ValueError: a name is not in its registry or a number is out of range.
    """

    domain: str = "digits"
    channel: str = "awgn"
    snr_db: float = 10.0
    eve_snr_db: float | None = None
    defense: str = "repobe"
    noise: float = 0.5
    steps: int = 4
    labels: bool = True
    policy: KeyPolicy = KeyPolicy.MESSAGE
    attacker: str = AUTO
    seed: int = 0
    message: int = 0
    session: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "policy", KeyPolicy(self.policy))
        for name, registry in (
            ("domain", DOMAINS),
            ("channel", CHANNELS),
            ("defense", DEFENSES),
            ("attacker", {AUTO, *EAVESDROPPERS}),
        ):
            if getattr(self, name) not in registry:
                raise ValueError(f"Unknown {name} {getattr(self, name)!r}. Known: {', '.join(sorted(registry))}.")
        _check_range("snr_db", self.snr_db, SNR_LIMITS_DB)
        if self.eve_snr_db is not None:
            _check_range("eve_snr_db", self.eve_snr_db, SNR_LIMITS_DB)
        _check_range("noise", self.noise, NOISE_LIMITS)
        _check_range("steps", self.steps, STEP_LIMITS)
        if not self.chosen_defense.available(self.domain):
            raise ValueError(f"There is no link with the defense {self.defense!r} for {self.domain}.")
        for name in ("seed", "message", "session"):
            _check_range(name, getattr(self, name), (0, 2**31 - 1))

    @property
    def chosen_defense(self) -> Defense:
        return DEFENSES[self.defense]

    @property
    def chosen_attacker(self) -> str:
        """The attacker's registry name, with ``"auto"`` resolved."""
        if self.attacker != AUTO:
            return self.attacker
        return default_attacker(self.chosen_defense, self.policy)

    @property
    def chosen_eve_snr_db(self) -> float:
        return self.snr_db if self.eve_snr_db is None else self.eve_snr_db

    def to_query(self) -> dict[str, str]:
        """URL parameters: only what differs from the defaults. Never holds key material."""
        plain = LinkSettings()
        return {
            name: str(value).removesuffix(".0")  # the shortest form that reads back exactly
            for name, value in asdict(self).items()
            if value != getattr(plain, name)
        }

    @staticmethod
    def from_query(query: Mapping[str, str]) -> LinkSettings:
        """The inverse of :meth:`to_query`; unknown or invalid parameters are ignored one by one."""
        settings = LinkSettings()
        for field in fields(LinkSettings):
            if field.name not in query:
                continue
            default = getattr(settings, field.name)
            kind: Any = float if field.name == "eve_snr_db" else _truth if type(default) is bool else type(default)
            try:
                settings = LinkSettings(**(asdict(settings) | {field.name: kind(query[field.name])}))
            except ValueError:
                continue
        return settings


def _truth(text: str) -> bool:
    if text not in ("True", "False"):
        raise ValueError(f"{text!r} is neither True nor False.")
    return text == "True"


def _check_range(name: str, value: float, limits: tuple[float, float]) -> None:
    if not limits[0] <= value <= limits[1]:  # NaN fails this, too
        raise ValueError(f"{name} must be between {limits[0]:g} and {limits[1]:g}, not {value}.")
