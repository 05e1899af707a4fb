"""Questions to a grid and the figures drawn of the answers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from semcom_core import figures_grid
from semcom_core.evaluation import certified, select
from semcom_core.figures_grid import Measured, PlanePoint
from tests.grids import small_grid


class TestPoints:
    def test_the_strongest_attack_counts(self) -> None:
        found = {(one.defense, one.choice.get("steps")): one for one in select.points(small_grid(), "awgn", 10.0)}
        assert set(found) == {
            ("none", None), ("repobe", None), ("rotation", None), ("necst", None), ("cem_off", None), ("cem", None),
            ("diffsem", 4), ("diffsem", 0),
        }  # fmt: skip
        point = found["repobe", None]
        assert (point.attacker.attack, point.attacker.reading) == ("inversion", "class")
        assert point.gap == pytest.approx(0.99 - 0.90)
        assert found["diffsem", 0].receiver["accuracy"] == pytest.approx(0.95)

    def test_one_attack_alone(self) -> None:
        found = {one.defense: one for one in select.points(small_grid(), "rayleigh", 10.0, "ridge")}
        assert found["none"].attacker.accuracy == pytest.approx(0.68)

    def test_nothing_where_nothing_was_measured(self) -> None:
        assert select.points(small_grid(), "awgn", 7.0) == []  # receivers only
        assert select.points(small_grid(), "rician", 10.0) == []
        assert select.points(small_grid(), "awgn", 10.0, "gan") == []

    def test_attacks_that_were_run(self) -> None:
        assert select.attacks(small_grid()) == ["ridge", "inversion"]


def test_gain_is_the_relative_rise_of_the_error_at_equal_noise() -> None:
    found = select.gains(small_grid())
    assert {(one.without, one.attack, one.channel) for one in found} == set(
        itertools.product(["cem_off"], ["ridge", "inversion"], ["awgn", "rayleigh"])
    )
    assert all(one.gain == pytest.approx(0.2) for one in found)
    assert all(one.accuracy_change == pytest.approx(-0.001) for one in found)
    one = found[0]
    others = [
        one,
        replace(one, attack="other", mse=(one.mse[0] / 2, one.mse[1])),
        replace(one, attack="white_box", mse=(0, 0)),
    ]
    best = select.strongest_gain(others)  # each time the attack that is the best there; one on few pictures is none
    assert best.mse == (one.mse[0] / 2, one.mse[1]) and best.gain == pytest.approx(2 * one.gain + 1)


def test_a_certificate_stands_beside_the_best_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = small_grid()
    told = {"defense": "cem", "noise": 0.5, "snr_db": 10.0, "channel": "awgn", "ratio": 0.2, "nats": 630.0}
    monkeypatch.setattr(certified, "_certificates", lambda domain: [told, told | {"defense": "arl"}])
    monkeypatch.setattr(certified.grids, "load", lambda domain: grid)
    measured, missing = certified.rows("digits")
    assert measured.attack == "inversion"
    assert measured.reached == pytest.approx(0.036 / 0.08)  # over the error behind a one-time rotation
    assert missing.reached is None


def _points(count: int) -> list[PlanePoint]:
    return [
        PlanePoint(
            f"d{k}", f"Defense {k}", 0.99, 0.1 + 0.8 * k / count, (0.98, 0.995), (0.0, 1.0), f"hover {k}", k % 2 == 0
        )
        for k in range(count)
    ]


class TestPlane:
    def test_each_stem_is_the_gap(self) -> None:
        shown = _points(5)
        figure = figures_grid.plane(shown, "x", "y", "diagonal")
        stems = figure.data[1]
        for number, point in enumerate(shown):
            top, bottom = stems.y[3 * number], stems.y[3 * number + 1]
            assert stems.x[3 * number] == stems.x[3 * number + 1] == point.attacker == bottom  # it ends on the diagonal
            assert top - bottom == pytest.approx(point.receiver - point.attacker)

    def test_a_click_gives_the_key_and_kinds_differ_in_shape(self) -> None:
        figure = figures_grid.plane(_points(4), "x", "y", "diagonal", chosen="d1")
        open_, keyed = figure.data[2], figure.data[3]
        assert [one[0] for one in open_.customdata] == ["d1", "d3"]
        assert [one[0] for one in keyed.customdata] == ["d0", "d2"]
        assert open_.marker.symbol != keyed.marker.symbol
        assert open_.marker.size[0] > open_.marker.size[1]

    def test_every_point_has_a_label_and_labels_do_not_overlap(self) -> None:
        shown = _points(12)
        figure = figures_grid.plane(shown, "x", "y", "diagonal")
        labels = [one for one in figure.layout.annotations if one.showarrow]
        assert sorted(one.text for one in labels) == sorted(point.name for point in shown)
        boxes = []
        for one in labels:
            x = (one.x + 0.04) / 1.08 * 620 + one.ax
            y = (1 - (one.y + 0.04) / 1.08) * 460 + one.ay
            half = 7.0 * len(one.text) / 2
            boxes.append((x - half, y - 8, x + half, y + 8))
        for a, b in itertools.combinations(boxes, 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]

    def test_background_is_clear(self) -> None:
        figure = figures_grid.plane(_points(2), "x", "y", "diagonal")
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"


def test_reported_values_are_hollow_and_of_the_line_s_colour() -> None:
    line = Measured("ours", [7.0, 23.0], [0.9, 0.95], [(0.89, 0.91), (0.94, 0.96)], [(7.0, 0.92)], "theirs")
    figure = figures_grid.accuracy_curves([line], "x", "y", (6, 24), (0.8, 1), [(0.85, "at most")])
    ours, theirs, limit = figure.data
    assert theirs.marker.symbol == f"{ours.marker.symbol}-open"
    assert theirs.marker.color == ours.line.color
    assert theirs.mode == "markers"
    assert list(ours.error_y.array) == pytest.approx([0.01, 0.01])
    assert list(limit.y) == [0.85, 0.85]


def test_lines_differ_in_more_than_colour() -> None:
    lines = [Measured(f"line {k}", [7.0], [0.9]) for k in range(14)]
    figure = figures_grid.accuracy_curves(lines, "x", "y", (6, 24), (0.8, 1))
    looks = {(one.marker.symbol, one.line.color, one.line.dash) for one in figure.data}
    assert len(looks) == 14


def test_gains_stand_beside_the_reported_range() -> None:
    figure = figures_grid.gain_bars(["pair"], [("ridge", [0.2]), ("gan", [None])], "x", (0.129, 0.482, "reported"))
    band = figure.layout.shapes[0]
    assert (band.x0, band.x1) == (0.129, 0.482)
    assert figure.data[0].text[0] == "+20.0%"
