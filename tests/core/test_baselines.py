"""NECST, NECST-DP, IBAL and ESCS against closed forms, enumeration and statistics."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import norm
from torch import Tensor, nn

from semcom_core.channels import CHANNELS, propagate
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.codecs.base import Codec
from semcom_core.codecs.escs import ESCSCodec
from semcom_core.codecs.ibal import IBALCodec, Transmitter, kl_log_uniform, pack_reals, unpack_reals
from semcom_core.codecs.necst import BITS, NECSTCodec, bit_error_rate, demodulate, modulate
from semcom_core.defenses import DEFENSES
from semcom_core.defenses.escs import BitKey, NeuralEncryption
from semcom_core.defenses.randomised_response import RandomisedResponse, message_budget
from semcom_core.link import LinkModels, transmit
from semcom_core.models import build
from semcom_core.settings import LinkSettings
from semcom_core.training import recipe
from semcom_core.training.baselines import Contest, DenseAttacker, train_attacker
from semcom_core.training.necst import compose, vimco
from tests.untrained import textured

CODECS = {"necst_codec": {"classes": 10}, "ibal_codec": {"reals": 64, "classes": 10}, "escs_codec": {"classes": 10}}
OWN = ("necst", "necst_dp_005", "necst_dp_09", "ibal", "ibal_wide", "escs")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def frozen(make: type[nn.Module], *arguments: int) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make(*arguments).eval().requires_grad_(False)


# --- Codecs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CODECS)
def test_a_codec_keeps_the_contract(name: str) -> None:
    codec: Codec = build(name, CODECS[name]).eval()
    pictures = textured(3)
    with torch.inference_mode():
        s = codec.encode(pictures)
        decoded = codec.decode(s, torch.tensor([0.01, 0.1, 1.0]))
    assert s.shape == (3, codec.channel_uses) and s.dtype == torch.complex64
    torch.testing.assert_close(s.abs().square().mean(1), torch.ones(3), rtol=1e-5, atol=0)
    assert decoded.logits.shape == (3, 10) and decoded.logits.dtype == torch.float32
    assert codec.decode(s).logits.isfinite().all()
    if decoded.image is not None:
        assert decoded.image.shape == (3, 1, 28, 28)
        assert 0 <= float(decoded.image.min()) and float(decoded.image.max()) <= 1


def test_sizes_and_bandwidth() -> None:
    """What RepObE's comparison at 1,568 complex uses needs, and the limits of the weights folder (fp16)."""
    uses = {"necst_codec": 1568, "escs_codec": 1568}
    limits = {"necst_codec": 0.6, "escs_codec": 1.2}
    for name, limit in limits.items():
        codec = build(name, {"classes": 10})
        assert codec.channel_uses == uses[name]
        assert sum(p.numel() for p in codec.state_dict().values()) * 2e-6 < limit
    wide = build("ibal_codec", {"reals": 3136, "classes": 10})
    assert wide.channel_uses == 1568
    assert sum(p.numel() for p in wide.state_dict().values()) * 2e-6 < 7
    assert build("ibal_codec", {"reals": 64, "classes": 10}).channel_uses == 32


@pytest.mark.parametrize("name", OWN)
def test_the_registry_names_codec_and_recipe(name: str) -> None:
    defense = DEFENSES[name]
    assert defense.codec == name and defense.domains == ("digits",)
    assert defense.available("digits") and not defense.available("objects")
    assert defense.keyed is (name == "escs")
    assert f"digits/{name}" in recipe.known()


@pytest.mark.parametrize("name", ["necst_dp_09", "ibal", "escs"])
def test_a_whole_transmission(name: str, models: LinkModels) -> None:
    codec = {"necst_dp_09": NECSTCodec, "ibal": IBALCodec, "escs": ESCSCodec}[name]
    link = LinkModels(models.domain, frozen(codec), models.judge, {}, (), {})
    link.parts["codec"] = link.codec
    sent = transmit(link, textured(1), LinkSettings(defense=name, attacker="key_holder"))
    assert sent.reception.reading.logits.shape == (1, 10)
    assert (sent.reception.reading.native is None) is (name == "ibal")
    torch.testing.assert_close(sent.sent.x.abs().square().mean(), torch.tensor(1.0))


# --- NECST -------------------------------------------------------------------------------------------


def test_bits_and_symbols() -> None:
    bits = torch.randint(2, (4, 20), generator=seeded()).float()
    s = modulate(bits)
    assert torch.equal(demodulate(s), bits) and torch.equal(demodulate(0.3 * s), bits)
    torch.testing.assert_close(s.abs(), torch.ones(4, 10))
    assert float(s[0, 0].real) == pytest.approx((1 - 2 * float(bits[0, 0])) / math.sqrt(2))
    assert float(s[0, 0].imag) == pytest.approx((1 - 2 * float(bits[0, 10])) / math.sqrt(2))


@pytest.mark.parametrize("snr_db", [0.0, 7.0, 10.0])
def test_error_rate_is_q_of_root_snr_and_that_of_the_channel(snr_db: float) -> None:
    noise = torch.tensor([10 ** (-snr_db / 10)])
    expected = norm.sf(math.sqrt(10 ** (snr_db / 10)))
    assert float(bit_error_rate(noise)) == pytest.approx(expected, rel=1e-4)
    bits = torch.randint(2, (1, 400_000), generator=seeded()).float()
    received = propagate(CHANNELS["awgn"], modulate(bits), snr_db, seeded(1))
    rate = float((demodulate(received.equalise()) != bits).float().mean())
    assert rate == pytest.approx(expected, abs=5 * math.sqrt(expected / 400_000))


def test_error_rate_over_rayleigh_fading_is_the_textbook_one() -> None:
    """``½(1 − √(g/(2+g)))`` for QPSK at mean SNR g."""
    g = 10.0
    fades = -torch.log(torch.rand(400_000, generator=seeded(), dtype=torch.float64))
    rate = float(bit_error_rate(1 / (g * fades)).mean())
    assert rate == pytest.approx(0.5 * (1 - math.sqrt(g / (2 + g))), rel=0.02)


def test_two_channels_in_a_row() -> None:
    """A bit is wrong at the end if exactly one of the two has flipped it."""
    p, q = 0.3, 0.1
    assert compose(p, q) == pytest.approx(p * (1 - q) + q * (1 - p))
    s = torch.tensor([0.0, 0.2, 1.0])
    torch.testing.assert_close(compose(s, q), s - 2 * s * q + q)  # FACTS: the collapsed graph


def test_vimco_is_unbiased() -> None:
    """Its expectation over all samples of three bits is the exact gradient of the multi-sample bound."""
    K, n = 2, 3
    rng = np.random.default_rng(0)
    table = torch.from_numpy(rng.normal(size=2**n))  # log f of every code
    codes = torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)), dtype=torch.float64)
    logits = torch.from_numpy(rng.normal(size=n)).requires_grad_()

    def log_q() -> Tensor:
        return -F.binary_cross_entropy_with_logits(
            logits.expand(len(codes), n), codes, reduction="none"
        ).sum(1)  # fmt: skip

    pairs = list(itertools.product(range(len(codes)), repeat=K))
    one, two = (torch.tensor([pair[k] for pair in pairs]) for k in range(K))
    log_f, log_probability = torch.stack([table[one], table[two]]), torch.stack([log_q()[one], log_q()[two]])
    chance = log_probability.sum(0).exp()
    bound = log_f.logsumexp(0) - math.log(K)
    (exact,) = torch.autograd.grad((chance * bound).sum(), logits, retain_graph=True)
    surrogate, value = vimco(log_f, log_probability)
    (estimate,) = torch.autograd.grad((chance.detach() * surrogate).sum(), logits)
    torch.testing.assert_close(estimate, exact)
    torch.testing.assert_close(value, bound)


def test_the_decoder_is_told_how_far_to_trust_the_bits() -> None:
    codec, heard = frozen(NECSTCodec), []
    codec.decoder.register_forward_pre_hook(lambda module, inputs: heard.append(inputs[0]))
    s = modulate(torch.ones(1, BITS))
    codec.decode(s)
    codec.decode(s, torch.tensor([1.0]))
    codec.decode(s, torch.tensor([1e6]))
    assert [float(-one.mean()) for one in heard] == pytest.approx([1, 1 - 2 * norm.sf(1), 0], abs=1e-3)


# --- Randomised response ---------------------------------------------------------------------------------


@pytest.mark.parametrize("epsilon", [0.05, 0.9, 3.0])
def test_flips_have_the_probability_of_the_budget(epsilon: float) -> None:
    plug_in = RandomisedResponse(epsilon)
    assert plug_in.flip == pytest.approx(1 / (1 + math.exp(epsilon)))
    assert (1 - plug_in.flip) / plug_in.flip == pytest.approx(math.exp(epsilon))  # the likelihood ratio of one bit
    bits = torch.randint(2, (1, 400_000), generator=seeded()).float()
    lied = demodulate(plug_in.protect(modulate(bits), [None], seeded(1))) != bits
    for half in lied.float().chunk(2, dim=1):  # on I and on Q
        assert float(half.mean()) == pytest.approx(plug_in.flip, abs=5 * 0.5 / math.sqrt(200_000))
    both = (lied[:, :200_000] & lied[:, 200_000:]).float().mean()
    assert float(both) == pytest.approx(plug_in.flip**2, abs=5 * 0.5 / math.sqrt(200_000))  # independent


def test_without_a_limit_nothing_is_flipped_and_without_a_budget_it_is_refused() -> None:
    s = modulate(torch.randint(2, (2, 40), generator=seeded()))
    assert torch.equal(RandomisedResponse(math.inf).protect(s, [None, None], seeded()), s)
    for epsilon in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="above 0"):
            RandomisedResponse(epsilon)


def test_recover_gives_the_linear_mmse_estimate_and_its_noise() -> None:
    """The contract of a codec: ``ŝ = (s + e)/(1 + v)`` with ``E|e|² = v`` and e uncorrelated with s."""
    plug_in = RandomisedResponse(0.9)
    s = modulate(torch.randint(2, (1, 600_000), generator=seeded()))
    received = propagate(CHANNELS["awgn"], plug_in.protect(s, [None], seeded(1)), 7.0, seeded(2))
    noise = received.effective()[1]
    s_hat, after = plug_in.recover(received.equalise(), [None], noise), plug_in.noise_after(noise)
    e = (1 + after) * s_hat - s
    assert float((e * s.conj()).real.mean()) == pytest.approx(0, abs=0.02)
    assert float(e.abs().square().mean()) == pytest.approx(float(after), rel=0.01)


def test_the_budget_of_a_message_is_the_worst_log_likelihood_ratio() -> None:
    """By enumeration for four bits; then the numbers that the docstring quotes."""
    epsilon, k = 0.7, 4
    p = RandomisedResponse(epsilon).flip
    codes = np.array(list(itertools.product((0, 1), repeat=k)))
    distance = (codes[:, None] != codes[None]).sum(2)
    likelihood = p**distance * (1 - p) ** (k - distance)  # [code, message]
    worst = np.log(likelihood[:, None] / likelihood[None]).max()
    assert message_budget(epsilon, bits=k) == pytest.approx(worst)
    assert message_budget(0.05) == pytest.approx(156.8)
    assert message_budget(0.9) == pytest.approx(2822.4)
    assert message_budget(0.05, delta=1e-5) == pytest.approx(21.5, abs=0.1)
    assert message_budget(0.9, delta=1e-5) == message_budget(0.9)  # advanced composition does not help there
    with pytest.raises(ValueError, match="delta"):
        message_budget(0.05, delta=1.0)


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_advanced_composition_holds(epsilon: float) -> None:
    """Exactly: P(log-likelihood ratio > ε') ≤ δ, the ratio being ε·(bits kept − bits flipped)."""
    from scipy.stats import binom

    k, delta = 400, 1e-3
    budget = message_budget(epsilon, bits=k, delta=delta)
    p = RandomisedResponse(epsilon).flip
    flips = np.arange(k + 1)
    assert binom.pmf(flips, k, p)[epsilon * (k - 2 * flips) > budget].sum() <= delta


# --- IBAL --------------------------------------------------------------------------------------------


def test_transmitter_is_the_authors_formula() -> None:
    """``tanh(μ(Wx+b)/√(‖w‖²+b²))`` entry by entry in numpy, with the gains n … 1."""
    transmitter, pictures = frozen(Transmitter, 64), textured(2)
    W, b = (p.double().numpy() for p in (transmitter.linear.weight, transmitter.linear.bias))
    x = (pictures.reshape(2, 784).double().numpy() - 0.1307) / 0.3081
    norm_of_row = np.sqrt((W**2).sum(1) + b**2)
    expected = np.tanh(np.arange(64, 0, -1) * (x @ W.T + b) / norm_of_row)
    assert np.allclose(transmitter(pictures).numpy(), expected, atol=1e-4)


def test_kl_is_close_to_the_integral() -> None:
    """Molchanov's fit against the KL divergence to the log-uniform prior by quadrature, up to its constant.

    ``KL(N(z,σ²) ‖ 1/|w|) = E log|w| − ½ log(2πe σ²) + const``; the fit tends to 0 as α grows.
    """
    nodes = np.linspace(-10, 10, 400_002)
    weights = norm.pdf(nodes) / norm.pdf(nodes).sum()

    def exact(alpha: float) -> float:  # z = 1, σ² = α; the limit α → ∞ is subtracted
        w = np.abs(1 + math.sqrt(alpha) * nodes)
        return float((weights * np.log(w)).sum() - 0.5 * math.log(alpha))

    limit = float((weights * np.log(np.abs(nodes))).sum())
    for alpha in (0.05, 0.2, 1.0, 4.0):
        ours = float(kl_log_uniform(torch.ones(1, 1, dtype=torch.float64), torch.tensor([[math.sqrt(alpha)]])))
        assert ours == pytest.approx(exact(alpha) - limit, abs=0.06)


def test_kl_falls_with_the_noise_and_rises_with_the_signal() -> None:
    z, sigma = torch.tensor([[0.1, 1.0]]), torch.tensor([[0.1], [0.5], [1.0]])
    kl = [float(kl_log_uniform(z, one[None])) for one in sigma]
    assert kl == sorted(kl, reverse=True)
    single = [float(kl_log_uniform(torch.tensor([[v]]), torch.tensor([[0.3]]))) for v in (0.1, 0.5, 1.0)]
    assert single == sorted(single)


def test_reals_to_symbols_and_back() -> None:
    z = torch.randn(5, 64, generator=seeded())
    s = pack_reals(7.0 * z)
    torch.testing.assert_close(s.abs().square().mean(1), torch.ones(5))
    back = unpack_reals(s)
    torch.testing.assert_close(back / back.norm(dim=1, keepdim=True), z / z.norm(dim=1, keepdim=True))
    torch.testing.assert_close(back.square().mean(1), torch.ones(5))


# --- ESCS --------------------------------------------------------------------------------------------


class TestNeuralEncryption:
    def plug_in(self) -> NeuralEncryption:
        codec = frozen(ESCSCodec)
        return NeuralEncryption(codec.encryptor, codec.decryptor)

    def stream_key(self, nonce: bytes) -> BitKey:
        source = KeySource.published()
        return self.plug_in().key(
            source.stream("neural_encryption", KeyPolicy.MESSAGE, seed=0, session=0, nonce=nonce)
        )  # fmt: skip

    def test_the_key_is_64_bits_of_the_key_stream(self) -> None:
        one, again, other = (self.stream_key(nonce) for nonce in (b"a", b"a", b"b"))
        assert one == again and one != other
        assert repr(one) == "BitKey()"
        assert BitKey(bytes([0b10100000, 0, 0, 0, 0, 0, 0, 1])).signs().tolist() == [1, -1, 1] + [-1] * 60 + [1]
        with pytest.raises(ValueError, match="8 bytes"):
            BitKey(b"short")

    def test_each_message_has_its_own_key(self) -> None:
        plug_in, s = self.plug_in(), pack_reals(torch.randn(2, 3136, generator=seeded()))
        keys = [self.stream_key(b"a"), self.stream_key(b"b")]
        x = plug_in.protect(s, keys, seeded())
        torch.testing.assert_close(x.abs().square().mean(1), torch.ones(2))
        torch.testing.assert_close(x[1:], plug_in.protect(s[1:], keys[1:], seeded()), rtol=1e-4, atol=1e-5)
        assert not torch.allclose(x, plug_in.protect(s, keys[::-1], seeded()), atol=1e-3)
        assert plug_in.recover(x, keys).shape == s.shape
        with pytest.raises(ValueError, match="one key a message"):
            plug_in.protect(s, keys[:1], seeded())


# --- Training ----------------------------------------------------------------------------------------


def test_the_attacker_learns_alone_and_the_codec_through_it() -> None:
    contest = Contest(frozen(IBALCodec), DenseAttacker(64, width=16))
    contest.codec.requires_grad_(True)
    assert not any(p.requires_grad for p in contest.attacker.parameters())
    before = {name: value.clone() for name, value in contest.state_dict().items()}
    optimiser = torch.optim.Adam(contest.attacker.parameters(), 1e-2)
    pictures = textured(8)

    def error(symbols: Tensor) -> Tensor:
        return (contest.attacker(unpack_reals(symbols))[0] - pictures).square().mean()

    s = contest.codec.encode(pictures)
    first = float(error(s.detach()))
    train_attacker(contest.attacker, optimiser, lambda: error(s.detach()), 30)
    last = float(error(s.detach()))
    assert last < first
    for name, value in contest.state_dict().items():
        changed = not torch.equal(value, before[name])
        assert changed is (name.startswith("attacker") and "classify" not in name), name
    assert all(p.grad is None for p in contest.parameters())

    (-error(s)).backward()  # the codec's step: to make the attacker worse …
    assert all(p.grad is None for p in contest.attacker.parameters())
    with torch.no_grad():
        for p in contest.codec.transmitter.parameters():
            p -= 0.05 * p.grad / p.grad.norm().clamp_min(1e-12)
        assert float(error(contest.codec.encode(pictures))) > last  # … does make it worse
