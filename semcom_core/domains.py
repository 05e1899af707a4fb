"""Domains: what kind of picture a link was trained for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Domain:
    """A family of pictures with its ten classes.

    Attributes:
        name: registry key, folder under ``weights/`` and URL value.
        native_size: side at which PSNR and SSIM are computed.
        channels: 1 or 3.
        classes: class names in label order, as shown to a person.
    """

    name: str
    native_size: int
    channels: int
    classes: tuple[str, ...]


DOMAINS: dict[str, Domain] = {
    domain.name: domain
    for domain in (
        Domain("digits", 28, 1, tuple("0123456789")),
        Domain(
            "photographs",
            224,
            3,
            (
                "tench", "English springer", "cassette player", "chain saw", "church",
                "French horn", "garbage truck", "gas pump", "golf ball", "parachute",
            ),
        ),
    )
}
