"""``python -m semcom_core bench``: how long one visitor waits, on this machine, now.

Nothing here passes or fails: absolute times belong to a machine. What carries over to another
one is each network's *ratio to its floor*: its measured time over the time that its floating-point
operations would take at the rate of a large matrix multiplication, and over its *own floor*, its
convolutions and matrix products alone (:mod:`semcom_core.bench_floor`); all measured in the same run.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from semcom_core import bench_floor, bench_server, link, samples
from semcom_core.bench_adversarial import time_attacks
from semcom_core.bench_defenses import DefenseTiming, time_defenses, time_link
from semcom_core.bench_defenses import table as defense_lines
from semcom_core.codecs.repobe import CODEC_SIZE, FEATURE_SHAPE
from semcom_core.domains import DOMAINS
from semcom_core.settings import LinkSettings
from semcom_core.timing import Timing, timed

RESULT = ".st-key-summary"
"""What the page shows once its first transmission is done."""


@dataclass(frozen=True)
class NetworkTiming:
    """One network on one picture.

    Attributes:
        gflop: floating-point operations, in 10⁹ (a multiply-add is two).
        floor_ms: the time for those at the measured matrix-multiply rate.
        ratio: measured p50 over the floor. Below 1 is possible: convolution algorithms such as
            Winograd's need fewer operations than are counted.
        kernels_ms: the network's own floor, :mod:`semcom_core.bench_floor`: its convolutions and matrix
            products alone. ``kernels_ratio`` is the measured p50 over that.
    """

    time: Timing
    gflop: float
    floor_ms: float
    ratio: float
    kernels_ms: float = float("nan")
    kernels_ratio: float = float("nan")


@dataclass(frozen=True)
class DomainReport:
    """One picture of a domain, from first pixel to last figure.

    Attributes:
        transmission: encode, protect, channel, both decoders, attack, judge (sent, receiver, attacker).
        slider: a new SNR with features and ciphertext cached: everything after the sender.
        defenses: the same two under every trained defense.
        attacked, attack: PGD-5 on the picture, against these receivers one after another.
    """

    transmission: Timing
    slider: Timing
    networks: dict[str, NetworkTiming]
    defenses: dict[str, DefenseTiming] = field(default_factory=dict)
    attacked: tuple[str, ...] = ()
    attack: Timing | None = None


@dataclass(frozen=True)
class ColdStart:
    """From starting the server's process, in seconds; ``None`` where it was not measured."""

    server_s: float
    first_result_s: float | None
    peak_memory_mb: float | None


@dataclass(frozen=True)
class Report:
    """Everything that the command prints."""

    machine: dict[str, Any]
    matmul_gflops: float
    domains: dict[str, DomainReport]
    peak_memory_mb: float
    cold_start: ColdStart | None = None


def matmul_rate() -> float:
    """Best rate of float32 matrix products on torch's threads, in FLOP/s."""
    best = 0.0
    for size in (512, 1024, 2048):
        a = torch.randn(size, size)
        for _ in range(2 * 2048 // size + 2):
            started = time.perf_counter()
            a @ a
            best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best


@torch.no_grad()  # the counter does not see operations in inference mode
def flop_count(work: Callable[[], object]) -> int:
    """Floating-point operations of one call (matrix products and convolutions)."""
    fast_path = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # fused attention layers hide theirs
    try:
        with FlopCounterMode(display=False) as counter:
            work()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
    return counter.get_total_flops()


def picture(domain: str) -> torch.Tensor:
    """The domain's default sample, prepared, (1,C,n,n)."""
    sample = samples.samples(domain)[0]
    return DOMAINS[domain].prepare(samples.render(domain, sample.key)).native[None]


@torch.inference_mode()
def bench_domain(models: link.LinkModels, native: torch.Tensor, rate: float, runs: int) -> DomainReport:
    """Time one picture through the whole link, and through each network by itself.

    Args:
        native: one prepared picture (1,C,n,n).
        rate: this machine's matrix-multiply rate in FLOP/s.
    """
    transmission, slider = time_link(models, native, LinkSettings(domain=models.domain.name), runs)

    large = torch.rand(1, models.domain.channels, CODEC_SIZE, CODEC_SIZE).to(memory_format=torch.channels_last)
    features = torch.randn(1, *FEATURE_SHAPE).to(memory_format=torch.channels_last)
    parts = {
        "encoder": (models.codec.encoder, large),
        "classifier": (models.codec.classifier, features),
        "reconstructor": (models.codec.reconstructor, features),
        "judge": (models.judge, native),
        "attack: naive": (models.attacks["naive"], features),
        "attack: adaptive": (models.attacks["adaptive"], features),
    }
    networks = {}
    for name, (network, given) in parts.items():
        time_ = timed(lambda _, network=network, given=given: network(given), runs)
        flops = flop_count(lambda network=network, given=given: network(given))
        floor = 1e3 * flops / rate
        own = bench_floor.floor(network, given, runs).p50
        networks[name] = NetworkTiming(
            time_, round(flops / 1e9, 4), round(floor, 3), round(time_.p50 / floor, 2), own, round(time_.p50 / own, 2)
        )
    return DomainReport(transmission, slider, networks)


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def cold_start(browser: bool) -> ColdStart:
    """Start the app in a process of its own; time until it answers, and until a browser shows a result.

    Raises:
        RuntimeError: the server ends or does not answer in time, or there is no browser.
    """
    address = bench_server.free_address()
    with _browser_page() if browser else nullcontext() as page:  # open before the clock starts
        began = time.perf_counter()
        with bench_server.started(address) as server:
            answered = time.perf_counter() - began
            shown = None
            if page is not None:
                page.goto(address)
                page.locator(RESULT).wait_for(timeout=bench_server.START_LIMIT_S * 1e3)
                shown = round(time.perf_counter() - began, 2)
            return ColdStart(round(answered, 2), shown, bench_server.peak_mb(server.pid))


@contextmanager
def _browser_page() -> Iterator[Any]:
    """An empty page in the system's Chromium."""
    from playwright.sync_api import Error, sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    try:
        with sync_playwright() as playwright:
            window = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            yield window.new_page()
            window.close()
    except Error as error:
        raise RuntimeError(f"No result in a browser: {error.message.splitlines()[0]}") from error


def bench(domains: list[str], runs: int = 50, threads: int = 2, browser: bool = False, start: bool = True) -> Report:
    """Measure everything.

    Raises:
        ValueError: there is no such domain.
        WeightsError: a domain's weights are missing.
        RuntimeError: see :func:`cold_start`.
    """
    for domain in domains:
        if domain not in DOMAINS:
            raise ValueError(f"There is no domain {domain!r}; known are {', '.join(DOMAINS)}.")
    torch.set_num_threads(threads)
    models = {domain: link.load_models(domain, load=link.load_live) for domain in domains}
    rate = matmul_rate()
    reports = {domain: bench_domain(models[domain], picture(domain), rate, runs) for domain in domains}
    for domain, report in reports.items():
        attacked, attack = time_attacks(domain, picture(domain), max(1, runs // 10))
        defenses = time_defenses(domain, picture(domain), runs)
        reports[domain] = replace(report, defenses=defenses, attacked=attacked, attack=attack)
    machine = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load": round(os.getloadavg()[0], 1),
        "torch": torch.__version__,
    }
    own_peak = peak_memory_mb()
    return Report(machine, round(rate / 1e9, 1), reports, own_peak, cold_start(browser) if start else None)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def table(report: Report) -> str:
    """The report for a person."""
    machine = report.machine
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads, torch {machine['torch']}",
        f"load before the run {machine['load']} (times are honest on an idle machine only)",
        f"matrix products: {report.matmul_gflops:.1f} GFLOP/s",
    ]
    for domain, figures in report.domains.items():
        lines += ["", f"{domain}: one picture, milliseconds{'p50':>14}{'p95':>9}"]
        for name, timing in (("full transmission", figures.transmission), ("SNR slider, cached", figures.slider)):
            lines.append(f"  {name:<38}{timing.p50:>9.1f}{timing.p95:>9.1f}")
        lines.append(
            f"  {'network':<26}{'p50':>9}{'p95':>9}{'GFLOP':>9}{'floor':>9}{'ratio':>7}{'own floor':>11}{'ratio':>7}"
        )
        for name, one in figures.networks.items():
            lines.append(
                f"  {name:<26}{one.time.p50:>9.1f}{one.time.p95:>9.1f}{one.gflop:>9.3f}"
                f"{one.floor_ms:>9.2f}{one.ratio:>7.2f}{one.kernels_ms:>11.2f}{one.kernels_ratio:>7.2f}"
            )
        if figures.defenses:
            lines += defense_lines(figures.defenses)
        if figures.attack:
            name = f"PGD-5 against {', '.join(figures.attacked)}"
            lines.append(f"  {name:<38}{figures.attack.p50:>9.1f}{figures.attack.p95:>9.1f}")
    lines += ["", f"peak memory of this run: {report.peak_memory_mb:.0f} MB"]
    if report.cold_start:
        start = report.cold_start
        shown = "not measured (--browser)" if start.first_result_s is None else f"{start.first_result_s:.1f} s"
        lines.append(f"cold start: server answers after {start.server_s:.1f} s, first result in a browser {shown}")
        if start.peak_memory_mb is not None:
            lines.append(f"peak memory of the server: {start.peak_memory_mb:.0f} MB")
    return "\n".join(lines)


def main(domains: list[str], runs: int, threads: int, browser: bool, start: bool, file: Path | None) -> None:
    """Measure, print a table, and write ``file`` as JSON if given.

    Raises:
        ValueError, WeightsError, RuntimeError: see :func:`bench`.
    """
    report = bench(domains or list(DOMAINS), runs, threads, browser, start)
    print(table(report))
    if file:
        file.write_text(json.dumps(asdict(report), indent=2) + "\n")
