r"""The key agreement as a transcript: every step, every public value, and a man in the middle.

::

    sender                                                receiver
    a, A = aG  ──────────────── A ───────────────────▶
               ◀─────────────── B ────────────────────    b, B = bG
    abG ─ HKDF ─ root                                     baG ─ HKDF ─ root

    A man in the middle gives each side his own key: two agreements, and he holds both.
    Nothing in the exchange says whose key arrived. Two remedies:
      compare fingerprints of the public keys over a channel that he cannot change;
      mix a secret that both already share into HKDF: he then holds neither root.

X25519: RFC 7748. HKDF-SHA256: RFC 5869. Everything is immutable, and nothing secret is ever in a
``repr``. What this does not give: a compared fingerprint says nothing of a stolen private key,
and a guessable shared secret can be guessed offline from the confirmation tags.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from semcom_core.ciphers.keys import KeySource, KeyStream, hkdf

FINGERPRINT_BYTES = 10
"""80 bits: to imitate one takes about 2⁸⁰ key pairs, and five groups can still be read aloud."""


def fingerprint(public: bytes) -> bytes:
    """The first 80 bits of the SHA-256 of a public key."""
    return hashlib.sha256(public).digest()[:FINGERPRINT_BYTES]


def groups(fingerprint_bytes: bytes) -> str:
    """A fingerprint as five groups of four hexadecimal digits: ``8f40 c5ad b68f 2562 4ae5``."""
    text = fingerprint_bytes.hex()
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def words(fingerprint_bytes: bytes) -> str:
    """A fingerprint as five pronounceable words, two bytes each: ``lusab babad …``.

    Proquints (Wilkerson, arXiv 0901.4016): consonant (4 bits), vowel (2), consonant, vowel,
    consonant.
    """
    consonants, vowels = "bdfghjklmnprstvz", "aiou"
    letters = (consonants, 12), (vowels, 10), (consonants, 6), (vowels, 4), (consonants, 0)
    values = [int.from_bytes(fingerprint_bytes[i : i + 2], "big") for i in range(0, len(fingerprint_bytes), 2)]
    return " ".join("".join(kind[value >> shift & len(kind) - 1] for kind, shift in letters) for value in values)


@dataclass(frozen=True)
class Party:
    """A key pair and whose it is.

    Attributes:
        name: for the transcript.
        private: 32 bytes, never printed.
        public: 32 bytes, sent in the clear.
    """

    name: str
    private: bytes = field(repr=False)
    public: bytes

    @staticmethod
    def create(name: str, stream: KeyStream | None = None) -> Party:
        """A new key pair from the operating system's randomness, or from a demo key stream."""
        private = X25519PrivateKey.generate().private_bytes_raw() if stream is None else stream.take(32)
        return Party(name, private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


@dataclass(frozen=True)
class View:
    """The exchange as one end of it saw it.

    Attributes:
        owner: whose view this is.
        peer: whom the owner believes to talk to.
        own_public, peer_public: the public key sent, and the one that arrived.
        shared: the X25519 secret, 32 bytes, never printed.
        root: HKDF of it (and of the pre-shared secret), never printed.
        tag: eight public bytes that only a holder of ``root`` can make; each end sends its own.
        expected_tag: what the peer's tag must be.
    """

    owner: str
    peer: str
    own_public: bytes
    peer_public: bytes
    shared: bytes = field(repr=False)
    root: bytes = field(repr=False)
    tag: bytes
    expected_tag: bytes = field(repr=False)

    @property
    def own_fingerprint(self) -> bytes:
        """What the owner reads out."""
        return fingerprint(self.own_public)

    @property
    def peer_fingerprint(self) -> bytes:
        """What the owner must hear from the peer."""
        return fingerprint(self.peer_public)

    def source(self) -> KeySource:
        """The key source of all message keys of this link."""
        return KeySource(self.root, demo=False)


@dataclass(frozen=True)
class Message:
    """One line of the transcript: a public value on its way. ``changed`` if not as it was sent."""

    sent_by: str
    meant_for: str
    what: str
    value: bytes
    changed: bool = False


@dataclass(frozen=True)
class Agreement:
    """One run of the exchange.

    Attributes:
        sender, receiver: the two ends' views.
        attacker: his views towards the sender and the receiver; ``None`` if nobody interfered.
        messages: everything that went over the air, in order, as it arrived.
        pre_shared: whether a pre-shared secret entered HKDF.
    """

    sender: View
    receiver: View
    attacker: tuple[View, View] | None
    messages: tuple[Message, ...]
    pre_shared: bool

    @property
    def agreed(self) -> bool:
        """Whether sender and receiver hold the same root."""
        return self.sender.root == self.receiver.root

    @property
    def attacker_reads(self) -> bool:
        """Whether the man in the middle holds both roots: he decrypts, and re-encrypts."""
        if self.attacker is None:
            return False
        towards_sender, towards_receiver = self.attacker
        return towards_sender.root == self.sender.root and towards_receiver.root == self.receiver.root

    @property
    def confirmed(self) -> bool:
        """Whether each end's tag, as it arrived, is what the other end expects."""
        if self.attacker is None:
            arrived = self.receiver.tag, self.sender.tag
        else:
            arrived = self.attacker[0].tag, self.attacker[1].tag
        return arrived == (self.sender.expected_tag, self.receiver.expected_tag)

    @property
    def fingerprints_match(self) -> bool:
        """Whether each end hears from the other, by voice, the fingerprint that it computed."""
        return (
            self.sender.peer_fingerprint == self.receiver.own_fingerprint
            and self.receiver.peer_fingerprint == self.sender.own_fingerprint
        )


def agree(sender: Party, receiver: Party, pre_shared: bytes = b"") -> Agreement:
    """The exchange with nobody in between."""
    at_sender = _view(sender, receiver.name, receiver.public, True, pre_shared)
    at_receiver = _view(receiver, sender.name, sender.public, False, pre_shared)
    messages = (
        Message(sender.name, receiver.name, "public key", sender.public),
        Message(receiver.name, sender.name, "public key", receiver.public),
        Message(sender.name, receiver.name, "tag", at_sender.tag),
        Message(receiver.name, sender.name, "tag", at_receiver.tag),
    )
    return Agreement(at_sender, at_receiver, None, messages, bool(pre_shared))


def man_in_the_middle(
    sender: Party, receiver: Party, attacker: tuple[Party, Party], pre_shared: bytes = b"", guess: bytes = b""
) -> Agreement:
    """The exchange through an attacker who puts his own public keys in place of theirs.

    Args:
        attacker: his key pairs: the one that the sender gets, and the one that the receiver gets.
        pre_shared: the secret of sender and receiver, empty for the plain exchange.
        guess: what the attacker takes for it.
    """
    to_sender, to_receiver = attacker
    at_sender = _view(sender, receiver.name, to_sender.public, True, pre_shared)
    at_receiver = _view(receiver, sender.name, to_receiver.public, False, pre_shared)
    # He plays the receiver towards the sender, and the sender towards the receiver.
    views = (
        _view(to_sender, sender.name, sender.public, False, guess),
        _view(to_receiver, receiver.name, receiver.public, True, guess),
    )
    messages = (
        Message(sender.name, receiver.name, "public key", to_receiver.public, changed=True),
        Message(receiver.name, sender.name, "public key", to_sender.public, changed=True),
        Message(sender.name, receiver.name, "tag", views[1].tag, changed=True),
        Message(receiver.name, sender.name, "tag", views[0].tag, changed=True),
    )
    return Agreement(at_sender, at_receiver, views, messages, bool(pre_shared))


def _view(party: Party, peer: str, peer_public: bytes, sends: bool, pre_shared: bytes) -> View:
    """What a party computes from its own private key and the public key that arrived.

    The X25519 secret always has 32 bytes, so joining the pre-shared one to it is unambiguous;
    both public keys, as seen here, are part of HKDF's info.
    """
    private = X25519PrivateKey.from_private_bytes(party.private)
    shared = private.exchange(X25519PublicKey.from_public_bytes(peer_public))
    seen = party.public + peer_public if sends else peer_public + party.public
    root = hkdf(shared + pre_shared, b"semcom/agreement/" + seen)
    tags = hkdf(root, b"semcom/confirm/sender", 8), hkdf(root, b"semcom/confirm/receiver", 8)
    own, expected = tags if sends else tags[::-1]
    return View(party.name, peer, party.public, peer_public, shared, root, own, expected)
