"""``python -m semcom_core train <recipe>``: from a recipe to weights in ``weights/``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from semcom_core import weights
from semcom_core.crew import crew, launch, launched
from semcom_core.training import recipe as recipes
from semcom_core.training.adversarial import AdversarialTask
from semcom_core.training.cem import CEMTask
from semcom_core.training.codec import CodecTask
from semcom_core.training.denoiser import DenoiserTask
from semcom_core.training.downstream import InversionTask, ReceiverTask
from semcom_core.training.escs import ESCSTask
from semcom_core.training.ibal import IBALTask
from semcom_core.training.inversion import DefenseDecoderTask, DefenseReaderTask, RidgeTask
from semcom_core.training.jpeg2000 import JPEG2000Task
from semcom_core.training.judge import JudgeTask
from semcom_core.training.necst import NECSTTask
from semcom_core.training.prior import PriorTask
from semcom_core.training.readers import ReaderTask
from semcom_core.training.trainer import Task, Trainer
from semcom_core.training.vae import VAETask
from semcom_core.training.workbench import WorkbenchTask

TASKS: dict[str, Callable[..., Task | PriorTask | RidgeTask | WorkbenchTask]] = {
    "codec": CodecTask,
    "receiver": ReceiverTask,
    "inversion": InversionTask,
    "reader": ReaderTask,
    "judge": JudgeTask,
    "prior": PriorTask,
    "ridge": RidgeTask,
    "defense_reader": DefenseReaderTask,
    "defense_decoder": DefenseDecoderTask,
    "necst": NECSTTask,
    "ibal": IBALTask,
    "escs": ESCSTask,
    "vae": VAETask,
    "jpeg2000": JPEG2000Task,
    "cem": CEMTask,
    "diffsem": DenoiserTask,
    "adversarial": AdversarialTask,
    "workbench": WorkbenchTask,
}
FIRST = ("base", "receiver", "judge")
"""What almost everything else starts from."""
LAST = ("ridge_", "inversion_", "conv_")
OWN_FEATURES = "_repobe_complete"
"""Attackers on one defense's own output, which must be there: what their names begin or end with."""


def runs_folder() -> Path:
    """Checkpoints and caches: ``SEMCOM_RUNS``, else ``runs/`` beside the package (not in git)."""
    return Path(os.environ.get("SEMCOM_RUNS", Path(__file__).parents[2] / "runs"))


def train(key: str, device: str = "cpu", threads: int | None = None, processes: int = 1) -> None:
    """Train a recipe (``digits/base``), a file (``my-link.toml``), or a domain's recipes in order (``digits``).

    A run that was interrupted goes on from its last full epoch.

    Args:
        processes: start so many on this machine, which share every batch (:class:`Trainer`). For GPUs
            and several machines start the command with ``accelerate launch`` instead.

    Raises:
        ValueError: no such recipe, an option that its task does not know, or a task for one process only.
        DataUnavailable: the data set cannot be read.
        RuntimeError: one of several processes failed.
    """
    if processes > 1 and not launched():
        launch(["train", key, "--device", device], processes, threads)
        return
    if threads:
        torch.set_num_threads(threads)
    for one in [key] if "/" in key or key.endswith(".toml") else in_order(key):
        _train_one(recipes.read(one), device)


def in_order(domain: str) -> list[str]:
    """Keys of a domain's recipes, in an order in which each finds what it starts from.

    Raises:
        ValueError: no such domain.
    """

    def place(key: str) -> tuple[int, int]:
        name = key.partition("/")[2]
        last = name.startswith(LAST) or name.endswith(OWN_FEATURES)
        return (FIRST.index(name) if name in FIRST else len(FIRST), int(last))

    found = [key for key in recipes.known() if key.startswith(f"{domain}/")]
    if not found:
        raise ValueError(f"There are no recipes for {domain!r}; known are {', '.join(recipes.known())}.")
    return sorted(found, key=place)


def _train_one(recipe: recipes.Recipe, device: str) -> None:
    mates = crew(device)
    if mates.state is not None and device != "cpu":
        device = str(mates.state.device)
    torch.manual_seed(recipe.seed)  # initial weights; training runs in processes of its own
    try:
        with mates.first_goes_first(), weights.noted() as builds_on:  # features are encoded once
            task = TASKS[recipe.task](recipe, runs_folder(), **recipe.options)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{recipe.path.name}: {error}") from error
    log, figures = None, {}
    if isinstance(task, PriorTask | RidgeTask | WorkbenchTask):
        if mates.size > 1:
            raise ValueError(f"{recipe.key} is computed on one process only; start it without --processes.")
        module = task.solve()
    else:
        trainer = Trainer(task, recipe, runs_folder() / recipe.key, device, mates, builds_on)
        module = task.publishable(trainer.run().cpu())
        if not mates.first:
            return
        log = trainer.folder / "log.csv"
        figures = {key: value for key, value in trainer.best.items() if key != "model"}
    name = recipe.publishes or recipe.key
    if recipe.publishes:
        _keep_history(weights.root() / name, recipe.key)
    _save(name, module, task.network, task.arguments, recipe, log)
    print(f"{recipe.key}: held-out {figures} → weights/{name}")
    if isinstance(task, WorkbenchTask):
        for role, (module, network, arguments) in task.companions().items():
            beside = name.replace("/", f"/{role}_")
            _save(beside, module, network, arguments, recipe, None)
            print(f"{recipe.key}: trained beside it → weights/{beside}")


def _save(
    name: str, module: nn.Module, network: str, arguments: dict[str, int], recipe: recipes.Recipe, log: Path | None
) -> None:
    config = {
        "network": network,
        "arguments": arguments,
        "domain": recipe.domain,
        "recipe": recipe.key,
        "recipe_digest": recipe.digest,
    }
    weights.save(name, module, config, recipe=recipe.path, log=log)


def _keep_history(folder: Path, key: str) -> None:
    """Keep recipe and log of the run that fine-tuning starts from: ``recipe-base.toml``, ``log-base.csv``."""
    if not (folder / "config.json").is_file():  # nothing was there to start from
        return
    earlier = json.loads((folder / "config.json").read_text())["recipe"]
    for file in ("recipe.toml", "log.csv"):
        if earlier != key and (folder / file).is_file():
            stem, _, suffix = file.partition(".")
            (folder / file).rename(folder / f"{stem}-{earlier.rpartition('/')[2]}.{suffix}")
