"""Manipulators: against closed forms, a second implementation, and the link's own stages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semcom_core import link
from semcom_core.channels import noise_variance
from semcom_core.ciphers.keys import KeySource
from semcom_core.defenses import purification
from semcom_core.link import LinkModels
from semcom_core.manipulation import MANIPULATORS, link_victim, score
from semcom_core.manipulation.apgd import APGDCE, APGDDLR, checkpoints, dlr
from semcom_core.manipulation.base import L2, FunctionVictim, Linf, Victim, ascend, cross_entropy, divergence, probe
from semcom_core.manipulation.gradient import FGSM, PGD, KLAscent, TargetedPGD
from semcom_core.manipulation.square import Square
from semcom_core.networks.denoiser import DiffSemNetworks
from semcom_core.networks.folding import fold_batch_norm
from semcom_core.settings import LinkSettings
from tests.untrained import fingerprint, textured


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def linear(channels: int = 1, side: int = 6, classes: int = 4) -> tuple[Tensor, nn.Module]:
    """Class 0 has the logit w·x, all others 0: the worst perturbation is ``−eps·sign(w)``."""
    w = torch.randn(channels, side, side, generator=seeded(1))

    def classify(x: Tensor) -> Tensor:
        own = (x * w).sum((1, 2, 3))
        return torch.cat([own[:, None], torch.zeros(len(x), classes - 1)], 1)

    return w, classify


def pictures(count: int = 3, channels: int = 1, side: int = 6) -> Tensor:
    return torch.rand(count, channels, side, side, generator=seeded(2))


ZEROS = torch.zeros(3, dtype=torch.long)


@dataclass(frozen=True, eq=False)
class Listening(Victim):
    """A noisy linear victim that notes the seed of each channel draw, and whether gradients were asked for."""

    origin: Tensor
    region: Linf
    seeds: list[int] = field(default_factory=list)
    gradients: list[bool] = field(default_factory=list)

    def send(self, x: Tensor) -> Tensor:
        return x * 1.0

    def receive(self, sent: Tensor, generator: torch.Generator) -> Tensor:
        self.seeds.append(generator.initial_seed())
        self.gradients.append(sent.requires_grad)
        gain = torch.randn(4, generator=generator)
        return sent.flatten(1)[:, :4] * gain

    def take(self, index: Tensor) -> Victim:
        return replace(self, origin=self.origin[index])


# --- Regions ------------------------------------------------------------------------------------------


def test_linf_region() -> None:
    region, origin = Linf(0.1), torch.tensor([[0.05, 0.5, 0.98]])
    far = torch.tensor([[-1.0, 0.55, 2.0]])
    assert torch.allclose(region.project(far, origin), torch.tensor([[0.0, 0.55, 1.0]]))
    draw = region.random(origin.expand(4000, 3), seeded())
    assert draw[:, 0].min() >= 0 and draw[:, 2].max() <= 1
    middle = draw[:, 1] - 0.5  # uniform: standard deviation 0.1/√3, here within 4 %
    assert middle.abs().max() <= 0.1 + 1e-6 and abs(float(middle.std()) / (0.1 / math.sqrt(3)) - 1) < 0.04


def test_l2_region() -> None:
    region, origin = L2(2.0), torch.ones(500, 8, 2)
    draw = region.random(origin, seeded()) - origin
    lengths = draw.flatten(1).norm(dim=1)
    assert lengths.max() <= 2.0 + 1e-5
    assert abs(float((lengths / 2.0).pow(16).mean()) - 0.5) < 0.05  # uniform in 16 dimensions: (r/R)^16 ~ U(0,1)
    ahead = region.direction(torch.randn(5, 8, 2, generator=seeded()))
    assert torch.allclose(ahead.flatten(1).norm(dim=1), torch.ones(5))
    inside = origin[:1] + 0.01
    assert torch.allclose(region.project(inside, origin[:1]), inside)
    assert torch.allclose(
        (region.project(origin + 9 * draw, origin) - origin).flatten(1).norm(dim=1).max(), torch.tensor(2.0)
    )


# --- Fixed steps --------------------------------------------------------------------------------------


def test_linear_optimum() -> None:
    """FGSM finds the worst point of a linear receiver at once, PGD in 2/share steps from anywhere."""
    w, classify = linear()
    origin, eps = pictures(), 0.05
    victim = FunctionVictim(classify, origin, Linf(eps))
    worst = (origin - eps * w.sign()).clamp(0, 1)
    assert torch.allclose(FGSM().run(victim, ZEROS, seeded()), worst)
    for attack in (PGD(steps=10), PGD(steps=10, restarts=2), APGDCE(steps=10, eot=1)):
        assert torch.allclose(attack.run(victim, ZEROS, seeded()), worst, atol=1e-6), attack
    towards = TargetedPGD(steps=20).run(victim, ZEROS, seeded())
    assert torch.allclose(towards, (origin + eps * w.sign()).clamp(0, 1), atol=1e-6)


def test_preset_is_repobes() -> None:
    preset = MANIPULATORS["pgd"]()
    assert preset.steps == 5 and math.isclose(preset.share * 0.016, 0.0032) and preset.start == "uniform"


def small_network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 5))
    return net.eval().requires_grad_(False)


def test_pgd_equals_a_loop_by_hand() -> None:
    net, origin, labels = small_network(), pictures(), torch.tensor([0, 1, 2])
    x, before = origin.clone(), [p.clone() for p in net.parameters()]
    for _ in range(5):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(net(x), labels), x)
        x = (x.detach() + 0.0032 * gradient.sign()).clamp(origin - 0.016, origin + 0.016).clamp(0, 1)
    ours = PGD(start="clean").run(FunctionVictim(net, origin, Linf(0.016)), labels, seeded())
    assert torch.allclose(ours, x, atol=1e-7)
    assert all(torch.equal(p, q) and p.grad is None for p, q in zip(net.parameters(), before, strict=True))


def test_against_torchattacks() -> None:
    """Development only: the same points from FGSM and PGD, at least as great a loss from APGD."""
    torchattacks = pytest.importorskip("torchattacks")
    net, origin, labels = small_network(), pictures(), torch.tensor([0, 1, 2])
    victim = FunctionVictim(net, origin, Linf(0.05))
    theirs = torchattacks.FGSM(net, eps=0.05)(origin, labels)
    assert torch.allclose(FGSM().run(victim, labels, seeded()), theirs, atol=1e-6)
    theirs = torchattacks.PGD(net, eps=0.05, alpha=0.01, steps=7, random_start=False)(origin, labels)
    assert torch.allclose(PGD(steps=7, start="clean").run(victim, labels, seeded()), theirs, atol=1e-6)
    for name, kind, loss in (("ce", APGDCE, cross_entropy(labels)), ("dlr", APGDDLR, dlr(labels))):
        theirs = torchattacks.APGD(net, norm="Linf", eps=0.05, steps=20, loss=name)(origin, labels)
        ours = kind(steps=20, eot=1).run(victim, labels, seeded())
        assert (loss(net(ours)) >= loss(net(theirs)) - 0.02 * loss(net(theirs)).abs()).all(), name


def test_divergence_is_torchs() -> None:
    natural, attacked = torch.randn(2, 6, 5, generator=seeded())
    expected = F.kl_div(attacked.log_softmax(1), natural.softmax(1), reduction="none").sum(1)
    assert torch.allclose(divergence(natural.softmax(1))(attacked), expected, atol=1e-6)


def test_kl_ascent_moves_away() -> None:
    net, origin, labels = small_network(), pictures(), torch.tensor([0, 1, 2])
    victim = FunctionVictim(net, origin, Linf(0.05))
    x = KLAscent().run(victim, labels, seeded())
    kl = divergence(net(origin).softmax(1))
    random = victim.region.random(origin, seeded(5))
    assert (kl(net(x)) > kl(net(random))).all() and (x - origin).abs().max() <= 0.05 + 1e-6


# --- APGD ---------------------------------------------------------------------------------------------


def test_checkpoints() -> None:
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]  # the paper's table for 100 iterations
    assert checkpoints(20)[0] == 5


def test_dlr() -> None:
    logits = torch.tensor([[3.0, 1.0, 0.0], [3.0, 1.0, 0.0]])
    loss = dlr(torch.tensor([0, 1]))
    assert torch.allclose(loss(logits), torch.tensor([-2 / 3, 2 / 3]))
    assert torch.allclose(loss(7.0 * logits + 5.0), loss(logits))  # neither scale nor offset counts


def test_apgd_halves_its_step() -> None:
    """A loss with its maximum inside the region: a fixed step of 2·eps would jump over it for ever."""
    origin, eps = torch.full((2, 1, 4, 4), 0.5), 0.1
    best = origin + 0.037

    def classify(x: Tensor) -> Tensor:
        distance = 50.0 * (x - best).square().sum((1, 2, 3))
        return torch.stack([distance, torch.zeros(len(x)), torch.full((len(x),), -1.0)], 1)

    labels = torch.zeros(2, dtype=torch.long)
    victim = FunctionVictim(classify, origin, Linf(eps))
    attempts = list(APGDCE(steps=100, eot=1).search(victim, labels, seeded()))
    assert (attempts[-1].x - best).abs().max() < 0.1 * eps
    losses = torch.stack([attempt.loss for attempt in attempts])
    assert (losses[1:] >= losses[:-1]).all()
    assert [attempt.step for attempt in attempts] == list(range(1, 101))


def test_apgd_keeps_what_fools() -> None:
    """CE, DLR where that was not enough; the answer is never worse than the clean picture."""
    net, origin = small_network(), pictures()
    labels = net(origin).argmax(1)
    victim = FunctionVictim(net, origin, Linf(0.3))
    attack = MANIPULATORS["apgd"](steps=10, eot=1)
    x = attack.run(victim, labels, seeded())
    assert (net(x).argmax(1) != labels).all()
    wrong = (labels + 1) % 5
    assert torch.equal(attack.run(victim, wrong, seeded()), origin)  # read wrong already: nothing to do


# --- Noise --------------------------------------------------------------------------------------------


def test_expectation_over_draws() -> None:
    """Loss, gradient and fooled share are the means over the very draws that are made."""
    victim = Listening(pictures(), Linf(0.1))
    loss = cross_entropy(ZEROS)
    one = seeded(3)
    slope = ascend(victim, victim.origin, loss, ZEROS, lambda: one, 5)
    again, losses, gradients, fooled = seeded(3), [], [], []
    for _ in range(5):
        x = victim.origin.clone().requires_grad_(True)
        logits = victim.receive(x, again)
        losses.append(loss(logits).detach())
        gradients.append(torch.autograd.grad(loss(logits).sum(), x)[0])
        fooled.append((logits.argmax(1) != ZEROS).float())
    for got, parts in ((slope.loss, losses), (slope.gradient, gradients), (slope.fooled, fooled)):
        assert torch.allclose(got, torch.stack(parts).mean(0), atol=1e-6)


@pytest.mark.parametrize("name", sorted(MANIPULATORS))
def test_who_knows_which_noise(name: str) -> None:
    """Draws are the attacker's own, unless the scored one is given to it; only questions need no gradient."""
    attack, origin = MANIPULATORS[name](steps=3), pictures()
    labels = Listening(origin, Linf(0.1)).logits(origin, seeded(77)).argmax(1)  # something is left to attack
    for same in (None, lambda: seeded(77)):
        victim = Listening(origin, Linf(0.1))
        x = attack.run(victim, labels, seeded(5), same)
        assert set(victim.seeds) == ({5} if same is None else {77})
        assert any(victim.gradients) == attack.threat.networks
        assert victim.region.project(x, victim.origin).equal(x)
        assert attack.threat.networks != attack.threat.scores


# --- Square -------------------------------------------------------------------------------------------


def test_square_comes_near_the_optimum_by_asking() -> None:
    w, classify = linear(2, 8)
    origin, eps = 0.2 + 0.6 * pictures(3, 2, 8), 0.05
    victim = FunctionVictim(classify, origin, Linf(eps))
    attempts = list(Square(steps=600).search(victim, ZEROS, seeded()))
    reached = classify(origin)[:, 0] - classify(attempts[-1].x)[:, 0]
    assert (reached > 0.8 * eps * w.abs().sum()).all()
    losses = torch.stack([attempt.loss for attempt in attempts])
    assert (losses[1:] >= losses[:-1] - 1e-6).all()  # no noise here: what is kept is never worse
    with pytest.raises(ValueError, match="pixels"):
        Square().run(replace(victim, region=L2(1.0)), ZEROS, seeded())


# --- Links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "defense"), [("awgn", "none"), ("rayleigh", "repobe")])
def test_a_victim_is_the_link(models: LinkModels, channel: str, defense: str) -> None:
    """The same logits as the link's stages give, cipher included, for the same channel draw."""
    settings = LinkSettings(domain="digits", channel=channel, defense=defense, snr_db=7.0)
    native = textured(2)
    encoded = link.encode(models, native)
    sent = link.send(encoded, settings, KeySource.published())
    expected = link.receive(models, encoded, sent, settings).reading.logits
    for place in ("native", "enlarged", "symbols"):
        victim = link_victim(place, models.domain, models.codec, native, channel, 7.0, chain=sent.chain, keys=sent.keys)
        logits = victim.logits(victim.origin, link.generator(settings.seed, "bob"))
        assert torch.allclose(logits, expected, atol=1e-4), place
        assert torch.allclose(victim.native(victim.origin), native, atol=1e-4)
        half = victim.take(torch.tensor([1]))
        assert len(half.origin) == 1 and (not half.keys or len(half.keys[0]) == 1)


def test_attacks_on_a_link_stay_in_their_bounds(models: LinkModels) -> None:
    native, labels, before = textured(2), torch.tensor([3, 4]), fingerprint(models)
    for place, limit in (("native", 0.016), ("enlarged", 0.016)):
        victim = link_victim(place, models.domain, models.codec, native, "awgn", 10.0, eps=limit)
        with torch.inference_mode():  # as a page may call it
            x = PGD(steps=2).run(victim, labels, seeded())
        assert (x - victim.origin).abs().max() <= limit + 1e-6 and x.min() >= 0 and x.max() <= 1
    victim = link_victim("symbols", models.domain, models.codec, native, "awgn", 10.0, power_db=-20.0)
    delta = PGD(steps=6, share=0.5, eot=2).run(victim, labels, seeded())
    power = delta.square().sum((1, 2)) / models.codec.channel_uses  # signal power is 1
    assert torch.allclose(10 * power.log10(), torch.full((2,), -20.0), atol=0.01)
    found = score(victim, delta, labels, seeded(9), draws=5)
    assert found.right.shape == found.decided.shape == (2,)
    assert fingerprint(models) == before


def test_the_gradient_on_the_air_is_the_matched_direction(models: LinkModels) -> None:
    """For a receiver that correlates with a pattern the best perturbation is that pattern, at full power."""
    native = textured(1)
    pattern = torch.view_as_complex(torch.randn(models.codec.channel_uses, 2, generator=seeded(6)))

    class Correlator(nn.Module):
        size, channel_uses = models.codec.size, models.codec.channel_uses

        def encode(self, image: Tensor) -> Tensor:
            return models.codec.encode(image)

        def classify(self, symbols: Tensor, noise: Tensor | None = None) -> Tensor:
            own = 0.01 * (symbols * pattern.conj()).real.sum(1)
            return torch.stack([-own, torch.zeros_like(own), torch.zeros_like(own)], 1)

    victim = link_victim("symbols", models.domain, Correlator(), native, "awgn", 10.0, power_db=-20.0)
    delta = PGD(steps=1, share=1.0, start="clean").run(victim, torch.zeros(1, dtype=torch.long), seeded())
    best = torch.view_as_real(pattern / pattern.abs().square().sum().sqrt()) * victim.region.radius
    assert torch.allclose(delta[0], best, atol=1e-5)


def test_folded_networks_have_the_same_gradient(models: LinkModels) -> None:
    native, labels = textured(1), torch.tensor([3])
    slopes = []
    for codec in (models.codec, fold_batch_norm(models.codec)):
        victim = link_victim("native", models.domain, codec, native, "awgn", 10.0)
        one = seeded(2)
        slopes.append(ascend(victim, native, cross_entropy(labels), labels, lambda one=one: one, 1).gradient)
    assert torch.nn.functional.cosine_similarity(*(slope.flatten() for slope in slopes), dim=0) > 0.999


# --- Purification -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def networks(models: LinkModels) -> DiffSemNetworks:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        built = DiffSemNetworks()
        nn.init.normal_(built.denoiser.leave.weight, std=0.05)
    for tuning in (built.denoised, built.noisy):
        tuning.start_from(models.codec.classifier)
    return built.eval().requires_grad_(False)


def test_gradients_pass_through_the_purifier(models: LinkModels, networks: DiffSemNetworks) -> None:
    """The directional derivative through diffusing, channel and two denoising steps is the difference quotient."""
    level = purification.Level(10.0, 0.5, 2)
    chain = purification.purifier(networks, models.codec, level, 10.0)
    codec = purification.receiver(networks, models.codec)
    victim = link_victim("symbols", models.domain, codec, textured(1), "awgn", 10.0, chain=chain)
    objective = divergence(torch.full((1, 10), 0.1))
    labels = torch.zeros(1, dtype=torch.long)
    slope = ascend(victim, victim.origin, objective, labels, lambda: seeded(4), 1)
    ahead = 3.0 * victim.region.direction(slope.gradient)
    there, back = (objective(probe(victim, sign * ahead, lambda: seeded(4), 1)[0]) for sign in (0.3, -0.3))
    measured = float(there - back) / 0.6
    assert measured > 0
    assert measured == pytest.approx(float((slope.gradient * ahead).sum()), rel=0.1)


def test_purifying_level(networks: DiffSemNetworks, models: LinkModels) -> None:
    """The sender leaves room for the channel: the receiver finds ``sigma²`` of noise whatever the SNR."""
    table: Sequence[purification.Level] = [purification.Level(snr, 1.0, 2) for snr in (7.0, 23.0)]
    assert purification.level_at(table, 30.0).snr_db == 23.0
    with pytest.raises(ValueError, match="table"):
        purification.level_at([], 10.0)
    for snr_db in (7.0, 23.0):
        denoise, noisy = purification.purifier(networks, models.codec, table[0], snr_db)
        assert not denoise.labels and denoise.steps == 2
        assert float(noisy.noise_after(noise_variance(snr_db))) == pytest.approx(1.0, abs=1e-4)
