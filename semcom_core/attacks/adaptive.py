"""Adaptive inversion: knows encoder and algorithm, lacks only the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from semcom_core.attacks.base import Eavesdropper, Knowledge, Loot, ThreatModel, undo
from semcom_core.attacks.inversion import DefenseInversion
from semcom_core.attacks.jigsaw import Guess, guess_keys
from semcom_core.channels import Received
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.codecs.repobe import unpack
from semcom_core.defenses.confusion import ConfusionCipher

READERS = {"confusion": "adaptive", "shuffling": "adaptive_shuffling"} | dict.fromkeys(
    ("rotation_exact", "rotation_fast"), "adaptive_rotation"
)
"""Which trained reader faces which keyed plug-in (weights ``<domain>/<name>``)."""
PRIOR = "prior"
TEMPERATURE = 10.0
"""Softens the guesses' likelihoods: their cells are not independent, as the Gaussians assume."""
TRUST = 0.75
"""Weight of the puzzle's class against the reader's. Both chosen on held-out pictures."""
NEGLIGIBLE = 1e-3
"""A guess of less weight than this is not decoded."""


class AdaptiveInversion(Eavesdropper):
    """Everything that an attacker without the key can do in one pass, for any key policy.

    Against the confusion-offset cipher it solves each ciphertext as a puzzle
    (:mod:`semcom_core.attacks.jigsaw`), decrypts with the likeliest key and uses the receiver's
    own networks; its class also weighs the other guesses, and a reader that is invariant to the
    key. Against other keyed plug-ins it uses a reader trained on their ciphertexts. Without a
    keyed plug-in "everything but the key" includes the receiver's own networks and the public
    inverse of each plug-in, so it does what the receiver does.

    Args:
        networks: the readers of :data:`READERS` and the feature statistics :data:`PRIOR`.
    """

    name: ClassVar[str] = "adaptive"
    threat: ClassVar[ThreatModel] = ThreatModel(encoder=True, algorithm=True, training="ciphertexts under fresh keys")

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        self.networks = networks

    def intercept(self, received: Received, knowledge: Knowledge) -> Loot:
        keyed = next((plug_in for plug_in in knowledge.chain if plug_in.keyed), None)
        if isinstance(keyed, ConfusionCipher):
            return self._solve(received, knowledge)
        symbols = received.equalise()
        if keyed is not None:
            if keyed.name not in READERS:
                return DefenseInversion(self.networks[DefenseInversion.name]).intercept(received, knowledge)
            logits, image = self.networks[READERS[keyed.name]](unpack(symbols))
            return Loot(image, logits)
        none = [[None] * len(symbols) for _ in knowledge.chain]
        decoded = knowledge.codec.decode(*undo(symbols, knowledge.chain, none, received.effective()[1]))
        return Loot(decoded.image, decoded.logits)

    def _solve(self, received: Received, knowledge: Knowledge) -> Loot:
        symbols = received.equalise()
        gain, noise = received.effective()
        guesses = guess_keys(unpack(symbols) / gain[:, None, None, None], self.networks[PRIOR], noise)
        likeliest = tuple(candidates[0].key for candidates in guesses)
        picture = knowledge.codec.reconstruct(_undo_with(symbols, knowledge, likeliest))
        puzzle = self._weigh(symbols, knowledge, guesses)
        read = self.networks[READERS[ConfusionCipher.name]].logits(unpack(symbols)).softmax(1)
        return Loot(picture, (TRUST * puzzle + (1.0 - TRUST) * read).clamp_min(1e-12).log(), likeliest)

    @staticmethod
    def _weigh(symbols: Tensor, knowledge: Knowledge, guesses: list[list[Guess]]) -> Tensor:
        """The receiver's class probabilities (B,K), averaged over the guessed keys by likelihood."""
        likelihood = torch.tensor([[guess.log_likelihood for guess in one] for one in guesses])
        weight = (likelihood / TEMPERATURE).softmax(1)
        message, rank = (weight > NEGLIGIBLE).nonzero(as_tuple=True)
        keys = [guesses[i][j].key for i, j in zip(message.tolist(), rank.tolist(), strict=True)]
        share, message = weight[message, rank, None], message.to(symbols.device)
        # One batch for all guesses: far cheaper than a pass for each.
        answers = knowledge.codec.classify(_undo_with(symbols[message], knowledge, keys)).softmax(1)
        total = answers.new_zeros(len(symbols), answers.shape[1]).index_add(0, message, share.to(answers) * answers)
        return total / total.sum(1, keepdim=True)


def _undo_with(symbols: Tensor, knowledge: Knowledge, keys: list[ConfusionKey | None]) -> Tensor:
    """Undo the chain with these keys for its keyed plug-in; the others need none."""
    none = [None] * len(symbols)
    return undo(symbols, knowledge.chain, [keys if plug_in.keyed else none for plug_in in knowledge.chain])[0]
