"""The second process: equal results, what cannot travel, what goes wrong there."""

from __future__ import annotations

import math
import operator
import os
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from semcom_core import away, link
from semcom_core.away import Second
from semcom_core.ciphers.keys import KeySource
from semcom_core.settings import LinkSettings


@pytest.fixture(scope="module")
def second() -> Iterator[Second]:
    one = Second(2)
    one.start()
    if not one.ready.wait(120):
        pytest.skip("no second process can be started here")
    yield one
    one.stop()


@cache
def _network(name: str) -> tuple[nn.Module, object]:
    module, located = link.load_live(name)
    return away.share(module, name), located


@pytest.mark.parametrize("defense", ["none", "repobe", "rotation", "necst", "escs", "diffsem", "cem"])
def test_a_transmission_there_is_the_one_here(second: Second, defense: str) -> None:
    if defense not in link.trained_defenses("digits"):
        pytest.skip(f"{defense} is not trained")
    models = away.share(link.load_models("digits", defense, _network), "digits", defense)
    settings, source = LinkSettings(defense=defense), KeySource.agreed()
    native = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    there = second.run(link.transmit, models, native, settings, source)
    here = link.transmit(models, native, settings, source)
    torch.testing.assert_close(there.sent.x, here.sent.x, rtol=0, atol=0)
    torch.testing.assert_close(there.reception.received.y, here.reception.received.y, rtol=0, atol=0)
    torch.testing.assert_close(there.reception.reading.logits, here.reception.reading.logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(there.eavesdropping.reading.judged, here.eavesdropping.reading.judged)
    # What holds networks holds this process's own ones.
    for ours, theirs in zip(here.sent.chain, there.sent.chain, strict=True):
        mine = [part for part in vars(ours).values() if isinstance(part, nn.Module)]
        assert all(a is b for a, b in zip(mine, (vars(theirs)[name] for name, part in vars(ours).items()
                                                 if isinstance(part, nn.Module)), strict=True))  # fmt: skip


def test_it_is_another_process(second: Second) -> None:
    assert second.run(os.getpid) != os.getpid()


def test_its_threads_are_the_callers(second: Second) -> None:
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert second.run(torch.get_num_threads) == threads
    finally:
        torch.set_num_threads(before)


def test_a_network_without_a_name_stays_here(second: Second) -> None:
    own = nn.Linear(2, 2)
    assert second.run(operator.is_, own, own) is True
    # Neither can one come back.
    assert isinstance(second.run(nn.Identity), nn.Identity)


def test_an_error_there_is_an_error_here(second: Second) -> None:
    with pytest.raises(ValueError, match="math domain error"):
        second.run(math.sqrt, -1)
    assert second.run(math.sqrt, 4) == 2


def test_prints_there_do_not_disturb(second: Second) -> None:
    second.run(print, "hello")
    assert second.run(math.sqrt, 9) == 3


def test_each_lane_answers_by_itself(second: Second, tmp_path: Path) -> None:
    """Either end of a named pipe opens only when the other one does, too."""
    pipe, opened = tmp_path / "pipe", []
    os.mkfifo(pipe)
    ends = [
        threading.Thread(target=lambda flag=flag: opened.append(second.run(os.open, pipe, flag)), daemon=True)
        for flag in (os.O_RDONLY, os.O_WRONLY)
    ]
    for end in ends:
        end.start()
    for end in ends:
        end.join(60)
    assert len(set(opened)) == 2


def test_one_that_is_killed_is_started_again() -> None:
    one = Second()
    one.start()
    if not one.ready.wait(120):
        pytest.skip("no second process can be started here")
    first = one.run(os.getpid)
    os.kill(first, 9)
    assert one.run(os.getpid) == os.getpid()  # the call that noticed ran here
    assert one.ready.wait(120)
    assert one.run(os.getpid) not in (first, os.getpid())
    one.stop()
    assert one.run(os.getpid) == os.getpid()


def test_without_one_everything_runs_here() -> None:
    assert Second().run(os.getpid) == os.getpid()
