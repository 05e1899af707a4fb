"""RepObE's networks against the sizes that the paper prints, and the symbol convention."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from semcom_core.ciphers.confusion import ConfusionKey, encrypt
from semcom_core.ciphers.keys import KeyStream
from semcom_core.codecs.repobe import CHANNEL_USES, RepObECodec, normalise_power, pack, unpack
from semcom_core.networks.attackers import InversionDecoder
from semcom_core.networks.blocks import ResBlock, SqueezeExcite
from semcom_core.networks.decoders import ClassificationDecoder, ReconstructionDecoder
from semcom_core.networks.encoder import SemanticEncoder
from semcom_core.networks.judge import Judge, energy
from semcom_core.networks.readers import RowSetReader


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    """An untrained network with fixed weights and lively batch-norm statistics, frozen."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = make()
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(0, 0.2)
                part.running_var.uniform_(0.5, 2.0)
    return module.eval().requires_grad_(False)


def images(channels: int, size: int, batch: int = 2) -> Tensor:
    return torch.rand(batch, channels, size, size, generator=torch.Generator().manual_seed(0))


def shapes(network: nn.Module, parts: dict[str, nn.Module], x: Tensor) -> dict[str, tuple[int, ...]]:
    """Output shape of each named part (without the batch) while ``x`` passes; printed, too."""
    seen: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Callable[[nn.Module, tuple, Tensor], None]:
        return lambda module, given, result: seen.__setitem__(name, tuple(result.shape[1:]))

    hooks = [part.register_forward_hook(note(name)) for name, part in parts.items()]
    with torch.inference_mode():
        result = network(x)
    for hook in hooks:
        hook.remove()
    seen["output"] = tuple(result.shape[1:])
    print(f"\n{type(network).__name__}, input {'×'.join(map(str, x.shape[1:]))}")
    for name, shape in seen.items():
        print(f"  {name:<28}{'×'.join(map(str, shape))}")
    return seen


# --- Every size of Sec. 3.1 ----------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_encoder_sizes(channels: int) -> None:
    encoder = seeded(lambda: SemanticEncoder(channels))
    parts = {
        "stem conv": encoder.stem[0],
        "stem": encoder.stem,
        "stage1 block 1": encoder.stage1[0],
        "stage1 block 2": encoder.stage1[1],
        "stage2 SE block 1": encoder.stage2[0],
        "stage2 SE block 2": encoder.stage2[1],
        "squeeze": encoder.squeeze,
        "refine conv": encoder.refine[0],
        "refine SE": encoder.refine[3],
    }
    assert shapes(encoder, parts, images(channels, 224)) == {
        "stem conv": (64, 112, 112),
        "stem": (64, 56, 56),
        "stage1 block 1": (64, 56, 56),
        "stage1 block 2": (64, 56, 56),
        "stage2 SE block 1": (96, 28, 28),
        "stage2 SE block 2": (96, 28, 28),
        "squeeze": (4, 28, 28),
        "refine conv": (32, 28, 28),
        "refine SE": (32, 28, 28),
        "output": (4, 28, 28),
    }
    assert all(isinstance(block.se, SqueezeExcite) for block in encoder.stage2)
    assert encoder.stem[0].kernel_size == (7, 7)


def test_classification_decoder_sizes() -> None:
    decoder = seeded(ClassificationDecoder)
    parts = {f"block {number + 1}": block for number, block in enumerate(decoder.stages)} | {"fc": decoder.fc}
    assert shapes(decoder, parts, torch.randn(2, 4, 28, 28)) == {
        "block 1": (64, 14, 14),
        "block 2": (64, 14, 14),
        "block 3": (128, 7, 7),
        "block 4": (128, 7, 7),
        "block 5": (256, 4, 4),
        "block 6": (256, 4, 4),
        "fc": (10,),
        "output": (10,),
    }
    assert all(isinstance(block, ResBlock) for block in decoder.stages)
    assert decoder.embed(torch.randn(2, 4, 28, 28)).shape == (2, 256)


@pytest.mark.parametrize("channels", [1, 3])
def test_reconstruction_decoder_sizes(channels: int) -> None:
    decoder = seeded(lambda: ReconstructionDecoder(channels))
    names = ("block 1", "block 2", "ConvT 1", "block 3", "block 4", "ConvT 2", "block 5", "block 6", "ConvT 3")
    parts = dict(zip(names, decoder.stages, strict=True))
    assert shapes(decoder, parts, torch.randn(2, 4, 28, 28)) == {
        "block 1": (64, 28, 28),
        "block 2": (64, 28, 28),
        "ConvT 1": (64, 56, 56),
        "block 3": (32, 56, 56),
        "block 4": (32, 56, 56),
        "ConvT 2": (32, 112, 112),
        "block 5": (16, 112, 112),
        "block 6": (16, 112, 112),
        "ConvT 3": (channels, 224, 224),
        "output": (channels, 224, 224),
    }
    for name, part in parts.items():
        assert isinstance(part, nn.ConvTranspose2d if name.startswith("ConvT") else ResBlock)
    image = decoder(10 * torch.randn(2, 4, 28, 28))
    assert image.min() >= 0
    assert image.max() <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_codec_end_to_end(channels: int) -> None:
    codec = seeded(lambda: RepObECodec(channels))
    symbols = codec.encode(images(channels, 224))
    assert symbols.shape == (2, CHANNEL_USES)
    assert symbols.dtype == torch.complex64
    image, logits = codec.decode(symbols)
    assert image.shape == (2, channels, 224, 224)
    assert logits.shape == (2, 10)


def test_residual_block_is_equation_1() -> None:
    """``F' = ReLU(Rn(F) + F)`` with Rn two 3×3 convolutions (and our batch norms)."""
    block, F = seeded(lambda: ResBlock(8, 8)), torch.randn(2, 8, 6, 6)
    Rn = block.bn2(block.conv2(torch.relu(block.bn1(block.conv1(F)))))
    assert torch.equal(block(F), torch.relu(Rn + F))
    assert block.conv1.kernel_size == block.conv2.kernel_size == (3, 3)


def test_squeeze_excite_is_equation_2() -> None:
    se, F = seeded(lambda: SqueezeExcite(32, 8)), torch.randn(2, 32, 5, 7)
    W1, W2 = se.w1.weight[:, :, 0, 0], se.w2.weight[:, :, 0, 0]
    hidden = torch.relu(F.mean((2, 3)) @ W1.T + se.w1.bias)
    w = torch.sigmoid(hidden @ W2.T + se.w2.bias)
    torch.testing.assert_close(se(F), w[:, :, None, None] * F)
    assert W1.shape == (4, 32)


# --- Power and symbols ------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_power_constraint_is_equation_3(scale: float) -> None:
    """``ẑ = √(k p) z / √(z·z)``: every image on its own has ‖ẑ‖² = k = 3136 (p = 1)."""
    z = scale * torch.randn(5, 4, 28, 28) * torch.tensor([0.1, 1, 2, 30, 100])[:, None, None, None]
    normalised = normalise_power(z)
    torch.testing.assert_close(normalised.square().sum((1, 2, 3)), torch.full((5,), 3136.0), rtol=1e-5, atol=0)
    one = z[3]
    torch.testing.assert_close(normalised[3], math.sqrt(3136) * one / (one * one).sum().sqrt())


def test_a_black_picture_has_finite_symbols() -> None:
    assert torch.isfinite(normalise_power(torch.zeros(1, 4, 28, 28))).all()


def test_packing_convention() -> None:
    """Literally ``x[c,i,j] = (z[c,i,j] + 1j·z[c+2,i,j])/√2``, c ∈ {0,1}, and E|x|² = 1."""
    z = normalise_power(torch.randn(2, 4, 28, 28, generator=torch.Generator().manual_seed(1)))
    x = pack(z)
    assert x.shape == (2, 1568)
    assert CHANNEL_USES == 1568
    values = z.double().numpy()
    for image in range(2):
        for c in (0, 1):
            for i in range(28):
                for j in range(28):
                    expected = (values[image, c, i, j] + 1j * values[image, c + 2, i, j]) / math.sqrt(2)
                    assert abs(complex(x[image, c * 784 + i * 28 + j]) - expected) < 1e-6
    torch.testing.assert_close(x.abs().square().mean(1), torch.ones(2), rtol=1e-5, atol=0)
    torch.testing.assert_close(unpack(x), z, rtol=1e-6, atol=1e-7)


def test_packing_at_other_grids() -> None:
    z = torch.randn(1, 4, 14, 14)
    torch.testing.assert_close(unpack(pack(z), 14), z, rtol=1e-6, atol=1e-7)


# --- Attackers and judge ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader() -> nn.Module:
    return seeded(lambda: RowSetReader(1, 28))


def under(F: Tensor, seed: int) -> Tensor:
    return encrypt(F, ConfusionKey.draw(KeyStream(seed.to_bytes(32, "little")), 28, 28))


IDENTITY = ConfusionKey(np.arange(28), np.arange(28), 0, 0)


def test_row_set_reader_is_invariant_to_the_key(reader: nn.Module) -> None:
    """Any two keys give the same answer: only the order of float32 sums differs (1e-5)."""
    F = torch.randn(4, 4, 28, 28, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        logits, picture = reader(under(F, 0))
        for encrypted in (under(F, 1), under(F, 2), encrypt(F, IDENTITY)):
            other_logits, other_picture = reader(encrypted)
            torch.testing.assert_close(other_logits, logits, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(other_picture, picture, rtol=1e-5, atol=1e-5)
        assert logits.std(0).min() > 1e-3, "the answers must depend on the picture"
        # A plain map is no ciphertext: re-indexing it mixes rows, and the answer is another one.
        assert (reader(F)[0] - logits).abs().max() > 1e-2


def test_training_under_one_key_is_training_under_fresh_keys(reader: nn.Module) -> None:
    """Gradients agree as well, so the recipe may use one key (dropout off: it breaks ties)."""
    F = torch.randn(4, 4, 28, 28, generator=torch.Generator().manual_seed(3)).double()
    model = seeded(lambda: RowSetReader(1, 28)).double().requires_grad_(True)
    labels = torch.tensor([1, 2, 3, 4])
    gradients = []
    for encrypted in (encrypt(F, IDENTITY), torch.stack([under(F[k], 10 + k) for k in range(4)])):
        model.zero_grad()
        logits, picture = model(encrypted)
        (nn.functional.cross_entropy(logits, labels) + picture.square().mean()).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("channels", "size"), [(1, 28), (3, 224)])
def test_attackers_give_native_pictures(channels: int, size: int) -> None:
    z = torch.randn(2, 4, 28, 28)
    picture = seeded(lambda: InversionDecoder(channels, size))(z)
    logits, guess = seeded(lambda: RowSetReader(channels, size))(z)
    assert picture.shape == guess.shape == (2, channels, size, size)
    assert logits.shape == (2, 10)
    assert min(picture.min(), guess.min()) >= 0
    assert max(picture.max(), guess.max()) <= 1


@pytest.mark.parametrize(("channels", "size", "native"), [(1, 28, 28), (3, 128, 224)])
def test_judge_reads_native_pictures(channels: int, size: int, native: int) -> None:
    judge = seeded(lambda: Judge(channels, size))
    logits = judge(images(channels, native))
    assert logits.shape == (2, 10)
    assert judge.energy_threshold.shape == ()
    torch.testing.assert_close(energy(logits), -logits.exp().sum(1).log())
