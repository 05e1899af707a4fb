"""``python -m semcom_core evaluate <domain> --part adversarial``: attack every link, resumably.

::

    cells without a row ─ attack in chunks ─ score on independent channel draws ─ cells-<rank>.jsonl ─ merge

Finished cells are kept under ``SEMCOM_RUNS/<domain>/adversarial``, each with its key: an interrupted
run goes on where it stopped, and new weights make just their own cells run again. Started by
``torchrun``, several processes share the cells.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from semcom_core import datasets, link, manifest, withheld
from semcom_core.codecs.base import Codec
from semcom_core.crew import crew
from semcom_core.defenses import purification
from semcom_core.defenses.base import PlugIn
from semcom_core.domains import DOMAINS
from semcom_core.evaluation import adversarial, journal
from semcom_core.evaluation.adversarial import DENOISER, PURIFIED, Cell, Row
from semcom_core.evaluation.collected import rounded
from semcom_core.evaluation.grid_cells import balanced, data_digest
from semcom_core.evaluation.purification import measure_table
from semcom_core.evaluation.report import REPORTED, SOURCE_NOTE
from semcom_core.manifest import write_atomically
from semcom_core.manipulation import MANIPULATORS, link_victim, score
from semcom_core.manipulation.receivers import BASE, METHODS, load_receiver, networks_of, trained
from semcom_core.manipulation.victims import LinkVictim
from semcom_core.metrics import accuracy_interval
from semcom_core.precision import autocast
from semcom_core.training.augment import plain
from semcom_core.training.run import runs_folder

CHUNK, FEW = 20, 10
"""Pictures that are attacked together, each chunk with draws of its own: few where the encoder is nearly all the work,
which took 0.7 of the time of 20 at once; more where many draws of the small classifier are."""
TABLE_IMAGES = 60


@dataclass(frozen=True)
class Options:
    """What to run.

    Attributes:
        images: pictures of a PGD cell at the ends of the SNR range (:func:`adversarial.cells`).
        methods: only these methods now; all if empty. Others' finished rows are kept.
    """

    domain: str
    images: int = 200
    methods: tuple[str, ...] = ()
    threads: int | None = None

    def command(self) -> str:
        """The command that reproduces the whole."""
        return f"python -m semcom_core evaluate {self.domain} --part adversarial --images {self.images}"


def run(options: Options) -> Path | None:
    """Measure what is missing and write the domain's ``results.json``.

    Returns:
        The file that was written; ``None`` in processes that leave that to the first one.

    Raises:
        ValueError: no such domain or method.
        WeightsError, DataUnavailable: something is missing; the message says what to do.
    """
    if options.domain not in datasets.SOURCES:
        raise ValueError(f"There is no domain {options.domain!r}; known are {', '.join(datasets.SOURCES)}.")
    if unknown := set(options.methods) - {*METHODS, PURIFIED}:
        raise ValueError(f"No method {', '.join(sorted(unknown))}; there are {', '.join((*METHODS, PURIFIED))}.")
    if options.threads:
        torch.set_num_threads(options.threads)
    mates, work = crew(), Work(options)
    if mates.first and (not options.methods or PURIFIED in options.methods):
        work.make_table()
    mates.wait()
    cells = {cell.key(options.domain, work.digest): cell for cell in work.cells()}
    done = {key for key, _ in work.finished()}
    todo = [
        (key, cell)
        for key, cell in cells.items()
        if key not in done and (not options.methods or cell.method in options.methods)
    ]
    mates.wait()  # nobody writes before everybody has planned the same
    work.measure(todo[mates.rank :: mates.size], mates.rank)
    mates.wait()
    return work.merge(cells) if mates.first else None


class Work:
    """One process's share."""

    def __init__(self, options: Options) -> None:
        self.options, self.domain = options, DOMAINS[options.domain]
        self.data = datasets.load(options.domain, "report")
        self.digest = data_digest(self.data)
        self.folder = runs_folder() / options.domain / "adversarial"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.load = cache(link.load_network)

    def weights(self) -> dict[str, dict[str, str]]:
        """Hashes of the networks of every method that is trained."""
        found = {name: networks_of(name) for name in trained(self.domain.name)}
        if BASE in found and f"{self.domain.name}/{DENOISER}" in manifest.names():
            found[PURIFIED] = (BASE, DENOISER)
        return {method: {name: self._network(name)[1] for name in names} for method, names in found.items()}

    def cells(self) -> list[Cell]:
        """All cells that can be measured, with the number of pictures that they take."""
        plan = adversarial.cells(self.options.images, self.weights(), adversarial.table_of(self._table()))
        return [replace(cell, images=len(self._pictures(cell.images))) for cell in plan]

    def _pictures(self, count: int) -> np.ndarray:
        """Indices of a cell's pictures: equally many of each class, or the whole split."""
        labels = self.data.labels
        return balanced(labels, count) if count < len(labels) else np.arange(len(labels))

    def make_table(self) -> None:
        """Measure the purification table on held-out pictures, once for these weights."""
        used = self.weights().get(PURIFIED)
        if used is None or (self._table() or {}).get("table_weights") == used:
            return
        held_out = datasets.load(self.domain.name, "held_out")
        held_out = held_out.take(balanced(held_out.labels, TABLE_IMAGES))
        native = plain(self.domain.name, held_out.images, self.domain.native_size)
        rows = measure_table(
            self.domain,
            self._network(BASE)[0],
            self._network(DENOISER)[0],
            native,
            torch.from_numpy(held_out.labels),
        )
        content = {"table": rows, "table_images": len(held_out), "table_weights": used}
        write_atomically(self.folder / "table.json", json.dumps(content).encode())

    def measure(self, todo: list[tuple[str, Cell]], rank: int) -> None:
        """Measure cells one after another; each is on disk before the next begins."""
        bar = tqdm(todo, desc=f"adversarial {self.domain.name}, process {rank}", unit="cell")
        with journal.opened(self.folder, rank) as file:
            for key, cell in bar:
                bar.set_postfix_str(f"{cell.method} {cell.attack} {cell.placement} {cell.channel} {cell.snr_db:g} dB")
                journal.write(file, {"cell": key} | self.row(cell))

    def row(self, cell: Cell) -> Row:
        """Attack and score one cell."""
        chosen = self.data.take(self._pictures(cell.images))
        natural, attacked, decided = [], [], []
        size = FEW if cell.eot == 1 else CHUNK
        for start in range(0, len(chosen), size):
            chunk = chosen.take(np.arange(start, min(start + size, len(chosen))))
            native = plain(self.domain.name, chunk.images, self.domain.native_size)
            labels, seed = torch.from_numpy(chunk.labels), cell.seed * 10_000 + start
            victim = self._victim(cell, native, purified=cell.level is not None)
            x = self._attacked(cell, native, labels, seed)
            clean, adverse = (
                score(victim, points, labels, link.generator(seed, "bob"), cell.draws) for points in (victim.origin, x)
            )
            natural.append(clean.right)
            attacked.append(adverse.right)
            decided.append(adverse.decided.float())
        row = cell.identity() | {"images": len(chosen)} | _summary("natural", natural)
        row |= _summary("adversarial", attacked) | {"decided": round(float(torch.cat(decided).mean()), 5)}
        return row | {"weights": dict(cell.weights)}

    def _attacked(self, cell: Cell, native: Tensor, labels: Tensor, seed: int) -> Tensor:
        """The attacker's points; it plans against the link that it knows of, with draws of its own.

        Gradients in bf16 where that is faster, a purifier's too: on held-out pictures they succeed as
        often (to 0.3 points). Scores are always in float32.
        """
        planned = self._victim(cell, native, purified=cell.level is not None and cell.knowledge == "adaptive")
        attack = MANIPULATORS[cell.attack](steps=cell.steps, eot=cell.eot)
        same = (lambda: link.generator(seed, "bob")) if cell.same_draw else None
        with autocast("cpu"):
            return attack.run(planned, labels, link.generator(seed, "manipulator"), same).float()

    def _victim(self, cell: Cell, native: Tensor, purified: bool) -> LinkVictim:
        codec, chain = self._link(cell, purified)
        radius = {"power_db": cell.radius} if cell.placement == "symbols" else {"eps": cell.radius}
        return link_victim(cell.placement, self.domain, codec, native, cell.channel, cell.snr_db, chain=chain, **radius)

    def _link(self, cell: Cell, purified: bool) -> tuple[Codec, tuple[PlugIn, ...]]:
        method = BASE if cell.method == PURIFIED else cell.method
        codec = load_receiver(self.domain.name, method, self.load)
        if not purified:
            return codec, ()
        networks = self._network(DENOISER)[0]
        return purification.receiver(networks, codec), purification.purifier(networks, codec, cell.level, cell.snr_db)

    def _network(self, name: str) -> tuple[nn.Module, str]:
        module, located = self.load(f"{self.domain.name}/{name}")
        return module, located.sha256

    def _table(self) -> dict[str, Any] | None:
        file = self.folder / "table.json"
        kept = json.loads(file.read_bytes()) if file.is_file() else adversarial.read(self.domain.name)
        return kept if kept and kept.get("table") else None

    def finished(self) -> Iterator[tuple[str, Row]]:
        """Rows that were measured before: published ones first, then this machine's."""
        for row in (adversarial.read(self.domain.name) or {}).get("rows", ()):
            yield row["cell"], row
        yield from ((row["cell"], row) for row in journal.rows(self.folder))

    def merge(self, cells: dict[str, Cell]) -> Path:
        """Put all finished cells together, in the plan's order; each with the most pictures that it was measured on."""
        finished = dict(self.finished())
        sizes, rows = sorted({row["images"] for row in finished.values()}, reverse=True), {}
        for planned, cell in cells.items():
            keys = (replace(cell, images=images).key(self.domain.name, self.digest) for images in sizes)
            if found := next((finished[key] for key in keys if key in finished), None):
                rows[planned] = found
        published = (adversarial.read(self.domain.name) or {}).get("rows", ())
        kept = withheld.standing(self.domain.name, published)
        there = {*self.weights(), *(row["method"] for row in kept)}
        missing = [name for name in (*METHODS, PURIFIED) if name not in there]
        source = datasets.SOURCES[self.domain.name].hub
        content = {
            "data": SOURCE_NOTE.format(split=REPORTED[self.domain.name], images=len(self.data), source=source),
            "command": self.options.command(),
            **{name: (self._table() or {}).get(name) for name in ("table", "table_images", "table_weights")},
            "rows": [rows[key] for key in cells if key in rows] + kept,
            "not_run": missing,
        }
        file = adversarial.path(self.domain.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        journal.publish(file, content)
        fewer = sum(rows[key]["images"] < cell.images for key, cell in cells.items() if key in rows)
        notes = [f"{len(cells) - len(rows)} not run yet"] * (len(cells) > len(rows))
        notes += [f"{fewer} on fewer pictures"] * (fewer > 0)
        print(", ".join([f"{len(rows)} cells in {file}", *notes]))
        return file


def _summary(name: str, right: list[Tensor]) -> Row:
    each = torch.cat(right).numpy()
    return {name: round(float(each.mean()), 5), f"{name}_interval": rounded(accuracy_interval(each))}
