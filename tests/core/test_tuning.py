"""A defense's own receiver starts as the shared classifier and changes only its own blocks."""

from __future__ import annotations

import torch

from semcom_core.networks.decoders import ClassificationDecoder
from semcom_core.networks.tuning import ClassifierTuning


def test_before_training_it_is_the_classifier() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        classifier = ClassificationDecoder(10).eval()
    tuning = ClassifierTuning(10).start_from(classifier).eval()
    z = torch.randn(3, 4, 28, 28, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(tuning(classifier, z), classifier(z))


def test_training_it_leaves_the_shared_classifier_alone() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        classifier = ClassificationDecoder(10).eval().requires_grad_(False)
    before = {name: value.clone() for name, value in classifier.state_dict().items()}
    tuning = ClassifierTuning(10).start_from(classifier).eval()
    optimiser = torch.optim.SGD(tuning.parameters(), lr=0.1)
    z, label = torch.randn(4, 4, 28, 28, generator=torch.Generator().manual_seed(1)), torch.arange(4)
    first = torch.nn.functional.cross_entropy(tuning(classifier, z), label)
    first.backward()
    optimiser.step()
    assert torch.nn.functional.cross_entropy(tuning(classifier, z), label) < first
    assert all(torch.equal(before[name], value) for name, value in classifier.state_dict().items())


def test_it_is_a_small_part_of_the_classifier() -> None:
    own = sum(value.numel() for value in ClassifierTuning(10).state_dict().values())
    assert own < 0.06 * sum(value.numel() for value in ClassificationDecoder(10).state_dict().values())
