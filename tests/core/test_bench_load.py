"""The load test's figures against numpy, and its report; the students themselves are in tests/ui."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from semcom_core import bench_floor, bench_load, bench_server
from semcom_core.bench_load import Waiting, phase, slope
from semcom_core.bench_load_table import table


def result(seconds: float | None, change: str = "snr", **more: Any) -> dict[str, Any]:
    base = {"student": 0, "at": 1.0, "change": change, "page": "", "domain": "digits", "defense": "none",
            "seconds": seconds, "finished": seconds, "errors": [], "foreign": False}  # fmt: skip
    return base | more


def report(results: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    base = {"live": [["digits", "none"], ["digits", "noise"]], "results": results, "failed": [], "heavy": [],
            "recheck": {"checked": 3, "wrong": []}, "client_cpu_s": 1.0, "megabytes": 2.0}  # fmt: skip
    return base | more


def test_percentiles_are_numpys() -> None:
    seconds = np.random.default_rng(0).exponential(0.4, 333)
    waiting = Waiting.of(seconds)
    assert waiting.p50 == pytest.approx(np.median(seconds), abs=1e-3)
    assert waiting.p95 == pytest.approx(np.quantile(seconds, 0.95), abs=1e-3)
    assert (waiting.longest, waiting.count) == (pytest.approx(seconds.max(), abs=1e-3), 333)
    with pytest.raises(ValueError, match="no results"):
        Waiting.of([])


@pytest.mark.parametrize("rate", [-3.0, 0.0, 12.5])
def test_the_slope_is_a_straight_line_fit_of_the_last_three_minutes(rate: float) -> None:
    random, at = np.random.default_rng(1), np.arange(1.0, 301.0)
    mb = np.where(at < 120, 200 + 5 * at, 900 + rate * at / 60) + random.normal(0, 0.5, len(at))
    gradient, (low, high) = slope(list(zip(at, mb, strict=True)))
    last = at >= 120
    assert gradient == pytest.approx(np.polyfit(at[last] / 60, mb[last], 1)[0], abs=0.15)
    assert low < rate < high and high - low < 2


def test_a_short_test_says_that_it_knows_no_slope() -> None:
    assert slope([(1.0, 100.0), (2.0, 900.0)]) == (0.0, (float("-inf"), float("inf")))


def test_results_are_grouped_and_errors_are_not_timed() -> None:
    results = [
        result(5.0, "join"), result(0.2), result(0.4), result(0.6, defense="noise"),
        result(9.0, errors=["error box: no"]), result(None, errors=["SessionDropped: gone"]),
        result(0.3, "page", page="tuning", defense="noise"), result(8.0, errors=["another sent picture"], foreign=True),
    ]  # fmt: skip
    one = phase(report(results, failed=["OSError: no"]), students=2, seconds=60)
    assert (one.overall.count, one.join.p50, one.overall.longest) == (4, 5.0, 0.6)
    assert {name: waiting.count for name, waiting in one.defenses.items()} == {"digits/none": 2, "digits/noise": 1}
    assert list(one.pages) == ["tuning"]
    assert (one.errors, one.foreign, len(one.dropped)) == (3, 1, 2)
    assert not one.clean
    assert phase(report([result(1.0, "join"), result(0.2)]), 1, 60).not_drawn == ["digits/noise"]
    assert phase(report([result(1.0, "join"), result(0.2)]), 1, 60).clean


def test_memory_a_student_and_the_table() -> None:
    samples = [(float(second), 500.0 + second) for second in range(1, 200)]
    alone = phase(
        report([result(1.0, "join"), result(0.2)]), 10, 200, samples, 300.0, 720.0, {"server": 4.0, "students": 1.0}
    )
    assert alone.memory.per_session == pytest.approx((samples[-1][1] - 300) / 10, abs=0.1)
    assert alone.memory.slope_mb_min == pytest.approx(60, abs=0.1)
    job = {"kind": "training", "started": 2, "finished": 1, "slices": 9, "longest_s": 1.5, "errors": []}
    beside = phase(report([result(1.0, "join"), result(0.5)], heavy=[job]), 10, 200)
    whole = bench_load.Report({"cores": 2, "load": 0.1, "address": "own"}, alone, beside)
    assert whole.heavy_ratio == 2.5
    text = table(whole)
    for words in ("whole mix", "digits/none", "+60.0", "2.50", "1 of 2 jobs", "not drawn", "not measured"):
        assert words in text
    json.dumps(bench_load.asdict(whole))


def test_a_process_is_watched() -> None:
    own = os.getpid()
    if bench_server.resident_mb(own) is None:
        pytest.skip("this system does not tell a process's memory")
    with bench_server.Watch(own, every_s=0.01) as watch:
        held = np.ones(30_000_000, np.uint8)
        while len(watch.samples) < 5:
            pass
    assert held.sum() and watch.samples[-1][1] > 50
    assert bench_server.peak_mb(own) >= bench_server.resident_mb(own) * 0.9
    assert bench_server.processor_s(own) > 0
    assert bench_server.resident_mb(2**22 + 1) is None


def test_a_server_that_ends_at_once_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_server.sys, "executable", "true")
    with pytest.raises(RuntimeError, match="did not start"), bench_server.started(bench_server.free_address()):
        pass


def test_students_who_give_up_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_load.subprocess, "run", lambda *given, **more: SimpleNamespace(returncode=1, stdout=b""))
    with pytest.raises(RuntimeError, match="gave up"):
        bench_load.run(1, 0.1, "http://127.0.0.1:1", (), 0, quiet=True, teacher=False)


def test_the_own_floor_holds_each_convolution_and_product_with_its_input() -> None:
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4 * 4, 5)).eval()
    x = torch.randn(1, 1, 6, 6)
    with torch.inference_mode():
        kernels = bench_floor.calls(network, x)
        assert [type(module) for module, _ in kernels] == [nn.Conv2d, nn.Linear]
        assert torch.equal(kernels[0][1], x)
        assert torch.equal(kernels[1][1], network[:3](x))
    assert not any(module._forward_hooks for module in network.modules())
    assert bench_floor.floor(network, x, runs=3).runs == 3
