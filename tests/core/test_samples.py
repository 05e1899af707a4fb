"""The gallery: always there, always the same pixels, and drawn digits read right after preparation."""

from __future__ import annotations

import numpy as np
import pytest

from semcom_core.domains import DOMAINS
from semcom_core.drawing import digits
from semcom_core.samples import DRAWN, render, samples

ALL = [(domain, sample.key) for domain in DOMAINS for sample in samples(domain)]


@pytest.mark.parametrize("domain", sorted(DOMAINS))
def test_gallery_is_well_formed(domain: str) -> None:
    gallery = samples(domain)
    assert len({sample.key for sample in gallery}) == len(gallery)
    for sample in gallery:
        assert sample.foreign == (sample.label is None)
        assert sample.foreign or 0 <= sample.label < len(DOMAINS[domain].classes)
        assert sample.title and sample.credit
        assert sample.key == sample.key.lower().replace(" ", "-") and sample.key.isascii()  # it goes into URLs
    assert not gallery[0].foreign


def test_every_digit_and_enough_photographs() -> None:
    assert {sample.label for sample in samples("digits")} >= set(range(10))
    drawn = [sample for sample in samples("photographs") if not sample.foreign]
    assert len(drawn) >= 7 and len({sample.label for sample in drawn}) >= 5
    assert sum(sample.foreign for sample in samples("photographs")) >= 2


def test_every_class_of_the_objects_and_a_real_cat() -> None:
    """Drawn for every class of the objects; Chelsea is a cat here, and foreign among the photographs."""
    drawn = {sample.label for sample in samples("objects") if sample.credit == DRAWN}
    assert drawn == set(range(10))
    chelsea = {
        domain: next(one for one in samples(domain) if one.key == "chelsea") for domain in ("objects", "photographs")
    }
    assert DOMAINS["objects"].classes[chelsea["objects"].label] == "cat" and chelsea["photographs"].foreign
    assert sum(sample.foreign for sample in samples("objects")) >= 2


@pytest.mark.parametrize(("domain", "key"), ALL)
def test_render_is_deterministic_and_prepares(domain: str, key: str) -> None:
    picture = render(domain, key)
    assert picture.mode == "RGB" and min(picture.size) >= 200
    assert np.array_equal(np.asarray(picture), np.asarray(render(domain, key)))
    native = DOMAINS[domain].prepare(picture).native
    n = DOMAINS[domain].native_size
    assert native.shape == (DOMAINS[domain].channels, n, n)
    assert 0 <= native.min() and native.max() <= 1 and native.std() > 0.02


def test_unknown_sample() -> None:
    with pytest.raises(KeyError):
        render("digits", "no-such-sample")


def test_a_changed_copy_does_not_change_the_gallery() -> None:
    before = np.asarray(render("digits", "round-7")).copy()
    render("digits", "round-7").paste((0, 0, 0), (0, 0, 50, 50))
    assert np.array_equal(before, np.asarray(render("digits", "round-7")))


@pytest.mark.parametrize("digit", range(10))
def test_phone_photographs_look_like_phone_photographs(digit: int) -> None:
    first, second = (np.asarray(digits.phone_photo(digit, seed), float) for seed in (0, 1))
    assert first.shape == (480, 640, 3) and not np.array_equal(first, second)
    paper = np.median(first)
    assert paper > 60 and first.min() < paper - 40  # dark on light
    blocks = first.mean(2).reshape(12, 40, 16, 40).mean((1, 3))
    assert blocks.max() - blocks.min() > 30  # unevenly lit
