"""The Hugging Face Hub: fetch files of one fixed commit, pull all weights, publish them.

::

    SEMCOM_HUB_REPO, SEMCOM_HUB_REVISION ─ source() ─ fetch() ─ the client's cache ─ verified() ─ weights folder

The Hub only ever supplies bytes; whether they are the right ones is the manifest's to say.
``HF_ENDPOINT``, ``HF_HOME``, ``HF_TOKEN`` and the like are the client's own and work as usual.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from semcom_core import cards, manifest
from semcom_core.manifest import (
    CONFIG,
    Entry,
    HubMisconfigured,
    HubUnauthorised,
    HubUnavailable,
    MissingWeights,
    TamperedWeights,
    WeightsError,
)

_EXTRAS = ("results.json", "recipe.toml", "log.csv")
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DISK = (errno.ENOSPC, errno.EACCES, errno.EROFS)
_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class HubSource:
    """A repository ``owner/name`` at one commit (40 hexadecimal digits)."""

    repo: str
    revision: str


def source() -> HubSource | None:
    """The Hub repository from the environment; ``None`` means bundled weights only.

    Raises:
        HubMisconfigured: the repository is not ``owner/name``, or the revision is not a full
            commit hash (a branch or tag could change under a running app).
    """
    repo = os.environ.get("SEMCOM_HUB_REPO", "").strip()
    revision = os.environ.get("SEMCOM_HUB_REVISION", "").strip()
    if not repo:
        return None
    _check_repo(repo, "SEMCOM_HUB_REPO")
    if not _COMMIT.fullmatch(revision):
        raise HubMisconfigured(
            "SEMCOM_HUB_REVISION must be a full commit hash of 40 hexadecimal digits (not a branch, a tag or a "
            "short hash); `python -m semcom_core publish` prints it."
        )
    return HubSource(repo, revision)


def fetch(origin: HubSource, file: str, force: bool = False) -> Path:
    """Download one file into the client's cache, or find it there. Not yet verified.

    Args:
        origin: repository and commit.
        file: its path in the repository.
        force: download even if it is in the cache.

    Raises:
        MissingWeights: the commit has no such file.
        HubMisconfigured: no such repository or commit.
        HubUnauthorised: no access.
        HubUnavailable: no connection, or an error of the server.
    """
    # Imported here: a bundled app never needs the client.
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    try:
        cached = try_to_load_from_cache(origin.repo, file, revision=origin.revision)
        if isinstance(cached, str) and not force:
            return Path(cached)
        _reach(origin)
        if isinstance(cached, str):
            # The client would download anew but go on pointing at the old content of this commit.
            Path(cached).unlink(missing_ok=True)
        return Path(hf_hub_download(origin.repo, file, revision=origin.revision, force_download=force))
    except Exception as error:  # the client raises HTTP, OS and value errors, and which ones changes with its version
        raise _explained(error, origin.repo, file) from error


def pull(force: bool = False) -> list[str]:
    """Fetch every file of the manifest from the Hub into the weights folder.

    All files are downloaded and verified before the first one is placed, so a refused file
    leaves the folder as it was.

    Args:
        force: download again even what is present and right.

    Returns:
        The files that were placed, as the manifest names them.

    Raises:
        WeightsError: see :func:`fetch`; also if no Hub is set or a file differs from the manifest.
    """
    origin = source()
    if origin is None:
        raise HubMisconfigured("Set SEMCOM_HUB_REPO and SEMCOM_HUB_REVISION to say where to pull the weights from.")
    promised = manifest.read()
    if not promised:
        raise MissingWeights("The manifest names no weights yet, so there is nothing to pull; train a recipe first.")
    wanted = {file: entry for file, entry in promised.items() if force or not _is_right(file, entry)}
    try:
        _place(origin, wanted, force)
    except OSError as error:
        raise WeightsError(f"The weights folder cannot be written ({error.strerror}); check SEMCOM_WEIGHTS.") from error
    return sorted(wanted)


def publish(repo: str, private: bool = False) -> str:
    """Upload the weights folder with its model cards; print how to use it.

    Files that the repository has and this folder has not are left alone.

    Args:
        repo: ``owner/name``; created if there is none.
        private: whether a new repository is private.

    Returns:
        The hash of the commit.

    Raises:
        WeightsError: a local file is missing or differs from the manifest; no permission; no
            connection.
    """
    from huggingface_hub import HfApi

    _check_repo(repo, "The repository")
    with tempfile.TemporaryDirectory() as staging:
        _stage(Path(staging))
        try:
            HfApi().create_repo(repo, private=private, exist_ok=True)
            commit = HfApi().upload_folder(repo_id=repo, folder_path=staging, commit_message="Publish weights").oid
        except Exception as error:  # see fetch
            raise _explained(error, repo) from error
    print(f"Published to {repo} at commit {commit}. To use it:\n")
    print(f"SEMCOM_HUB_REPO={repo}\nSEMCOM_HUB_REVISION={commit}")
    return commit


def _place(origin: HubSource, wanted: dict[str, Entry], force: bool) -> None:
    """Fetch and verify all files, then move them into the weights folder."""
    folder = manifest.root()
    folder.mkdir(parents=True, exist_ok=True)
    # Staged on the same file system, so that placing a file is one rename.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".pull-") as staging:
        size = sum(entry.size for entry in wanted.values())
        with tqdm(total=size, unit="B", unit_scale=True, desc="weights") as progress:
            for file, entry in wanted.items():
                data = manifest.verified(fetch(origin, file, force), file, entry, "hub")
                manifest.write_atomically(Path(staging, file), data)
                progress.update(entry.size)
        for file in wanted:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(staging, file), folder / file)


def _stage(staging: Path) -> None:
    """Copy what is to be published; only these bytes, checked just now, are uploaded."""
    entries = manifest.read()
    if not entries:
        raise MissingWeights("There are no weights to publish yet; train a recipe first.")
    for file, entry in entries.items():
        manifest.write_atomically(staging / file, manifest.verified(manifest.root() / file, file, entry, "bundled"))
    configs = {name: json.loads((staging / name / CONFIG).read_bytes()) for name in manifest.names()}
    for name, config in configs.items():
        folder = manifest.root() / name
        for extra in filter(lambda extra: (folder / extra).is_file(), _EXTRAS):
            manifest.write_atomically(staging / name / extra, (folder / extra).read_bytes())
        manifest.write_atomically(staging / name / "README.md", _card(name, folder, config).encode())
    manifest.write_atomically(staging / "README.md", cards.index_card(configs).encode())


def _card(name: str, folder: Path, config: dict) -> str:
    if (folder / "README.md").is_file():
        return (folder / "README.md").read_text(encoding="utf-8")
    results = folder / "results.json"
    return cards.model_card(name, config, json.loads(results.read_bytes()) if results.is_file() else None)


def _is_right(file: str, entry: Entry) -> bool:
    try:
        manifest.verified(manifest.root() / file, file, entry, "bundled")
    except (MissingWeights, TamperedWeights):
        return False
    return True


def _check_repo(repo: str, what: str) -> None:
    if not _REPO.fullmatch(repo):
        raise HubMisconfigured(f"{what} must have the form owner/name.")


@functools.cache
def _reach(origin: HubSource) -> None:
    """Ask the Hub once whether it has this commit.

    ``hf_hub_download`` alone would retry for half a minute when the Hub is down, and would not
    tell a wrong commit from a wrong file. Only success is remembered.
    """
    from huggingface_hub import HfApi

    HfApi().model_info(origin.repo, revision=origin.revision, timeout=_TIMEOUT_S)


def _explained(error: BaseException, repo: str, file: str | None = None) -> WeightsError:
    """One sentence for what the client raised; its own text may hold paths and addresses."""
    from huggingface_hub import errors

    error = _innermost(error)
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status in (401, 403):
        return HubUnauthorised(
            f"The Hub refuses access to {repo} ({status}): check that the repository exists, and if it is private "
            "or to be written, set HF_TOKEN to a token that is allowed to (or run `hf auth login`)."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return HubMisconfigured(f"There is no repository {repo} on the Hub; check its name.")
    if isinstance(error, errors.RevisionNotFoundError):
        return HubMisconfigured(f"The Hub repository {repo} has no such commit; check SEMCOM_HUB_REVISION.")
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return MissingWeights(
            f"The Hub repository {repo} has no file {file} at this commit; publish again and set SEMCOM_HUB_REVISION."
        )
    if isinstance(error, OSError) and error.errno in _DISK:
        return WeightsError(f"The download cannot be stored ({error.strerror}); check the disk and HF_HOME.")
    kind = type(error).__name__
    reason = f"answered {status}" if status else f"cannot be reached or does not answer as a Hub ({kind})"
    return HubUnavailable(f"The Hub {reason} for {repo}; check the connection and try again later.")


def _innermost(error: BaseException) -> BaseException:
    """The HTTP error behind "force download failed" and "no local file found"."""
    from huggingface_hub.errors import HfHubHTTPError

    while error.__cause__ is not None and not isinstance(error, HfHubHTTPError):
        error = error.__cause__
    return error
