"""The experiments behind the lessons: real transmissions of the gallery's pictures, made when they are asked for.

All use the published demo key and the seeds of the lesson's runs, so equal weights give equal results.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from semcom_core import knobs, link, samples, wrong_key
from semcom_core.attacks import THREATS
from semcom_core.ciphers.keys import KeySource
from semcom_core.codecs.repobe import CHANNEL_USES, unpack
from semcom_core.domains import DOMAINS
from semcom_core.knobs import Trial
from semcom_core.lab import manipulated
from semcom_core.lab.manipulated import Setup
from semcom_core.lessons.catalogue import Lesson
from semcom_core.lessons.evidence import Evidence, Shot, as_pixels
from semcom_core.lessons.measured import look_up
from semcom_core.link import Encoded, LinkModels
from semcom_core.manipulation import link_victim
from semcom_core.manipulation.receivers import BASE

Models = Callable[[str, str], LinkModels]
"""(domain, defense) to the networks of a link; a server passes one that shares them."""


def compute(lesson: Lesson, models: Models = link.load_models) -> Evidence:
    """Run a lesson's experiment and look up what it quotes.

    Raises:
        WeightsError: networks are missing, tampered with or cannot be fetched.
    """
    evidence = Evidence(truth=label(lesson.domain, lesson.sample))
    EXPERIMENTS[lesson.experiment](lesson, models, evidence)
    for lookup in lesson.measured:
        look_up(lookup, evidence)
    return evidence


def transmissions(lesson: Lesson, models: Models, evidence: Evidence) -> None:
    """The lesson's picture over each run's link, one message each; the attacker listens where a shot shows it.

    Numbers of a run: what :meth:`Evidence.add` notes of the parties; ``<run>_ratio``, power of what
    arrived of the signal over that of the noise, from the samples; ``<run>_gain``, |h|² of the first
    symbol; ``<run>_key``, the percentage of key entries that the attacker found.
    """
    native, source = picture(lesson.domain, lesson.sample), KeySource.published()
    evidence.picture("sent", native)
    encoded: dict[str, Encoded] = {}
    for name, settings in lesson.runs.items():
        loaded, codec = models(settings.domain, settings.defense), settings.chosen_defense.codec
        if codec not in encoded:
            encoded[codec] = link.encode(loaded, native[None])
        sent = link.send(encoded[codec], settings, source, loaded.parts)
        reception = link.receive(loaded, encoded[codec], sent, settings)
        signal = reception.received.h * sent.x
        evidence.numbers[f"{name}_ratio"] = _power(signal) / _power(reception.received.y - signal)
        evidence.numbers[f"{name}_gain"] = float(reception.received.h.abs().square()[0, 0])
        evidence.add(f"{name}.receiver", reception.reading)
        if sent.x.shape[1] == CHANNEL_USES:
            evidence.maps(f"{name}.sent", unpack(sent.x)[0])
            evidence.maps(f"{name}.air", unpack(reception.equalised)[0])
        if f"{name}.attacker" not in lesson.shots:
            continue
        known = None
        if lesson.known and THREATS[settings.chosen_attacker].known_plaintexts:
            known = link.encode(loaded, picture(lesson.domain, lesson.known)[None])
        heard = link.eavesdrop(loaded, encoded[codec], sent, settings, source, known)
        evidence.add(f"{name}.attacker", heard.reading)
        if heard.key_agreement is not None:
            evidence.numbers[f"{name}_key"] = 100 * heard.key_agreement


@torch.inference_mode()
def draws(lesson: Lesson, models: Models, evidence: Evidence) -> None:
    """The lesson's picture many times over each run's link; the receiver's best and worst.

    Numbers of a run: ``<run>_best``, ``<run>_worst`` and ``<run>_mean``, PSNR in dB over the draws;
    ``<run>_least``, the smallest |h|²; ``<run>_right``, draws in which the class was read.
    """
    count = int(lesson.parameters["draws"])
    evidence.numbers["draws"] = count
    native = picture(lesson.domain, lesson.sample)
    for name, settings in lesson.runs.items():
        loaded = models(settings.domain, settings.defense)
        one = link.encode(loaded, native[None])
        batch = Encoded(one.native.expand(count, -1, -1, -1), one.symbols.expand(count, -1), one.digests * count)
        sent = link.send(batch, settings, KeySource.published(), loaded.parts)
        reception = link.receive(loaded, batch, sent, settings)
        reading, gain = reception.reading, reception.received.h.abs().square()[:, 0]
        for which, place in (("worst", int(reading.psnr.argmin())), ("best", int(reading.psnr.argmax()))):
            read, judged = (evidence.answer(logits[place : place + 1]) for logits in (reading.logits, reading.judged))
            shot = f"{name}.{which}"
            evidence.shots[shot] = Shot(
                shot, as_pixels(reading.native[place]), read, judged, float(reading.psnr[place])
            )
            evidence.numbers[f"{name}_{which}"] = float(reading.psnr[place])
            evidence.numbers[f"{name}_{which}_gain"] = float(gain[place])
        evidence.numbers[f"{name}_mean"] = float(reading.psnr.mean())
        evidence.numbers[f"{name}_right"] = float((reading.logits.argmax(1) == evidence.truth).sum())


def wrong_keys(lesson: Lesson, models: Models, evidence: Evidence) -> None:
    """One encrypted message, decrypted with the right key and with keys that are wrong by some entries.

    Parameters: ``amounts``, by name how many entries of each permutation are wrong.
    """
    (settings,) = lesson.runs.values()
    loaded, source = models(settings.domain, settings.defense), KeySource.published()
    native = picture(lesson.domain, lesson.sample)
    message = wrong_key.send(loaded, native[None], settings, source)
    evidence.picture("sent", native)
    evidence.maps("plain.sent", unpack(message.encoded.symbols)[0])
    evidence.maps("message.sent", unpack(message.sent.x)[0])
    for name, amount in lesson.parameters["amounts"].items():
        keys = wrong_key.wrong_keys(message, wrong_key.Part.BOTH, amount, source) if amount else message.keys
        evidence.add(f"{name}.receiver", wrong_key.read_with(loaded, message, keys))
        evidence.numbers[f"{name}_amount"] = amount


def adversarial(lesson: Lesson, models: Models, evidence: Evidence) -> None:
    """A planned change of the picture, and random signs of the same strength, read over several channel draws.

    Parameters: ``eps``, the greatest change of a pixel; RepObE's PGD otherwise. Numbers: readings of
    ``clean``, ``random`` and ``planned``: ``<which>_right``, draws read rightly of ``draws``.
    """
    (settings,) = lesson.runs.values()
    eps = float(lesson.parameters["eps"])
    setup = Setup(settings.channel, settings.snr_db, eps=eps, seed=settings.seed)
    codec, domain = models(settings.domain, settings.defense).codec, DOMAINS[lesson.domain]
    native = picture(lesson.domain, lesson.sample)[None]
    outcome = manipulated.run(BASE, codec, domain, native, evidence.truth, setup)
    signs = torch.randint(0, 2, native.shape, generator=link.generator(settings.seed, "random signs")) * 2 - 1
    noisy = (native + eps * signs).clamp(0.0, 1.0)
    victim = link_victim("native", domain, codec, native, settings.channel, settings.snr_db, eps=eps)
    readings = {
        "clean": (native, outcome.before),
        "random": (noisy, manipulated.read(victim, noisy, settings.seed)),
        "planned": (torch.from_numpy(outcome.picture).permute(2, 0, 1)[None] / 255.0, outcome.after),
    }
    evidence.numbers |= {"levels": 255 * eps, "draws": float(manipulated.DRAWS)}
    for name, (shown, reading) in readings.items():
        read = evidence.answer(torch.from_numpy(reading.probabilities).log()[None])
        evidence.shots[f"{name}.receiver"] = Shot(f"{name}.receiver", as_pixels(shown[0]), read)
        evidence.labels[name] = reading.answer
        evidence.numbers |= {
            f"{name}_fooled": float(reading.answer != evidence.truth),
            f"{name}_right": float(sum(one == evidence.truth for one in reading.answers)),
        }


def ten_pictures(lesson: Lesson, models: Models, evidence: Evidence) -> None:
    """One picture of each class over each run's link, once.

    Numbers of a run and a party: ``<run>_<party>_right``, pictures read rightly of ten, and
    ``<run>_<party>_psnr``, the mean in dB.
    """
    native, labels = knobs.pictures(lesson.domain)
    shown = int((labels == evidence.truth).nonzero()[0])
    evidence.picture("sent", native[shown])
    for name, settings in lesson.runs.items():
        loaded = models(settings.domain, settings.defense)
        outcome = knobs.attempt(loaded, link.encode(loaded, native), labels, Trial(settings))
        for party, side in (("receiver", outcome.receiver), ("attacker", outcome.attacker)):
            key = f"{name}_{party}"
            if side.accuracy is not None:
                evidence.numbers[f"{key}_right"] = float(round(len(labels) * side.accuracy))
            if side.psnr is not None:
                evidence.numbers[f"{key}_psnr"] = side.psnr
            pixels = None if side.looks is None else side.looks[shown]
            if pixels is not None and pixels.shape[-1] == 1:
                pixels = pixels[..., 0]
            evidence.shots[f"{name}.{party}"] = Shot(f"{name}.{party}", pixels)


EXPERIMENTS: dict[str, Callable[[Lesson, Models, Evidence], None]] = {
    one.__name__: one for one in (transmissions, draws, wrong_keys, adversarial, ten_pictures)
}


def label(domain: str, key: str) -> int:
    """The true class of a sample.

    Raises:
        ValueError: no such sample, or it belongs to no class.
    """
    found = next((one.label for one in samples.samples(domain) if one.key == key), None)
    if found is None:
        raise ValueError(f"The gallery of {domain} has no picture {key!r} of a class.")
    return found


@cache
def picture(domain: str, key: str) -> Tensor:
    """A sample, prepared (C,n,n); there are few, and drawing one may take seconds."""
    return DOMAINS[domain].prepare(samples.render(domain, key)).native


def _power(values: Tensor) -> float:
    return float(values.abs().square().mean())
