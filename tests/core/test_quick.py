"""bf16 decoders agree with the plain path, on the trained weights; gradients take the plain path."""

from __future__ import annotations

import pytest
import torch

from semcom_core import link, samples
from semcom_core.domains import DOMAINS
from semcom_core.manifest import names
from semcom_core.networks.attackers import InversionDecoder
from semcom_core.networks.decoders import ReconstructionDecoder
from semcom_core.networks.quick import Quick, quicken
from semcom_core.precision import bf16_pays
from semcom_core.settings import LinkSettings

PAYS = pytest.mark.skipif(not bf16_pays("cpu"), reason="this processor has no bf16: the plain path is the only one")


def trained(domain: str) -> link.LinkModels:
    if f"{domain}/base" not in names():
        pytest.skip(f"no weights for {domain}")
    return link.load_models(domain)


@PAYS
@pytest.mark.parametrize("domain", list(DOMAINS))
def test_pictures_and_readings_agree_with_the_plain_path(domain: str) -> None:
    plain, quick = trained(domain), link.load_models(domain, load=link.load_live)
    assert isinstance(quick.codec.reconstructor, Quick) and isinstance(plain.codec.reconstructor, ReconstructionDecoder)
    for number, sample in enumerate(samples.samples(domain)[:6]):
        native = DOMAINS[domain].prepare(samples.render(domain, sample.key)).native[None]
        settings = LinkSettings(domain=domain, defense="none", snr_db=10.0, seed=number)
        expected, found = (link.transmit(models, native, settings) for models in (plain, quick))
        assert torch.equal(found.sent.x, expected.sent.x), "what is sent must not depend on the machine"
        for one, other in (
            (found.reception.reading, expected.reception.reading),
            (found.eavesdropping.reading, expected.eavesdropping.reading),
        ):
            difference = 255 * (one.native - other.native).abs()
            assert difference.mean() < 1.0 and difference.max() < 6.0
            assert (one.psnr - other.psnr).abs().max() < 0.1
            torch.testing.assert_close(one.logits, other.logits)
            assert torch.softmax(one.judged, 1).sub(torch.softmax(other.judged, 1)).abs().max() < 0.05


@PAYS
@pytest.mark.parametrize("decoder", [ReconstructionDecoder(1), InversionDecoder(1, 28)], ids=["receiver", "attacker"])
def test_gradients_take_the_plain_path(decoder: torch.nn.Module) -> None:
    plain = decoder.eval()
    wrapped = quicken(plain)
    assert isinstance(wrapped, Quick)
    z = torch.randn(1, 4, 28, 28, requires_grad=True)
    assert torch.equal(wrapped(z), plain(z))
    wrapped(z).sum().backward()
    assert z.grad.abs().sum() > 0
    with torch.no_grad():
        assert not torch.equal(wrapped(z), plain(z)), "bf16 was not in use"
        assert wrapped(z).dtype == torch.float32


def test_without_hardware_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semcom_core.networks.quick.bf16_pays", lambda device: False)
    decoder = ReconstructionDecoder(1).eval()
    assert quicken(decoder) is decoder


def test_wrapping_twice_is_wrapping_once() -> None:
    holder = torch.nn.ModuleDict({"a": ReconstructionDecoder(1).eval()})
    quicken(quicken(holder))
    assert not isinstance(getattr(holder["a"], "plain", None), Quick)
