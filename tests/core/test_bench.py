"""The benchmark measures what it says; no test here knows a time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from semcom_core import bench, bench_defenses, link
from semcom_core.link import LinkModels
from semcom_core.manifest import MissingWeights
from semcom_core.networks.readers import RowSetReader
from semcom_core.settings import LinkSettings
from tests.untrained import identical, textured


def test_flops_of_known_operations() -> None:
    conv = torch.nn.Conv2d(4, 8, 3, padding=1, bias=False)
    x = torch.randn(1, 4, 10, 10)
    assert bench.flop_count(lambda: conv(x)) == 2 * 10 * 10 * 8 * 4 * 9
    a = torch.randn(5, 7)
    assert bench.flop_count(lambda: a @ a.T) == 2 * 5 * 5 * 7


def test_attention_layers_are_counted() -> None:
    """Their fused kernel is invisible to the counter, and must be switched on again afterwards."""
    reader = RowSetReader(1, 28).eval()
    z = torch.randn(1, 4, 28, 28)
    with_attention = bench.flop_count(lambda: reader.embedding(z))
    linear = 28 * 2 * (256 * 768 + 256 * 256 + 2 * 256 * 512)  # one layer's four products, 28 rows
    assert with_attention > 2 * linear
    assert torch.backends.mha.get_fastpath_enabled()


def test_percentiles() -> None:
    timing = bench.timed(lambda number: sum(range(1000)), runs=20, warmup=1)
    assert timing.runs == 20
    assert 0 <= timing.p50 <= timing.p95


def test_a_domain_report_is_complete_and_printable(models: LinkModels) -> None:
    report = bench.Report(
        {"processor": "test", "cores": 2, "threads": 2, "load": 0.0, "torch": torch.__version__},
        matmul_gflops=100.0,
        domains={"digits": bench.bench_domain(models, torch.rand(1, 1, 28, 28), 1e11, runs=2)},
        peak_memory_mb=bench.peak_memory_mb(),
    )
    digits = report.domains["digits"]
    assert set(digits.networks) == {
        "encoder", "classifier", "reconstructor", "judge", "attack: naive", "attack: adaptive"
    }  # fmt: skip
    for one in digits.networks.values():
        assert one.gflop > 0
        assert one.ratio == pytest.approx(one.time.p50 / one.floor_ms, rel=0.05)
    text = bench.table(report)
    for word in ("full transmission", "SNR slider", "ratio", "peak memory", *digits.networks):
        assert word in text
    assert report.peak_memory_mb > 50


def test_the_slider_shows_what_a_transmission_at_that_snr_shows(models: LinkModels) -> None:
    native, settings = textured(1, seed=4), LinkSettings(defense="noise")
    moved = bench_defenses.slider(models, native, settings)(7)
    assert identical(moved, link.transmit(models, native, replace(settings, snr_db=7.0)))


def test_every_trained_defense_is_timed_against_the_bare_link(
    models: LinkModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "trained_defenses", lambda domain: ["noise", "none"])
    monkeypatch.setattr(link, "load_models", lambda domain, defense, load: models)
    times = bench_defenses.time_defenses("digits", textured(1), runs=2)
    assert list(times) == ["none", "noise"]
    assert (times["none"].transmission_ratio, times["none"].slider_ratio) == (1.0, 1.0)
    noise = times["noise"]
    assert noise.slider_ratio == pytest.approx(noise.slider.p50 / times["none"].slider.p50, abs=0.01)
    assert [line.split()[0] for line in bench_defenses.table(times)] == ["defense", "none", "noise"]


def test_missing_weights_are_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMCOM_WEIGHTS", str(tmp_path))
    monkeypatch.delenv("SEMCOM_HUB_REPO", raising=False)
    with pytest.raises(MissingWeights, match="digits/base"):
        bench.bench(["digits"], runs=1, start=False)
    with pytest.raises(ValueError, match="no domain 'sounds'"):
        bench.bench(["sounds"])


def test_json_holds_the_whole_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    timing = bench.Timing(1.0, 2.0, 3)
    network = bench.NetworkTiming(timing, 0.5, 1.0, 1.0)
    report = bench.Report(
        {"processor": "test", "cores": 1, "threads": 1, "load": 0.0, "torch": "x"},
        50.0,
        {"digits": bench.DomainReport(timing, timing, {"judge": network})},
        100.0,
        bench.ColdStart(2.5, None, 400.0),
    )
    monkeypatch.setattr(bench, "bench", lambda *arguments: report)
    bench.main([], 1, 1, False, True, tmp_path / "bench.json")
    written = json.loads((tmp_path / "bench.json").read_text())
    assert written["domains"]["digits"]["networks"]["judge"]["ratio"] == 1.0
    assert written["cold_start"] == {"server_s": 2.5, "first_result_s": None, "peak_memory_mb": 400.0}
    assert "server answers after 2.5 s" in capsys.readouterr().out


@pytest.mark.slow
def test_cold_start_starts_and_ends_the_app() -> None:
    start = bench.cold_start(browser=False)
    assert start.server_s > 0
    assert start.first_result_s is None
    assert start.peak_memory_mb is None or start.peak_memory_mb > 20
