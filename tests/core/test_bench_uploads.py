"""Ten thousand mutated uploads, in small: the mutations do what they say, and nothing escapes."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from semcom_core import bench_uploads
from semcom_core.bench_uploads import MUTATIONS, mutated, opened, originals
from semcom_core.images import PictureError, open_picture

READ = ("png", "jpeg", "webp")


@pytest.mark.parametrize("name", [name for name in originals() if name.startswith(READ) and "interlaced" not in name])
def test_the_originals_are_good(name: str) -> None:
    assert min(open_picture(originals()[name]).image.size) == 48


@pytest.mark.parametrize("name", [name for name in originals() if not name.startswith(READ)])
def test_other_kinds_are_refused(name: str) -> None:
    with pytest.raises(PictureError):
        open_picture(originals()[name])


def test_a_seed_gives_the_same_files_again() -> None:
    first = [mutated(3, number) for number in range(40)]
    assert first == [mutated(3, number) for number in range(40)]
    assert first != [mutated(4, number) for number in range(40)]
    assert len({name.partition(" (")[0] for name, _ in first}) > 5


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.sampled_from(["digits", "objects", "photographs"]))
def test_nothing_escapes(number: int, domain: str) -> None:
    name, data = mutated(1, number)
    outcome, said = opened(data, domain)
    assert outcome != "escape", f"{name}: {said}"


@pytest.mark.parametrize("error", [OSError("disk"), MemoryError(), ValueError("x"), PictureError("short")])
def test_an_escape_is_seen(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(data: bytes) -> None:
        raise error

    monkeypatch.setattr(bench_uploads, "open_picture", bad)
    assert opened(b"x")[0] == "escape"


def test_a_wrong_picture_is_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong:
        image = Image.new("RGBA", (30, 30))

    monkeypatch.setattr(bench_uploads, "open_picture", lambda data: Wrong())
    assert opened(b"x") == ("escape", "picture of mode RGBA, size (30, 30), info []")


def test_the_report_counts_every_file(tmp_path: Path, capsys) -> None:
    with warnings.catch_warnings():
        bench_uploads.main(60, seed=5, file=tmp_path / "uploads.json")
    written = json.loads((tmp_path / "uploads.json").read_text())
    assert written["pictures"] + written["refused"] == written["count"] == 60
    assert sum(written["sentences"].values()) == written["refused"]
    assert sum(written["mutations"].values()) == 60
    assert written["mutations"].keys() <= MUTATIONS.keys()
    assert "escaped" in capsys.readouterr().out
    with pytest.raises(ValueError, match="--count"):
        bench_uploads.bench(0)


def test_the_slowest_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(data: bytes, domain: str) -> tuple[str, str]:
        if data == b"slow":
            until = time.thread_time() + 0.05
            while time.thread_time() < until:
                pass
        return "picture", ""

    monkeypatch.setattr(bench_uploads, "opened", slow)
    monkeypatch.setattr(bench_uploads, "mutated", lambda seed, number: ("x (y)", b"slow" if number == 3 else b"fast"))
    report = bench_uploads.bench(5)
    assert report.slowest.startswith("file 3: x (y)") and report.longest_cpu_ms >= 50
