"""Preparation: polarity, shadows, geometry as in MNIST; and the way to the codec's size and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps
from scipy import ndimage

from semcom_core.domains import CODEC_SIZE, DOMAINS
from semcom_core.drawing import digits
from semcom_core.images import PictureError
from semcom_core.training.augment import plain

DIGITS, PHOTOGRAPHS = DOMAINS["digits"], DOMAINS["photographs"]
TEN = range(10)


def prepared(picture: Image.Image) -> np.ndarray:
    return DIGITS.prepare(picture).native[0].numpy()


def drawn(digit: int, hand: str = "round", side: int = 320) -> Image.Image:
    return digits.clean(digits.HANDS[hand][str(digit)], digit, side)


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation, at the best of nine one-pixel shifts: the centre of mass may round differently."""
    return max(
        float(np.corrcoef(a.ravel(), np.roll(b, shift, (0, 1)).ravel())[0, 1]) for shift in np.ndindex(3, 3)
        for shift in [(shift[0] - 1, shift[1] - 1)]
    )  # fmt: skip


@pytest.mark.parametrize("digit", TEN)
@pytest.mark.parametrize("hand", sorted(digits.HANDS))
def test_geometry_is_that_of_mnist(digit: int, hand: str) -> None:
    native = prepared(drawn(digit, hand))
    rows, columns = np.nonzero(native > 0.05)
    assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    assert np.abs(np.array(ndimage.center_of_mass(native)) - 14).max() <= 0.75
    assert native.max() == 1 and (native[0] == 0).all() and (native[:, 0] == 0).all()
    assert 0.04 < native.mean() < 0.25  # MNIST: 0.13 on average


@pytest.mark.parametrize("digit", TEN)
def test_polarity_does_not_matter(digit: int) -> None:
    dark, light = DIGITS.prepare(drawn(digit)), DIGITS.prepare(ImageOps.invert(drawn(digit)))
    assert likeness(dark.native[0].numpy(), light.native[0].numpy()) > 0.98
    assert any("inverted" in note for note in dark.notes) and not any("inverted" in note for note in light.notes)


@pytest.mark.parametrize("digit", TEN)
@pytest.mark.parametrize("inverted", [False, True])
def test_a_prepared_digit_is_its_own_preparation(digit: int, inverted: bool) -> None:
    """A picture in MNIST's own format comes back (nearly) unchanged, as MNIST's pictures do."""
    once = np.round(prepared(drawn(digit)) * 255).astype(np.uint8)
    picture = Image.fromarray(255 - once if inverted else once)
    assert np.abs(prepared(picture) - once / 255).mean() < 0.003


@pytest.mark.parametrize("digit", TEN)
def test_shadow_paper_and_noise_are_removed(digit: int) -> None:
    native = prepared(digits.phone_photo(digit, 0))
    _, pieces = ndimage.label(native > 0.3, np.ones((3, 3)))
    assert pieces <= 2 and (native == 0).mean() > 0.5


def test_a_hard_shadow_changes_little() -> None:
    for digit in TEN:
        picture = np.asarray(drawn(digit), float)
        x, y = np.meshgrid(np.linspace(0, 1, 320), np.linspace(0, 1, 320))
        light = 1 - 0.35 / (1 + np.exp(-(x + 0.6 * y - 0.75) / 0.02))
        shadowed = Image.fromarray((picture * light[..., None]).astype(np.uint8))
        assert likeness(prepared(drawn(digit)), prepared(shadowed)) > 0.99


@pytest.mark.parametrize("digit", TEN)
def test_hairlines_are_thickened_and_said_so(digit: int) -> None:
    ink = digits.coverage(digits.ROUND[str(digit)], (400, 400), 300, 3, 0, digit)
    result = DIGITS.prepare(Image.fromarray((245 - 215 * ink).astype(np.uint8)))
    assert any("thin" in note for note in result.notes)
    assert likeness(result.native[0].numpy(), prepared(drawn(digit))) > 0.6
    assert result.native.max() == 1


def test_thick_strokes_stay() -> None:
    ink = digits.coverage(digits.ROUND["1"], (300, 300), 220, 44, 0, 1)
    result = DIGITS.prepare(Image.fromarray((250 - 230 * ink).astype(np.uint8)))
    assert not any("thin" in note for note in result.notes) and result.native.mean() > 0.06


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"])
def test_every_mode(mode: str) -> None:
    assert likeness(prepared(drawn(5).convert(mode)), prepared(drawn(5))) > 0.95


@pytest.mark.parametrize("size", [12, 28, 40, 100, 101, 400, 900])
def test_every_size(size: int) -> None:
    assert likeness(prepared(drawn(3).resize((size, size), Image.Resampling.BOX)), prepared(drawn(3))) > 0.7


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (100, 100), "white"),
        Image.new("RGB", (100, 100), "black"),
        Image.new("L", (8, 8), 127),
        Image.fromarray(np.random.default_rng(0).integers(195, 206, (300, 300), dtype=np.uint8)),
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)),
        Image.new("RGB", (8, 900), (200, 190, 180)),
    ],
    ids=["white", "black", "grey", "paper", "static", "strip"],
)
def test_no_ink_is_said(picture: Image.Image) -> None:
    with pytest.raises(PictureError, match="No handwriting"):
        DIGITS.prepare(picture)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(DOMAINS)), st.integers(8, 120), st.integers(8, 120), st.integers(0, 9), st.integers(0, 5))
def test_any_picture_is_prepared_or_refused(domain: str, width: int, height: int, seed: int, blur: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    try:
        result = DOMAINS[domain].prepare(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(blur)))
    except PictureError:
        assert domain == "digits"
        return
    n = DOMAINS[domain].native_size
    assert result.native.shape == (DOMAINS[domain].channels, n, n) and result.native.dtype == torch.float32
    assert 0 <= result.native.min() and result.native.max() <= 1 and result.native.isfinite().all()


def test_photographs_keep_the_centre_square() -> None:
    picture = Image.new("RGB", (600, 300), (200, 0, 0))
    picture.paste((0, 200, 0), (150, 0, 450, 300))
    result = PHOTOGRAPHS.prepare(picture)
    assert result.native.shape == (3, 224, 224) and "square" in result.notes[0]
    assert float((result.native[1, :, 3:-3] - 200 / 255).abs().max()) < 0.01  # the filter reaches over the cut
    assert PHOTOGRAPHS.prepare(Image.new("RGB", (224, 224))).notes == ()


def test_photographs_of_native_size_pass_unchanged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    native = PHOTOGRAPHS.prepare(Image.fromarray(pixels)).native
    assert torch.equal(native, torch.from_numpy(pixels).permute(2, 0, 1).float() / 255)


def test_photographs_are_reduced_with_anti_aliasing() -> None:
    stripes = np.zeros((896, 896, 3), np.uint8)
    stripes[:, ::2] = 255
    native = PHOTOGRAPHS.prepare(Image.fromarray(stripes)).native
    assert abs(float(native.mean()) - 0.5) < 0.01 and float(native.std()) < 0.02


def test_enlarge_is_the_enlargement_of_training() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)
    native = torch.from_numpy(images)[:, None].float() / 255
    assert torch.equal(DIGITS.enlarge(native), plain("digits", images, CODEC_SIZE))
    assert DIGITS.enlarge(native).shape == (4, 1, 224, 224)


def test_round_trip_to_the_codec_and_back_is_exact() -> None:
    native = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    back = DIGITS.to_native(DIGITS.enlarge(native))
    assert float((back - native).abs().max()) < 1e-5
    blurred = F.interpolate(DIGITS.enlarge(native), size=28, mode="area")
    assert float((blurred - native).abs().max()) > 0.1  # what averaging would have cost


def test_to_native_is_a_least_squares_fit() -> None:
    """No other native picture enlarges to something nearer to a noisy one."""
    generator = torch.Generator().manual_seed(0)
    noisy = torch.rand(1, 1, 224, 224, generator=generator)
    best = DIGITS.to_native(noisy)
    error = (DIGITS.enlarge(best) - noisy).square().sum()
    for _ in range(5):
        other = best + 0.01 * torch.randn(best.shape, generator=generator)
        assert (DIGITS.enlarge(other) - noisy).square().sum() > error


def test_native_pictures_pass_unchanged() -> None:
    digit, photograph = torch.rand(2, 1, 28, 28), torch.rand(2, 3, 224, 224)
    assert DIGITS.to_native(digit) is digit
    assert PHOTOGRAPHS.to_native(photograph) is photograph and PHOTOGRAPHS.enlarge(photograph) is photograph
