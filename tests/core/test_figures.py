"""Figures are pure functions of their data."""

from __future__ import annotations

import numpy as np

from semcom_core import figures
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.keys import KeyStream
from semcom_core.figures import Curve


class TestPositionMap:
    def test_every_position_has_a_colour_of_its_own(self) -> None:
        colours = figures.position_colours(*np.indices((28, 28)))
        assert len(np.unique(colours.reshape(-1, 3), axis=0)) > 770
        brightness = colours.mean(-1)
        assert (np.diff(brightness, axis=0) > 0).all()  # dark to light downwards: readable without hue

    def test_a_cipher_moves_colours_and_names_their_origin(self) -> None:
        key = ConfusionKey.draw(KeyStream(bytes(32)), 28, 28)
        rows, columns = key.source()
        figure = figures.position_map(rows, columns, "(%{y},%{x}) came from (%{customdata[0]},%{customdata[1]})")
        before = figures.position_colours(*np.indices((28, 28)))
        after = np.asarray(figure.data[0].z)
        assert np.array_equal(after, before[rows, columns])
        assert np.array_equal(figure.data[0].customdata[3][5], [rows[3, 5], columns[3, 5]])


class TestFeatureTiles:
    def test_layout_and_scale(self) -> None:
        maps = np.zeros((4, 28, 28), np.float32)
        maps[0], maps[1] = 9.0, -9.0
        tiles = figures.feature_tiles(maps, limit=1.0, pixel=1)
        assert tiles.shape == (57, 57, 4)
        assert (tiles[28, :, 3] == 0).all()  # the gap is transparent
        purple, orange, white = tiles[0, 0], tiles[0, -1], tiles[-1, 0]
        assert purple[2] > purple[1]  # saturated, not wrapped around
        assert orange[0] > orange[2]
        assert (white[:3] > 240).all()


class TestCurves:
    def test_lines_differ_in_more_than_colour(self) -> None:
        lines = [
            Curve("receiver", [0, 5], [0.5, 1.0], figures.RECEIVER),
            Curve("attacker", [0, 5], [0.1, None], figures.ATTACKER, "dot", "square"),
        ]
        figure = figures.curves(lines, "SNR", "right", (-5, 25), percent=True)
        assert {trace.marker.symbol for trace in figure.data} == {"circle", "square"}
        assert {trace.line.dash for trace in figure.data} == {"solid", "dot"}
        assert tuple(figure.layout.xaxis.range) == (-5, 25)
        assert figure.layout.yaxis.tickformat == ".0%"
