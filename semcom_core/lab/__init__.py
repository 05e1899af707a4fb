"""The cipher lab's experiments: pure functions, and generators that yield as they go.

A generator does a little work between two yields, so that a page can show progress and stop
it. Nothing here knows of a page. The attacks themselves are in :mod:`semcom_core.attacks`.
"""

from __future__ import annotations

from semcom_core import manifest
from semcom_core.attacks import NETWORKS
from semcom_core.domains import DOMAINS

SNRS_DB = (0.0, 7.0, 11.0, 15.0, 19.0, 23.0)
"""The signal-to-noise ratios at which attacks are tried."""


def domains() -> list[str]:
    """Names of the domains in which every attack of the lab has its networks; all where no weights are."""
    trained = set(manifest.names())
    return [one for one in DOMAINS if {f"{one}/{name}" for name in NETWORKS} <= trained] or list(DOMAINS)
