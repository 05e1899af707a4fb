"""The README's tables, made from ``results.json``: ours as measured, the papers' as reported."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from semcom_core import weights
from semcom_core.defenses import DEFENSES
from semcom_core.domains import DOMAINS
from semcom_core.evaluation import grid, paired
from semcom_core.evaluation.reported import reported
from semcom_core.evaluation.tables_adversarial import adversarial_table, purifier_table

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
CHANNEL_TITLES = {"awgn": "AWGN", "rayleigh": "Rayleigh, block"}


def results(name: str) -> dict[str, Any]:
    """``results.json`` of a model (``digits/base``).

    Raises:
        ValueError: these weights were not evaluated.
    """
    path = weights.root() / name / "results.json"
    if not path.is_file():
        domain = name.partition("/")[0]
        raise ValueError(f"{name} was not measured; run `python -m semcom_core evaluate {domain}` first.")
    return json.loads(path.read_text())


def markdown() -> str:
    """All tables, in the order of the README; what was not measured reads "not run"."""
    parts = []
    for title, table in TABLES.items():
        for domain in DOMAINS:
            try:
                text = table(domain)
            except ValueError:
                part = PARTS.get(table, "")
                text = f"**{title}, {domain}**: not run (`python -m semcom_core evaluate {domain}{part}`)."
            if title in FOLDED and text:
                text = f"<details><summary>{title}, {domain}: {FOLDED[title]}</summary>\n\n{text}\n\n</details>"
            parts.append(text)
    return "\n\n".join(filter(None, parts))


def write(readme: Path) -> None:
    """Replace what stands between the README's markers."""
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{markdown()}\n{END}{after}")


def receiver_table(domain: str) -> str:
    """Accuracy of the legitimate receiver over SNR."""
    content = results(f"{domain}/base")
    cells = {(cell["channel"], cell["snr_db"]): cell for cell in content["receiver"]}
    snrs = sorted({snr for _, snr in cells})
    lines = [
        f"**Receiver, {domain}** ({content['data']}; 3 channel seeds, one at 0, 3 and 10 dB; "
        f"95 % bootstrap interval over images; `{content['command']}`)",
        "",
        "| channel | " + " | ".join(f"{snr:g} dB" for snr in snrs) + " |",
        "|---" * (len(snrs) + 1) + "|",
    ]
    for channel in sorted({channel for channel, _ in cells}):
        row = [_with_interval(cells[channel, snr]["accuracy"], cells[channel, snr]["interval"]) for snr in snrs]
        lines.append(f"| {CHANNEL_TITLES[channel]}, measured | " + " | ".join(row) + " |")
        quoted = {one.snr_db: f"{one.value:.4f}" for one in reported("repobe", domain, "receiver_accuracy", channel)}
        if quoted:
            row = [quoted.get(snr, "") for snr in snrs]
            lines.append(f"| {CHANNEL_TITLES[channel]}, RepObE reported | " + " | ".join(row) + " |")
    pictures = content["pictures"]
    judge = results(f"{domain}/judge")["clean"]
    lines += [
        "",
        f"Pictures at AWGN 10 dB ({pictures['images']} images): PSNR {pictures['psnr']:.2f} dB, "
        f"SSIM {pictures['ssim']:.3f}; the judge names {pictures['judge_accuracy']:.3f} of them right, "
        f"and {judge['accuracy']:.4f} [{judge['interval'][0]:.4f}, {judge['interval'][1]:.4f}] of the clean ones.",
    ]
    return "\n".join(lines)


def attack_table(domain: str) -> str:
    """Every defense against every attacker, at the attacker's SNR = the receiver's."""
    content = results(f"{domain}/adaptive")
    cells = content["cells"] + results(f"{domain}/naive")["cells"]
    lines = [
        f"**Eavesdroppers, {domain}** ({content['data']}; first {cells[0]['images']} images a cell; balanced accuracy, "
        "chance is 0.1; p: permutation test against chance, Holm over all cells)",
        "",
        "| defense | key | attacker | channel | SNR | receiver accuracy | attacker: class read directly | "
        "attacker: judge on its picture | PSNR receiver / attacker |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cell in sorted(cells, key=_order):
        ours, theirs = cell["receiver"], cell["eavesdropper"]
        defense = cell["defense"] + (f" σ={cell['noise']:g}" if cell["noise"] is not None else "")
        lines.append(
            f"| {defense} | {cell['policy'] or '–'} | {cell['attacker']} | {CHANNEL_TITLES[cell['channel']]} "
            f"| {cell['snr_db']:g} dB | {ours['own_accuracy']:.3f} | {_leak(theirs, 'own')} | {_leak(theirs, 'judge')} "
            f"| {ours['psnr']:.1f} / {theirs['psnr']:.1f} dB |"
        )
    return "\n".join(lines)


def cipher_table(domain: str) -> str:
    """Every keyed defense against every attack, the leak over SNR, and how keys are recovered."""
    content = results(f"{domain}/adaptive_rotation")
    lines = [
        f"**Ciphers, {domain}** ({content['data']}; AWGN 10 dB for both antennas, one seed; accuracies balanced over "
        "the classes, chance is 0.1, [95 % bootstrap interval over images]; p: permutation test against chance, Holm "
        f"over all cells; `{content['command']}`)",
        "",
        "| defense | key | attacker | key entries found | class read directly | judge on its picture | PSNR | SSIM "
        "| MSE − MSE of the mean picture [99 %] |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cell in content["cells"]:
        key = f"{cell['key_agreement']:.3f}" if "key_agreement" in cell else "–"
        low, high = cell["mse_minus_mean_picture_99"]
        lines.append(
            f"| {cell['defense']} | {cell['policy'] or '–'} | {cell['attacker']} | {key} | {_balanced(cell, 'own')} "
            f"| {_balanced(cell, 'judge')} | {cell['psnr']:.1f} dB | {cell['ssim']:.3f} | [{low:+.4f}, {high:+.4f}] |"
        )
    return "\n".join(lines)


def key_table(domain: str) -> str:
    """How keys of the confusion-offset cipher are found, and what rotations cost and lose."""
    content = results(f"{domain}/prior")
    lines = [
        f"**Keys, {domain}** ({content['data']}; {content['exact_recovery'][0]['trials']} trials a noise level, each "
        f"with a picture and a key of its own; [95 % Wilson interval]; `{content['command']}`)",
        "",
        "| SNR | one known picture: whole key | one known picture: entries | ciphertext only: whole key "
        "| ciphertext only: entries |",
        "|---|---|---|---|---|",
    ]
    for row in content["exact_recovery"]:
        whole = _with_interval(row["known_plaintext_whole_key"], row["known_plaintext_interval"])
        lines.append(
            f"| {row['snr_db']:g} dB | {whole} | {row['known_plaintext_entries']:.3f} "
            f"| {row['ciphertext_only_whole_key']:.3f} | {row['ciphertext_only_entries']:.3f} |"
        )
    functional = [
        f"{row['known_pictures']} known at {row['snr_db']:g} dB: {100 * row['accuracy_difference']:+.1f} points, "
        f"{row['psnr_difference']:+.1f} dB"
        for row in content["functional_recovery"]
    ]
    rotation = [f"{row['pairs']} pairs: {row['accuracy']:.2f}" for row in content["fixed_rotation"]]
    lines += [
        "",
        f"By function (the key found from P known pictures decrypts 100 other messages; against the true key): "
        f"{'; '.join(functional)}.",
        "",
        f"A rotation used again and again, broken by ridge regression at 10 dB; class accuracy on other messages after "
        f"{'; '.join(rotation)}.",
        "",
        "The receiver behind a one-time rotation, against the plain link with the same noise rotated along ("
        f"{content['receiver_equality'][0]['images']} images, AWGN, Rayleigh with and without CSI): "
        f"{_equality(content)}.",
    ]
    return "\n".join(lines)


def grid_table(domain: str) -> str:
    """Every defense in one row: what its receiver gets and what the strongest attacker gets."""
    measured = grid.load(domain)
    if measured is None:
        raise ValueError(f"The grid of {domain} was not run.")
    lines = [
        f"**Defenses, {domain}** ({measured.data}; receivers: 3 channel seeds; attackers at AWGN "
        f"{grid.PLANE_SNR_DB:g} dB, none with the key or with known pictures; pictures: the attack with the smallest "
        f"error; [95 % bootstrap interval over images]; `{measured.command}`)",
        "",
        "| defense | channel uses | receiver: AWGN 7 dB | AWGN 23 dB | Rayleigh 7 dB | Rayleigh 23 dB "
        "| strongest attacker: class | attacker's picture: judge | MSE | PSNR |",
        "|---" * 10 + "|",
    ]
    for defense in measured.defenses:
        for number, choice in enumerate(measured.variants(defense)):
            lines.append(_grid_row(measured, defense, choice, number == 0))
    return "\n".join(lines)


def _grid_row(measured: grid.Grid, defense: str, choice: dict[str, Any], main: bool) -> str:
    places = [(channel, snr_db) for channel in ("awgn", "rayleigh") for snr_db in (7.0, 23.0)]
    rows = [measured.receiver(defense, channel, snr_db, **choice) for channel, snr_db in places]
    accuracies = [_with_interval(row["accuracy"], row["interval"], 3) if row else "not run" for row in rows]
    if not main and not any(rows):
        accuracies = ["–"] * len(rows)  # other strengths are compared at one SNR only
    anywhere = rows[0] or next(iter(measured.attacks(defense, **choice)), None)
    strongest = measured.strongest(defense, **choice)
    sharpest = measured.sharpest(defense, **choice)
    cells = [_grid_name(defense, choice), str(anywhere["channel_uses"]) if anywhere else "", *accuracies]
    if strongest:
        cells.append(
            f"{_with_interval(strongest.accuracy, strongest.interval, 3)} {strongest.attack}, {strongest.reading}"
        )
    else:
        cells.append("not run")
    if sharpest:
        cells += [f"{sharpest['judge_accuracy']:.3f}", f"{sharpest['mse']:.4f} {sharpest['attack']}"]
        cells += [f"{sharpest['psnr']:.1f} dB"]
    else:
        cells += ["not run"] * 3
    return "| " + " | ".join(cells) + " |"


def paired_table(domain: str) -> str:
    """What DiffSem's denoiser adds to the receiver and to an attacker with the same networks; empty without one."""
    if not DEFENSES["diffsem"].available(domain):
        return ""
    found = paired.read(domain)
    if not found:
        raise ValueError(f"{domain}/diffsem was not measured.")
    content, first = results(f"{domain}/diffsem"), found[0]
    lines = [
        f"**DiffSem-style, {domain}** ({content['data']}; {first.links} links together: AWGN and block Rayleigh at 7, "
        "15 and 23 dB; both arms read the same receptions, and the one without was tuned on the same noise; "
        f"differences in points with paired 95 % bootstrap intervals; `{content['command']}`)",
        "",
        f"| noise σ | without denoiser | with {paired.STEPS} steps | receiver gains | an equal attacker gains "
        "| told its first guess: adds | receiver ahead of attacker |",
        "|---" * 7 + "|",
    ]
    for row in found:
        gains = [one.points for one in (row.gain, row.attacker_gain, row.label, row.lead)]
        cells = [f"{row.noise:g}", f"{row.without:.4f}", f"{row.with_:.4f}", *gains]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _grid_name(defense: str, choice: dict[str, Any]) -> str:
    parts = [f"σ={choice['noise']:g}"] if "noise" in choice else []
    if "steps" in choice:
        label = "" if choice["labels"] or not choice["steps"] else ", no label"
        parts.append(f"{choice['steps']} steps{label}")
    return " ".join([defense, *parts])


def _equality(content: dict[str, Any]) -> str:
    forms: dict[str, list[dict]] = {}
    for row in content["receiver_equality"]:
        forms.setdefault(row["rotation"], []).append(row)
    return "; ".join(
        f"{form}: largest difference of a symbol {max(row['largest_symbol_difference'] for row in rows):.1e}, "
        f"{sum(row['labels_changed'] for row in rows)} labels changed"
        for form, rows in forms.items()
    )


def _balanced(cell: dict[str, Any], who: str) -> str:
    if f"{who}_balanced" not in cell:
        return "makes no guess"
    p = cell[f"{who}_chance_p_holm"]
    value = f"{cell[f'{who}_balanced']:.3f} [{cell[f'{who}_interval'][0]:.3f}, {cell[f'{who}_interval'][1]:.3f}]"
    return value + (f" (chance: p = {p:.2f})" if p > 0.01 else "")


def _order(cell: dict[str, Any]) -> tuple[Any, ...]:
    return (
        cell["defense"],
        cell["noise"] or 0,
        cell["policy"] or "",
        cell["attacker"],
        cell["channel"],
        cell["snr_db"],
    )


def _leak(summary: dict[str, Any], who: str) -> str:
    if f"{who}_balanced" not in summary:
        return "makes no guess"
    p = summary[f"{who}_chance_p_holm"]
    return f"{summary[f'{who}_balanced']:.3f}" + (f" (chance: p = {p:.2f})" if p > 0.05 else "")


def _with_interval(value: float, interval: Sequence[float], digits: int = 4) -> str:
    return f"{value:.{digits}f} [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"


TABLES = {
    "Receiver": receiver_table,
    "Eavesdroppers": attack_table,
    "Ciphers": cipher_table,
    "Keys": key_table,
    "Defenses": grid_table,
    "DiffSem-style": paired_table,
    "Under attack": adversarial_table,
    "Purifier": purifier_table,
}
"""In the README's order."""
PARTS = {
    grid_table: " --part grid", paired_table: " --part diffsem", adversarial_table: " --part adversarial",
    purifier_table: " --part adversarial",
}  # fmt: skip
"""Those of a part of the evaluation that takes hours, and is asked for by name."""
FOLDED = {
    "Eavesdroppers": "both channels, noise, and the cipher over SNR",
    "Defenses": "every defense, its receiver and the strongest attack on it",
    "DiffSem-style": "what the denoiser adds, and to whom",
    "Under attack": "receivers and trainings under PGD-5 and APGD",
    "Purifier": "what it costs, and what it is worth once the attacker knows of it",
}
"""Long tables that a reader of the README opens on demand, and what they hold."""
