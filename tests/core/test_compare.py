"""Defenses × attacks on one picture: the rows are the link's own results, and nothing is computed twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from semcom_core import compare, link
from semcom_core.defenses import DEFENSES
from semcom_core.settings import LinkSettings
from tests.untrained import textured, untrained


@pytest.fixture(scope="module")
def models() -> link.LinkModels:
    return untrained()


class Counting:
    """A cache that keeps everything and tells what it had to compute."""

    def __init__(self) -> None:
        self.values: dict[Hashable, Any] = {}
        self.computed: list[Any] = []

    def __call__(self, key: Hashable, work: Callable[[], Any]) -> Any:
        if key not in self.values:
            self.computed.append(key[0])
            self.values[key] = work()
        return self.values[key]


@pytest.mark.parametrize("defense", ["none", "repobe", "rotation_fast", "noise"])
def test_cells_are_what_a_transmission_gives(models: link.LinkModels, defense: str) -> None:
    native = textured(1)
    settings = compare.canonical(LinkSettings(snr_db=9.0, seed=3), defense)
    row = compare.compare(models, native, settings, ["adaptive", "naive"])
    for attack in ("adaptive", "naive"):
        whole = link.transmit(models, native, replace(settings, attacker=attack))
        for cell, reading in (
            (row.receiver, whole.reception.reading),
            (row.attacks[attack], whole.eavesdropping.reading),
        ):
            assert cell is not None
            shown = (reading.native[0] * 255).round().byte().permute(1, 2, 0).numpy()
            np.testing.assert_array_equal(cell.picture, shown)
            np.testing.assert_allclose(cell.judged, torch.softmax(reading.judged[0], 0), atol=1e-5)
            assert cell.psnr == pytest.approx(float(reading.psnr[0]), abs=1e-4)
            assert cell.mse == pytest.approx(float((reading.native - native).square().mean()), rel=1e-3)
            assert (cell.own is None) == (reading.logits is None)
    assert row.channel_uses == 1568
    assert row.defense == defense


def test_an_attack_without_its_network_is_not_run(models: link.LinkModels) -> None:
    bare = replace(models, attacks={})
    row = compare.compare(bare, textured(1), compare.canonical(LinkSettings(), "none"), ["adaptive", "naive"])
    assert row.attacks["naive"] is None
    assert row.attacks["adaptive"] is not None  # needs no network of its own where no key is in play


def test_only_what_changed_is_computed(models: link.LinkModels) -> None:
    keep, native, wanted = Counting(), textured(1), ["adaptive", "naive"]

    def row(defense: str, **changes: Any) -> list[Any]:
        keep.computed.clear()
        compare.compare(models, native, compare.canonical(LinkSettings(**changes), defense), wanted, keep)
        return sorted(keep.computed)

    assert row("repobe") == ["eavesdrop", "eavesdrop", "encode", "receive", "send"]
    assert row("repobe") == []
    assert row("repobe", noise=2.0, steps=9, attacker="naive") == []  # nothing that this defense heeds
    assert row("repobe", snr_db=3.0) == ["eavesdrop", "eavesdrop", "receive"]  # the same signal on the air
    assert row("noise") == ["eavesdrop", "eavesdrop", "receive", "send"]  # encoded before
    assert row("noise", noise=2.0) == ["eavesdrop", "eavesdrop", "receive", "send"]
    assert "send" in row("noise", seed=1)


def test_two_pictures_never_share_a_result(models: link.LinkModels) -> None:
    keep, native = Counting(), textured(1)
    settings = compare.canonical(LinkSettings(), "none")
    one = compare.compare(models, native, settings, ["naive"], keep)
    other = native.clone()
    other[0, 0, 14, 14] = 1.0 - other[0, 0, 14, 14]
    assert compare.compare(models, other, settings, ["naive"], keep).receiver is not one.receiver


def test_attacks_need_no_key_and_no_earlier_picture() -> None:
    names = compare.attacks()
    assert {"adaptive", "naive"} <= set(names)
    assert not {"key_holder", "known_plaintext", "learned"} & set(names)


def test_canonical_settings_keep_what_a_defense_heeds() -> None:
    settings = LinkSettings(noise=1.5, steps=9, attacker="naive", eve_snr_db=3.0)
    for name, defense in DEFENSES.items():
        if not defense.available("digits"):
            continue
        one = compare.canonical(settings, name)
        assert (one.noise == 1.5) == defense.uses_noise
        assert (one.steps == 9) == defense.uses_steps
        assert one.eve_snr_db is None and one.attacker == "auto"


def test_the_sent_picture_and_the_judge(models: link.LinkModels) -> None:
    native = textured(1)
    cell = compare.sent_cell(models, native)
    assert cell.own is None and cell.psnr is None
    assert cell.answers == (int(models.judge(native).argmax()),)
    assert cell.judged.sum() == pytest.approx(1.0, abs=1e-5)
