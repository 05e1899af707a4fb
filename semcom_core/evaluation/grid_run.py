"""``python -m semcom_core evaluate <domain> --part grid``: measure the grid, resumably.

::

    plan ─ cells without a row ─┬─ process 0 ─ cells-0.jsonl ─┐
                                └─ process 1 ─ cells-1.jsonl ─┴─ merge ─ weights/<domain>/grid/results.json

Finished cells are kept in JSON lines under ``SEMCOM_RUNS/<domain>/grid``, each with its key: an
interrupted run goes on where it stopped, and new weights make just their own cells run again.
Rows that are already in ``results.json`` count as finished, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from semcom_core import datasets, link, withheld
from semcom_core.attacks import networks_against
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.crew import crew, launch, launched
from semcom_core.defenses import DEFENSES, Defense
from semcom_core.evaluation import grid, grid_cells, journal
from semcom_core.evaluation.grid_cells import Cell, Kind
from semcom_core.evaluation.grid_measure import MissingNetwork, Pictures, measure, probe
from semcom_core.evaluation.report import REPORTED, SOURCE_NOTE
from semcom_core.metrics import holm
from semcom_core.training.augment import plain
from semcom_core.training.run import runs_folder

Row = dict[str, Any]
RECEIVER_IMAGES = 2000


@dataclass(frozen=True)
class Options:
    """What to run of one domain's grid.

    Attributes:
        limit: at most so many pictures a cell, to try it out: the result stays in the runs folder.
        cells: names of the defenses to run now; all if empty. Others' finished rows are kept.
        receiver_images: pictures a receiver cell.
        white_box: also run the white-box optimisation, which takes minutes a picture.
        processes: start so many, which find each other through Hugging Face Accelerate.
    """

    domain: str
    limit: int | None = None
    cells: tuple[str, ...] = ()
    receiver_images: int = RECEIVER_IMAGES
    white_box: bool = False
    processes: int = 1
    threads: int | None = None

    def arguments(self) -> list[str]:
        """The command line that gives these options, without the number of processes."""
        out = ["evaluate", self.domain, "--part", "grid"]
        for name, value, default in (
            ("--limit", self.limit, None),
            ("--cells", ",".join(self.cells), ""),
            ("--receiver-images", self.receiver_images, RECEIVER_IMAGES),
            ("--threads", self.threads, None),
        ):
            out += [name, str(value)] if value != default else []
        return out + ["--white-box"] * self.white_box


def run(options: Options) -> Path | None:
    """Measure what is missing and write the domain's ``results.json``.

    Returns:
        The file that was written; ``None`` in processes that leave that to the first one.

    Raises:
        ValueError: no such domain or defense.
        WeightsError, DataUnavailable: something is missing; the message says what to do.
        RuntimeError: one of several processes failed.
    """
    if options.processes > 1 and not launched():
        launch(options.arguments(), options.processes, options.threads)
        return results_file(options)
    if options.domain not in datasets.SOURCES:
        raise ValueError(f"There is no domain {options.domain!r}; known are {', '.join(datasets.SOURCES)}.")
    if options.threads:
        torch.set_num_threads(options.threads)
    mates, work = crew(), Work(options)
    plan = work.plan()
    todo = [(key, cell) for key, cell in plan.cells.items() if key not in plan.rows and work.is_wanted(cell)]
    mates.wait()  # nobody writes before everybody has planned the same
    work.measure(todo[mates.rank :: mates.size], mates.rank)
    mates.wait()
    return work.merge(plan) if mates.first else None


@dataclass(frozen=True)
class Plan:
    """All cells by key, the rows that are there already, and what cannot be run and why."""

    cells: dict[str, Cell]
    rows: dict[str, Row]
    not_run: list[Row]


@dataclass
class Work:
    """One process's share: loads a defense's networks once and measures its cells."""

    options: Options
    loaded: dict[str, Pictures] = field(default_factory=dict)

    def __post_init__(self) -> None:
        data = datasets.load(self.options.domain, "report")
        if self.options.limit:
            data = data.take(grid_cells.balanced(data.labels, self.options.limit))
        self.data, self.digest = data, grid_cells.data_digest(data)
        self.folder = runs_folder() / self.options.domain / "grid"
        self.load = cache(link.load_network)  # codec and judge are shared by most defenses

    def is_wanted(self, cell: Cell) -> bool:
        """Whether this run measures a cell; rows of others are kept if they are there."""
        if cell.attack == grid_cells.WHITE_BOX and not self.options.white_box:
            return False
        return not self.options.cells or cell.defense in self.options.cells

    def plan(self) -> Plan:
        """Every cell of the domain that can be measured, in the order of the results."""
        domain, cells, not_run = self.options.domain, {}, []
        grid_cells.defenses(domain, self.options.cells)  # a wrong name is an error, and not silence
        for defense in DEFENSES.values():
            if not defense.available(domain):
                continue
            if missing := grid_cells.untrained(domain, defense):
                not_run.append({"defense": defense.name, "missing": missing})
                continue
            own, problems = self._cells_of(defense)
            cells |= {cell.key(self.digest): cell for cell in own}
            not_run += problems
        rows = {key: row for key, row in self._finished() if key in cells}
        return Plan(cells, rows, not_run)

    def _cells_of(self, defense: Defense) -> tuple[list[Cell], list[Row]]:
        domain, split, pictures = self.options.domain, len(self.data), self._pictures(defense)
        sha = {one.name.rpartition("/")[2]: one.sha256 for one in pictures.models.located}
        own = {name: sha[name] for name in (defense.codec, *defense.networks)}
        cells = grid_cells.receiver_cells(domain, defense, split, self.options.receiver_images, own)
        problems = []
        for attack, policy in grid_cells.attackers(defense):
            try:
                tried = probe(pictures, defense, attack, policy)
            except MissingNetwork as missing:
                role = missing.args[0]
                name = networks_against(defense).get(role, role)
                problems.append({"defense": defense.name, "attack": attack, "missing": [name]})
                continue
            used = own | {name: sha[name] for name in ("judge", *tried.networks)}
            cells += grid_cells.attack_cells(domain, defense, attack, policy, tried.reads_class, split, used)
        cells += grid_cells.other_attack_cells(domain, defense, split, own | {"judge": sha["judge"]})
        return cells, problems

    def _pictures(self, defense: Defense) -> Pictures:
        """The reporting split under one defense; only the last defense's networks stay loaded."""
        if defense.name not in self.loaded:
            self.loaded.clear()
            domain = self.options.domain
            models = link.load_models(domain, defense.name, self.load)
            encoder = next(one.sha256 for one in models.located if one.name == f"{domain}/{defense.encoder}")
            stamp = f"{encoder[:16]}-{self.digest}-{grid_cells.VERSION}"
            native = models.domain.native_size
            known = plain(domain, datasets.load(domain, "held_out").images[:1], native)
            self.loaded[defense.name] = Pictures(models, self.data, self.folder, stamp, known)
        return self.loaded[defense.name]

    def measure(self, todo: Sequence[tuple[str, Cell]], rank: int) -> None:
        """Measure cells one after another; each is on disk before the next begins."""
        with (
            journal.opened(self.folder, rank) as file,
            tqdm(total=len(todo), desc=f"grid {self.options.domain}, process {rank}", unit="cell") as bar,
        ):
            for defense, group in groupby(todo, lambda one: one[1].defense):
                pictures = self._pictures(DEFENSES[defense])
                for key, cell in group:
                    bar.set_postfix_str(f"{defense} {cell.kind} {cell.settings.channel} {cell.settings.snr_db:g} dB")
                    journal.write(file, {"cell": key, "kind": cell.kind} | measure(pictures, cell))
                    bar.update()

    def _finished(self) -> Iterator[tuple[str, Row]]:
        """Rows that were measured before: published ones first, then this machine's."""
        published = grid.read(results_file(self.options))
        for kind in ("receivers", "attacks"):
            for row in (published or {}).get(kind, ()):
                if "cell" in row:
                    yield row["cell"], {"kind": kind} | row
        yield from ((row["cell"], row) for row in journal.rows(self.folder))

    def _withheld(self) -> list[Row]:
        """Attacks that were measured with networks that are on record only."""
        published = (grid.read(results_file(self.options)) or {}).get("attacks", ())
        return [{"kind": "attacks"} | row for row in withheld.standing(self.options.domain, published)]

    def merge(self, plan: Plan) -> Path:
        """Put all finished cells together, in the plan's order."""
        rows = plan.rows | {key: row for key, row in self._finished() if key in plan.cells}
        ordered = [rows[key] for key in plan.cells if key in rows]
        measured = {(row["defense"], row["attack"]) for row in ordered if row["kind"] == "attacks"}
        kept = [row for row in self._withheld() if (row["defense"], row["attack"]) not in measured]
        ordered += kept
        parts: dict[Kind, list[Row]] = {
            kind: [{k: v for k, v in row.items() if k != "kind"} for row in ordered if row["kind"] == kind]
            for kind in ("receivers", "attacks")
        }
        parts["receivers"] = with_like_none(parts["receivers"], self.options.domain)
        adjust_chance(parts["attacks"])
        about = {"data": self._source(), "command": self._command()}
        file = results_file(self.options)
        there = {(row["defense"], row["attack"]) for row in kept}
        not_run = [row for row in plan.not_run if (row["defense"], row.get("attack")) not in there]
        journal.publish(file, about | parts | {"not_run": not_run})
        open_cells = len(plan.cells) + len(kept) - len(ordered)
        print(f"{len(ordered)} cells in {file}" + (f", {open_cells} not run yet" if open_cells else ""))
        return file

    def _source(self) -> str:
        domain = self.options.domain
        return SOURCE_NOTE.format(split=REPORTED[domain], images=len(self.data), source=datasets.SOURCES[domain].hub)

    def _command(self) -> str:
        shown = Options(self.options.domain, self.options.limit, (), self.options.receiver_images)
        return " ".join(["python -m semcom_core", *shown.arguments()])


def results_file(options: Options) -> Path:
    """Where the result goes: beside the weights, or for a try-out in the runs folder."""
    if options.limit:
        return runs_folder() / options.domain / "grid" / f"results-limit-{options.limit}.json"
    return grid.path(options.domain)


def with_like_none(receivers: list[Row], domain: str) -> list[Row]:
    """Add the rows of keyed defenses whose receiver has the bare link's figures, marked ``same_as``.

    One for each key policy under which they are attacked.
    """
    bare = [row for row in receivers if row["defense"] == "none"]
    copies: list[Row] = []
    for defense in DEFENSES.values():
        if defense.available(domain) and defense.ciphers_base:
            for policy in (KeyPolicy.MESSAGE, KeyPolicy.FIXED):
                mark = {"defense": defense.name, "policy": policy.value}
                copies += [mark | row | mark | {"same_as": "none"} for row in bare]
    order = {name: number for number, name in enumerate(DEFENSES)}
    rows = [{k: v for k, v in row.items() if not ("same_as" in row and k == "cell")} for row in receivers + copies]
    return sorted(rows, key=lambda row: order[row["defense"]])


def adjust_chance(attacks: list[Row]) -> None:
    """Holm over every "is it chance?" question of the domain, written beside the raw p-values."""
    places = [(row, key) for row in attacks for key in ("class_chance_p", "judge_chance_p") if key in row]
    for (row, key), adjusted in zip(places, holm([row[key] for row, key in places]), strict=True):
        row[f"{key}_holm"] = float(np.round(adjusted, 5))
