"""Models that only an evaluation needs: left out of the weights folder, but on record.

::

    weights/retrain.json   {"version": 1, "files": {"objects/conv_noise/model.safetensors": {"sha256", "bytes"}, …}}

Recipe, log and model card stay. Measurements stay, too, as long as the other networks that they
were made with are the same; whoever wants the model trains it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from semcom_core import manifest
from semcom_core.manifest import MODEL, Entry, MissingWeights

RECORD = "retrain.json"
Row = dict[str, Any]


def read() -> dict[str, Entry]:
    """What is on record, by model name; without models that have been trained again.

    Raises:
        WeightsError: the record is damaged.
    """
    here = set(manifest.names())
    return {name: entry for name, entry in _models(_record()).items() if name not in here}


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
    manifest.write_atomically(_path(), manifest.dump(_record() | model_files))
    manifest.remove([file for name in names for file in manifest.files_of(name)])
    for name in names:
        (manifest.root() / name / MODEL).unlink(missing_ok=True)
        write_card(name, withheld=model_files[f"{name}/{MODEL}"].sha256)


def standing(domain: str, rows: Iterable[Row]) -> list[Row]:
    """The measurements that cannot be repeated here, but still are those of these networks.

    Args:
        rows: each with ``weights``, the hashes of the networks it was made with, by name within the domain.

    Returns:
        Rows with a withheld network among theirs, and all as manifest and record say.
    """
    kept, here = read(), _models(manifest.read())
    known = {name: entry.sha256 for name, entry in (kept | here).items()}

    def stands(row: Row) -> bool:
        hashes = {f"{domain}/{name}": sha for name, sha in row["weights"].items()}
        return bool(hashes.keys() & kept.keys()) and all(known.get(name) == sha for name, sha in hashes.items())

    return [row for row in rows if stands(row)]


def _models(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Entries of the models' own files, by model name."""
    return {file.removesuffix(f"/{MODEL}"): entry for file, entry in entries.items() if file.endswith(f"/{MODEL}")}


def _record() -> dict[str, Entry]:
    return manifest.parse(_path()) if _path().is_file() else {}


def _path() -> Path:
    return manifest.root() / RECORD
