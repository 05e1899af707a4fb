"""Task ``workbench``: a small link and its attacker, exactly as the page trains them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn
from tqdm import tqdm

from semcom_core.training.recipe import Recipe
from semcom_core.workbench import pictures
from semcom_core.workbench.settings import from_recipe
from semcom_core.workbench.training import CLASSES, Training


class WorkbenchTask:
    """Equal settings and pictures give the link that the page gave, weight by weight on equal machines.

    Options: those fields of :class:`~semcom_core.workbench.settings.WorkbenchSettings` that are no
    part of every recipe.

    Raises:
        ValueError: the recipe is not for digits, or a value is out of range.
        DataUnavailable: MNIST is wanted and cannot be read.
    """

    network = "small_codec"

    def __init__(self, recipe: Recipe, runs: Path, **options: Any) -> None:
        if recipe.domain != "digits":
            raise ValueError(f"the task {recipe.task!r} is for digits, not {recipe.domain}")
        settings = from_recipe(recipe)
        self.training = Training(settings, pictures.load(settings.pictures, settings.images))
        self.arguments = {"channel_uses": settings.symbols, "classes": CLASSES, "draws": int(settings.draws)}

    def solve(self) -> nn.Module:
        """The trained codec; progress goes to the terminal."""
        with tqdm(total=self.training.settings.steps, unit="step") as bar:
            for snapshot in self.training.run():
                bar.update(snapshot.step - bar.n)
                figures = snapshot.figures
                bar.set_postfix(accuracy=figures.receiver.accuracy, attacker_psnr=round(figures.attacker.psnr, 1))
        return self.training.codec.eval()

    def companions(self) -> dict[str, tuple[nn.Module, str, dict[str, int]]]:
        """What else there is to publish: the attacker, under the name that the link's pages look for."""
        arguments = {name: value for name, value in self.arguments.items() if name != "draws"}
        return {"inversion": (self.training.attacker.eval(), "small_inversion", arguments)}
