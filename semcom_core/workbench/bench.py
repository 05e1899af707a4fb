"""``python -m semcom_core bench workbench``: the default link, trained on one core and tested on MNIST."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from semcom_core.metrics import Interval, wilson
from semcom_core.workbench import pictures
from semcom_core.workbench.measure import SNR_DB, measure
from semcom_core.workbench.settings import MNIST, WorkbenchSettings
from semcom_core.workbench.training import Training

TEST_PICTURES = 2000


@dataclass(frozen=True)
class WorkbenchReport:
    """One training with the default settings, and what came of it.

    Attributes:
        seconds, cpu_seconds: of the whole run, snapshots included, reading the data set not; on a busy
            machine the processor's time is what an idle one would need.
        training_seconds: the part of ``seconds`` between the snapshots' measuring.
        accuracy, interval: of the receiver on MNIST's test pictures, AWGN 10 dB, Wilson.
        attacker_accuracy, receiver_psnr, attacker_psnr: on the same pictures.
    """

    images: int
    test_pictures: int
    seconds: float
    cpu_seconds: float
    training_seconds: float
    accuracy: float
    interval: Interval
    attacker_accuracy: float
    receiver_psnr: float
    attacker_psnr: float


def bench(settings: WorkbenchSettings | None = None, test_pictures: int = TEST_PICTURES) -> WorkbenchReport:
    """Train on one core and measure.

    Raises:
        DataUnavailable: MNIST cannot be read.
    """
    torch.set_num_threads(1)
    settings = settings or WorkbenchSettings(pictures=MNIST)
    material = pictures.load(settings.pictures, settings.images)
    images, labels = pictures.report_pictures(test_pictures)
    training = Training(settings, material)
    started, processor = time.perf_counter(), time.process_time()
    for _ in training.run():
        pass
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - processor
    figures = measure(training.small(), images, labels, SNR_DB)
    right = round(figures.receiver.accuracy * len(labels))
    return WorkbenchReport(
        len(material.labels), len(labels), round(seconds, 1), round(cpu_seconds, 1), round(training.seconds, 1),
        figures.receiver.accuracy, wilson(right, len(labels)), figures.attacker.accuracy,
        figures.receiver.psnr, figures.attacker.psnr,
    )  # fmt: skip


def table(report: WorkbenchReport) -> str:
    """The report for a person."""
    low, high = report.interval
    return "\n".join(
        [
            f"a small link of the default settings, {report.images} MNIST images, one core",
            f"  wall time                      {report.seconds:>8.1f} s",
            f"  processor time                 {report.cpu_seconds:>8.1f} s  (about the wall time of an idle core)",
            f"on {report.test_pictures} MNIST test pictures, AWGN {SNR_DB:g} dB",
            f"  receiver's accuracy            {report.accuracy:>8.4f}    [{low:.4f}, {high:.4f}]",
            f"  receiver's picture             {report.receiver_psnr:>8.2f} dB",
            f"  attacker's accuracy            {report.attacker_accuracy:>8.4f}",
            f"  attacker's picture             {report.attacker_psnr:>8.2f} dB",
        ]
    )


def main(file: Path | None = None) -> None:
    """Measure, print a table, and write ``file`` as JSON if given."""
    report = bench()
    print(table(report))
    if file:
        file.write_text(json.dumps(asdict(report), indent=2) + "\n")
