"""``python -m semcom_core bench load``: a class of students against the really started app.

::

    this process ─── starts ──► streamlit run app.py          (memory and processor time watched)
         └────────── starts ──► python -m tests.students ── WebSockets ──► the app

The students are a program of their own (the folder ``tests/students``): they speak Streamlit's protocol with
its message classes, which nothing in this package may import, and like browsers they share no
interpreter with what is measured. What they report is turned into figures here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from semcom_core import bench_server as server
from semcom_core.bench_server import PROJECT

LAST_S = 180.0
"""Memory's slope is taken over the last three minutes."""
HEAVY = ("white_box", "training")
TEACHER_S = 60.0
"""A teacher tries the app so long before the class comes: the server then prepares what all share."""


@dataclass(frozen=True)
class Waiting:
    """Seconds from a change to its result: median, 95th percentile, longest; of how many."""

    p50: float
    p95: float
    longest: float
    count: int

    @staticmethod
    def of(seconds: Sequence[float]) -> Waiting:
        """Raises ``ValueError`` for none at all."""
        if not len(seconds):
            raise ValueError("There are no results to take percentiles of.")
        p50, p95, longest = np.percentile(seconds, [50, 95, 100])
        return Waiting(round(float(p50), 3), round(float(p95), 3), round(float(longest), 3), len(seconds))


@dataclass(frozen=True)
class Memory:
    """Resident memory of the server in MB.

    Attributes:
        before: with the app started and nobody there.
        per_session: growth from before to the end over the number of students: an upper bound, since the
            networks that they made it load are counted in.
        slope_mb_min: straight line through the samples of the last three minutes (or the second half of
            a shorter test); its 95 % interval from the residuals of ten-second means.
    """

    before: float
    end: float
    peak: float
    per_session: float
    slope_mb_min: float
    slope_interval: tuple[float, float]


@dataclass(frozen=True)
class Phase:
    """One class, with or without heavy jobs beside it.

    Attributes:
        overall: every change of the mix but the first page.
        join: the first page.
        changes, defenses, pages: the same by kind of change, by domain/defense, and by page visited.
        not_drawn: live pairs of domain and defense that no result was of.
        errors: results with an exception, an error box, a wrong address or a wrong picture; and what they said.
        foreign: results with a picture of another session.
        dropped: sessions that ended before the test did.
        rechecked, wrong: results computed again afterwards, and those that differed.
        heavy: what became of the heavy jobs.
        processor_s: processor time of server and students together with the wall time.
    """

    students: int
    seconds: float
    overall: Waiting
    join: Waiting
    changes: dict[str, Waiting]
    defenses: dict[str, Waiting]
    pages: dict[str, Waiting]
    not_drawn: list[str]
    errors: int
    messages: dict[str, int]
    foreign: int
    dropped: list[str]
    rechecked: int
    wrong: list[str]
    heavy: list[dict[str, Any]]
    memory: Memory | None
    processor_s: dict[str, float | None] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """No error, no session lost, nothing of another session, nothing that differs when computed again."""
        return not (self.errors or self.foreign or self.dropped or self.wrong)


@dataclass(frozen=True)
class Report:
    """A class, and the same class beside heavy jobs if that was asked for."""

    machine: dict[str, Any]
    alone: Phase
    beside_heavy: Phase | None = None

    @property
    def heavy_ratio(self) -> float | None:
        """p95 beside the heavy jobs over p95 without."""
        return None if self.beside_heavy is None else round(self.beside_heavy.overall.p95 / self.alone.overall.p95, 2)


def slope(samples: Sequence[tuple[float, float]], last_s: float = LAST_S) -> tuple[float, tuple[float, float]]:
    """MB a minute by least squares over the last seconds, or the second half of a shorter test.

    Samples a second apart depend on each other, so the interval is from means of ten seconds.

    Args:
        samples: (seconds, MB) in order.
    """
    end = samples[-1][0]
    start = max(end - last_s, end / 2)
    used = [(at, mb) for at, mb in samples if at >= start]
    bins: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for at, mb in used:
        bins[int((at - start) // 10)].append((at, mb))
    points = np.array([np.mean(one, axis=0) for one in bins.values()])
    if len(points) < 3:
        return 0.0, (float("-inf"), float("inf"))
    minutes = points[:, 0] / 60 - points[:, 0].mean() / 60
    gradient = float(minutes @ points[:, 1] / (minutes @ minutes))
    residual = points[:, 1] - points[:, 1].mean() - gradient * minutes
    from scipy.stats import t as student_t

    free = len(points) - 2
    half = float(student_t.ppf(0.975, free)) * float(np.sqrt(residual @ residual / free / (minutes @ minutes)))
    return round(gradient, 2), (round(gradient - half, 2), round(gradient + half, 2))


def phase(report: dict[str, Any], students: int, seconds: float, samples: Sequence[tuple[float, float]] = (),
          before: float | None = None, peak: float | None = None,
          processor_s: dict[str, float | None] | None = None) -> Phase:  # fmt: skip
    """The figures of one class.

    Args:
        report: what ``python -m tests.students`` printed.
        samples: the server's memory over time; none where the system does not tell.

    Raises:
        ValueError: nobody got any result.
    """
    results = report["results"]
    done = [one for one in results if one["seconds"] is not None and not one["errors"]]
    mix = [one for one in done if one["change"] != "join"]
    bad = [one for one in results if one["errors"] or one["seconds"] is None]
    messages: dict[str, int] = defaultdict(int)
    for one in bad:
        for message in one["errors"] or ["no result"]:
            messages[message] += 1
    defenses = _by(mix, lambda one: None if one["change"] == "page" else f"{one['domain']}/{one['defense']}")
    live = [f"{domain}/{defense}" for domain, defense in report["live"]]
    memory = None
    if samples and before is not None:
        gradient, interval = slope(samples)
        end = samples[-1][1]
        memory = Memory(before, end, peak or max(mb for _, mb in samples), round((end - before) / students, 1),
                        gradient, interval)  # fmt: skip
    return Phase(
        students, seconds, Waiting.of([one["seconds"] for one in mix]),
        Waiting.of([one["seconds"] for one in done if one["change"] == "join"]),
        _by(mix, lambda one: one["change"]), {name: defenses[name] for name in live if name in defenses},
        _by(mix, lambda one: one["page"] if one["change"] == "page" else None),
        [name for name in live if name not in defenses], len(bad), dict(messages),
        sum(one["foreign"] for one in results), _dropped(report), report["recheck"]["checked"],
        list(report["recheck"]["wrong"]), report["heavy"], memory, processor_s or {},
    )  # fmt: skip


def _by(results: Iterable[dict[str, Any]], name: Any) -> dict[str, Waiting]:
    groups: dict[str, list[float]] = defaultdict(list)
    for one in results:
        if (key := name(one)) is not None:
            groups[key].append(one["seconds"])
    return {key: Waiting.of(seconds) for key, seconds in sorted(groups.items())}


def _dropped(report: dict[str, Any]) -> list[str]:
    ended = [message for one in report["results"] for message in one["errors"] if message.startswith("SessionDropped")]
    return [*report["failed"], *ended]


def run(
    students: int, minutes: float, address: str | None, heavy: Sequence[str], seed: int, quiet: bool, teacher: bool
) -> Report:
    """Start the app unless it runs elsewhere, let a class in, and the same once more beside heavy jobs.

    Args:
        teacher: one simulated visitor comes before the class, for :data:`TEACHER_S`, and is not counted.

    Raises:
        RuntimeError: the app does not start, or the students' program fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        own = address is None
        where = server.free_address() if address is None else address.rstrip("/")
        log = Path(folder) / "server.txt"
        with server.started(where, log=log) if own else nullcontext() as process:
            pid = process.pid if process else None
            time.sleep(2.0)
            before = server.resident_mb(pid) if pid else None
            if teacher:
                _class(where, pid, before, 1, TEACHER_S, (), seed + 1, quiet)
            phases = [
                _class(where, pid, before, students, minutes * 60, jobs, seed, quiet)
                for jobs in ((), tuple(heavy))[: 1 + bool(heavy)]
            ]
    machine = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1), "address": "own" if own else where}
    machine["teacher_s"] = TEACHER_S if teacher else 0.0
    return Report(machine, *phases)


def _class(where: str, pid: int | None, before: float | None, students: int, seconds: float,
           heavy: Sequence[str], seed: int, quiet: bool) -> Phase:  # fmt: skip
    command = [sys.executable, "-m", "tests.students", where, "--students", str(students), "--seconds", str(seconds)]
    command += ["--seed", str(seed), *(part for kind in heavy for part in ("--heavy", kind))]
    used = server.processor_s(pid) if pid else None
    with server.Watch(pid) if pid else nullcontext() as watch:
        done = subprocess.run(
            command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None
        )
        now = server.processor_s(pid) if pid else None
        peak = server.peak_mb(pid) if pid else None
    if done.returncode:
        raise RuntimeError("The simulated students gave up; see above.")
    report = json.loads(done.stdout)
    samples = [one for one in watch.samples if one[0] <= seconds] if watch else []
    spent = None if used is None or now is None else round(now - used, 1)
    return phase(
        report, students, seconds, samples, before, peak, {"server": spent, "students": report["client_cpu_s"]}
    )


def main(students: int, minutes: float, address: str | None, heavy: bool, seed: int, file: Path | None,
         quiet: bool = False, teacher: bool = True) -> None:  # fmt: skip
    """Run, print a table, and write ``file`` as JSON if given.

    Raises:
        RuntimeError: see :func:`run`.
    """
    from semcom_core.bench_load_table import table

    report = run(students, minutes, address, HEAVY if heavy else (), seed, quiet, teacher)
    print(table(report))
    if file:
        file.write_text(json.dumps(asdict(report) | {"heavy_ratio": report.heavy_ratio}, indent=2) + "\n")
