"""Figures of attacks, the questions behind them, and the lab's searches on untrained networks."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from semcom_core.defenses.purification import Level
from semcom_core.domains import DOMAINS
from semcom_core.evaluation import adversarial_select as select
from semcom_core.evaluation.adversarial_select import Kind
from semcom_core.evaluation.reported import reported
from semcom_core.figures_adversarial import Moves, Series, accuracy, feature_space, magnified
from semcom_core.lab import feature_space as space
from semcom_core.lab import flip, manipulated
from semcom_core.lab.flip import TRIES, Tried, bracket, flip_point
from semcom_core.lab.manipulated import Outcome, Reading, Setup, attack, run
from semcom_core.networks.denoiser import DiffSemNetworks
from tests.adversarial_results import results
from tests.untrained import textured, untrained

DIGITS = DOMAINS["digits"]


# --- Figures ------------------------------------------------------------------------------------------


def test_a_change_is_magnified_by_the_factor_that_is_said() -> None:
    change = np.zeros((4, 4, 1))
    change[0, 0], change[1, 1] = 0.016, -0.008
    shown, factor = magnified(change)
    assert factor == 28
    assert shown[0, 0] == round((0.5 + 28 * 0.016) * 255) and shown[2, 2] == 128
    assert shown[1, 1] == round((0.5 - 28 * 0.008) * 255)
    assert magnified(np.zeros((4, 4, 1)))[1] == 1
    assert magnified(np.full((4, 4, 1), 0.9))[1] == 1


def test_reported_values_are_hollow_and_of_the_line_s_colour() -> None:
    line = Series("ours", 1, [7.0], [0.9], True, [(0.88, 0.91)], [(7.0, 0.95)], "theirs")
    ours, theirs = accuracy([line], "x", "y", x_span=(6, 24)).data
    assert theirs.marker.symbol == f"{ours.marker.symbol}-open" and theirs.mode == "markers"
    assert theirs.marker.color == ours.line.color
    untouched = accuracy([replace(line, attacked=False)], "x", "y").data[1]
    assert untouched.marker.symbol == f"{ours.marker.symbol}-open-dot"
    assert ours.error_y.array[0] == pytest.approx(0.01) and ours.error_y.arrayminus[0] == pytest.approx(0.02)


def test_untouched_is_dotted_and_receivers_differ_in_more_than_colour() -> None:
    lines = [Series("a", k, [7.0], [0.9], attacked) for k in range(4) for attacked in (True, False)]
    looks = {(one.marker.symbol, one.line.color, one.line.dash) for one in accuracy(lines, "x", "y").data}
    assert len(looks) == 8


def test_a_radius_of_zero_has_its_place_on_the_logarithmic_axis() -> None:
    line = Series("a", 0, [0.0, 0.004, 0.016], [1.0, 0.9, 0.5], notes=["", "one step", "two"])
    figure = accuracy([line], "x", "y", radius=True, marks=(0.016,))
    axis = figure.layout.xaxis
    assert axis.type == "log" and axis.ticktext[0] == "0" and axis.tickvals[0] == figure.data[0].x[0] == 0.002
    said = [tuple(one) for one in figure.data[0].customdata]
    assert said == [(0.0, ""), (0.004, ", one step"), (0.016, ", two")]  # pointing at it says 0, and which attack
    assert figure.layout.shapes[0].x0 == 0.016


def test_arrows_go_from_each_picture_to_its_twin() -> None:
    before, after = np.zeros((3, 2)), np.arange(6.0).reshape(3, 2)
    moves = Moves(before, after, np.array([True, False, True]), list("abc"), np.ones((1, 2)), ["7"])
    figure = feature_space(moves, ("natural", "held", "fooled"))
    shown = {one.name: one for one in figure.data if one.name}
    assert list(shown["fooled"].customdata) == ["a", "c"] and list(shown["held"].x) == [2.0]
    assert figure.layout.annotations[0].text == "<b>7</b>"


# --- Questions to results -----------------------------------------------------------------------------


def test_curves_take_the_rows_that_belong_together() -> None:
    found = select.rows(results("digits"))
    line = select.over_snr(found, "base", Kind())
    assert [(one["snr_db"], one["adversarial"]) for one in line] == [(7.0, 0.90), (23.0, 0.92)]
    assert [one["eot"] for one in select.over_snr(found, "repobe", Kind(attack="apgd"))] == [20]
    weakest = [(one["eps"], one["attack"], one["adversarial"]) for one in select.over_eps(found, "base", "native")]
    assert weakest == [(0.016, "pgd", 0.92), (0.032, "pgd", 0.55), (0.064, "apgd", 0.40)]
    assert [(one["attack"], one["same_draw"]) for one in select.stronger(found)] == [("pgd", True), ("apgd", False)]
    assert not select.over_snr(found, "base", Kind(placement="enlarged")) and select.rows(None) == []
    (pair,) = select.purified(found)
    assert (pair.bare["adversarial"], pair.aware["adversarial"], pair.unaware["adversarial"]) == (0.80, 0.30, 0.90)


def test_reported_values_are_the_paper_s() -> None:
    told = {(one.snr_db, one.value) for one in reported("repobe", "objects", "adversarial_accuracy", "awgn")}
    assert told == {(7.0, 0.6904), (23.0, 0.7296)}
    assert [one.value for one in reported("at", "objects", "adversarial_accuracy", "awgn")] == [0.6756]
    assert [one.value for one in reported("base", "digits", "adversarial_accuracy", "rayleigh")] == [0.7912, 0.8023]
    assert all(0.56 < one.value < 1 for one in reported(quantity="natural_accuracy"))


# --- The lab's searches -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def codec() -> torch.nn.Module:
    return untrained().codec


@pytest.fixture
def native() -> torch.Tensor:
    return textured(1)


def test_the_outcome_keeps_its_limits(codec: torch.nn.Module, native: torch.Tensor) -> None:
    for place, side in (("native", 28), ("enlarged", 224)):
        outcome = run("base", codec, DIGITS, native, 0, Setup(placement=place, steps=2))
        assert outcome.picture.shape == outcome.change.shape == (side, side, 1)
        assert 0.0 < np.abs(outcome.change).max() <= 0.016 + 1e-6
    air = run("base", codec, DIGITS, native, 0, Setup(placement="symbols", steps=2, power_db=-10.0))
    assert air.change.shape == (4, 28, 28)
    # E|symbol|² of the change relative to the signal's 1; two features a symbol of half its power each
    assert np.square(air.change).mean() <= 0.1 + 1e-6
    np.testing.assert_array_equal(air.picture[..., 0], (native[0, 0] * 255).round().byte().numpy())


def test_readings_before_and_after_share_the_noise(codec: torch.nn.Module, native: torch.Tensor) -> None:
    outcome = run("base", codec, DIGITS, native, 0, Setup(eps=0.0, attack="fgsm"))
    np.testing.assert_array_equal(outcome.before.probabilities, outcome.after.probabilities)
    assert outcome.before.probabilities.sum() == pytest.approx(1.0, abs=1e-5)


def test_a_purifier_is_attacked_twice(codec: torch.nn.Module, native: torch.Tensor) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        denoiser = DiffSemNetworks(10).eval().requires_grad_(False)
    setup = Setup(steps=2, level=Level(11.0, 0.5, 1))
    *attempts, outcome = attack("base", codec, DIGITS, native, 0, setup, denoiser)
    assert len(attempts) == 4 and isinstance(outcome, Outcome) and outcome.purified is not None
    with pytest.raises(ValueError, match="networks"):
        run("base", codec, DIGITS, native, 0, setup)
    with pytest.raises(ValueError, match="aim"):
        run("base", codec, DIGITS, native, 0, replace(setup, attack="targeted_pgd"))


def test_quick_gradients_mislead_as_much(
    codec: torch.nn.Module, native: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = Setup(eps=0.1)
    found = []
    for step in attack("base", codec, DIGITS, native, 0, setup):
        found.append(step)
        assert not torch.is_autocast_enabled("cpu")  # the search is in half precision, nothing around it
    quick = found[-1]
    monkeypatch.setattr(manipulated, "autocast", lambda *args, **wanted: nullcontext())
    plain = run("base", codec, DIGITS, native, 0, setup)
    np.testing.assert_array_equal(quick.before.probabilities, plain.before.probabilities)
    np.testing.assert_allclose(quick.after.probabilities, plain.after.probabilities, atol=0.03)


def tried(eps: float, flipped: bool) -> Tried:
    return Tried("base", eps, Reading(np.eye(10)[0], (0,)), flipped, np.zeros((2, 2, 1), np.uint8))


def test_the_border_lies_between_the_last_that_held_and_the_first_that_flipped() -> None:
    found = [tried(0.0, False), tried(0.1, False), tried(0.2, True), tried(0.4, True)]
    assert bracket(found) == (0.1, 0.2) and flip_point(found).eps == 0.2
    assert bracket(found[:2]) == (None, None) and flip_point(found[:2]) is None
    assert bracket([tried(0.0, True)]) == (None, None)


def test_the_search_halves_towards_the_border(
    codec: torch.nn.Module, native: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    border = 0.05

    def pretend(method: str, *rest: object) -> Outcome:
        setup = rest[-1]
        answer = np.eye(10)[int(setup.eps > border)]
        return Outcome(method, np.zeros((2, 2, 1), np.uint8), np.zeros(1), Reading(np.eye(10)[0], (0,)),
                       Reading(answer, (0,)))  # fmt: skip

    monkeypatch.setattr(flip, "run", pretend)
    found = list(flip.search("base", codec, DIGITS, native, 0, Setup()))
    assert len(found) == TRIES
    assert border < flip_point(found).eps <= border + 0.032 / 2**4
    border = 2.0
    found = list(flip.search("base", codec, DIGITS, native, 0, Setup()))
    assert len(found) == TRIES and found[-1].eps == 1.0


def test_the_flat_view_is_the_principal_plane() -> None:
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(256, 2)))[0]
    natural = rng.normal(size=(40, 2)) @ np.diag([5.0, 2.0]) @ plane.T + 3.0
    labels = np.arange(40) % 10
    cloud = space.Cloud("base", labels, natural, natural + plane[:, 0], labels, labels)
    flat = space.flat(cloud)
    assert flat.explained == pytest.approx(1.0)
    distance = np.linalg.norm(flat.adversarial - flat.natural, axis=1)
    np.testing.assert_allclose(distance, 1.0, atol=1e-6)  # a move within the plane keeps its length
    np.testing.assert_allclose(flat.centres[0], flat.natural[labels == 0].mean(0))


def test_a_cloud_s_classes_are_the_receiver_s(codec: torch.nn.Module) -> None:
    pictures, labels = textured(3), torch.tensor([0, 1, 2])
    *attempts, cloud = space.cloud("base", codec, DIGITS, pictures, labels, Setup(steps=1))
    assert len(attempts) == 1 and cloud.natural.shape == cloud.adversarial.shape == (3, 256)
    logits = codec.classifier.fc(torch.from_numpy(cloud.natural))
    np.testing.assert_array_equal(logits.argmax(1).numpy(), cloud.read_natural)


def test_the_fixed_set_has_every_class() -> None:
    labels = [one.label for one in space.chosen("digits")]
    assert sorted(set(labels)) == list(range(10)) and len(labels) <= 10 * space.PER_CLASS
