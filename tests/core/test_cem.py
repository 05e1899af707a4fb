"""Conditional entropy maximisation: clusters, loss, plug-in, receiver, inner attacker, and one whole run."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.cluster.vq import kmeans2
from torch import nn

from semcom_core import datasets, link, models, weights
from semcom_core.ciphers.keys import KeySource
from semcom_core.codecs.repobe import RepObECodec, pack
from semcom_core.defenses import DEFENSES
from semcom_core.defenses.cem import PrivateFeatures, PrivateReceiver
from semcom_core.networks.attackers import InversionDecoder
from semcom_core.networks.private_head import PrivateLink
from semcom_core.settings import LinkSettings
from semcom_core.training import recipe, run
from semcom_core.training.arl import InnerAttacker
from semcom_core.training.cem import CEMTask
from semcom_core.training.clusters import Clusters, k_means, plus_plus
from tests.shards import write_shards
from tests.untrained import identical, textured, untrained

ARMS = ("cem", "cem_off", "arl", "arl_cem")


def seeded(build, seed: int = 0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


def blobs(count: int = 600, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two classes of two far blobs each in five dimensions, blob (y, j) centred on 10 e_(2y+j)."""
    rng = np.random.default_rng(seed)
    labels, which = rng.integers(2, size=count), (rng.random(count) < 0.25).astype(int)
    points = rng.normal(scale=0.3, size=(count, 5))
    points[np.arange(count), 2 * labels + which] += 10.0
    return torch.from_numpy(points).float(), torch.from_numpy(labels)


# --- Clusters and loss -------------------------------------------------------------------------------


def test_k_means_agrees_with_scipy() -> None:
    points = torch.from_numpy(np.random.default_rng(0).normal(size=(300, 3))).float()
    start = points[:4].clone()
    centroids, nearest = k_means(points, start)
    expected, labels = kmeans2(points.double().numpy(), start.double().numpy(), iter=200, minit="matrix")
    np.testing.assert_allclose(centroids.numpy(), expected, atol=1e-4)
    assert (nearest.numpy() == labels).mean() > 0.99


def test_a_centroid_that_wins_nothing_stays() -> None:
    points = torch.zeros(5, 2)
    centroids, nearest = k_means(points, torch.tensor([[0.1, 0.0], [9.0, 9.0]]))
    assert centroids.tolist() == [[0.0, 0.0], [9.0, 9.0]] and not nearest.any()
    assert plus_plus(points, 2, np.random.default_rng(0)).shape == (2, 2)  # points all alike


def test_refresh_finds_blobs_then_starts_from_them() -> None:
    z, labels = blobs()
    clusters = Clusters(2, 2, 5)
    clusters.refresh(z, labels, np.random.default_rng(1))
    for y in range(2):
        order = clusters.mu[y, :, 2 * y].argsort(descending=True)  # blob 0 first
        torch.testing.assert_close(clusters.pi[y][order], torch.tensor([0.75, 0.25]), atol=0.06, rtol=0)
        assert (clusters.mu[y][order[1], 2 * y + 1] - 10).abs() < 0.2
    torch.testing.assert_close(clusters.v, torch.full((2, 2), 0.09), atol=0.02, rtol=0)
    order_before = clusters.mu[..., 0].argsort(1)
    clusters.refresh(z + 0.01, labels, np.random.default_rng(2))
    assert torch.equal(clusters.mu[..., 0].argsort(1), order_before)  # warm start keeps who is who


def reference_loss(z: np.ndarray, labels: np.ndarray, clusters: Clusters, floor: float, images: int) -> float:
    """FACTS 2.2 written as loops."""
    mu, pi, stored = (value.double().numpy() for value in (clusters.mu, clusters.pi, clusters.v))
    classes, per_class, total = len(mu), mu.shape[1], 0.0
    for y in range(classes):
        own = z[labels == y]
        nearest = [int(np.argmin([((one - centre) ** 2).sum() for centre in mu[y]])) for one in own]
        for j in range(per_class):
            members = own[np.array(nearest) == j]
            m = min(0.99, 10 * len(members) / (pi[y, j] * images / classes))
            v = (1 - m) * stored[y, j] + (m * ((members - mu[y, j]) ** 2).mean() if len(members) else 0.0)
            total += pi[y, j] * max(0.0, math.log(v + 0.01) - math.log(floor + 0.01)) / classes
    return total


@pytest.mark.parametrize("floor", [0.001, 0.05, 1.0])
def test_loss_is_the_authors(floor: float) -> None:
    z, labels = blobs()
    clusters = Clusters(2, 2, 5)
    clusters.refresh(z, labels, np.random.default_rng(1))
    batch, batch_labels = z[:12] + 0.2, labels[:12]
    found, spread = clusters.loss(batch, batch_labels, floor, 600)
    expected = reference_loss(batch.double().numpy(), batch_labels.numpy(), clusters, floor, 600)
    assert float(found) == pytest.approx(expected, rel=1e-4, abs=1e-7)
    assert floor < 1.0 or found == 0.0  # below the floor nothing pulls any more
    assert 0.0 < spread < 0.3


def test_loss_pulls_towards_the_nearest_centroid_only() -> None:
    z, labels = blobs()
    clusters = Clusters(2, 2, 5)
    clusters.refresh(z, labels, np.random.default_rng(1))
    batch = (z[:16] + 0.5).requires_grad_(True)
    clusters.loss(batch, labels[:16], 0.001, 600)[0].backward()
    nearest = torch.cdist(batch.detach()[:, None], clusters.mu[labels[:16]]).squeeze(1).argmin(1)
    away = batch.detach() - clusters.mu[labels[:16], nearest]
    cosine = torch.cosine_similarity(batch.grad, away, dim=1)
    torch.testing.assert_close(cosine, torch.ones(16), atol=1e-4, rtol=0)
    assert not clusters.mu.requires_grad


# --- Plug-in, receiver, registry ---------------------------------------------------------------------


def test_head_keeps_power_and_receiver_reads_what_was_sent() -> None:
    part = seeded(lambda: PrivateLink(10)).eval()
    plug_in = PrivateFeatures(part.head)
    s = pack(torch.randn(3, 4, 28, 28, generator=torch.Generator().manual_seed(1)))
    sent = plug_in.protect(s, [None] * 3, torch.Generator())
    torch.testing.assert_close(sent.abs().square().mean(1), torch.ones(3))
    assert plug_in.recover(sent, [None] * 3) is sent and not plug_in.keyed
    assert sum(value.numel() for value in part.state_dict().values()) * 2 < 0.6e6  # bytes in fp16


def test_tuning_starts_as_the_codecs_classifier() -> None:
    codec, part = seeded(lambda: RepObECodec(1)).eval(), seeded(lambda: PrivateLink(10), 1)
    part.tuning.start_from(codec.classifier)
    part.eval()
    z = torch.randn(2, 4, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        decoded = PrivateReceiver(codec, part).decode(pack(z))
        torch.testing.assert_close(decoded.logits, codec.classifier(z).float(), atol=1e-4, rtol=1e-4)
    assert decoded.image.shape == (2, 1, 224, 224)


@pytest.mark.parametrize("name", ARMS)
def test_arms_are_registered_with_weights_of_their_own(name: str) -> None:
    defense = DEFENSES[name]
    part = models.build("private_link", {"classes": 10})
    first, second = defense.chain(LinkSettings(noise=0.7), {name: part})
    assert first.head is part.head and second.sigma == 0.7
    assert defense.networks == (name,) and defense.uses_noise and not defense.keyed
    assert defense.available("objects") and defense.available("digits") == name.startswith("cem")


def test_a_whole_transmission() -> None:
    part = seeded(lambda: PrivateLink(10)).eval().requires_grad_(False)
    plain = untrained()
    codec = DEFENSES["cem"].receiver(plain.codec, {"cem": part})
    private = replace(plain, codec=codec, parts={"codec": plain.codec, "cem": part})
    settings = LinkSettings(defense="cem", noise=0.3)
    once, again = (link.transmit(private, textured(1), settings, KeySource.published()) for _ in range(2))
    assert identical(once.reception.reading.logits, again.reception.reading.logits)
    assert once.eavesdropping.reading.native is not None
    other = link.transmit(private, textured(1), replace(settings, noise=0.9), KeySource.published())
    assert not torch.equal(once.sent.x, other.sent.x)


# --- Training ----------------------------------------------------------------------------------------


def test_inner_attacker_learns_and_the_sender_feels_it() -> None:
    z = torch.randn(8, 4, 28, 28, generator=torch.Generator().manual_seed(1))
    pictures = textured(8)
    attacker = InnerAttacker(seeded(lambda: InversionDecoder(1, 28, depth=1)), 0.7, threshold=-1.0, lr=5e-3)
    private = z.clone().requires_grad_(True)
    norms = [part.running_mean.clone() for part in attacker.decoder.modules() if isinstance(part, nn.BatchNorm2d)]
    penalty, before = attacker.penalty(private, pictures)
    assert float(penalty.detach()) == pytest.approx(0.7 * (float(before.detach()) + 1.0), rel=1e-5)
    after = [part.running_mean for part in attacker.decoder.modules() if isinstance(part, nn.BatchNorm2d)]
    assert identical(norms, after)
    penalty.backward()
    assert private.grad.abs().max() > 0
    assert all(value.grad is None and not value.requires_grad for value in attacker.decoder.parameters())
    for number in range(8):
        attacker.step(private, pictures, warm_up=number < 2)
    assert attacker.penalty(z, pictures)[1] > before
    attacker.threshold = 1.0
    assert attacker.penalty(z, pictures)[0] == 0.0


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_shards(tmp_path / "data", "digits", "train", 40)
    write_shards(tmp_path / "data", "digits", "test", 20)
    for name, folder in (("SEMCOM_DATA", "data"), ("SEMCOM_RUNS", "runs"), ("SEMCOM_WEIGHTS", "weights")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    datasets.load.cache_clear()
    arguments = {"image_channels": 1, "classes": 10}
    codec = seeded(lambda: models.build("repobe_codec", arguments))
    digest = recipe.read("digits/base").digest
    config = {"network": "repobe_codec", "arguments": arguments, "domain": "digits"}
    weights.save("digits/base", codec, config | {"recipe": "digits/base", "recipe_digest": digest})
    return tmp_path


def short(name: str, **options: object) -> recipe.Recipe:
    plan = recipe.read(f"digits/{name}")
    options = plan.options | {"images": 32, "copies": 1, "held_out": 4, "clusters": 2} | options
    return replace(plan, stages=(recipe.Stage(2, 16),), options=options, bf16=False)


def test_training_saves_a_link_that_loads(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = short("cem")
    monkeypatch.setattr(run.recipes, "read", lambda key: plan)
    run.train("digits/cem")
    loaded = weights.load("digits/cem")
    assert isinstance(loaded.module, PrivateLink)
    log = (places / "runs/digits/cem/log.csv").read_text().splitlines()
    assert "cem" in log[0].split(",") and log[1].split(",")[log[0].split(",").index("cem")] == ""  # not in epoch 1
    datasets.load.cache_clear()


def test_arms_differ_in_the_cem_term_only(places: Path) -> None:
    """Same batches, same noise, same start: until the first clusters the two arms are one."""
    terms = {}
    for name in ("cem", "cem_off"):
        plan = short(name)
        task = seeded(lambda plan=plan: CEMTask(plan, places / "runs", **plan.options))
        generator = torch.Generator().manual_seed(3)
        batches = list(task.batches(plan.stages[0], np.random.default_rng(5)))
        first = task.loss(batches[0], plan.stages[0], generator)
        later = task.loss(next(task.batches(plan.stages[0], np.random.default_rng(6))), plan.stages[0], generator)
        terms[name] = (first, later)
    on, off = terms["cem"], terms["cem_off"]
    assert float(on[0]["loss"].detach()) == float(off[0]["loss"].detach()) and on[0].keys() == off[0].keys()
    assert float(on[1]["ce"].detach()) == pytest.approx(float(off[1]["ce"].detach()), rel=1e-5)
    assert "cem" in on[1] and "cem" not in off[1]
    recipes = [recipe.read(f"digits/{name}") for name in terms]
    differ = {key for key in recipes[0].options if recipes[0].options[key] != recipes[1].options[key]}
    assert differ == {"lambda_c"} and recipes[0].stages == recipes[1].stages


def test_restoration_never_teaches_the_head(places: Path) -> None:
    plan = short("cem_off")
    task = seeded(lambda: CEMTask(plan, places / "runs", **plan.options))
    terms = task.loss(next(task.batches(plan.stages[0], np.random.default_rng(5))), plan.stages[0], torch.Generator())
    terms["restored"].backward()
    assert all(value.grad is None for value in task.model["link"].head.parameters())
    assert any(value.grad is not None for value in task.model["link"].restorer.parameters())


def test_adversarial_arm_warms_up_then_charges_the_sender(places: Path) -> None:
    plan = short("cem", alpha=1.0, share=0.5)
    task = seeded(lambda: CEMTask(plan, places / "runs", **plan.options))
    task.attacker.threshold = -1.0  # any success costs
    generator, stage = torch.Generator().manual_seed(0), plan.stages[0]
    first = task.loss(next(task.batches(stage, np.random.default_rng(1))), stage, generator)
    assert float(first["loss"].detach()) == pytest.approx(float((first["ce"] + first["restored"]).detach()))
    task.model.epochs += 1
    later = task.loss(next(task.batches(stage, np.random.default_rng(2))), stage, generator)
    paid = later["loss"].detach() - (later["ce"] + later["restored"]).detach()
    assert float(paid) > 1.0 + float(later["attack_ssim"].detach()) - 1e-4  # and CEM on top
    later["loss"].backward()
    assert all(value.grad is None for value in task.model["attacker"].parameters())
    assert "attacker.up.0.weight" in task.model.state_dict()  # kept with the run, not published
    assert set(dict(task.publishable(task.model).named_children())) == {"head", "restorer", "tuning"}


def test_validation_reads_held_out_pictures_only(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = short("cem_off")
    task = seeded(lambda: CEMTask(plan, places / "runs", **plan.options))
    monkeypatch.setattr(task, "cache", None)
    assert 0.0 <= task.validate(task.model.eval(), plan.stages[0])["accuracy"] <= 1.0
