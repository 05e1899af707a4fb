"""The cipher one step at a time, keys as text, message keys, and the uniformity test."""

from __future__ import annotations

import math
import re
from collections import Counter
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from semcom_core.ciphers.confusion import ConfusionKey, encrypt
from semcom_core.ciphers.key_text import KeyTextError, order_text, parse_key
from semcom_core.ciphers.keys import KeySource, KeyStream
from semcom_core.ciphers.messages import Letter, letter_key, next_letter, read_with_known, repeated
from semcom_core.ciphers.steps import RULES, filled, walk
from semcom_core.ciphers.uniformity import naive_shuffle, uniformity

sizes = st.integers(1, 7)


def a_key(height: int, width: int, seed: int = 0) -> ConfusionKey:
    return ConfusionKey.draw(KeyStream(bytes([seed]) * 32), height, width)


class TestSteps:
    @given(sizes, sizes, st.integers(0, 255))
    def test_ends_at_home_and_passes_the_cipher(self, height: int, width: int, seed: int) -> None:
        key = a_key(height, width, seed)
        states = walk(key)
        plain = np.arange(height * width).reshape(height, width)
        assert [state.rule.number for state in states] == [0, 4, 5, 6, 7, 8, 9, 10, 11]
        assert np.array_equal(states[8].origin, plain)
        assert np.array_equal(states[4].origin.ravel(), key.permutation())
        assert torch.equal(torch.from_numpy(states[4].origin), encrypt(torch.from_numpy(plain), key))
        # Each inverse leads back through the state of its step.
        for back in range(4):
            assert np.array_equal(states[8 - back].origin, states[back].origin)

    @given(sizes, sizes, st.integers(0, 255), st.booleans())
    def test_filled_equation_names_the_cell_that_is_read(self, height: int, width: int, seed: int, latex: bool) -> None:
        key = a_key(height, width, seed)
        for state in walk(key)[1:]:
            for i, j in np.ndindex(height, width):
                text = filled(state.rule, key, i, j, latex=latex)
                indices = [tuple(map(int, pair)) for pair in re.findall(r"\[(\d+),(\d+)\]", text)]
                assert indices[0] == (i, j)
                assert indices[-1] == divmod(int(state.reads[i, j]), width)
                for inner, size in re.findall(r"\(([-−+\d]+)\) *\\?(?:bmod|mod) (\d+)", text):
                    value = eval(inner.replace("−", "-"))
                    assert str(value % int(size)) in re.split(r"[\[\],]", text.rpartition("=")[2])

    def test_worked_by_hand(self) -> None:
        """3×3, K_r = 2 0 1, K_c = 1 2 0, r = 1, c = 2, with pencil and paper."""
        states = walk(ConfusionKey(np.array([2, 0, 1]), np.array([1, 2, 0]), 1, 2))
        by_hand = {
            1: [[6, 7, 8], [0, 1, 2], [3, 4, 5]],
            2: [[8, 6, 7], [0, 1, 2], [4, 5, 3]],
            3: [[6, 7, 8], [1, 2, 0], [5, 3, 4]],
            4: [[1, 3, 8], [5, 7, 0], [6, 2, 4]],
        }
        for number, expected in by_hand.items():
            assert states[number].origin.tolist() == expected, RULES[number].name


class TestKeyText:
    def test_round_trip(self) -> None:
        key = a_key(6, 5)
        read = parse_key(order_text(key.K_r), order_text(key.K_c), str(key.r), str(key.c), 6, 5)
        assert np.array_equal(read.permutation(), key.permutation())

    def test_forgiving_about_separators(self) -> None:
        assert parse_key("[1 0]", " 0,1, ", "1", "0", 2, 2).K_r.tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("texts", "reason"),
        [
            (("0, 1, 2", "0 1 2 3", "0", "0"), "K_r needs 4 numbers"),
            (("0, 1, 2, 3, 4", "0 1 2 3", "0", "0"), "not 5"),
            (("0 1 2 3", "0 1 1 3", "0", "0"), "K_c repeats 1 and leaves out 2"),
            (("0 1 2 4", "0 1 2 3", "0", "0"), "K_r holds 4; on this map it may hold 0 to 3"),
            (("0 1 2 -1", "0 1 2 3", "0", "0"), "holds -1"),
            (("0 1 2 x", "0 1 2 3", "0", "0"), "“x”, which is not a whole number"),
            (("0 1 2 1.5", "0 1 2 3", "0", "0"), "“1.5”"),
            (("0 1 2 ²", "0 1 2 3", "0", "0"), "“²”"),
            (("0 1 2 3", "0 1 2 3", "4", "0"), "r holds 4"),
            (("0 1 2 3", "0 1 2 3", "0", ""), "c is one whole number, not 0"),
            (("", "0 1 2 3", "0", "0"), "K_r needs 4 numbers"),
        ],
    )
    def test_refused_with_the_reason(self, texts: tuple[str, str, str, str], reason: str) -> None:
        with pytest.raises(KeyTextError, match=re.escape(reason)):
            parse_key(*texts, 4, 4)

    @given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=9), st.text(max_size=9))
    def test_any_text_gives_a_key_or_a_reason(self, K_r: str, K_c: str, r: str, c: str) -> None:
        with suppress(KeyTextError):
            assert parse_key(K_r, K_c, r, c, 2, 3).permutation().tolist()


class TestMessages:
    def test_nonces_count_and_a_repeat_is_found(self) -> None:
        letters: list[Letter] = []
        for repeat in (False, False, True, False):
            letters.append(next_letter(letters, repeat=repeat))
        assert [int.from_bytes(one.nonce, "big") for one in letters] == [0, 1, 1, 2]
        assert repeated(letters) == {letters[1].nonce: (1, 2)}
        assert not repeated(letters[:2])

    def test_key_follows_nonce_and_root_only(self) -> None:
        source, other = KeySource.published(), KeySource(bytes(32), demo=False)
        one, again = Letter(1, b"n"), Letter(7, b"n")
        permutation = letter_key(source, one, 5, 5).permutation()
        assert np.array_equal(permutation, letter_key(source, again, 5, 5).permutation())
        assert not np.array_equal(permutation, letter_key(source, Letter(1, b"m"), 5, 5).permutation())
        assert not np.array_equal(permutation, letter_key(other, one, 5, 5).permutation())

    def test_known_message_opens_the_other_under_the_same_nonce_only(self) -> None:
        known = torch.randperm(30, generator=torch.Generator().manual_seed(0)).reshape(5, 6)
        secret = torch.randint(0, 3, (5, 6), generator=torch.Generator().manual_seed(1))
        key, other = a_key(5, 6), a_key(5, 6, 1)
        assert torch.equal(read_with_known(known, encrypt(known, key), encrypt(secret, key)), secret)
        assert not torch.equal(read_with_known(known, encrypt(known, key), encrypt(secret, other)), secret)

    def test_ambiguous_known_message_is_refused(self) -> None:
        with pytest.raises(ValueError, match="different values"):
            read_with_known(torch.zeros(2, 2), torch.zeros(2, 2), torch.zeros(2, 2))


class TestUniformity:
    def test_statistic_and_limit_are_scipys(self) -> None:
        test = uniformity(KeyStream(bytes(32)), 3, 600)
        assert test.counts.sum() == 600 and len(test.counts) == math.factorial(3)
        reference = stats.chisquare(test.counts)
        assert test.statistic == pytest.approx(reference.statistic)
        assert test.p_value == pytest.approx(reference.pvalue)
        assert test.limit == pytest.approx(stats.chi2.ppf(0.99, 5))

    def test_counts_are_those_of_the_stream(self) -> None:
        test = uniformity(KeyStream(bytes(32)), 3, 100)
        again = KeyStream(bytes(32))
        counted = Counter(tuple(again.permutation(3).tolist()) for _ in range(100))
        assert dict(zip(test.orders, test.counts.tolist(), strict=True)) == counted

    def test_fair_passes_and_naive_fails(self) -> None:
        assert uniformity(KeyStream(b"f" * 32), 4, 4800).passed
        assert not uniformity(KeyStream(b"f" * 32), 4, 4800, naive_shuffle).passed

    def test_naive_law_is_the_one_computed_by_hand(self) -> None:
        """For three: 27 courses; 012, 120, 201 … come 4 or 5 times in 27."""
        test = uniformity(KeyStream(b"h" * 32), 3, 27_000 // 5, naive_shuffle)
        courses: Counter[tuple[int, ...]] = Counter()
        for a, b, c in np.ndindex(3, 3, 3):
            order = [0, 1, 2]
            for i, j in enumerate((a, b, c)):
                order[i], order[j] = order[j], order[i]
            courses[tuple(order)] += 1
        expected = np.array([courses[order] for order in test.orders]) * 200
        assert stats.chisquare(test.counts, expected).pvalue > 0.001

    def test_too_few_draws(self) -> None:
        with pytest.raises(ValueError, match="at least 120 draws"):
            uniformity(KeyStream(bytes(32)), 4, 100)
