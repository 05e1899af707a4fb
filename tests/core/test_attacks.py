"""Eavesdroppers on untrained networks: what each receives, and what each can do with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from semcom_core.attacks import EAVESDROPPERS
from semcom_core.attacks.adaptive import AdaptiveInversion
from semcom_core.attacks.assignment import recover_key
from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot
from semcom_core.attacks.key_holder import KeyHolder
from semcom_core.channels import Received
from semcom_core.ciphers.confusion import ConfusionKey, encrypt
from semcom_core.ciphers.keys import KeyPolicy, KeySource, KeyStream
from semcom_core.defenses.confusion import ConfusionCipher
from semcom_core.link import Encoded, LinkModels, eavesdrop, receive, send
from semcom_core.settings import LinkSettings
from tests.untrained import identical, leaves

SOURCE = KeySource.published()


def spying(kind: type[Eavesdropper], seen: list[Knowledge]) -> type[Eavesdropper]:
    class Spy(kind):
        def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
            seen.append(knowledge)
            return super().intercept(received, knowledge)

    return Spy


@pytest.mark.parametrize("name", EAVESDROPPERS)
@pytest.mark.parametrize("policy", KeyPolicy)
def test_no_attacker_receives_the_key_except_its_holder(
    models: LinkModels, encoded: Encoded, known: Encoded, monkeypatch: pytest.MonkeyPatch, name: str, policy: KeyPolicy
) -> None:
    settings = LinkSettings(attacker=name, policy=policy)
    seen: list[Knowledge] = []
    build = EAVESDROPPERS[name]

    def spy(networks: dict[str, nn.Module]) -> Eavesdropper:
        attack = build(networks)
        attack.__class__ = spying(type(attack), seen)
        return attack

    monkeypatch.setitem(EAVESDROPPERS, name, spy)
    sent = send(encoded, settings, SOURCE)
    eavesdrop(models, encoded, sent, settings, SOURCE, known)
    (knowledge,) = seen
    if name == KeyHolder.name:
        assert knowledge.keys is sent.keys
        return
    assert knowledge.keys is None
    # Neither hidden elsewhere: it holds the public codec, the public algorithm, and pairs that it saw.
    assert knowledge.codec is models.codec
    assert knowledge.chain == (ConfusionCipher(),)
    assert not vars(knowledge.chain[0])
    assert len(knowledge.known) == EAVESDROPPERS[name](models.attacks).threat.known_plaintexts
    for plain, received in knowledge.known:
        assert torch.equal(plain, known.symbols)
        assert {type(leaf) for leaf in leaves(received)} <= {Tensor, bool}


def test_the_key_holder_does_what_the_receiver_does(models: LinkModels, encoded: Encoded) -> None:
    settings = LinkSettings(channel="rayleigh")
    sent = send(encoded, settings, SOURCE)
    bob = receive(models, encoded, sent, settings)
    loot = KeyHolder().intercept(bob.received, Knowledge(models.codec, sent.chain, sent.keys))
    assert torch.equal(loot.logits, bob.reading.logits)
    with pytest.raises(ValueError, match="needs the keys"):
        KeyHolder().intercept(bob.received, Knowledge(models.codec, sent.chain))


@pytest.mark.parametrize("defense", ["none", "noise"])
def test_without_a_key_the_adaptive_attacker_is_a_second_receiver(
    models: LinkModels, encoded: Encoded, defense: str
) -> None:
    settings = LinkSettings(defense=defense)
    sent = send(encoded, settings, SOURCE)
    bob = receive(models, encoded, sent, settings)
    attack = AdaptiveInversion(models.attacks["adaptive"])
    loot = attack.intercept(bob.received, Knowledge(models.codec, sent.chain))
    assert torch.equal(loot.logits, bob.reading.logits)


def test_known_plaintext_needs_an_earlier_message(models: LinkModels, encoded: Encoded) -> None:
    settings = LinkSettings(policy=KeyPolicy.FIXED)
    with pytest.raises(ValueError, match="needs an earlier message"):
        eavesdrop(models, encoded, send(encoded, settings, SOURCE), settings, SOURCE)


@pytest.mark.parametrize("blur", [1.0, 2.0])
@pytest.mark.parametrize("snr_db", [7, 11, 15, 19, 23])
def test_known_plaintext_recovers_the_key_of_smooth_features(blur: float, snr_db: int) -> None:
    """One pair of real-like (smooth) features at the paper's SNRs gives the whole canonical key."""
    for trial in range(3):
        rng = np.random.default_rng((trial, snr_db))
        F = gaussian_filter(rng.normal(size=(4, 28, 28)), (0, blur, blur)).astype(np.float32)
        F /= np.sqrt(np.mean(F**2))
        key = ConfusionKey.draw(KeyStream(bytes([trial]) * 32), 28, 28)
        noise = rng.normal(size=F.shape).astype(np.float32) * 10 ** (-snr_db / 20)
        found = recover_key(F[None], encrypt(torch.from_numpy(F), key).numpy()[None] + noise)
        assert np.array_equal(found.permutation(), key.permutation())


@pytest.mark.parametrize("snr_db", [7.0, 15.0, 23.0])
@pytest.mark.parametrize("policy", [KeyPolicy.FIXED, KeyPolicy.SESSION])
def test_known_plaintext_breaks_keys_that_live_on(
    models: LinkModels, encoded: Encoded, known: Encoded, snr_db: float, policy: KeyPolicy
) -> None:
    settings = LinkSettings(policy=policy, snr_db=snr_db)
    sent = send(encoded, settings, SOURCE)
    result = eavesdrop(models, encoded, sent, settings, SOURCE, known)
    assert result.attacker == "known_plaintext"
    assert result.key_agreement == 1.0
    holder = eavesdrop(models, encoded, sent, replace(settings, attacker="key_holder"), SOURCE)
    assert identical(result.reading, holder.reading), "with the whole key it reads what the key holder reads"


def test_known_plaintext_fails_under_message_keys(models: LinkModels, encoded: Encoded, known: Encoded) -> None:
    """It finds the earlier message's key, which is of no use: the share of equal entries is luck."""
    agreements = []
    for message in range(10):
        settings = LinkSettings(attacker="known_plaintext", snr_db=23.0, message=message)
        result = eavesdrop(models, encoded, send(encoded, settings, SOURCE), settings, SOURCE, known)
        agreements.append(result.key_agreement)
    assert np.mean(agreements) < 0.1  # 1/28 on average


def test_known_plaintext_needs_no_key_where_there_is_none(models: LinkModels, encoded: Encoded, known: Encoded) -> None:
    settings = LinkSettings(defense="none", attacker="known_plaintext")
    result = eavesdrop(models, encoded, send(encoded, settings, SOURCE), settings, SOURCE, known)
    assert result.key_agreement is None
    assert result.reading.logits is not None


def test_the_naive_attacker_ignores_the_defense(models: LinkModels, encoded: Encoded) -> None:
    settings = LinkSettings(attacker="naive")
    result = eavesdrop(models, encoded, send(encoded, settings, SOURCE), settings, SOURCE)
    assert result.reading.logits is None
    assert result.reading.native.shape == encoded.native.shape
    assert result.reading.judged.shape == (2, 10)
