"""``python -m semcom_core evaluate <domain>``: the grids behind the README and the pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from semcom_core import datasets, entropy, link, weights
from semcom_core.attacks import NETWORKS
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.defenses import DEFENSES
from semcom_core.evaluation import ciphers, diffsem, journal, keys, measure, rotations
from semcom_core.evaluation.grid_cells import NOISES, PLANE_SNR_DB, spread
from semcom_core.metrics import holm
from semcom_core.settings import LinkSettings

SNRS_DB = (7.0, 11.0, 15.0, 19.0, 23.0)
"""RepObE's range, on IBAL's grid."""
LOW_SNRS_DB = (0.0, 3.0, 10.0)
SEEDS = (0, 1, 2)
PICTURES = {"digits": 500, "objects": 500, "photographs": 400}
"""Pictures per cell where both decoders, the attack and the judge run."""
CIPHER_IMAGES = 2000
"""Pictures of the cipher part, spread evenly over the reporting split."""
CERTIFICATE_IMAGES = 4000
SOURCE_NOTE = "{split}, {images} images (layout of {source}); never used for a choice"
REPORTED = {
    "digits": "MNIST test",
    "objects": "CIFAR-10 test, a JPEG copy of quality 75",
    "photographs": "Imagenette validation (half of it)",
}


def evaluate(domain: str, threads: int | None = None, limit: int | None = None, part: str | None = None) -> None:
    """Measure receiver, judge and eavesdroppers of one domain; write every ``results.json``.

    Args:
        limit: only the first pictures of the reporting split (for trying it out; marked so).
        part: one of :data:`PARTS` only; all if omitted.

    Raises:
        WeightsError, DataUnavailable: something is missing; the message says what to do.
    """
    if threads:
        torch.set_num_threads(threads)
    models = link.load_models(domain)
    for name, measured_part in PARTS.items():
        if part in (None, name):
            measured_part(models, limit)


def _receiver_part(models: link.LinkModels, limit: int | None) -> None:
    """The receiver over SNR and its pictures, and the judge."""
    domain = models.domain.name
    measured = measure.prepare(models, "report", limit)
    receiver = []
    bar = tqdm(total=2 * len(SNRS_DB + LOW_SNRS_DB), desc=f"evaluate {domain}, receiver", unit="cell")
    for channel in ("awgn", "rayleigh"):
        for snr_db in sorted(SNRS_DB + LOW_SNRS_DB):
            seeds = SEEDS if snr_db in SNRS_DB else SEEDS[:1]
            receiver.append(measure.receiver_accuracy(measured, channel, snr_db, seeds))
            bar.update()
    bar.close()
    plain = LinkSettings(domain=domain, snr_db=10.0, defense="none")
    count = min(PICTURES[domain], measured.images)
    pictures = measure.receiver_side(measured, plain, PICTURES[domain]) | {"images": count}
    about = _about(domain, measured.images, limit, "receiver", ("base", "judge"))
    _write(f"{domain}/base", about | {"receiver": receiver, "pictures": pictures})
    _write(f"{domain}/judge", about | {"clean": measure.judge_accuracy(measured)})


def _attack_part(models: link.LinkModels, limit: int | None) -> None:
    """Attackers of the defenses with and without a key, on both channels and over SNR."""
    domain = models.domain.name
    count = PICTURES[domain]
    measured = measure.prepare(models, "report", min(limit or count, count))
    attacks = []
    receivers: dict[tuple, dict] = {}
    for settings in tqdm(_attack_grid(domain), desc=f"evaluate {domain}, attacks", unit="cell"):
        # A cipher changes no receiver figure (tested): one receiver serves all cells of a link.
        noise = settings.noise if settings.chosen_defense.uses_noise else None
        same_link = (settings.channel, settings.snr_db, noise)
        if same_link not in receivers:
            receivers[same_link] = measure.receiver_side(measured, settings, count)
        eavesdropper = measure.eavesdropper_side(measured, settings, count)
        attacks.append(
            _about_cell(settings, measured.images) | {"receiver": receivers[same_link], "eavesdropper": eavesdropper}
        )
    _adjust_chance(attacks)
    about = _about(domain, measured.images, limit, "attacks", ("base", "judge", "naive", "adaptive", "prior"))
    for name in ("naive", "adaptive"):
        chosen = [c for c in attacks if c["attacker"] == name or (name == "adaptive" and c["attacker"] != "naive")]
        _write(f"{domain}/{name}", about | {"cells": chosen})


def _cipher_part(models: link.LinkModels, limit: int | None) -> None:
    """Every keyed defense under every policy against every attack."""
    domain = models.domain.name
    measured = measure.prepare(models, "report", limit, spread=CIPHER_IMAGES)
    mean_picture = ciphers.mean_training_picture(domain, models.domain.native_size)
    cells: list[dict] = []
    for defense, policy, attackers in tqdm(ciphers.keyed_grid(domain), desc=f"evaluate {domain}, ciphers", unit="row"):
        cells += ciphers.cells(measured, defense, policy, attackers, mean_picture)
    _holm(cells)
    networks = (name for name in NETWORKS if name in models.attacks)
    about = _about(domain, measured.images, limit, "ciphers", ("base", "judge", *networks))
    _write(f"{domain}/adaptive_rotation", about | {"cells": cells})


def _key_part(models: link.LinkModels, limit: int | None) -> None:
    """How keys are recovered, and what rotations cost and lose."""
    domain = models.domain.name
    measured = measure.prepare(models, "report", limit, spread=CIPHER_IMAGES)
    found = {
        measurement.__name__: measurement(measured)
        for measurement in tqdm(
            (
                keys.exact_recovery,
                keys.functional_recovery,
                rotations.fixed_rotation,
                rotations.receiver_equality,
            ),
            desc=f"evaluate {domain}, keys",
        )
    }
    _write(f"{domain}/prior", _about(domain, measured.images, limit, "keys", ("base", "prior")) | found)


def _diffsem_part(models: link.LinkModels, limit: int | None) -> None:
    """Receiver and attacker with and without the denoiser, in the domains that have one."""
    domain = models.domain.name
    if not DEFENSES["diffsem"].available(domain):
        return
    measured = measure.prepare(link.load_models(domain, "diffsem"), "report", limit, spread=diffsem.IMAGES)
    about = _about(domain, measured.images, limit, "diffsem", ("base", "diffsem"))
    _write(f"{domain}/diffsem", about | diffsem.gap(measured))


def _certificate_part(models: link.LinkModels, limit: int | None) -> None:
    """What the entropy bound certifies for each trained defense that adds noise (CEM's theory)."""
    domain = models.domain.name
    data = datasets.load(domain, "report")
    data = data.take(spread(len(data), min(limit or CERTIFICATE_IMAGES, len(data))))
    rows, sha = [], {}
    noisy = [one for one in link.trained_defenses(domain) if DEFENSES[one].uses_noise and not DEFENSES[one].uses_steps]
    for defense in tqdm(noisy, desc=f"evaluate {domain}, certificates", unit="defense"):
        models = link.load_models(domain, defense)
        rows += entropy.certificates(models, domain, defense, NOISES, PLANE_SNR_DB, data)
        chosen = DEFENSES[defense]
        sha |= {name: weights.locate(f"{domain}/{name}").sha256 for name in (chosen.codec, *chosen.networks)}
    about = _about(domain, len(data), limit, "certificates", ()) | {"weights": sha}
    file = weights.root() / domain / "certificates" / "results.json"
    journal.publish(file, about | {"certificates": rows})


PARTS = {
    "receiver": _receiver_part,
    "attacks": _attack_part,
    "ciphers": _cipher_part,
    "keys": _key_part,
    "diffsem": _diffsem_part,
    "certificates": _certificate_part,
}


def _about(domain: str, images: int, limit: int | None, part: str, names: Sequence[str]) -> dict:
    """Where the numbers come from."""
    return {
        "data": SOURCE_NOTE.format(split=REPORTED[domain], images=images, source=datasets.SOURCES[domain].hub),
        "command": f"python -m semcom_core evaluate {domain} --part {part}" + (f" --limit {limit}" if limit else ""),
        "weights": {name: weights.locate(f"{domain}/{name}").sha256 for name in names},
    }


def _about_cell(settings: LinkSettings, images: int) -> dict:
    return {
        "defense": settings.defense,
        "noise": settings.noise if settings.chosen_defense.uses_noise else None,
        "policy": settings.policy.value if settings.chosen_defense.keyed else None,
        "attacker": settings.chosen_attacker,
        "channel": settings.channel,
        "snr_db": settings.snr_db,
        "eve_snr_db": settings.chosen_eve_snr_db,
        "images": images,
        "seeds": [0],
    }


def _attack_grid(domain: str) -> list[LinkSettings]:
    """Every defense, its fair attackers and the naive one; the cipher over SNR."""
    grid: list[LinkSettings] = []

    def add(**changes: object) -> None:
        grid.append(LinkSettings(**{"domain": domain, "snr_db": 10.0} | changes))

    for channel in ("awgn", "rayleigh"):
        for attacker in ("naive", "adaptive"):
            add(channel=channel, defense="none", attacker=attacker)
            add(channel=channel, defense="repobe", attacker=attacker)
        add(channel=channel, defense="repobe", policy=KeyPolicy.FIXED, attacker="known_plaintext")
        add(channel=channel, defense="repobe", attacker="key_holder")
    for noise in (0.5, 2.0):
        for attacker in ("naive", "adaptive"):
            add(defense="noise", noise=noise, attacker=attacker)
    for snr_db in (0.0, 7.0, 23.0):
        add(defense="repobe", attacker="adaptive", snr_db=snr_db)
        add(defense="repobe", policy=KeyPolicy.FIXED, attacker="known_plaintext", snr_db=snr_db)
    return grid


def _adjust_chance(cells: list[dict]) -> None:
    """Holm over every "is it chance?" question of the link part."""
    _holm([cell["eavesdropper"] for cell in cells])


def _holm(summaries: list[dict]) -> None:
    """Holm over all p-values of these summaries, written beside the raw ones."""
    places = [(one, key) for one in summaries for key in ("own_chance_p", "judge_chance_p") if key in one]
    for (summary, key), adjusted in zip(places, holm([s[k] for s, k in places]), strict=True):
        summary[key] = round(summary[key], 5)
        summary[key.replace("_p", "_p_holm")] = round(adjusted, 5)


def _write(name: str, results: dict) -> None:
    path = Path(weights.root()) / name / "results.json"
    journal.publish(path, results)
    weights.write_card(name)
