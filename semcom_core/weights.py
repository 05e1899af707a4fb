"""Trained weights: find, verify, load, save.

::

    "digits/base" ─ weights folder, else Hub at a fixed commit ─ SHA-256 against the manifest
                  ─ config.json ─ models.build ─ strict state dict ─ module in eval mode

Neither file is parsed before its hash is right, and what was hashed is what is parsed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from semcom_core import cards, hub, manifest, models
from semcom_core.hub import publish, pull
from semcom_core.manifest import (
    CONFIG,
    MODEL,
    Entry,
    HubMisconfigured,
    HubUnauthorised,
    HubUnavailable,
    MissingWeights,
    Origin,
    RefusedConfig,
    TamperedWeights,
    WeightsError,
    root,
)

__all__ = [
    "HubMisconfigured", "HubUnauthorised", "HubUnavailable", "Loaded", "Located", "MissingWeights", "RefusedConfig",
    "TamperedWeights", "WeightsError", "available", "load", "locate", "publish", "pull", "read_config", "root", "save",
    "write_card",
]  # fmt: skip

_CONFIG_KEYS = {"network", "arguments", "domain", "recipe", "recipe_digest"}
_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_NOTES: ContextVar[dict[str, str] | None] = ContextVar("notes", default=None)


@dataclass(frozen=True)
class Located:
    """Where a model's verified files lie.

    Attributes:
        name: ``<domain>/<name>``.
        weights: path of ``model.safetensors``.
        config: path of ``config.json``.
        origin: "bundled" (weights folder) or "hub".
        revision: commit on the Hub, ``None`` if bundled.
        sha256: hash of ``model.safetensors``.
    """

    name: str
    weights: Path
    config: Path
    origin: Origin
    revision: str | None
    sha256: str


@dataclass(frozen=True)
class Loaded:
    """A model ready to use: float32, channels last, evaluation mode, no gradients to its weights."""

    module: nn.Module
    config: dict[str, Any]
    located: Located


def locate(name: str) -> Located:
    """Find a model's files, in the weights folder or else on the Hub, and verify them.

    Raises:
        MissingWeights: the manifest has no such model, or its files are nowhere.
        TamperedWeights: a file differs from the manifest.
        WeightsError: the Hub is misconfigured, unavailable or refuses access.
    """
    return _resolve(name)[0]


def load(name: str) -> Loaded:
    """Load a model by name, for instance ``"digits/base"``.

    Raises:
        RefusedConfig: ``config.json`` asks for anything but a registered network and bounded integers.
        TamperedWeights: a file differs from the manifest, is damaged or does not fit the network.
        WeightsError: see :func:`locate`.
    """
    located, data, config_bytes = _resolve(name)
    config = read_config(config_bytes, name)
    module = models.build(config["network"], config["arguments"]).float()
    try:
        module.load_state_dict(safetensors.torch.load(data), strict=True)
    except (SafetensorError, RuntimeError) as error:
        raise TamperedWeights(
            f"The weights of {name} are damaged or do not fit their network; restore them from git or train again."
        ) from error
    module = module.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    if (notes := _NOTES.get()) is not None:
        notes[name] = located.sha256
    return Loaded(module, config, located)


@contextmanager
def noted() -> Iterator[dict[str, str]]:
    """Gives the hashes, by name, of all that is loaded meanwhile."""
    token = _NOTES.set({})
    try:
        yield _NOTES.get()
    finally:
        _NOTES.reset(token)


def available(domain: str) -> list[str]:
    """Names of the domain's models that can be loaded: present here, or named in the manifest if a Hub is set.

    Does not hash or download anything.
    """
    on_hub = hub.source() is not None
    return [name for name in manifest.names() if name.startswith(f"{domain}/") and (on_hub or _is_here(name))]


def read_config(data: bytes, name: str) -> dict[str, Any]:
    """Parse and check a ``config.json``.

    Args:
        data: content of the file.
        name: the model it belongs to.

    Raises:
        RefusedConfig: not exactly the five known fields, each within its bounds.
    """
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RefusedConfig(f"The configuration of {name} is not valid JSON and was refused.") from error
    if not isinstance(config, dict) or config.keys() != _CONFIG_KEYS:
        raise _refused(name, f"It must have exactly the fields {', '.join(sorted(_CONFIG_KEYS))}.")
    try:
        models.check(config["network"], config["arguments"])
    except ValueError as error:
        raise _refused(name, str(error)) from error
    if config["domain"] != name.partition("/")[0]:
        raise _refused(name, "Its domain is not that of the model's name.")
    if not manifest.is_name(config["recipe"]):
        raise _refused(name, "Its recipe must have the form domain/name.")
    if not isinstance(config["recipe_digest"], str) or not _DIGEST.fullmatch(config["recipe_digest"]):
        raise _refused(name, "Its recipe digest must be 8 to 64 hexadecimal digits.")
    return config


def save(
    name: str,
    module: nn.Module,
    config: dict[str, Any],
    *,
    recipe: Path | None = None,
    log: Path | None = None,
    card: str | None = None,
) -> Path:
    """Write a trained module in half precision, with its papers, and enter it into the manifest.

    Equal tensors give equal bytes. A ``results.json`` of other weights is removed: its numbers
    are not this model's.

    Args:
        name: ``<domain>/<name>``.
        module: the trained module; it is not changed.
        config: the five fields of ``config.json``.
        recipe: copied to ``recipe.toml``.
        log: copied to ``log.csv``.
        card: the README; generated if omitted.

    Returns:
        The model's folder.

    Raises:
        RefusedConfig: a configuration that :func:`load` would refuse.
        ValueError: a bad name, a weight beyond half precision's range, or a module that is not
            the one that the configuration builds.
        OSError: it cannot be written; what was there before is untouched.
    """
    if not manifest.is_name(name):
        raise ValueError(f"A model's name has the form domain/name, not {name!r}.")
    config_bytes = (json.dumps(config, indent=2, sort_keys=True) + "\n").encode()
    read_config(config_bytes, name)
    state = _half_state(module)
    _check_fits(state, config)
    data = safetensors.torch.save(state)

    folder = root() / name
    files = {folder / MODEL: data, folder / CONFIG: config_bytes}
    for origin, target in ((recipe, "recipe.toml"), (log, "log.csv")):
        if origin is not None:
            files[folder / target] = origin.read_bytes()
    model_file, config_file = manifest.files_of(name)
    with manifest.written_beside(files):  # with a full disk the model that was there stays as it is
        manifest.update({model_file: Entry.of(data), config_file: Entry.of(config_bytes)})
        _drop_other_results(folder, data)
    write_card(name, card)
    return folder


def write_card(name: str, card: str | None = None, withheld: str = "") -> None:
    """Write a model's README, from ``config.json`` and ``results.json`` unless a text is given.

    Args:
        withheld: hash of weights that are not in the folder (:mod:`semcom_core.withheld`).
    """
    folder = root() / name
    if card is None:
        results = folder / "results.json"
        config = read_config((folder / CONFIG).read_bytes(), name)
        card = cards.model_card(name, config, json.loads(results.read_bytes()) if results.is_file() else None, withheld)
    manifest.write_atomically(folder / "README.md", card.encode())


def _resolve(name: str) -> tuple[Located, bytes, bytes]:
    """Files of a model with their verified content (weights, configuration)."""
    entries = manifest.read()
    files = manifest.files_of(name)
    if not all(file in entries for file in files):
        raise MissingWeights(f"There are no weights called {name}; known are {', '.join(manifest.names()) or 'none'}.")
    here = _is_here(name)
    source = None if here else hub.source()
    if not here and source is None:
        raise MissingWeights(
            f"The weights of {name} are not in the weights folder; restore them from git, or set SEMCOM_HUB_REPO and "
            "SEMCOM_HUB_REVISION."
        )
    paths = [hub.fetch(source, file) if source else root() / file for file in files]
    origin: Origin = "hub" if source else "bundled"
    data, config = (
        manifest.verified(path, file, entries[file], origin) for path, file in zip(paths, files, strict=True)
    )
    revision = source.revision if source else None
    return Located(name, *paths, origin, revision, entries[files[0]].sha256), data, config


def _is_here(name: str) -> bool:
    return all((root() / file).is_file() for file in manifest.files_of(name))


def _refused(name: str, why: str) -> RefusedConfig:
    return RefusedConfig(f"The configuration of {name} was refused. {why}")


def _half_state(module: nn.Module) -> dict[str, Tensor]:
    """The state dict in fp16; integer buffers (batch counters) stay as they are."""
    state = {}
    for key, tensor in module.state_dict().items():
        # A copy in plain memory order: safetensors refuses shared storage, and bytes must not
        # depend on the memory format.
        tensor = tensor.detach().to("cpu", copy=True).contiguous()
        if tensor.is_floating_point():
            half = tensor.half()
            if (half.isinf() & tensor.isfinite()).any():
                raise ValueError(f"The tensor {key!r} exceeds the range of half precision.")
            tensor = half
        state[key] = tensor
    return state


def _check_fits(state: dict[str, Tensor], config: dict[str, Any]) -> None:
    """Refuse to save what could not be loaded again."""
    try:
        models.build(config["network"], config["arguments"]).load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ValueError(f"The module is not what the configuration builds: {error}") from error


def _drop_other_results(folder: Path, data: bytes) -> None:
    if (folder / MODEL).is_file() and (folder / MODEL).read_bytes() != data:
        (folder / "results.json").unlink(missing_ok=True)
