"""The weights folder and its manifest: the only source of hashes, and it comes from git.

::

    weights/manifest.json   {"version": 1, "files": {"digits/base/model.safetensors": {"sha256", "bytes"}, …}}

Every byte that is loaded, pulled or published is compared with it first. Nothing that comes from
the Hub can change it: ``pull`` never fetches a manifest, only :func:`update` writes one.
No torch import here, so that ``pull`` starts at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

MANIFEST = "manifest.json"
MODEL, CONFIG = "model.safetensors", "config.json"
PROJECT_WEIGHTS = Path(__file__).parents[1] / "weights"
Origin = Literal["bundled", "hub"]
_ORIGINS: dict[Origin, tuple[str, str]] = {
    "bundled": ("in the weights folder", "restore it from git or run `python -m semcom_core pull --force`"),
    "hub": (
        "from the Hub",
        "check that SEMCOM_HUB_REVISION belongs to this version of the app or run `python -m semcom_core pull --force`",
    ),
}
"""For messages: where a file lies, and what to do if it is not the right one."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}/[a-z0-9][a-z0-9_-]{0,63}")


class WeightsError(RuntimeError):
    """Weights cannot be used.

    The message is a sentence for a visitor or the owner of the app: it says what to do and holds
    neither tokens nor paths of this machine.
    """


class MissingWeights(WeightsError):
    """A file is neither in the weights folder nor on the Hub."""


class TamperedWeights(WeightsError):
    """A file is not the one that the manifest promises."""


class RefusedConfig(WeightsError):
    """A ``config.json`` asks for something other than a registered network and bounded integers."""


class HubMisconfigured(WeightsError):
    """The settings of the Hub name no repository or no fixed commit."""


class HubUnauthorised(WeightsError):
    """The Hub does not let this token (or nobody without one) at the repository."""


class HubUnavailable(WeightsError):
    """The Hub does not answer, or answers with an error of its own."""


class Entry(NamedTuple):
    """What the manifest promises of one file."""

    sha256: str
    size: int

    @classmethod
    def of(cls, data: bytes) -> Entry:
        """The entry that describes ``data``."""
        return cls(hashlib.sha256(data).hexdigest(), len(data))


def root() -> Path:
    """The weights folder: ``SEMCOM_WEIGHTS``, else ``weights/`` of the project."""
    chosen = os.environ.get("SEMCOM_WEIGHTS")
    return Path(chosen) if chosen else PROJECT_WEIGHTS


def is_name(name: object) -> bool:
    """Whether ``name`` has the form ``<domain>/<name>``, which also keeps it inside the folder."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def files_of(name: str) -> tuple[str, str]:
    """The two files of a model that the manifest covers: weights, configuration."""
    return f"{name}/{MODEL}", f"{name}/{CONFIG}"


def read() -> dict[str, Entry]:
    """All entries by file. A folder without a manifest of its own is held to the project's.

    Raises:
        WeightsError: the manifest is damaged.
    """
    own = root() / MANIFEST
    path = own if own.is_file() else PROJECT_WEIGHTS / MANIFEST
    if not path.is_file():
        return {}
    state = path.stat()
    return dict(_parsed(path, state.st_mtime_ns, state.st_size))


@lru_cache(maxsize=4)
def _parsed(path: Path, changed_ns: int, size: int) -> dict[str, Entry]:
    """The entries of a file in one state: pages ask for them several times at every change."""
    return parse(path)


def parse(path: Path) -> dict[str, Entry]:
    """The entries of a file in the manifest's format.

    Raises:
        WeightsError: it is damaged.
    """
    try:
        content = json.loads(path.read_bytes())
        if content["version"] != 1:
            raise ValueError("unknown version")
        return {file: _entry(file, **fields) for file, fields in content["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"The weights manifest is damaged; restore weights/{path.name} from git.") from error


def dump(entries: Mapping[str, Entry]) -> bytes:
    """A file in the manifest's format, which :func:`parse` reads."""
    files = {file: {"sha256": entry.sha256, "bytes": entry.size} for file, entry in entries.items()}
    return (json.dumps({"version": 1, "files": files}, indent=2, sort_keys=True) + "\n").encode()


def names() -> list[str]:
    """Names of all models in the manifest."""
    return sorted({file.rpartition("/")[0] for file in read()})


def update(entries: dict[str, Entry]) -> None:
    """Put entries into the manifest of :func:`root`; other models' entries stay."""
    _change(lambda known: known | entries)


def remove(files: Collection[str]) -> None:
    """Take entries out of the manifest of :func:`root`."""
    _change(lambda known: {file: entry for file, entry in known.items() if file not in files})


def _change(change: Callable[[dict[str, Entry]], dict[str, Entry]]) -> None:
    """Safe when several trainings finish at once: one lock around reading and writing."""
    from filelock import FileLock

    folder = root()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(_lock_file(folder)):
        known = read()
        if not (folder / MANIFEST).is_file():
            # The folder's first manifest must not promise the project's models that are not in it.
            known = {file: entry for file, entry in known.items() if (folder / file).is_file()}
        write_atomically(folder / MANIFEST, dump(change(known)))


def verified(path: Path, file: str, entry: Entry, origin: Origin) -> bytes:
    """The content of ``path`` if it is what the manifest promises for ``file``.

    Callers use the returned bytes and do not open the file again, so that what was checked is
    what is used.

    Args:
        path: where the file lies.
        file: its name in the manifest.
        entry: the manifest's promise.
        origin: where it came from, for the message.

    Raises:
        MissingWeights: no such file.
        TamperedWeights: another size or hash.
    """
    where, remedy = _ORIGINS[origin]
    try:
        # The size first: a huge file that cannot be the right one is never read into memory.
        data = path.read_bytes() if path.stat().st_size == entry.size else None
    except OSError as error:
        raise MissingWeights(f"The file {file} {where} cannot be read; {remedy}.") from error
    if data is None or Entry.of(data) != entry:
        raise TamperedWeights(f"The file {file} {where} differs from the manifest and was not used; {remedy}.")
    return data


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part."""
    with written_beside({path: data}):
        pass


@contextmanager
def written_beside(files: Mapping[Path, bytes]) -> Iterator[None]:
    """Files that take their places together at the end of the block, or not at all if it or a write fails.

    All that needs space on the disk is done before the block begins.
    """
    temporaries: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = temporaries[path] = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
            temporary.write_bytes(data)
        yield
        for path, temporary in temporaries.items():
            os.replace(temporary, path)
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)


def _entry(file: str, sha256: str, bytes: int) -> Entry:
    name, _, tail = file.rpartition("/")
    if not is_name(name) or tail not in (MODEL, CONFIG):
        raise ValueError(f"unexpected file {file!r}")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256) or type(bytes) is not int or bytes < 0:
        raise ValueError(f"unexpected fields of {file!r}")
    return Entry(sha256, bytes)


def _lock_file(folder: Path) -> Path:
    """Outside the weights folder, which is under git; one for each folder and user."""
    user = getattr(os, "getuid", int)()
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"semcom-manifest-{user}-{digest}.lock"
