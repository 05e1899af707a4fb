"""A bounded cache whose keys are content hashes that the caller names.

Streamlit's ``cache_data`` hashes a *sample* of a large array, so two pictures that differ in one
pixel can share a result. Here nothing is hashed behind the caller's back: a key holds the SHA-256
of the prepared picture and the settings that matter.

What derives from a sample picture under the demo key goes into one cache for all sessions; what
derives from a visitor's picture or a secret key goes into a cache in that visitor's session. Each
kind of result has caches of its own: cheap transmissions do not push out an attack that took seconds.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Literal, TypeVar

import streamlit as st

from pages.widgets.cores import fair_share

T = TypeVar("T")
Kind = Literal["stages", "attacks", "inversions", "trials"]
ENTRIES: dict[Kind, tuple[int, int]] = {
    "stages": (160, 16), "attacks": (96, 16), "inversions": (320, 128), "trials": (96, 32),
}  # fmt: skip
"""Results of each kind that are kept for all sessions, and in one visitor's.

A grid of the inversion lab has some forty; after a few slider moves it should still find them.
"""


class StageCache:
    """The most recently used results, at most ``entries`` of them. Values are never changed."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value under a key, computed if it is not there.

        The lock is not held while computing: two sessions may compute the same value once each,
        but none waits for another's picture.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]  # type: ignore[return-value]
        with fair_share():
            value = compute()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._entries:
                self._values.popitem(last=False)
        return value


@st.cache_resource(show_spinner=False)
def _shared(kind: Kind) -> StageCache:
    return StageCache(ENTRIES[kind][0])


def stage_cache(private: bool, kind: Kind = "stages") -> StageCache:
    """The cache for this visitor's results of a kind: the session's own if they are private."""
    if not private:
        return _shared(kind)
    return st.session_state.setdefault(f"{kind}_cache", StageCache(ENTRIES[kind][1]))
