"""Numbers of lessons that need thousands of pictures, from the results beside the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from semcom_core import weights
from semcom_core.lessons.catalogue import Lookup
from semcom_core.lessons.evidence import Evidence, Source


def look_up(lookup: Lookup, evidence: Evidence) -> None:
    """Add one measured number and its source; nothing where it was not measured."""
    content = _results(lookup.model)
    for row in content.get(lookup.table, []):
        if all(row.get(name) == value for name, value in lookup.where.items()):
            value: Any = row
            for part in lookup.value.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            if value is not None:
                evidence.numbers[lookup.name] = float(value)
                source = Source(lookup.model, content["data"], int(row["images"]), content["command"])
                if source not in evidence.sources:
                    evidence.sources.append(source)
            return


def _results(model: str) -> dict[str, Any]:
    try:
        return json.loads((weights.root() / model / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
