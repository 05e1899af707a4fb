"""Key streams, derivation and agreement: published vectors, statistics, policies."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import permutations, product

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from semcom_core.ciphers import keys
from semcom_core.ciphers.keys import KeyPolicy, KeySource, KeyStream, hkdf, message_nonce

LEVEL = 1e-4
"""A chi-square test rejects a correct program with this probability, and none with these seeds."""


def stream(seed: int = 0) -> KeyStream:
    return KeyStream(seed.to_bytes(32, "little"))


# --- Published vectors of the primitives ----------------------------------------------------------------


def test_chacha20_rfc_8439_key_stream() -> None:
    """Appendix A.1, vectors 1 and 2 (key and nonce zero, blocks 0 and 1) through our own class."""
    assert KeyStream(bytes(32)).take(128).hex() == (
        "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
        "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
        "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
        "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"
    )


def test_chacha20_rfc_8439_encryption() -> None:
    """Section 2.4.2: the primitive with a block counter and a nonce."""
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it."
    )
    nonce = (1).to_bytes(4, "little") + bytes.fromhex("000000000000004a00000000")
    assert Cipher(ChaCha20(bytes(range(32)), nonce), mode=None).encryptor().update(text).hex() == (
        "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b"
        "f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8"
        "07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736"
        "5af90bbf74a35be6b40b8eedf2785e42874d"
    )


def test_hkdf_rfc_5869_without_salt() -> None:
    """Appendix A.3: SHA-256, no salt, no info."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert hkdf(b"\x0b" * 22, b"", 42).hex() == expected


ALICE = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
BOB = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
SHARED = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"


@pytest.mark.parametrize(
    ("private", "public", "peer"), [(ALICE, ALICE_PUBLIC, BOB_PUBLIC), (BOB, BOB_PUBLIC, ALICE_PUBLIC)]
)
def test_x25519_rfc_7748(private: str, public: str, peer: str) -> None:
    """Section 6.1."""
    own = X25519PrivateKey.from_private_bytes(bytes.fromhex(private))
    assert own.public_key().public_bytes_raw().hex() == public
    assert own.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(peer))).hex() == SHARED


def test_agreed_source_is_hkdf_of_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the RFC's two private keys in place of fresh ones, the root is HKDF of the RFC's secret."""
    rfc = iter([X25519PrivateKey.from_private_bytes(bytes.fromhex(one)) for one in (ALICE, BOB)])

    class Fixed:
        generate = staticmethod(lambda: next(rfc))

    monkeypatch.setattr(keys, "X25519PrivateKey", Fixed)
    source = KeySource.agreed()
    assert source.root == hkdf(bytes.fromhex(SHARED), b"root")
    assert not source.demo


# --- Statistics ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [3, 4])
def test_permutations_are_uniform(size: int) -> None:
    """Chi-square over all n! permutations at level 1e-4, 600 expected in each cell."""
    every = list(permutations(range(size)))
    source = stream(size)
    counts = Counter(tuple(source.permutation(size).tolist()) for _ in range(600 * len(every)))
    assert set(counts) == set(every)
    assert chisquare([counts[one] for one in every]).pvalue > LEVEL


def test_permutation_of_28_puts_every_row_everywhere() -> None:
    """Position of each element, chi-square over the 28×28 table at level 1e-4."""
    source, table = stream(28), np.zeros((28, 28))
    for _ in range(2800):
        table[np.arange(28), source.permutation(28)] += 1
    # Rows and columns of the table sum to 2800 each: 27² degrees of freedom.
    assert chisquare(table.ravel(), ddof=784 - 1 - 27**2).pvalue > LEVEL


@pytest.mark.parametrize("bound", [1, 2, 3, 7, 10, 28, 255, 257])
def test_integers_are_uniform(bound: int) -> None:
    source = stream(bound)
    values = np.array([source.below(bound) for _ in range(200 * bound)])
    assert values.min() >= 0
    assert values.max() < bound
    if bound > 1:
        assert chisquare(np.bincount(values, minlength=bound)).pvalue > LEVEL


@pytest.mark.parametrize("bound", [3 * 2**30, 5 * 2**29])
def test_no_modulo_bias_at_awkward_bounds(bound: int) -> None:
    """At 3·2³⁰ a bare modulo would give the lowest third of values half of the time."""
    source = stream(bound % 1000)
    thirds = np.array([source.below(bound) * 3 // bound for _ in range(6000)])
    assert chisquare(np.bincount(thirds, minlength=3)).pvalue > LEVEL
    biased = np.array([int.from_bytes(source.take(4), "little") % bound * 3 // bound for _ in range(6000)])
    assert chisquare(np.bincount(biased, minlength=3)).pvalue < LEVEL, "the test could not see the bias"


class Scripted(KeyStream):
    """A key stream that gives the words that a test wants."""

    def __init__(self, *words: int) -> None:
        self.words = list(words)

    def take(self, count: int) -> bytes:
        return self.words.pop(0).to_bytes(count, "little")


def test_rejection_is_exact_at_the_limit() -> None:
    limit = 2**32 - 2**32 % 7
    assert Scripted(limit - 1).below(7) == 6
    assert Scripted(limit, 2**32 - 1, 12).below(7) == 5  # two words refused, then 12 mod 7
    assert Scripted(2**32 - 1).below(2**32) == 2**32 - 1


@pytest.mark.parametrize("bound", [0, -1, 2**32 + 1])
def test_impossible_bounds_are_refused(bound: int) -> None:
    with pytest.raises(ValueError, match="bound must be between"):
        stream().below(bound)


# --- Policies ---------------------------------------------------------------------------------------


def material(source: KeySource, policy: KeyPolicy, **changes: object) -> bytes:
    context = {"purpose": "confusion", "seed": 1, "session": 2, "nonce": message_nonce(b"picture", 3)} | changes
    purpose = context.pop("purpose")
    return source.stream(purpose, policy, **context).take(64)


CHANGES = {
    "message": {"nonce": message_nonce(b"picture", 4)},
    "picture": {"nonce": message_nonce(b"another", 3)},
    "session": {"session": 3},
    "seed": {"seed": 2},
}
NEW_KEY = {
    KeyPolicy.FIXED: set(),
    KeyPolicy.SESSION: {"session", "seed"},
    KeyPolicy.MESSAGE: {"message", "picture", "session", "seed"},
}


@pytest.mark.parametrize(("policy", "change"), list(product(KeyPolicy, CHANGES)))
def test_what_gives_a_new_key_under_a_policy(policy: KeyPolicy, change: str) -> None:
    source = KeySource.published()
    same = material(source, policy) == material(source, policy, **CHANGES[change])
    assert same == (change not in NEW_KEY[policy])


@pytest.mark.parametrize("policy", KeyPolicy)
def test_purposes_never_share_a_stream(policy: KeyPolicy) -> None:
    source = KeySource.published()
    assert material(source, policy) == material(source, policy)
    assert material(source, policy) != material(source, policy, purpose="rotation")


def test_policies_never_share_a_stream() -> None:
    assert len({material(KeySource.published(), policy) for policy in KeyPolicy}) == 3


@given(
    one=st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
    other=st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)),
)
def test_seed_and_session_cannot_be_confused(one: tuple[int, int], other: tuple[int, int]) -> None:
    """1 and 23 is not 12 and 3."""
    source = KeySource.published()
    first = material(source, KeyPolicy.SESSION, seed=one[0], session=one[1])
    second = material(source, KeyPolicy.SESSION, seed=other[0], session=other[1])
    assert (first == second) == (one == other)


def test_message_nonce_depends_on_counter_and_picture() -> None:
    nonces = {message_nonce(picture, message) for picture in (b"a", b"b", b"") for message in (0, 1, 2**31)}
    assert len(nonces) == 9
    assert all(len(nonce) == 16 for nonce in nonces)
    assert message_nonce(b"a", 1) == message_nonce(b"a", 1)


# --- Demo and secret keys ---------------------------------------------------------------------------


def test_demo_key_is_equal_in_another_process() -> None:
    program = (
        "from semcom_core.ciphers.keys import *\n"
        "stream = KeySource.published().stream('confusion', KeyPolicy.MESSAGE, seed=1, session=2,"
        " nonce=message_nonce(b'picture', 3))\n"
        "print(stream.take(64).hex())"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == material(KeySource.published(), KeyPolicy.MESSAGE).hex()
    assert KeySource.published().demo


def test_secret_keys_differ() -> None:
    roots = {KeySource.agreed().root for _ in range(8)} | {KeySource.published().root}
    assert len(roots) == 9
    assert all(len(root) == 32 for root in roots)


def test_the_secret_is_never_printed() -> None:
    for source in (KeySource.agreed(), KeySource.published()):
        for text in (repr(source), str(source), f"{source}", f"{[source]}"):
            assert source.root.hex() not in text
            assert repr(source.root) not in text
            assert "demo=" in text
