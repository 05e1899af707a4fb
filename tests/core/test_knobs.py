"""Trials of the tuning page: the link's own stages on ten pictures; and sweeps of a measured grid."""

from __future__ import annotations

import pytest
import torch

from semcom_core import knobs, link
from semcom_core.ciphers.keys import KeySource
from semcom_core.evaluation import sweeps
from semcom_core.knobs import KNOBS, Trial
from semcom_core.link import LinkModels
from semcom_core.settings import LinkSettings
from tests.grids import small_grid
from tests.untrained import textured

LABELS = torch.arange(3)


def test_one_picture_of_each_class() -> None:
    native, labels = knobs.pictures("digits")
    assert native.shape == (10, 1, 28, 28)
    assert labels.tolist() == list(range(10))


@pytest.mark.parametrize("defense", ["none", "noise"])
def test_a_whole_message_is_the_links_own_transmission(models: LinkModels, defense: str) -> None:
    settings = LinkSettings(defense=defense, snr_db=5.0, eve_snr_db=0.0)
    encoded = link.encode(models, textured(3))
    outcome = knobs.attempt(models, encoded, LABELS, Trial(settings))
    source = KeySource.published()
    sent = link.send(encoded, settings, source)
    ours = link.receive(models, encoded, sent, settings).reading
    theirs = link.eavesdrop(models, encoded, sent, settings, source).reading
    for side, reading in ((outcome.receiver, ours), (outcome.attacker, theirs)):
        assert side.reads.tolist() == reading.logits.argmax(1).tolist()
        assert side.accuracy == pytest.approx(float((reading.logits.argmax(1) == LABELS).float().mean()))
        assert side.psnr == pytest.approx(float(reading.psnr.mean()))
        assert side.looks.shape == (3, 28, 28, 1)
    assert outcome.uses == 1568


def test_a_cut_message_loses_something_and_its_first_symbols_arrive(models: LinkModels) -> None:
    encoded = link.encode(models, textured(3))
    settings = LinkSettings(defense="none", snr_db=30.0)
    whole, half = (knobs.attempt(models, encoded, LABELS, Trial(settings, share)) for share in (1.0, 0.5))
    assert half.uses == 784
    assert half.receiver.psnr != whole.receiver.psnr
    heard = knobs._heard(encoded.symbols, 784, "awgn", 60.0, link.generator(0, "bob")).equalise()
    torch.testing.assert_close(heard[:, :784], encoded.symbols[:, :784], atol=0.01, rtol=0.01)
    assert not heard[:, 784:].any()


def test_an_attacker_with_an_earlier_message_still_works_on_a_cut_one(models: LinkModels) -> None:
    encoded = link.encode(models, textured(3))
    known = link.Encoded(encoded.native[:1], encoded.symbols[:1], encoded.digests[:1])
    settings = LinkSettings(defense="repobe", policy="fixed", snr_db=20.0)
    outcome = knobs.attempt(models, encoded, LABELS, Trial(settings, 0.6), known)
    assert outcome.attacker.looks is not None
    assert outcome.attacker.psnr == pytest.approx(outcome.receiver.psnr, abs=1.0)  # it has the key


def test_knobs_turn_what_they_name() -> None:
    trial = Trial(LinkSettings(defense="noise"))
    assert trial.turned("share", 0.25) == Trial(LinkSettings(defense="noise"), 0.25)
    for name, knob in KNOBS.items():
        if name != "share":
            for value in knob.values:
                assert getattr(trial.turned(name, value).settings, name) == value
    assert trial.uses(32) == 32 and Trial(trial.settings, 0.001).uses(32) == 1
    heeded = {name for name, knob in KNOBS.items() if knob.heeded(trial.settings.chosen_defense)}
    assert heeded == {"snr_db", "eve_snr_db", "share", "noise"}


def test_large_pictures_are_kept_small() -> None:
    assert knobs.pixels(torch.rand(2, 3, 224, 224)).shape == (2, 112, 112, 3)
    assert knobs.pixels(torch.rand(2, 1, 28, 28)).shape == (2, 28, 28, 1)


# --- Sweeps of the grid ------------------------------------------------------------------------------------


def test_sweeps_of_a_small_grid() -> None:
    grid = small_grid()
    assert sweeps.available(grid) == ["snr", "steps", "cem"]
    over_snr = sweeps.sweeps(grid, "snr", "awgn", 10.0)
    assert [place.words for place in over_snr[0].positions] == ["7", "10", "23"]
    assert over_snr[0].positions[0].attacker is None  # attacks were run at 10 dB only
    assert over_snr[0].positions[1].attacker.attack == "inversion"
    (steps,) = sweeps.sweeps(grid, "steps", "awgn", 10.0)
    assert (steps.defense, [place.words for place in steps.positions]) == ("diffsem", ["0", "4"])
    assert steps.positions[1].receiver["accuracy"] > steps.positions[0].receiver["accuracy"]
    (cem,) = sweeps.sweeps(grid, "cem", "awgn", 10.0)
    assert [place.receiver["defense"] for place in cem.positions] == ["cem_off", "cem"]
    assert {row["defense"] for row in sweeps.rows([cem])} == {"cem_off", "cem"}
