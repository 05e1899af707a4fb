"""Measure one cell of the grid, on the same stages as the page."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor, nn

from semcom_core import link
from semcom_core.attacks import networks_against
from semcom_core.attacks.base import undo
from semcom_core.channels import CHANNELS, propagate
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.codecs.base import IdealCodec
from semcom_core.datasets import ArrayDataset
from semcom_core.defenses import Defense
from semcom_core.disk import with_space
from semcom_core.evaluation.collected import Collected, rounded
from semcom_core.evaluation.grid_cells import NEIGHBOURS, PLANE_SNR_DB, WHITE_BOX, Cell, balanced, spread
from semcom_core.evaluation.grid_other import Neighbours, search
from semcom_core.evaluation.measure import CHUNK, chunk_settings
from semcom_core.manifest import root, write_atomically
from semcom_core.metrics import accuracy_interval, bootstrap, chance_p_value
from semcom_core.settings import LinkSettings
from semcom_core.training.augment import plain

CHANCE_DRAWS = 50_000
"""So that the smallest p-value times the number of cells can still fall below one per cent."""
CHANCE_IMAGES = 100
"""Fewer pictures do not tell a weak attacker from chance, and are not asked."""
CLEAR = 6.5
"""Standard deviations from chance that not one of so many permutations reaches."""
TRAIN_IMAGES = 20_000
"""What attackers train on where their recipe does not name a number."""


@dataclass(frozen=True)
class Pictures:
    """A reporting split and its symbols under one codec, encoded once and kept on disk.

    ::

        <folder>/symbols-<weights>-<data>.npy   complex64 (N, n), one row a picture
        <folder>/symbols-<weights>-<data>.done  one byte a picture: 1 once its row is there

    Attributes:
        folder: where the symbols are kept.
        stamp: digests of the codec's weights and of the split: what the symbols belong to.
        known: a picture (1,C,n,n) of another split, which attackers may know.
    """

    models: link.LinkModels
    data: ArrayDataset
    folder: Path
    stamp: str
    known: Tensor

    def chunks(self, index: np.ndarray) -> Iterator[tuple[link.Encoded, np.ndarray]]:
        """Pictures and labels by their numbers in the split, :data:`CHUNK` at a time."""
        symbols = self._symbols(index)
        for start in range(0, len(index), CHUNK):
            rows = index[start : start + CHUNK]
            native = self._native(rows)
            part = torch.from_numpy(symbols[start : start + CHUNK])
            yield link.Encoded(native, part, tuple(link.digest(one) for one in native)), self.data.labels[rows]

    def earlier(self) -> link.Encoded:
        """The message whose picture attackers may know."""
        return link.encode(self.models, self.known)

    def _native(self, rows: np.ndarray) -> Tensor:
        domain = self.models.domain
        return plain(domain.name, self.data.images[rows], domain.native_size)

    def _symbols(self, index: np.ndarray) -> np.ndarray:
        file = self.folder / f"symbols-{self.stamp}.npy"
        done_file = file.with_suffix(".done")
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):  # a second process waits and finds them encoded
            if not file.exists():
                done_file.unlink(missing_ok=True)
                shape = (len(self.data), self.models.codec.channel_uses)
                with_space(file, np.complex64, shape)
            symbols = np.load(file, mmap_mode="r+")
            done = np.fromfile(done_file, np.uint8) if done_file.exists() else np.zeros(len(self.data), np.uint8)
            missing = index[done[index] == 0]
            for start in range(0, len(missing), CHUNK):
                rows = missing[start : start + CHUNK]
                symbols[rows] = link.encode(self.models, self._native(rows)).symbols.numpy()
                symbols.flush()
                done[rows] = 1
                write_atomically(done_file, done.tobytes())
            return symbols[index]


class MissingNetwork(KeyError):
    """An attack asks for a network that was not trained."""


class _Watched(Mapping[str, nn.Module]):
    """Attack networks that remember which of them were used."""

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        self.networks, self.used = networks, set[str]()

    def __getitem__(self, name: str) -> nn.Module:
        if name not in self.networks:
            raise MissingNetwork(name)
        self.used.add(name)
        return self.networks[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.networks)

    def __len__(self) -> int:
        return len(self.networks)


@dataclass(frozen=True)
class Probe:
    """What one attack on one picture showed: names of the weights it used, and what it gives."""

    networks: tuple[str, ...]
    reads_class: bool


def probe(pictures: Pictures, defense: Defense, attack: str, policy: KeyPolicy) -> Probe:
    """Try an attack on one picture.

    Raises:
        MissingNetwork: a network that it needs was not trained.
    """
    watched = _Watched(pictures.models.attacks)
    models = replace(pictures.models, attacks=watched)
    settings = LinkSettings(
        domain=models.domain.name, defense=defense.name, snr_db=PLANE_SNR_DB, policy=policy, attacker=attack
    )
    source = KeySource.published()
    encoded = pictures.earlier()
    sent = link.send(encoded, settings, source, models.parts)
    reading = link.eavesdrop(models, encoded, sent, settings, source, encoded).reading
    roles = networks_against(defense)
    return Probe(tuple(sorted(roles[role] for role in watched.used)), reading.logits is not None)


def measure(pictures: Pictures, cell: Cell) -> dict[str, Any]:
    """The row of one cell: what it is, where it comes from, and its figures."""
    figures = _receiver(pictures, cell) if cell.kind == "receivers" else _attack(pictures, cell)
    about = {"channel_uses": pictures.models.codec.channel_uses, "images": cell.images, "seeds": list(cell.seeds)}
    return cell.identity() | about | figures | {"weights": dict(cell.weights)}


@torch.inference_mode()
def _receiver(pictures: Pictures, cell: Cell) -> dict[str, Any]:
    total = len(pictures.data)
    index = spread(total, cell.images)
    right = np.zeros((len(cell.seeds), len(index)))
    for number, (encoded, labels) in enumerate(pictures.chunks(index)):
        columns = slice(number * CHUNK, number * CHUNK + len(labels))
        for row, seed in enumerate(cell.seeds):
            settings = chunk_settings(cell.settings, seed, number)
            right[row, columns] = class_logits(pictures.models, encoded, settings).argmax(1).numpy() == labels
    per_image = right.mean(0)
    out = {"accuracy": round(float(per_image.mean()), 5), "interval": rounded(accuracy_interval(per_image))}
    if cell.pictures:
        got = Collected()
        for number, (encoded, _) in enumerate(pictures.chunks(spread(total, cell.pictures))):
            settings = chunk_settings(cell.settings, cell.seeds[0], number)
            sent = link.send(encoded, settings, KeySource.published(), pictures.models.parts)
            got.add(link.receive(pictures.models, encoded, sent, settings).reading, encoded.native)
        out |= {"pictures": cell.pictures} | _qualities(got, ("psnr", "ssim"))
    return out


def class_logits(models: link.LinkModels, encoded: link.Encoded, settings: LinkSettings) -> Tensor:
    """What :func:`link.receive` reads as the class (B,K), without the picture and the judge.

    For most codecs the picture is most of the work.
    """
    sent = link.send(encoded, settings, KeySource.published(), models.parts)
    codec = models.codec
    if isinstance(codec, IdealCodec):  # it classifies the delivered picture
        return link.receive(models, encoded, sent, settings).reading.logits
    generator = link.generator(settings.seed, "bob")
    received = propagate(CHANNELS[settings.channel], sent.x, settings.snr_db, generator)
    recovered, noise = undo(received.equalise(), sent.chain, sent.keys, received.effective()[1])
    return codec.classify(recovered, noise)


def _attack(pictures: Pictures, cell: Cell) -> dict[str, Any]:
    models, source, got = pictures.models, KeySource.published(), Collected()
    index = balanced(pictures.data.labels, cell.images)
    known, trained = pictures.earlier(), _trained_on(cell)
    neighbours = None
    if cell.attack == NEIGHBOURS:
        neighbours = Neighbours(models, cell.settings, TRAIN_IMAGES)
        trained = {"train_images": neighbours.images}
    for number, (encoded, _) in enumerate(pictures.chunks(index)):
        settings = chunk_settings(cell.settings, cell.seeds[0], number)
        sent = link.send(encoded, settings, source, models.parts)
        if neighbours:
            got.add(neighbours.read(sent, settings), encoded.native)
        elif cell.attack == WHITE_BOX:
            got.add(search(models, encoded, sent, settings), encoded.native)
        else:
            settings = replace(settings, attacker=cell.attack)
            result = link.eavesdrop(models, encoded, sent, settings, source, known)
            got.add(result.reading, encoded.native, result.key_agreement)
    return {"images": len(index)} | trained | attack_figures(got, pictures.data.labels[index])


def attack_figures(got: Collected, labels: np.ndarray) -> dict[str, Any]:
    """Figures of one attack over pictures with these labels; what it does not give is absent."""
    out: dict[str, Any] = {}
    for column, name in (("own", "class"), ("judge", "judge")):
        if (predicted := got.column(column)) is not None:
            right = (predicted == labels).astype(float)
            out[f"{name}_accuracy"] = round(float(right.mean()), 5)
            out[f"{name}_interval"] = rounded(accuracy_interval(right))
            if len(labels) >= CHANCE_IMAGES:
                out[f"{name}_chance_p"] = chance_p(predicted, labels)
    if (values := got.column("mse")) is not None:
        out |= {"mse": round(float(values.mean()), 6), "mse_interval": rounded(bootstrap(values))}
    if got.keys:
        out["key_agreement"] = round(float(np.mean(got.keys)), 4)
    return out | _qualities(got, ("psnr", "ssim"))


def chance_p(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Permutation test of "no better or worse than chance", for labels with equally many of each class.

    Further than :data:`CLEAR` standard deviations from chance the answer is known without drawing.
    """
    chance = 1 / len(np.unique(labels))
    deviation = np.sqrt(chance * (1 - chance) / max(len(labels) - 1, 1))  # the largest that a permutation has
    if abs(np.mean(predicted == labels) - chance) > CLEAR * deviation:
        return 1 / (CHANCE_DRAWS + 1)
    return chance_p_value(predicted, labels, draws=CHANCE_DRAWS)


def _qualities(got: Collected, names: tuple[str, ...]) -> dict[str, float]:
    return {name: round(float(values.mean()), 4) for name in names if (values := got.column(name)) is not None}


def _trained_on(cell: Cell) -> dict[str, int]:
    """How many pictures the attack's networks were trained on, from the recipes beside their weights."""
    roles = set(networks_against(cell.settings.chosen_defense).values()) & cell.weights.keys()
    recipes = [root() / cell.settings.domain / name / "recipe.toml" for name in roles]
    counts = [
        tomllib.loads(one.read_text()).get("options", {}).get("images", TRAIN_IMAGES)
        for one in recipes
        if one.is_file()
    ]
    return {"train_images": max(counts)} if counts else {}
