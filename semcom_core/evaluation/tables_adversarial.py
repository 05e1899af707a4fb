"""The README's tables of the links under attack and behind a purifier, from ``adversarial/results.json``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from semcom_core.evaluation import adversarial, adversarial_select
from semcom_core.evaluation.adversarial import CHANNELS, ENDS_DB, PURIFIED
from semcom_core.evaluation.adversarial_select import Kind

_CHANNELS = {"awgn": "AWGN", "rayleigh": "Rayleigh"}


def adversarial_table(domain: str) -> str:
    """Accuracy of every receiver on clean and on attacked pictures.

    Raises:
        ValueError: nothing was measured.
    """
    content = adversarial.read(domain)
    found = adversarial_select.rows(content)
    if content is None or not found:
        raise ValueError(f"The links of {domain} were not attacked yet.")
    places = [(channel, snr_db) for channel in CHANNELS for snr_db in ENDS_DB]
    sizes = {attack: _sizes(found, attack) for attack in ("pgd", "apgd")}
    lines = [
        f"**Under attack, {domain}** ({content['data']}; PGD-5, ε = 0.016, on {sizes['pgd']} pictures: natural, "
        "then attacked on the native and on the enlarged picture; APGD with CE and DLR, 20 steps, 20 draws a "
        f"gradient, on {sizes['apgd']} pictures, AWGN; three scored draws a picture, 20 under APGD; 95 % bootstrap "
        f"interval over images; `{content['command']}`)",
        "",
        "| receiver | " + " | ".join(f"{_CHANNELS[channel]} {snr_db:g} dB" for channel, snr_db in places)
        + " | APGD 7 dB | APGD 23 dB |",
        "|---" * (len(places) + 3) + "|",
    ]  # fmt: skip
    for method in adversarial_select.methods(found):
        if method == PURIFIED:
            continue
        cells = [_cell(found, method, channel, snr_db) for channel, snr_db in places]
        cells += [_attacked(_row(found, method, snr_db, Kind(attack="apgd"))) for snr_db in ENDS_DB]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def purifier_table(domain: str) -> str:
    """The bare and the purified link: untouched pictures, and attackers that do and do not know of the purifier.

    Raises:
        ValueError: nothing was measured.
    """
    content = adversarial.read(domain)
    pairs = adversarial_select.purified(adversarial_select.rows(content))
    if content is None or not pairs:
        raise ValueError(f"The purified link of {domain} was not attacked yet.")
    sizes = _counts(pair.aware for pair in pairs)
    lines = [
        f"**Purifier, {domain}** ({content['data']}; the base link, AWGN; the sender adds noise until the receiver "
        f"finds σ times the signal, a denoiser removes it; {sizes} pictures, 20 draws a gradient, 20 scored draws a "
        f"picture; 95 % bootstrap interval over images; `{content['command']}`)",
        "",
        "| attack | SNR | σ | untouched: without | untouched: with | attacked: without | with, attacker unaware "
        "| with, attacker aware |",
        "|---" * 8 + "|",
    ]
    for pair in pairs:
        aware = pair.aware
        lines.append(
            f"| {_attack(aware)} | {aware['snr_db']:g} dB | {aware['sigma']:g} | {_clean(pair.bare)} | {_clean(aware)} "
            f"| {_attacked(pair.bare)} | {_attacked(pair.unaware)} | {_attacked(aware)} |"
        )
    return "\n".join(lines)


def _attack(row: adversarial.Row) -> str:
    name = "APGD" if row["attack"] == "apgd" else f"PGD-{row['steps']}"
    if row["placement"] == "symbols":
        return f"{name} on the air, {row['power_db']:g} dB"
    return f"{name} on the picture, ε = {row['eps']:g}"


def _clean(row: adversarial.Row | None) -> str:
    return "not run" if row is None else f"{row['natural']:.3f}"


def _cell(found: Sequence[adversarial.Row], method: str, channel: str, snr_db: float) -> str:
    native, enlarged = (_row(found, method, snr_db, Kind(channel, placement=one)) for one in ("native", "enlarged"))
    larger = max(filter(None, (native, enlarged)), key=lambda row: row["images"], default=None)
    return f"{_clean(larger)}; {_attacked(native)}; {_attacked(enlarged)}"


def _row(found: Sequence[adversarial.Row], method: str, snr_db: float, kind: Kind) -> adversarial.Row | None:
    return next((row for row in adversarial_select.over_snr(found, method, kind) if row["snr_db"] == snr_db), None)


def _attacked(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not run"
    low, high = row["adversarial_interval"]
    return f"{row['adversarial']:.3f} [{low:.3f}, {high:.3f}]"


def _sizes(found: Sequence[adversarial.Row], attack: str) -> str:
    """Pictures of the table's cells."""
    kinds = [Kind(channel, attack, placement) for channel in CHANNELS for placement in ("native", "enlarged")]
    methods = [one for one in adversarial_select.methods(found) if one != PURIFIED]
    rows = (_row(found, method, snr_db, kind) for kind in kinds for method in methods for snr_db in ENDS_DB)
    return _counts(filter(None, rows))


def _counts(rows: Iterable[adversarial.Row]) -> str:
    return " or ".join(str(size) for size in sorted({row["images"] for row in rows})) or "no"
