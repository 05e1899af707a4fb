"""What a class would wait for in its first minute, done before: once, in the background, while nobody else is there.

Whoever comes first (a teacher, before the class) starts it. It loads every network into both processes,
draws the samples, and sends one picture through every link; it steps aside whenever a visitor's page runs.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import streamlit as st

from pages.widgets import cores, picture_source, stages
from semcom_core import away, background, link, samples
from semcom_core.ciphers.keys import KeySource
from semcom_core.domains import DOMAINS
from semcom_core.settings import LinkSettings
from semcom_core.weights import WeightsError

_PATIENCE_S = 0.05


@st.cache_resource(show_spinner=False)
def start() -> threading.Thread | None:
    """The server's one thread for this; none where the app is only tested."""
    if not cores.is_served():
        return None
    leaving = threading.Event()
    return background.start(partial(_all, leaving), "warm-up", leaving.set)


def _all(leaving: threading.Event) -> None:
    ready = away.second().ready
    while not ready.wait(_PATIENCE_S) and not leaving.is_set():
        pass
    for job in jobs():
        while cores.busy() and not leaving.is_set():
            time.sleep(_PATIENCE_S)
        if leaving.is_set():
            return
        try:
            job()
        except WeightsError:  # the visitor who chooses it is told
            continue


def jobs() -> Iterator[Callable[[], object]]:
    """Everything to do, the default link first."""
    yield partial(importlib.import_module, "torchvision")  # the pages of training load it
    for domain in DOMAINS:
        names = [sample.key for sample in samples.samples(domain)]
        for defense in link.trained_defenses(domain):
            yield partial(_transmit, domain, defense, names[0])
        for name in names:
            yield partial(picture_source.prepared_sample, domain, name)


def _transmit(domain: str, defense: str, sample: str) -> None:
    native = picture_source.prepared_sample(domain, sample).prepared.native[None]
    models = stages.shared_models(domain, defense)
    settings = LinkSettings(domain=domain, defense=defense)
    away.run(link.transmit, models, native, settings, KeySource.published())
