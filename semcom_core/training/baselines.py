"""What the tasks of codecs of their own have in common: data, validation, an attacker to train against."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from semcom_core import datasets
from semcom_core.attacks.base import undo
from semcom_core.channels import CHANNELS, propagate
from semcom_core.codecs.base import Codec
from semcom_core.defenses.base import PlugIn
from semcom_core.metrics import psnr
from semcom_core.training.augment import AUGMENT, plain
from semcom_core.training.recipe import Recipe, Stage
from semcom_core.training.trainer import Task, shuffled

LINKS = (("awgn", 7.0), ("awgn", 10.0), ("awgn", 23.0), ("rayleigh", 7.0))
"""Channel and SNR in dB of the validation."""


class BaselineTask(Task):
    """Digits at 28×28 for a codec, validated over the link with the defense's plug-ins.

    Args:
        warp: strength of the random changes of training images (0: none).
        validate_images: held-out images scored after an epoch.
    """

    def __init__(self, recipe: Recipe, warp: float = 0.0, validate_images: int = 6000) -> None:
        if recipe.domain != "digits":
            raise ValueError(f"the task {recipe.task!r} is for digits, not {recipe.domain}")
        self.warp = warp
        self.train = datasets.codec_share(recipe.domain)
        held_out = datasets.load(recipe.domain, "held_out")
        self.held_out = held_out.take(np.arange(min(validate_images, len(held_out))))

    def codec(self, model: nn.Module) -> Codec:
        """The codec within a trained or averaged model."""
        return model

    @abstractmethod
    def chain(self, codec: Codec) -> tuple[PlugIn, ...]:
        """The defense's plug-ins."""

    def keys(self, plug_in: PlugIn, count: int, rng: np.random.Generator) -> Sequence[object]:
        """Keys for validation, which protect nothing."""
        return [None] * count

    def publishable(self, trained: nn.Module) -> nn.Module:
        return self.codec(trained)

    def epoch_size(self, stage: Stage) -> int:
        return len(self.train) // stage.batch * stage.batch

    def batches(self, stage: Stage, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        for index in shuffled(len(self.train), stage.batch, rng):
            pictures = self.train.images[index]
            images = AUGMENT["digits"](pictures, 28, rng, self.warp) if self.warp else plain("digits", pictures, 28)
            yield images.contiguous(memory_format=torch.channels_last), torch.from_numpy(self.train.labels[index])

    @torch.inference_mode()
    def validate(self, model: nn.Module, stage: Stage) -> dict[str, float]:
        """Accuracy of the link in :data:`LINKS`, PSNR at AWGN 10 dB; the score counts both."""
        codec = self.codec(model)
        device = next(codec.parameters()).device
        right: dict[str, list[np.ndarray]] = {}
        quality: list[Tensor] = []
        for start in range(0, len(self.held_out), 500):
            part = self.held_out.take(np.arange(start, min(start + 500, len(self.held_out))))
            images = plain("digits", part.images, 28).to(device, memory_format=torch.channels_last)
            for channel, snr_db in LINKS:
                generator = torch.Generator(device).manual_seed(start)
                rng = np.random.default_rng(start)
                chain = self.chain(codec)
                keys = [self.keys(plug_in, len(part), rng) for plug_in in chain]
                x = codec.encode(images)
                for plug_in, plug_in_keys in zip(chain, keys, strict=True):
                    x = plug_in.protect(x, plug_in_keys, generator)
                received = propagate(CHANNELS[channel], x, snr_db, generator)
                decoded = codec.decode(*undo(received.equalise(), chain, keys, received.effective()[1]))
                answers = decoded.logits.argmax(1).cpu().numpy() == part.labels
                right.setdefault(f"{channel}_{snr_db:g}", []).append(answers)
                if decoded.image is not None and (channel, snr_db) == ("awgn", 10.0):
                    quality.append(psnr(decoded.image, images).cpu())
        figures = {name: float(np.concatenate(one).mean()) for name, one in right.items()}
        mean_psnr = float(torch.cat(quality).mean()) if quality else 0.0
        accuracy = sum(figures.values()) / len(figures)
        return {"score": accuracy + 0.005 * mean_psnr, **figures, "psnr": mean_psnr}


class Contest(nn.Module):
    """A codec and the attacker that it is trained against, as one model, so that checkpoints hold both.

    The attacker's weights take no part in the trainer's step: :func:`train_attacker` trains them.
    """

    batches: Tensor

    def __init__(self, codec: Codec, attacker: nn.Module) -> None:
        super().__init__()
        self.codec, self.attacker = codec, attacker.requires_grad_(False)
        self.register_buffer("batches", torch.tensor(0))


def train_attacker(
    attacker: nn.Module, optimiser: torch.optim.Optimizer, loss: Callable[[], Tensor], steps: int
) -> Tensor:
    """Steps of the attacker alone; its weights are fixed again afterwards.

    The codec's loss then sends its gradient *through* the attacker, never into it.

    Args:
        optimiser: the attacker's own. It is not in the checkpoint: a resumed run starts its moments anew.
        loss: a fresh loss (other noise, other keys) for each step, with no gradient into the codec.

    Returns:
        The last loss, detached.
    """
    attacker.requires_grad_(True)
    for _ in range(steps):
        value = loss()
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    attacker.requires_grad_(False)
    return value.detach()


class DenseAttacker(nn.Module):
    """The attacker in a contest: non-local, from all reals of a message (B,n) to the picture and the class.

    Args:
        reals: length of the message.
        classes: number of classes.
        width: of the two hidden layers.
    """

    def __init__(self, reals: int, classes: int = 10, width: int = 512) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(reals, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.picture, self.classify = nn.Linear(width, 784), nn.Linear(width, classes)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Picture (B,1,28,28) in [0,1] and logits (B,classes)."""
        F = self.trunk(z)
        return self.picture(F).sigmoid().reshape(-1, 1, 28, 28), self.classify(F)
