"""Figures of the cipher lab: what they show is what the cipher does."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semcom_core import figures_cipher, figures_keys
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.keys import KeyStream
from semcom_core.ciphers.steps import walk
from semcom_core.figures_cipher import FilmWords, _ink
from semcom_core.figures_keys import Arrow

WORDS = FilmWords("play", "pause", "%{customdata[2]}")


def a_key(height: int, width: int) -> ConfusionKey:
    return ConfusionKey.draw(KeyStream(b"k" * 32), height, width)


def a_film(height: int, width: int) -> tuple[go.Figure, ConfusionKey]:
    key, names = a_key(height, width), [str(number) for number in range(9)]
    board = figures_cipher.numbered(height, width)
    return figures_cipher.film(board, [one.origin for one in walk(key)], names, names, WORDS), key


def assert_theme_decides(figure: go.Figure) -> None:
    """Transparent background; JSON that a browser takes."""
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0,0,0,0)"
    json.loads(figure.to_json())


class TestBoard:
    @pytest.mark.parametrize("shape", [(4, 4), (3, 5), (28, 28)])
    def test_shows_the_cell_that_came(self, shape: tuple[int, int]) -> None:
        key = a_key(*shape)
        board, state = figures_cipher.numbered(*shape), walk(key)[4]
        hover = [str(number) for number in range(shape[0] * shape[1])]
        figure = figures_cipher.board_figure(board, state.origin, hover, (1, 2))
        rows, columns = key.source()
        assert np.array_equal(np.array(figure.data[0].z), board.colours[rows, columns])
        assert figure.data[0].customdata[1][2] == str(shape[1] + 2)
        printed = len(figure.data) == 2
        assert printed == (max(shape) <= figures_cipher.PRINTED)
        if printed:
            assert list(figure.data[1].text) == [str(p) for p in key.permutation()]
        assert len(figure.layout.shapes) == 2
        assert_theme_decides(figure)

    def test_feature_scale_is_symmetric_and_clips(self) -> None:
        board = figures_cipher.of_values(np.array([[-9.0, -2.0, 0.0, 2.0, 9.0]]), 2.0)
        assert (board.colours[0, 0] == board.colours[0, 1]).all()
        assert (board.colours[0, 3] == board.colours[0, 4]).all()
        assert board.colours[0, 2].min() > 240
        assert board.labels.tolist() == [["-9.00", "-2.00", "0.00", "2.00", "9.00"]]

    def test_pictures(self) -> None:
        grey = figures_cipher.of_picture(np.array([[[7], [255]]], np.uint8))
        assert grey.colours.tolist() == [[[7, 7, 7], [255, 255, 255]]]
        colour = figures_cipher.of_picture(np.array([[[1, 2, 3]]], np.uint8))
        assert colour.labels.tolist() == [["rgb 1 2 3"]]
        assert figures_cipher.recoloured(colour).labels is colour.labels

    @given(st.lists(st.integers(0, 255), min_size=3, max_size=3))
    def test_text_stands_out_from_any_cell(self, colour: list[int]) -> None:
        """WCAG AA for large type, 3:1, computed apart from the code: relative luminance of sRGB."""
        share = [v / 255 for v in colour]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in share]
        cell = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        text = 1.0 if _ink(np.array([colour])) == ["#FFFFFF"] else 0.0
        light, dark = max(cell, text), min(cell, text)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


class TestFilm:
    @pytest.mark.parametrize("shape", [(4, 4), (3, 5), (28, 28)])
    def test_each_cell_is_where_the_cipher_puts_it(self, shape: tuple[int, int]) -> None:
        figure, key = a_film(*shape)
        assert len(figure.frames) == 9
        sent = figure.frames[4].data[0]
        rows, columns = key.source()
        for cell, (y, x) in enumerate(zip(sent.y, sent.x, strict=True)):
            assert divmod(cell, shape[1]) == (rows[y, x], columns[y, x])
        assert list(figure.frames[8].data[0].x) == list(figure.data[0].x)
        assert list(figure.frames[8].data[0].y) == list(figure.data[0].y)
        assert_theme_decides(figure)

    def test_play_pause_and_slider(self) -> None:
        figure, _ = a_film(4, 4)
        play, pause = figure.layout.updatemenus[0].buttons
        assert (play.label, pause.label) == ("play", "pause")
        assert play.args[0] is None and list(pause.args[0]) == [None]
        steps = figure.layout.sliders[0].steps
        assert [step.args[0][0] for step in steps] == [frame.name for frame in figure.frames]


@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (28, 28)])
def test_matrix_times_plain_is_sent(shape: tuple[int, int]) -> None:
    key = a_key(*shape)
    figure = figures_cipher.permutation_matrix(key.permutation(), shape[1], "x", "y", "hover")
    dots = figure.data[0]
    matrix = np.zeros((len(dots.x),) * 2)
    matrix[np.array(dots.y), np.array(dots.x)] = 1
    assert (matrix.sum(0) == 1).all() and (matrix.sum(1) == 1).all()
    plain = np.random.default_rng(0).normal(size=shape)
    rows, columns = key.source()
    assert np.array_equal((matrix @ plain.ravel()).reshape(shape), plain[rows, columns])
    assert_theme_decides(figure)


def test_sequence_draws_every_arrow() -> None:
    arrows = [Arrow(0, 2, "one", "hover"), Arrow(2, 0, "two", "hover")]
    figure = figures_keys.sequence([("a", "#000000"), ("b", "#000000"), ("c", "#000000")], arrows)
    assert [(one.ax, one.x) for one in figure.layout.annotations] == [(0, 2), (2, 0)]
    assert_theme_decides(figure)


def test_curves_with_intervals() -> None:
    figure = figures_keys.with_intervals(
        [0, 2], [0.9, 0.5], [(0.8, 1.0), (0.2, 0.7)], "name", "x", "y", (0, 4), reference=(0.1, "chance"), marked=2,
        percent=True,
    )  # fmt: skip
    line = figure.data[1]
    assert line.error_y.array == pytest.approx([0.1, 0.2])
    assert line.error_y.arrayminus == pytest.approx([0.1, 0.3])
    assert figure.layout.shapes[0].x0 == 2
    assert_theme_decides(figure)


def test_counts_and_key_bits() -> None:
    counts = figures_keys.permutation_counts(
        [(0, 1), (1, 0)], np.array([3, 4]), np.array([5, 2]), 3.5, "fair", "naive", "expected", "count"
    )
    assert list(counts.data[0].x) == ["01", "10"] and list(counts.data[1].y) == [5, 2]
    bits = figures_keys.key_bits([2, 3], [4, 8.3], [2, 5.2], "claimed", "true", (128, "AES"), "x", "y")
    assert list(bits.data[0].y) == [4, 8.3] and list(bits.data[2].y) == [128, 128]
    for figure in (counts, bits):
        assert_theme_decides(figure)
