"""The ideal digital link: sizes in bytes, Shannon's limit, outages, and the classifier's training."""

from __future__ import annotations

import io
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from semcom_core import datasets
from semcom_core.channels import CHANNELS, propagate
from semcom_core.codecs import jpeg2000
from semcom_core.codecs.base import IdealCodec
from semcom_core.codecs.jpeg2000 import (
    BUDGETS,
    JPEG2000Codec,
    codestream,
    compress,
    decompress,
    to_pictures,
    to_pixels,
    without_comment,
)
from semcom_core.training import jpeg2000 as training
from semcom_core.training import recipe


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Coloured textures from smooth to rough, uint8 (count,32,32,3)."""
    rng = np.random.default_rng(seed)
    out = [gaussian_filter(rng.normal(size=(32, 32, 3)), (0.6 + k % 4, 0.6 + k % 4, 0)) for k in range(count)]
    return np.stack([128 + 45 * one / one.std() for one in out]).clip(0, 255).astype(np.uint8)


def quality(pixels: np.ndarray, stream: bytes) -> float:
    error = np.square(decompress(stream).astype(float) - pixels).mean()
    return 10 * math.log10(255**2 / max(error, 1e-3))


@pytest.fixture(scope="module")
def codec() -> JPEG2000Codec:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        codec = JPEG2000Codec().eval().requires_grad_(False)
    codec.held_out_accuracy.copy_(torch.tensor([0.35, 0.5, 0.62, 0.72, 0.78, 0.83, 0.86, 0.87]))
    codec.mean_picture.copy_(torch.linspace(0.2, 0.7, 3)[:, None, None].expand(3, 32, 32))
    return codec


def test_comment_costs_nothing_but_bytes() -> None:
    file = io.BytesIO()
    Image.fromarray(pictures(1)[0]).save(file, "JPEG2000", no_jp2=True)
    full = file.getvalue()
    short = without_comment(full)
    assert b"OpenJPEG" in full and b"OpenJPEG" not in short and len(full) - len(short) > 30
    assert np.array_equal(decompress(full), decompress(short))
    assert without_comment(short) == short


def test_raw_codestream_of_the_picture() -> None:
    pixels = pictures(1)[0]
    stream = codestream(pixels)
    assert stream[:4] == b"\xff\x4f\xff\x51" and stream[-2:] == b"\xff\xd9"  # SOC SIZ … EOC, no JP2 boxes
    assert quality(pixels, stream) > 45


@pytest.mark.parametrize("budget", [130, 196, 300, 507, 900, 1499])
def test_fits_and_spends_the_budget(budget: int) -> None:
    for pixels in pictures(8, budget):
        stream = compress(pixels, budget)
        assert stream is not None and len(stream) <= budget
        everything = len(codestream(pixels))
        assert len(stream) >= min(0.85 * budget, 0.97 * everything)


def test_more_bytes_are_better() -> None:
    for pixels in pictures(4, 5):
        values = [quality(pixels, compress(pixels, budget)) for budget in (150, 220, 350, 600, 1100)]
        assert all(later > earlier for earlier, later in pairwise(values))


def test_nothing_fits_into_less_than_a_header() -> None:
    assert compress(pictures(1)[0], 60) is None


def test_pixels_survive_the_way_to_a_tensor() -> None:
    pixels = pictures(3)
    assert np.array_equal(np.stack([to_pixels(one) for one in to_pictures(pixels)]), pixels)


def test_budget_is_the_capacity(codec: JPEG2000Codec) -> None:
    assert codec.rate(0.0, fading=False) == pytest.approx(1.0)
    assert codec.budget(codec.rate(0.0, fading=False)) == 1568 // 8
    for snr_db, kilobits in ((7, 4.06), (23, 12.0)):
        assert codec.budget(codec.rate(snr_db, fading=False)) * 8 == pytest.approx(1000 * kilobits, rel=0.003)


def test_awgn_delivers_exactly_up_to_capacity(codec: JPEG2000Codec) -> None:
    """The receiver always; an eavesdropper with any less SNR never: the rate is the receiver's capacity."""
    native = to_pictures(pictures(3))
    for snr_db in (0.0, 7.0, 13.37, 23.0):
        received = propagate(CHANNELS["awgn"], codec.encode(native), snr_db, torch.Generator().manual_seed(1))
        noise = received.effective()[1]
        got = codec.deliver(native, snr_db, noise, fading=False)
        budget = codec.budget(codec.rate(snr_db, fading=False))
        sent = to_pictures(np.stack([decompress(compress(to_pixels(one), budget)) for one in native]))
        assert torch.equal(got.image, sent)
        assert torch.allclose(got.logits, codec.read_class(sent), atol=1e-5)
        weaker = codec.deliver(native, snr_db, noise * 10**0.02, fading=False)
        assert torch.equal(weaker.image, codec.mean_picture.expand_as(native)) and not weaker.logits.any()


@pytest.mark.parametrize("snr_db", [7.0, 23.0])
def test_outages_are_as_frequent_as_stated(codec: JPEG2000Codec, snr_db: float) -> None:
    count = 400
    native = torch.full((count, 3, 32, 32), 0.4)
    x = torch.ones(count, 1, dtype=torch.complex64)
    received = propagate(CHANNELS["rayleigh"], x, snr_db, torch.Generator().manual_seed(3))
    got = codec.deliver(native, snr_db, received.effective()[1], fading=True)
    share = float((got.image - codec.mean_picture).abs().amax((1, 2, 3)).lt(1e-6).float().mean())
    target = codec.outage_target(snr_db)
    assert abs(share - target) < 3.5 * math.sqrt(target * (1 - target) / count)
    power = received.h.abs().square()[:, 0]
    carried = torch.log2(1 + power * 10 ** (snr_db / 10)) >= codec.rate(snr_db, fading=True)
    assert torch.equal(got.logits.any(1), carried)


@pytest.mark.parametrize("snr_db", [0.0, 7.0, 15.0, 23.0])
def test_no_other_outage_probability_is_better(codec: JPEG2000Codec, snr_db: float) -> None:
    """For an outage p the sender may use the rate log2(1 − SNR·ln(1 − p)), by the exponential law of |h|²."""
    snr = 10 ** (snr_db / 10)

    def expected(p: float) -> float:
        size = 1568 * math.log2(1 - snr * math.log(1 - p)) / 8
        if size < BUDGETS[0]:
            return 0.1
        accuracy = np.interp(math.log(size), np.log(BUDGETS), codec.held_out_accuracy.numpy())
        return (1 - p) * accuracy + p / 10

    best = max(expected(p) for p in np.arange(0.002, 0.9, 0.002))
    assert expected(codec.outage_target(snr_db)) > best - 0.003


def test_codewords(codec: JPEG2000Codec) -> None:
    native = to_pictures(pictures(6))
    s = codec.encode(native)
    assert s.shape == (6, codec.channel_uses) and s.dtype == torch.complex64
    assert torch.allclose(s.abs().square().mean(1), torch.ones(6), atol=1e-5)
    assert abs(float(s.abs().pow(4).mean()) - 2.0) < 0.15  # of a complex Gaussian: E|s|⁴ = 2
    gram = (s @ s.conj().T).abs() / codec.channel_uses
    assert (gram - gram.diag().diag()).max() < 0.12  # independent: of the order 1/√1568
    assert torch.equal(s, codec.encode(native)) and not torch.equal(s[:1], codec.encode(native[:1], rate=1.0))


def test_ideal_codes_have_no_decoder(codec: JPEG2000Codec) -> None:
    assert isinstance(codec, IdealCodec)
    with pytest.raises(NotImplementedError, match="ideal code"):
        codec.decode(torch.ones(1, 1568, dtype=torch.complex64))


def test_task_fills_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {
        "train": datasets.ArrayDataset(pictures(40), np.arange(40) % 10),
        "held_out": datasets.ArrayDataset(pictures(10, 9), np.arange(10)),
    }
    monkeypatch.setattr(datasets, "load", lambda domain, split: data[split])
    chosen = recipe.read("objects/jpeg2000")
    task = training.JPEG2000Task(chosen, tmp_path, copies=1, compressed=1.0)
    assert len(task.train) == 40 and task.epoch_size(recipe.Stage(1, 16)) == 32
    expected = pictures(40).mean(0).transpose(2, 0, 1) / 255
    assert np.allclose(task.model.mean_picture, expected, atol=1e-5)
    stage = recipe.Stage(epochs=1, batch=16, size=32)
    batch = next(task.batches(stage, np.random.default_rng(0)))
    task.loss(batch, stage, torch.Generator())["loss"].backward()
    assert all(p.grad is not None for p in task.model.parameters())
    figures = task.validate(task.model.eval(), stage)
    assert {f"accuracy_{budget}" for budget in BUDGETS} < figures.keys()
    assert (task.model.held_out_accuracy.diff() >= 0).all()
    assert task.model.held_out_accuracy[-1] == pytest.approx(max(figures[f"accuracy_{one}"] for one in BUDGETS))
    again = training.JPEG2000Task(chosen, tmp_path, copies=1, compressed=1.0)  # from the files this time
    assert np.array_equal(again.pool, task.pool) and np.array_equal(data["train"].images, pictures(40))


def test_weights_are_small() -> None:
    assert sum(value.numel() for value in JPEG2000Codec().state_dict().values()) * 2 < 6e6
    assert jpeg2000.CHANNEL_USES == JPEG2000Codec.channel_uses == 1568
