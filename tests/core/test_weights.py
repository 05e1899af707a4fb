"""Weights on disk: verify before parse, refuse odd configurations, save and load."""

from __future__ import annotations

import hashlib
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from semcom_core import cards, manifest, models, weights

CONFIG = {
    "network": "tiny",
    "arguments": {"width": 3},
    "domain": "digits",
    "recipe": "digits/base",
    "recipe_digest": "0123456789abcdef",
}


class Tiny(nn.Module):
    """A convolution and a batch normalisation: floats, 4-D weights and an integer buffer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, width, 3)
        self.norm = nn.BatchNorm2d(width)
        self.register_buffer("threshold", torch.tensor(float("inf")))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weights folder, no project weights, no Hub, and a tiny network in the registry."""
    monkeypatch.setitem(models.MODELS, "tiny", models.ModelSpec(Tiny, {"width": range(1, 9)}))
    monkeypatch.setenv("SEMCOM_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(manifest, "PROJECT_WEIGHTS", tmp_path / "project")
    monkeypatch.delenv("SEMCOM_HUB_REPO", raising=False)
    return tmp_path / "weights"


@pytest.fixture
def saved(folder: Path) -> Path:
    """The folder with one saved model, digits/base."""
    weights.save("digits/base", tiny(), CONFIG)
    return folder


def tiny(width: int = 3) -> Tiny:
    """A tiny network with non-trivial statistics."""
    module = Tiny(width)
    module.norm.running_mean.normal_(generator=torch.Generator().manual_seed(1))
    module.norm.num_batches_tracked.fill_(7)
    return module


def replace(folder: Path, file: str, data: bytes) -> None:
    """Replace a file *and* its manifest entry: the hash is right, the content is not."""
    (folder / file).write_bytes(data)
    manifest.update({file: manifest.Entry.of(data)})


def test_round_trip_is_exact_up_to_half_precision(folder: Path) -> None:
    module = tiny().to(memory_format=torch.channels_last)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    weights.save("digits/base", module, CONFIG)
    loaded = weights.load("digits/base")

    assert loaded.config == CONFIG
    assert loaded.located.origin == "bundled"
    assert loaded.located.revision is None
    for key, value in loaded.module.state_dict().items():
        assert torch.equal(module.state_dict()[key], before[key]), "saving must not change the module"
        expected = before[key].half().float() if before[key].is_floating_point() else before[key]
        assert value.dtype == before[key].dtype
        assert torch.equal(value, expected)


def test_loaded_module_is_frozen_and_channels_last(saved: Path) -> None:
    module = weights.load("digits/base").module
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert all(parameter.dtype == torch.float32 for parameter in module.parameters())
    assert module.conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_what_is_loaded_is_noted_with_its_hash(saved: Path) -> None:
    weights.load("digits/base")
    with weights.noted() as outer:
        weights.load("digits/base")
        with weights.noted() as inner:
            pass
    weights.save("digits/base", tiny(5), CONFIG | {"arguments": {"width": 5}})
    with weights.noted() as changed:
        weights.load("digits/base")
    sha256 = hashlib.sha256((saved / "digits/base/model.safetensors").read_bytes()).hexdigest()
    assert inner == {} and changed == {"digits/base": sha256}
    assert outer.keys() == {"digits/base"} and outer != changed


def test_equal_tensors_give_equal_bytes(folder: Path) -> None:
    module = tiny()
    weights.save("digits/base", module, CONFIG)
    first = {path.name: path.read_bytes() for path in (folder / "digits/base").iterdir()}
    manifest_first = (folder / "manifest.json").read_bytes()
    weights.save("digits/base", module.to(memory_format=torch.channels_last), dict(reversed(CONFIG.items())))
    assert first == {path.name: path.read_bytes() for path in (folder / "digits/base").iterdir()}
    assert manifest_first == (folder / "manifest.json").read_bytes()


def test_manifest_is_sorted_and_covers_both_files(folder: Path) -> None:
    weights.save("digits/judge", tiny(), CONFIG)
    weights.save("digits/base", tiny(), CONFIG)
    text = (folder / "manifest.json").read_text()
    content = json.loads(text)
    assert text == json.dumps(content, indent=2, sort_keys=True) + "\n"
    assert list(content["files"]) == [
        "digits/base/config.json", "digits/base/model.safetensors",
        "digits/judge/config.json", "digits/judge/model.safetensors",
    ]  # fmt: skip
    located = weights.locate("digits/base")
    assert content["files"]["digits/base/model.safetensors"]["sha256"] == located.sha256
    assert content["files"]["digits/base/model.safetensors"]["bytes"] == located.weights.stat().st_size
    assert weights.available("digits") == ["digits/base", "digits/judge"]
    assert weights.available("photographs") == []


def test_simultaneous_saves_keep_each_other_in_the_manifest(folder: Path) -> None:
    names = [f"digits/m{number}" for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: weights.save(name, tiny(), CONFIG), names))
    assert manifest.names() == names
    assert not list(folder.rglob("*.tmp"))


def test_save_copies_the_papers_and_writes_a_card(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("lr = 1e-3\n")
    (tmp_path / "l.csv").write_text("step,loss\n")
    target = weights.save("digits/base", tiny(), CONFIG, recipe=tmp_path / "r.toml", log=tmp_path / "l.csv")
    assert {path.name for path in target.iterdir()} == {
        "model.safetensors", "config.json", "recipe.toml", "log.csv", "README.md",
    }  # fmt: skip
    assert (target / "README.md").read_text().startswith("---\nlicense:")
    assert stat.S_IMODE((target / "model.safetensors").stat().st_mode) & stat.S_IRUSR
    weights.save("digits/base", tiny(), CONFIG, card="my own words")
    assert (target / "README.md").read_text() == "my own words"


def test_results_of_other_weights_do_not_survive(saved: Path) -> None:
    results = saved / "digits/base/results.json"
    results.write_text('{"awgn": {"10": {"accuracy": 0.98765}}}')
    same = weights.load("digits/base").module
    weights.save("digits/base", same, CONFIG)
    assert results.is_file()
    assert "| awgn.10.accuracy | 0.9877 |" in (saved / "digits/base/README.md").read_text()
    same.conv.weight.add_(1.0)
    weights.save("digits/base", same, CONFIG)
    assert not results.exists()
    assert "Not run." in (saved / "digits/base/README.md").read_text()


def test_save_refuses_what_could_not_be_loaded(folder: Path) -> None:
    with pytest.raises(weights.RefusedConfig):
        weights.save("digits/base", tiny(), CONFIG | {"arguments": {"width": 99}})
    with pytest.raises(ValueError, match="not what the configuration builds"):
        weights.save("digits/base", tiny(4), CONFIG)
    with pytest.raises(ValueError, match="domain/name"):
        weights.save("../base", tiny(), CONFIG)
    module = tiny()
    module.norm.running_var.fill_(1e6)
    with pytest.raises(ValueError, match="half precision"):
        weights.save("digits/base", module, CONFIG)
    assert not folder.exists()


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_one_changed_byte_is_refused_before_parsing(saved: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved / "digits/base" / file
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(weights, "read_config", lambda *_: pytest.fail("parsed before it was verified"))
    with pytest.raises(weights.TamperedWeights, match=f"digits/base/{file} in the weights folder differs") as caught:
        weights.load("digits/base")
    assert str(saved) not in str(caught.value)


def test_truncated_weights(saved: Path) -> None:
    path = saved / "digits/base/model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-10])
    with pytest.raises(weights.TamperedWeights, match="differs from the manifest"):
        weights.load("digits/base")
    for part in (data[:-10], data[:5], b""):
        replace(saved, "digits/base/model.safetensors", part)
        with pytest.raises(weights.TamperedWeights, match="damaged"):
            weights.load("digits/base")


def test_weights_of_another_shape(saved: Path) -> None:
    weights.save("digits/wide", tiny(4), CONFIG | {"arguments": {"width": 4}})
    replace(saved, "digits/base/model.safetensors", (saved / "digits/wide/model.safetensors").read_bytes())
    with pytest.raises(weights.TamperedWeights, match="do not fit"):
        weights.load("digits/base")


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_missing_file(saved: Path, file: str) -> None:
    (saved / "digits/base" / file).unlink()
    assert weights.available("digits") == []
    with pytest.raises(weights.MissingWeights, match="set SEMCOM_HUB_REPO"):
        weights.load("digits/base")


@pytest.mark.parametrize("name", ["digits/other", "digits", "../../etc/passwd", "digits/../digits/base", ""])
def test_name_that_is_not_in_the_manifest(saved: Path, name: str) -> None:
    with pytest.raises(weights.MissingWeights, match="known are digits/base"):
        weights.load(name)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"{}", b'{"version": 2, "files": {}}', b'{"version": 1, "files": []}',
        b'{"version": 1, "files": {"../x/model.safetensors": {"sha256": "' + b"0" * 64 + b'", "bytes": 1}}}',
        b'{"version": 1, "files": {"a/b/run.py": {"sha256": "' + b"0" * 64 + b'", "bytes": 1}}}',
        b'{"version": 1, "files": {"a/b/config.json": {"sha256": "00", "bytes": 1}}}',
        b'{"version": 1, "files": {"a/b/config.json": {"sha256": "' + b"0" * 64 + b'", "bytes": true}}}',
        b'{"version": 1, "files": {"a/b/config.json": {"sha256": "' + b"0" * 64 + b'"}}}',
    ],
)  # fmt: skip
def test_damaged_manifest(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(weights.WeightsError, match="manifest is damaged"):
        weights.load("digits/base")


def test_folder_without_manifest_is_held_to_the_projects(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (saved / "manifest.json").rename(saved / "moved.json")
    assert manifest.read() == {}
    manifest.PROJECT_WEIGHTS.mkdir()
    (saved / "moved.json").rename(manifest.PROJECT_WEIGHTS / "manifest.json")
    assert weights.load("digits/base").located.origin == "bundled"
    (saved / "digits/base/config.json").write_bytes(b"{}")
    with pytest.raises(weights.TamperedWeights):
        weights.load("digits/base")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": "os.system"}, "no network 'os.system'"),
        ({"network": ["tiny"]}, "no network list"),
        ({"network": "x" * 5000}, "no network"),
        ({"arguments": {"width": 0}}, "integer from 1 to 8, not 0"),
        ({"arguments": {"width": 9}}, "integer from 1 to 8, not 9"),
        ({"arguments": {"width": 3.0}}, "not 3.0"),
        ({"arguments": {"width": True}}, "not True"),
        ({"arguments": {"width": "3"}}, "not '3'"),
        ({"arguments": {"width": None}}, "not None"),
        ({"arguments": {"width": [3]}}, "not list"),
        ({"arguments": {}}, "exactly the arguments width"),
        ({"arguments": {"width": 3, "device": 1}}, "exactly the arguments width"),
        ({"arguments": [3]}, "exactly the arguments"),
        ({"auto_map": "evil.py"}, "exactly the fields"),
        ({"domain": "photographs"}, "domain"),
        ({"recipe": "../../secret"}, "recipe must"),
        ({"recipe_digest": "no"}, "digest"),
        ({"recipe_digest": 12345678}, "digest"),
    ],
)
def test_refused_configurations(saved: Path, change: dict, words: str) -> None:
    replace(saved, "digits/base/config.json", json.dumps(CONFIG | change).encode())
    with pytest.raises(weights.RefusedConfig, match="digits/base was refused") as caught:
        weights.load("digits/base")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.one_of(st.binary(max_size=64), JSON.map(lambda value: json.dumps(value).encode()), st.just(b"[" * 100_000)))
def test_arbitrary_configurations_are_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(weights.RefusedConfig):
        weights.read_config(data, "digits/base")


@given(st.sampled_from([*CONFIG, "extra"]), JSON)
def test_one_arbitrary_field_is_refused_or_means_what_it_says(field: str, value: object) -> None:
    config = CONFIG | {"network": "repobe_codec", "arguments": {"image_channels": 1, "classes": 10}}
    data = json.dumps(config | {field: value}).encode()
    try:
        accepted = weights.read_config(data, "digits/base")
    except weights.RefusedConfig:
        return
    models.check(accepted["network"], accepted["arguments"])
    assert field != "extra"
    assert type(value) is str, "only a string can replace one of these fields"


@given(JSON, JSON)
def test_only_bounded_integers_reach_a_network(image_channels: object, classes: object) -> None:
    try:
        models.check("repobe_codec", {"image_channels": image_channels, "classes": classes})
    except ValueError:
        return
    assert type(image_channels) is int
    assert type(classes) is int
    assert image_channels in (1, 3)
    assert 2 <= classes <= 1000


def test_registry_builds_the_codec() -> None:
    codec = models.build("repobe_codec", {"image_channels": 3, "classes": 10})
    assert codec.encoder is not None
    with pytest.raises(ValueError, match="1 or 3, not 2"):
        models.build("repobe_codec", {"image_channels": 2, "classes": 10})


def test_card_states_measures_and_how_to_reproduce() -> None:
    card = cards.model_card("digits/base", CONFIG, {"sha256": "ab", "psnr": [21.123456, 1], "cells": [{"snr": 7}]})
    assert "| psnr | 21.12, 1 |" in card
    assert "| cells.0.snr | 7 |" in card
    assert "python -m semcom_core train digits/base" in card
    assert "Not run." in cards.model_card("digits/base", CONFIG, None)
