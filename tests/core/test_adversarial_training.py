"""RepObE's adversarial loss against formulas written out, and one step of every method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from semcom_core import datasets, models, weights
from semcom_core.codecs.repobe import RepObECodec
from semcom_core.codecs.robust import assemble
from semcom_core.manipulation.gradient import PGD, KLAscent
from semcom_core.networks.folding import fold_batch_norm
from semcom_core.networks.power import normalise_power
from semcom_core.networks.robust_link import RobustLink
from semcom_core.training import adversarial, recipe, run
from semcom_core.training.adversarial import AdversarialTask, attack, moved, same_draw
from semcom_core.training.prototypes import Prototypes, info_nce, prototypes, single_step, weighted_kl
from tests.shards import write_shards
from tests.untrained import textured

METHODS = ("natural", "at", "trades", "repobe")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- The loss -----------------------------------------------------------------------------------------


def test_prototypes_and_weights() -> None:
    logits, labels = torch.randn(60, 4, generator=seeded()), torch.arange(60) % 4
    found = prototypes(logits, labels)
    rows, y = logits.numpy(), labels.numpy()
    for k in range(4):
        assert np.allclose(found.p[k].numpy(), rows[y == k].mean(0), atol=1e-6)
    distance = ((rows - found.p.numpy()[y]) ** 2).sum(1)
    assert found.spread == pytest.approx(float(torch.tensor(distance).median()), rel=1e-5)
    w = 1 - np.exp(-distance / (2.0 * found.spread))
    got = found.weights(logits.requires_grad_(True), labels, tau=2.0)
    assert np.allclose(got.numpy(), 60 * w / w.sum(), atol=1e-5)
    assert not got.requires_grad and float(got.mean()) == pytest.approx(1.0, abs=1e-5)
    assert found.weights(found.p, torch.arange(4)).abs().max() == 0.0  # on the prototype
    with pytest.raises(ValueError, match="class without"):
        prototypes(logits, torch.zeros(60, dtype=torch.long))


def test_info_nce_by_hand() -> None:
    a, n = torch.randn(2, 5, 7, generator=seeded())
    total = 0.0
    for i in range(5):
        similar = [float(a[i] @ n[j] / a[i].norm() / n[j].norm()) / 0.3 for j in range(5)]
        total -= np.log(np.exp(similar[i]) / np.exp(similar).sum())
    assert float(info_nce(a, n, 0.3)) == pytest.approx(total / 5, rel=1e-5)


def test_info_nce_without_negatives_of_the_same_class() -> None:
    """A picture and what is left of the batch when its classmates have gone."""
    a, n = torch.randn(2, 6, 7, generator=seeded(3))
    labels = torch.tensor([0, 1, 0, 2, 0, 1])
    total = 0.0
    for i in range(6):
        kept = [i, *(j for j in range(6) if labels[j] != labels[i])]
        similar = [float(a[i] @ n[j] / a[i].norm() / n[j].norm()) / 0.3 for j in kept]
        total -= np.log(np.exp(similar[0]) / np.exp(similar).sum())
    assert float(info_nce(a, n, 0.3, labels)) == pytest.approx(total / 6, rel=1e-5)
    assert torch.allclose(info_nce(a, n, 0.3, torch.arange(6)), info_nce(a, n, 0.3))
    assert float(info_nce(a, n, 0.3, torch.zeros(6))) == 0.0


def test_weighted_kl_is_trades_without_weights() -> None:
    natural, attacked = torch.randn(2, 6, 5, generator=seeded())
    expected = F.kl_div(attacked.log_softmax(1), natural.softmax(1), reduction="batchmean")
    assert torch.allclose(weighted_kl(natural, attacked), expected)
    assert torch.allclose(weighted_kl(natural, attacked, torch.ones(6)), expected)
    one = torch.tensor([6.0, 0, 0, 0, 0, 0])
    assert torch.allclose(weighted_kl(natural, attacked, one), weighted_kl(natural[:1], attacked[:1]))


def test_single_step() -> None:
    images, w = textured(3), torch.randn(1, 28, 28, generator=seeded(1))

    def classify(x: torch.Tensor) -> torch.Tensor:
        own = (x * w).sum((1, 2, 3))
        return torch.stack([own, -own], 1)

    labels = torch.zeros(3, dtype=torch.long)
    x = single_step(classify, images, labels, 0.1, seeded())
    assert (x - images).abs().max() <= 0.1 + 1e-6
    assert (classify(x)[:, 0] < classify(images)[:, 0]).all()


def test_attacks_of_the_methods() -> None:
    assert attack("repobe", 1) == PGD(steps=1, share=1.25) and attack("at", 5) == PGD()
    assert attack("trades", 1).start == "uniform" and attack("trades", 5) == KLAscent(steps=5, share=0.2)


# --- The network --------------------------------------------------------------------------------------


def test_assembled_codec() -> None:
    """Own parts where it has some, the base's everywhere else; nothing is copied or changed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        base, own = RepObECodec(1).eval().requires_grad_(False), RobustLink(1, blocks=4).eval().requires_grad_(False)
    image, z = torch.rand(1, 1, 64, 64, generator=seeded()), torch.randn(1, 4, 8, 8, generator=seeded())
    state = torch.get_rng_state()
    codec = assemble(base, own)
    assert torch.equal(state, torch.get_rng_state())
    assert not any(p.is_meta for p in codec.parameters())
    assert torch.equal(codec.features(image), normalise_power(own.encoder(image)))
    assert torch.equal(codec.classifier(z), own.tuning(base.classifier, z))
    assert torch.equal(codec.reconstructor(z), own.reconstructor(z))
    assert codec.classifier.stages[4] is base.classifier.stages[4] and codec.classifier.stages[0] is own.tuning.front[0]
    start = RobustLink(1, blocks=4).start_from(base).eval()
    same = assemble(base, start)
    assert torch.equal(same.classifier(z), base.classifier(z)) and torch.equal(
        same.features(image), base.features(image)
    )
    folded = assemble(fold_batch_norm(base), fold_batch_norm(own))
    assert torch.allclose(folded.classifier(z), codec.classifier(z), atol=1e-4)


# --- The task -----------------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_shards(tmp_path / "data", "digits", "train", 60, shards=1)
    for name in ("DATA", "RUNS", "WEIGHTS"):
        monkeypatch.setenv(f"SEMCOM_{name}", str(tmp_path / name.lower()))
    monkeypatch.setitem(datasets.ATTACKER_IMAGES, "digits", 12)
    monkeypatch.setattr(adversarial, "PROTOTYPE_IMAGES", 42)
    datasets.load.cache_clear()
    arguments = {"image_channels": 1, "classes": 10}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = {"network": "repobe_codec", "arguments": arguments, "domain": "digits", "recipe": "digits/base"}
        weights.save("digits/base", models.build("repobe_codec", arguments), config | {"recipe_digest": "0" * 16})
    yield tmp_path
    datasets.load.cache_clear()


STAGES = (recipe.Stage(1, 4, size=32), recipe.Stage(1, 4, size=48))


def short(name: str, **options: object) -> recipe.Recipe:
    plan = recipe.read(f"digits/adv_{name}")
    small = {"evaluations": [24, 28], "attack_steps": [1, 5], "validate_images": 4}
    return replace(plan, stages=STAGES, options=plan.options | small | options, bf16=False)


def task_of(plan: recipe.Recipe, places: Path) -> AdversarialTask:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return run.TASKS[plan.task](plan, places, **plan.options)


@pytest.mark.parametrize("method", METHODS)
def test_one_step_of_every_method(method: str, places: Path) -> None:
    task = task_of(short(method), places)
    assert len(task.train) == 42
    task.model.train()
    (native, labels), *rest = task.batches(STAGES[0], np.random.default_rng(0))
    assert (1 + len(rest)) * 4 == task.epoch_size(STAGES[0]) and native.shape == (4, 1, 28, 28)
    shared = {name: value.clone() for name, value in task.codec.classifier.stages[2:].state_dict().items()}
    terms = task.loss((native, labels), STAGES[0], seeded())
    assert all(value.isfinite() for value in terms.values())
    expected = {"ce", "rec"} | ({"kl"} if method in ("trades", "repobe") else set())
    expected |= {"contrast"} if method == "repobe" else set()
    assert terms.keys() - {"loss", "evaluations"} == expected
    total = sum(terms[name].detach() for name in expected)
    assert torch.allclose(terms["loss"].detach(), total, rtol=1e-5)
    terms["loss"].backward()
    silent = [name for name, p in task.model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent
    assert all(p.grad is None for p in task.codec.parameters())
    assert all(
        torch.equal(value, shared[name]) for name, value in task.codec.classifier.stages[2:].state_dict().items()
    )
    assert task.model.training and not task.codec.training


def test_budget(places: Path) -> None:
    """Equal gradient evaluations: cheaper methods see more pictures."""
    plan = {"natural": (1, 1), "at": (2, 6), "trades": (3, 7), "repobe": (3, 7)}
    for method, costs in plan.items():
        task = task_of(short(method), places)
        assert tuple(task.cost(stage) for stage in STAGES) == costs
        assert [task.epoch_size(stage) for stage in STAGES] == [24 // costs[0] // 4 * 4, 28 // costs[1] // 4 * 4]
    for one in recipe.known():
        if "/adv_" in one:
            read = recipe.read(one)
            reference = recipe.read(f"{read.domain}/adv_repobe")
            for name in ("evaluations", "attack_steps", "blocks", "codec"):
                assert read.options[name] == reference.options[name], one
            assert (read.stages, read.lr, read.ema) == (reference.stages, reference.lr, reference.ema)
    with pytest.raises(TypeError, match="one number a stage"):
        task_of(short("at", evaluations=[24]), places)


def test_switched_off_terms(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without contrast there is no such term; the KL heeds the weights where they are on, and only there."""
    plain = task_of(short("repobe", contrastive=False, prototype_weights=False), places)
    weighted = task_of(short("repobe", contrastive=False), places)
    batch = next(plain.batches(STAGES[0], np.random.default_rng(0)))
    for task in (plain, weighted):
        task.model.train()
    monkeypatch.setattr(Prototypes, "weights", lambda self, logits, labels: torch.zeros(len(labels)))
    first, second = (task.loss(batch, STAGES[0], seeded()) for task in (plain, weighted))
    assert first.keys() == second.keys() and "contrast" not in first
    assert torch.allclose(first["ce"], second["ce"]) and first["kl"] > 0 and second["kl"] == 0


def test_the_attack_leaves_no_trace(places: Path) -> None:
    """It neither moves the batch norms' statistics nor leaves gradients behind."""
    task = task_of(short("repobe"), places)
    task.model.train()
    native, labels = next(task.batches(STAGES[0], np.random.default_rng(0)))
    before = {name: value.clone() for name, value in task.model.state_dict().items()}
    attacked = task._perturb(native, labels, STAGES[0], seeded())
    assert all(torch.equal(value, before[name]) for name, value in task.model.state_dict().items())
    assert all(p.grad is None for p in task.model.parameters())
    assert 0 < (attacked - native).abs().max() <= task.region.radius + 1e-6


def test_a_run_publishes_what_loads(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = short("at", placement="enlarged")
    monkeypatch.setattr(run.recipes, "read", lambda key: plan)
    run.train("digits/adv_at")
    base, own = (weights.load(f"digits/{name}").module for name in ("base", "adv_at"))
    assert isinstance(own, RobustLink) and assemble(base, own).encode(torch.zeros(1, 1, 224, 224)).shape == (1, 1568)
    head, *rows = (places / "runs/digits/adv_at/log.csv").read_text().splitlines()
    assert {"evaluations", "held_out_natural", "held_out_adversarial"} <= set(head.split(","))
    assert len(rows) == 2


def test_order_of_the_recipes() -> None:
    for domain in ("digits", "objects"):
        order = run.in_order(domain)
        assert order.index(f"{domain}/adv_repobe") > order.index(f"{domain}/receiver") > order.index(f"{domain}/base")


# --- Pieces -------------------------------------------------------------------------------------------


def test_a_pair_meets_the_same_channel() -> None:
    z = torch.randn(3, 4, 4, 4, generator=seeded(1))
    z = z * (64**0.5 / z.flatten(1).norm(dim=1))[:, None, None, None]
    first, second = same_draw(torch.cat([z, z]), 3, seeded()).chunk(2)
    assert torch.equal(first, second)
    alone = same_draw(z, 3, seeded())
    assert torch.equal(alone, first)


def test_moved() -> None:
    images = np.random.default_rng(0).integers(0, 255, (5, 8, 8, 3), dtype=np.uint8)
    assert np.array_equal(moved(images, np.random.default_rng(1), 0, False), images)
    for one, original in zip(moved(images, np.random.default_rng(1), 2, True), images, strict=True):
        padded = np.pad(original, [(2, 2), (2, 2), (0, 0)], mode="reflect")
        windows = [padded[i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
        assert any(np.array_equal(one, way) for window in windows for way in (window, window[:, ::-1]))
