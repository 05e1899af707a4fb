"""The Parquet reader on shards that the tests write; no data set and no network needed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from semcom_core import datasets
from semcom_core.datasets import ArrayDataset, DataUnavailable
from tests.shards import drawn, write_shards


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    datasets.load.cache_clear()
    yield
    datasets.load.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_shards(tmp_path, "digits", "train", 300)
    write_shards(tmp_path, "digits", "test", 40)
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    return tmp_path


def numbers(data: ArrayDataset) -> list[int]:
    """Which drawn pictures these are, in order."""
    return (data.images[:, 0, :2].astype(int) @ (1, 256)).tolist()


def test_reads_images_and_labels(folder: Path) -> None:
    report = datasets.load("digits", "report")
    assert len(report) == 40
    assert report.images.shape == (40, 28, 28)
    assert report.images.dtype == np.uint8
    assert report.labels.dtype == np.int64
    assert numbers(report) == list(range(40))  # shards in order
    assert report.labels.tolist() == [number % 10 for number in range(40)]
    assert np.array_equal(report.images[7], np.asarray(drawn(7, (28, 28), "L")))


def test_split_is_fixed_disjoint_and_a_tenth(folder: Path) -> None:
    train, held_out = datasets.load("digits", "train"), datasets.load("digits", "held_out")
    assert len(held_out) == 30
    assert len(train) == 270
    assert set(numbers(train)) | set(numbers(held_out)) == set(range(300))
    assert not set(numbers(train)) & set(numbers(held_out))
    assert [number % 10 for number in numbers(held_out)] == held_out.labels.tolist()  # labels go along

    datasets.load.cache_clear()
    assert numbers(datasets.load("digits", "held_out")) == numbers(held_out)
    # The very partition, so that a changed seed or generator does not go unnoticed.
    assert numbers(held_out)[:6] == [8, 14, 41, 49, 69, 83]


def test_the_reporting_split_is_never_trained_on(folder: Path) -> None:
    for split in ("train", "held_out"):
        assert len(datasets.load("digits", split)) in (270, 30)
    (folder / "mnist" / "test-00000-of-00002.parquet").unlink()
    (folder / "mnist" / "test-00001-of-00002.parquet").unlink()
    datasets.load.cache_clear()
    assert len(datasets.load("digits", "train")) == 270
    with pytest.raises(DataUnavailable):
        datasets.load("digits", "report")


def test_photographs_of_other_sizes_are_cropped_and_resized(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_shards(tmp_path, "photographs", "validation", 3, shards=1, size=300)
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
    data = datasets.load("photographs", "report")
    assert data.images.shape == (3, 224, 224, 3)


def test_a_missing_folder_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMCOM_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataUnavailable) as failure:
        datasets.load("digits", "train")
    sentence = str(failure.value)
    assert "SEMCOM_DATA" in sentence
    assert "mnist/train-*.parquet" in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize("failure", ["offline", "refused", "gone"])
def test_no_network_says_what_to_set(monkeypatch: pytest.MonkeyPatch, failure: str) -> None:
    import huggingface_hub
    from huggingface_hub import errors

    problems = {
        "offline": errors.LocalEntryNotFoundError("no local copy"),
        "refused": ConnectionError("refused"),
        "gone": OSError("no route to host"),
    }

    def fail(*arguments: object, **options: object) -> str:
        raise problems[failure]

    monkeypatch.delenv("SEMCOM_DATA", raising=False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(DataUnavailable) as caught:
        datasets.load("digits", "train")
    assert "ylecun/mnist" in str(caught.value)
    assert "SEMCOM_DATA" in str(caught.value)


def test_no_network_with_the_real_client(tmp_path: Path) -> None:
    """The real client against an address where nobody listens, with an empty cache."""
    program = (
        "from semcom_core import datasets\n"
        "try:\n    datasets.load('digits', 'train')\n"
        "except datasets.DataUnavailable as error:\n    print(error)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "SEMCOM_DATA"}
    environment |= {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert "could not be fetched from the Hub" in done.stdout, done.stderr[-2000:]
