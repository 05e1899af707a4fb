"""The wrong-key experiment, against the cipher's own decryption of the feature map."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from semcom_core import wrong_key as experiment
from semcom_core.ciphers.confusion import decrypt
from semcom_core.ciphers.keys import KeySource
from semcom_core.ciphers.keyspace import cells_right, compensate_c, compensate_r
from semcom_core.codecs.repobe import pack, unpack
from semcom_core.link import LinkModels, receive, send
from semcom_core.metrics import psnr
from semcom_core.settings import LinkSettings
from semcom_core.wrong_key import SWEPT, Message, Part, wrong_keys
from tests.untrained import textured

SETTINGS, SOURCE = LinkSettings(), KeySource.published()


@pytest.fixture(scope="module")
def message(models: LinkModels) -> Message:
    return experiment.send(models, textured(3), SETTINGS, SOURCE)


def test_right_key_gives_what_the_link_gives(models: LinkModels, message: Message) -> None:
    reading = experiment.read_with(models, message, message.keys)
    link = receive(models, message.encoded, send(message.encoded, SETTINGS, SOURCE), SETTINGS).reading
    assert torch.equal(reading.native, link.native)
    assert torch.equal(reading.logits, link.logits)


@pytest.mark.parametrize("part", Part)
def test_wrong_key_reads_what_its_own_decryption_gives(models: LinkModels, message: Message, part: Part) -> None:
    keys = wrong_keys(message, part, 5, SOURCE)
    reading = experiment.read_with(models, message, keys)
    maps = unpack(message.received.equalise())
    decrypted = torch.stack([decrypt(one, key) for one, key in zip(maps, keys, strict=True)])
    with torch.inference_mode():
        decoded = models.codec.decode(pack(decrypted))
        picture = models.domain.to_native(decoded.image).clamp(0, 1)
    assert torch.allclose(reading.logits, decoded.logits, atol=1e-5)
    assert torch.allclose(reading.psnr, psnr(picture, message.encoded.native), atol=1e-3)


@pytest.mark.parametrize("part", [Part.ROWS, Part.COLUMNS, Part.BOTH])
def test_exactly_so_many_entries_are_wrong_and_more_include_fewer(message: Message, part: Part) -> None:
    before: list[set[int]] = [set() for _ in message.keys]
    for amount in SWEPT[False]:
        for number, (true, used) in enumerate(
            zip(message.keys, wrong_keys(message, part, amount, SOURCE), strict=True)
        ):
            rows, columns = (np.flatnonzero(a != b) for a, b in ((true.K_r, used.K_r), (true.K_c, used.K_c)))
            assert len(rows) == (amount if part in (Part.ROWS, Part.BOTH) else 0)
            assert len(columns) == (amount if part in (Part.COLUMNS, Part.BOTH) else 0)
            wrong = set(rows if part != Part.COLUMNS else columns)
            assert before[number] <= wrong
            before[number] = wrong
            if part != Part.BOTH:
                assert cells_right(true, used) == pytest.approx(1 - amount / 28)


@pytest.mark.parametrize(("part", "compensate"), [(Part.C, compensate_c), (Part.R, compensate_r)])
def test_shifted_offset_is_wrong_and_its_compensation_exact(
    models: LinkModels, message: Message, part: Part, compensate
) -> None:
    right = experiment.read_with(models, message, message.keys)
    wrong = experiment.read_with(models, message, wrong_keys(message, part, 3, SOURCE))
    made_up = experiment.read_with(models, message, [compensate(key, 3) for key in message.keys])
    assert torch.equal(right.native, made_up.native)
    assert not torch.equal(right.native, wrong.native)


def test_sweep_counts_and_averages_single_trials(models: LinkModels) -> None:
    pictures = textured(3)
    messages = [
        experiment.send(models, one[None], LinkSettings(seed=number), SOURCE) for number, one in enumerate(pictures)
    ]
    readings = [experiment.read_with(models, one, wrong_keys(one, Part.BOTH, 4, SOURCE)) for one in messages]
    labels = [int(one.logits.argmax()) for one in readings]
    labels[0] = (labels[0] + 1) % 10
    drawn = [lambda one=one: one for one in pictures]
    steps = list(experiment.sweep(models, drawn, labels, Part.BOTH, SETTINGS, SOURCE, (0, 4)))
    assert [one.done for one in steps] == list(range(1, 10)) and {one.all for one in steps} == {9}
    assert [number for number, one in enumerate(steps) if one.point] == [5, 8]
    point = steps[-1].point
    assert (point.right, point.pictures, point.amount) == (2, 3, 4)
    assert point.accuracy_interval[0] < point.accuracy < point.accuracy_interval[1]
    assert point.psnr == pytest.approx(np.mean([float(one.psnr) for one in readings]), abs=1e-4)
    assert steps[5].point.cells == 1.0
    assert 0 < point.cells < (1 - 4 / 28) ** 2 + 0.02


def test_sweep_does_nothing_before_it_is_asked(models: LinkModels) -> None:
    def never() -> torch.Tensor:
        raise AssertionError

    experiment.sweep(models, [never], [0], Part.C, SETTINGS, SOURCE)


def test_one_wrong_entry_is_impossible(message: Message) -> None:
    with pytest.raises(ValueError, match="0 or 2"):
        wrong_keys(message, Part.ROWS, 1, SOURCE)


def test_another_defense_is_refused(models: LinkModels) -> None:
    with pytest.raises(ValueError, match="confusion-offset"):
        experiment.send(models, textured(1), LinkSettings(defense="none"), SOURCE)


@pytest.mark.parametrize("domain", ["digits", "photographs"])
def test_gallery_has_many_classes_and_no_foreign_picture(domain: str) -> None:
    keys, labels = experiment.gallery(domain, 10)
    assert len(set(keys)) == len(labels) == 10
    assert None not in labels
    assert len(set(labels)) >= 9
