"""The key agreement's transcript: both ends, the man in the middle, and what stops him."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from semcom_core.ciphers.agreement import Agreement, Party, agree, fingerprint, groups, man_in_the_middle, words
from semcom_core.ciphers.keys import KeyStream, hkdf

RFC_7748_ALICE = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
RFC_7748_ALICE_PUBLIC = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")


def party(name: str, number: int) -> Party:
    return Party.create(name, KeyStream(number.to_bytes(32, "little")))


SENDER, RECEIVER = party("sender", 1), party("receiver", 2)
ATTACKER = party("attacker", 3), party("attacker", 4)


def roots(agreement: Agreement) -> set[bytes]:
    views = [agreement.sender, agreement.receiver, *(agreement.attacker or ())]
    return {view.root for view in views}


def test_public_key_is_the_rfcs() -> None:
    class Fixed(KeyStream):
        def __init__(self) -> None: ...

        def take(self, count: int) -> bytes:
            return RFC_7748_ALICE

    assert Party.create("Alice", Fixed()).public == RFC_7748_ALICE_PUBLIC


def test_fresh_parties_differ() -> None:
    assert len({Party.create("sender").private for _ in range(4)}) == 4


@pytest.mark.parametrize("pre_shared", [b"", b"correct horse battery staple"])
def test_both_ends_agree(pre_shared: bytes) -> None:
    agreement = agree(SENDER, RECEIVER, pre_shared)
    assert agreement.agreed
    assert agreement.confirmed
    assert agreement.fingerprints_match
    assert not agreement.attacker_reads
    assert agreement.pre_shared == bool(pre_shared)
    assert agreement.sender.shared == agreement.receiver.shared
    expected = hkdf(agreement.sender.shared + pre_shared, b"semcom/agreement/" + SENDER.public + RECEIVER.public)
    assert agreement.sender.root == expected == agreement.receiver.source().root
    assert not agreement.sender.source().demo


def test_plain_exchange_falls_to_the_man_in_the_middle() -> None:
    """Two shared keys, he holds both, and no tag fails: nobody notices."""
    agreement = man_in_the_middle(SENDER, RECEIVER, ATTACKER)
    towards_sender, towards_receiver = agreement.attacker
    assert towards_sender.root == agreement.sender.root
    assert towards_receiver.root == agreement.receiver.root
    assert agreement.sender.root != agreement.receiver.root
    assert agreement.attacker_reads
    assert agreement.confirmed
    assert not agreement.agreed


def test_fingerprints_give_him_away() -> None:
    assert not man_in_the_middle(SENDER, RECEIVER, ATTACKER).fingerprints_match


@pytest.mark.parametrize("guess", [b"", b"a guess"])
def test_a_pre_shared_secret_stops_him(guess: bytes) -> None:
    """His keys differ from both ends', and his tags are refused."""
    agreement = man_in_the_middle(SENDER, RECEIVER, ATTACKER, b"secret", guess)
    assert len(roots(agreement)) == 4
    assert not agreement.attacker_reads
    assert not agreement.confirmed
    assert not agreement.agreed


def test_a_guessed_secret_stops_nobody() -> None:
    agreement = man_in_the_middle(SENDER, RECEIVER, ATTACKER, b"secret", b"secret")
    assert agreement.attacker_reads
    assert not agreement.fingerprints_match


def test_the_transcript_has_what_was_on_the_air() -> None:
    honest = agree(SENDER, RECEIVER)
    assert [message.value for message in honest.messages[:2]] == [SENDER.public, RECEIVER.public]
    assert not any(message.changed for message in honest.messages)
    forged = man_in_the_middle(SENDER, RECEIVER, ATTACKER)
    assert all(message.changed for message in forged.messages)
    arrived = [message.value for message in forged.messages]
    assert arrived[0] == forged.receiver.peer_public
    assert arrived[1] == forged.sender.peer_public
    assert arrived[2] == forged.receiver.expected_tag
    assert arrived[3] == forged.sender.expected_tag


def test_nothing_secret_is_printed() -> None:
    for agreement in (agree(SENDER, RECEIVER, b"secret"), man_in_the_middle(SENDER, RECEIVER, ATTACKER)):
        text = f"{agreement!r} {agreement} {SENDER!r} {ATTACKER}"
        secrets = [SENDER.private, RECEIVER.private, *(one.private for one in ATTACKER), *roots(agreement)]
        secrets += [view.shared for view in (agreement.sender, agreement.receiver)]
        for secret in secrets:
            assert secret.hex() not in text
            assert repr(secret)[2:-1] not in text
        assert repr(SENDER.public) in text


def test_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        agree(SENDER, RECEIVER).sender.root = b""


def test_low_order_keys_are_refused() -> None:
    """The all-zero point would make the secret zero for everybody."""
    zero = dataclasses.replace(RECEIVER, public=bytes(32))
    with pytest.raises(ValueError, match="shared key"):
        agree(SENDER, zero)


def test_fingerprints() -> None:
    digest = hashlib.sha256(SENDER.public).digest()
    assert fingerprint(SENDER.public) == digest[:10]
    assert groups(fingerprint(SENDER.public)).replace(" ", "") == digest.hex()[:20]
    assert len(groups(fingerprint(SENDER.public)).split()) == 5
    assert len({fingerprint(one.public) for one in (SENDER, RECEIVER, *ATTACKER)}) == 4


@pytest.mark.parametrize(
    ("address", "spoken"),
    [("127.0.0.1", "lusab babad"), ("63.84.220.193", "gutih tugad"), ("198.81.129.136", "sinid makam")],
)
def test_words_are_proquints(address: str, spoken: str) -> None:
    """Examples of the proquint paper."""
    assert words(bytes(map(int, address.split(".")))) == spoken
