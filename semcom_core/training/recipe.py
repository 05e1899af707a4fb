"""Recipes: everything that decides a training run, as TOML beside this file."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from semcom_core.manifest import is_name

CLOSED_FORM = {"prior": ("lr", "stage"), "ridge": ("lr", "stage")}
"""Tasks that are solved and not trained, and what their recipes therefore leave out."""
RECIPES = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Stage:
    """A stretch of epochs at one image size.

    Attributes:
        epochs: passes over the training split (or the feature cache).
        batch: images a step.
        size: side of the training images; 0 where the task has no choice.
        lr_scale: factor on the recipe's learning rate.
        min_scale: smallest crop, as a share of the picture's area (photographs).
    """

    epochs: int
    batch: int
    size: int = 0
    lr_scale: float = 1.0
    min_scale: float = 0.35


@dataclass(frozen=True)
class Recipe:
    """One training run; ``options`` belong to the task and are checked by it.

    ``publishes`` names the weights that the run writes, if not those of its own key: fine-tuning
    replaces the weights that it started from. ``file`` is set for a recipe from elsewhere than
    the folder beside this module; it is no part of the content.
    """

    key: str
    task: str
    domain: str
    lr: float = 0.0
    stages: tuple[Stage, ...] = ()
    seed: int = 1
    weight_decay: float = 0.05
    ema: float = 0.999
    clip: float = 1.0
    bf16: bool = True
    validate_every: int = 1
    publishes: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    file: Path | None = None

    @property
    def digest(self) -> str:
        """Hash of the content, so that a checkpoint never continues under another recipe."""
        content = {name: value for name, value in asdict(self).items() if name != "file"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def path(self) -> Path:
        return self.file or RECIPES / f"{self.key}.toml"


def read(key: str) -> Recipe:
    """Read ``recipes/<key>.toml``, for instance ``digits/base``, or a file by its path.

    A file from elsewhere ends in ``.toml`` and names its ``domain``; its key is ``<domain>/<stem>``.

    Raises:
        ValueError: unknown recipe, unknown or missing field, or a file that would take the place
            of a recipe of the same name.
    """
    path, file = RECIPES / f"{key}.toml", None
    if key.endswith(".toml"):
        path = file = Path(key)
    if not path.is_file():
        raise ValueError(f"There is no recipe {key!r}. Known: {', '.join(known())}.")
    try:
        content = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no TOML: {error}") from error
    try:
        if file:
            key = f"{content.pop('domain')}/{file.stem}"
            if key in known() or not is_name(key):
                raise TypeError(f"call the file something else: {key} is the name of a recipe of this program, or none")
        if missing := {"lr", "stage"} - content.keys() - set(CLOSED_FORM.get(content.get("task"), ())):
            raise TypeError(f"missing: {', '.join(sorted(missing))}")
        stages = tuple(Stage(**stage) for stage in content.pop("stage", ()))
        return Recipe(key=key, domain=key.partition("/")[0], stages=stages, file=file, **content)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{path.name}: {error}") from error


def known() -> list[str]:
    """Keys of all recipes."""
    return sorted(str(path.relative_to(RECIPES).with_suffix("")) for path in RECIPES.rglob("*.toml"))
