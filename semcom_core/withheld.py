"""Models that only an evaluation needs: left out of the weights folder, but on record.

::

    weights/retrain.json   {"version": 1, "files": {"objects/conv_noise/model.safetensors": {"sha256", "bytes"}, …}}

Recipe, log and model card stay. Measurements stay, too, as long as the other networks that they
were made with are the same; whoever wants the model trains it again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from semcom_core import manifest
from semcom_core.manifest import CONFIG, MODEL, Entry, MissingWeights

RECORD = "retrain.json"


def read() -> dict[str, Entry]:
    """What is on record, by model name; without models that have been trained again.

    Raises:
        WeightsError: the record is damaged.
    """
    path = _path()
    entries = manifest.parse(path) if path.is_file() else {}
    here = set(manifest.names())
    return {
        name: entry for file, entry in entries.items() if (name := file.removesuffix(f"/{MODEL}")) not in here
    }  # fmt: skip


def withhold(names: Sequence[str]) -> None:
    """Take models out of the weights folder and its manifest, and put them on record.

    Raises:
        MissingWeights: the manifest has no such model.
    """
    from semcom_core.weights import write_card

    known = manifest.read()
    for name in names:
        if manifest.files_of(name)[0] not in known:
            raise MissingWeights(f"There are no weights called {name}; known are {', '.join(manifest.names())}.")
    model_files = {manifest.files_of(name)[0]: known[manifest.files_of(name)[0]] for name in names}
    entries = (manifest.parse(_path()) if _path().is_file() else {}) | model_files
    files = {file: {"sha256": entry.sha256, "bytes": entry.size} for file, entry in sorted(entries.items())}
    manifest.write_atomically(_path(), (json.dumps({"version": 1, "files": files}, indent=2) + "\n").encode())
    manifest.remove([file for name in names for file in manifest.files_of(name)])
    for name in names:
        (manifest.root() / name / MODEL).unlink(missing_ok=True)
        write_card(name, withheld=model_files[f"{name}/{MODEL}"].sha256)


def stands(domain: str, hashes: Mapping[str, str]) -> bool:
    """Whether a measurement that cannot be repeated here is still one of these networks.

    Args:
        hashes: of the networks that it was made with, by name within the domain.

    Returns:
        True if at least one of them is withheld, and all are what manifest and record say.
    """
    kept = {name: entry.sha256 for name, entry in read().items()}
    here = {
        file.removesuffix(f"/{MODEL}"): entry.sha256
        for file, entry in manifest.read().items()
        if not file.endswith(CONFIG)
    }
    names = {f"{domain}/{name}": sha for name, sha in hashes.items()}
    return bool(names.keys() & kept.keys()) and all((kept | here).get(name) == sha for name, sha in names.items())


def _path() -> Path:
    return manifest.root() / RECORD
