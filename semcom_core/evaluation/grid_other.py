"""Attacks of the grid that are no eavesdroppers of the page: too slow for it, or with a large memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from semcom_core import datasets, link
from semcom_core.attacks.base import Loot
from semcom_core.attacks.neighbours import NearestMessages
from semcom_core.attacks.white_box import white_box
from semcom_core.channels import CHANNELS, Received, propagate
from semcom_core.ciphers.keys import KeySource
from semcom_core.evaluation.measure import CHUNK
from semcom_core.settings import LinkSettings
from semcom_core.training.augment import plain

_SEED = 999_000
"""Seeds of the attacker's own messages: none that a measured message has."""


def search(models: link.LinkModels, encoded: link.Encoded, sent: link.Sent, settings: LinkSettings) -> link.Reading:
    """White-box optimisation of the pictures behind one chunk of messages."""
    received = _heard(sent, settings)
    *_, last = white_box(models.codec, models.domain, received, sent.chain)
    return link.read(models, encoded.native, Loot(last.picture, None))


class Neighbours:
    """The 5-nearest-neighbour reader of one link, with its own 20,000 labelled messages.

    Args:
        images: the last so many pictures of the training split, which no codec of a defense's own
            was trained on.
    """

    def __init__(self, models: link.LinkModels, settings: LinkSettings, images: int) -> None:
        data, domain = datasets.load(models.domain.name, "train"), models.domain
        rows = np.arange(len(data) - min(images, len(data)), len(data))
        self.images = len(rows)
        heard = []
        for number, start in enumerate(range(0, len(rows), CHUNK)):
            native = plain(domain.name, data.images[rows[start : start + CHUNK]], domain.native_size)
            these = replace(settings, seed=_SEED + number)
            sent = link.send(link.encode(models, native), these, KeySource.published(), models.parts)
            heard.append(_heard(sent, these).equalise())
        labels = torch.from_numpy(data.labels[rows])
        self.reader = NearestMessages(torch.cat(heard), labels, len(domain.classes))

    def read(self, sent: link.Sent, settings: LinkSettings) -> link.Reading:
        """The classes of one chunk of messages."""
        votes: Tensor = self.reader.votes(_heard(sent, settings).equalise())
        return link.Reading(None, votes, None, None, None, None)


def _heard(sent: link.Sent, settings: LinkSettings) -> Received:
    """As :func:`link.eavesdrop` hears it."""
    generator = link.generator(settings.seed, "eve")
    return propagate(CHANNELS[settings.channel], sent.x, settings.chosen_eve_snr_db, generator)
