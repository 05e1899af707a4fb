"""What the charts of this page have in common."""

from __future__ import annotations

from collections.abc import Sequence


def zoomed(shares: Sequence[float]) -> list[float]:
    """A range of the axis in which differences near the top can be seen, with room below the lowest share."""
    room = max(0.02, 0.15 * (max(shares) - min(shares)))
    return [max(-0.03, min(shares) - room), min(1.005, max(shares) + room)]
