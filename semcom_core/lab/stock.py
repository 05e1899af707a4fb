"""The pictures behind the experiments: the domain's samples, encoded once, and pools of messages made of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import torch

from semcom_core import samples
from semcom_core.domains import DOMAINS
from semcom_core.lab.material import Pool, two_parties
from semcom_core.link import Encoded, LinkModels, digest, encode

PARTIES = ("sender", "attacker")


class Stock:
    """All samples of a domain that belong to a class, made when asked for; safe to share between threads."""

    def __init__(self, models: LinkModels) -> None:
        self.models = models
        self._wanted = [one for one in samples.samples(models.domain.name) if one.label is not None]
        self.labels: list[int] = [one.label for one in self._wanted if one.label is not None]
        self.titles: list[str] = [one.title for one in self._wanted]
        self._ready: list[Encoded] = []
        self._pools: dict[str, Pool] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._wanted)

    def grow(self, count: int | None = None) -> Iterator[int]:
        """Draw and encode samples until there are ``count`` (default all); yields how many there are."""
        count = min(count or len(self), len(self))
        while len(self._ready) < count:
            with self._lock:
                if len(self._ready) < count:
                    self._ready.append(self._make(len(self._ready)))
            yield len(self._ready)

    def pictures(self, count: int | None = None) -> Encoded:
        """The first ``count`` samples (default all), which must be there."""
        ready = self._ready[: count or len(self)]
        if len(ready) < (count or len(self)):
            raise ValueError(f"Only {len(ready)} samples are there yet.")
        return Encoded(
            torch.cat([one.native for one in ready]),
            torch.cat([one.symbols for one in ready]),
            tuple(digest for one in ready for digest in one.digests),
        )

    def pool(self, party: str) -> Pool:
        """Messages of one of :data:`PARTIES`; no sample is behind both. All samples must be there."""
        whole = self.pictures()
        sides = dict(zip(PARTIES, two_parties(self.labels), strict=True))
        with self._lock:
            if party not in self._pools:
                index = sides[party]
                labels = [self.labels[k] for k in index]
                self._pools[party] = Pool(self.models, whole.native[index], labels, PARTIES.index(party))
            return self._pools[party]

    def _make(self, number: int) -> Encoded:
        name = self.models.domain.name
        native = DOMAINS[name].prepare(samples.render(name, self._wanted[number].key)).native
        made = encode(self.models, native[None])
        return Encoded(made.native, made.symbols, (digest(native),))
