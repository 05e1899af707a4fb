"""Attack a picture: what is changed, and what each receiver says before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import streamlit as st
from torch import nn

from pages.adversarial.controls import LEAST_EOT, LEAST_STEPS, controls
from pages.adversarial.rows import missing_html, outcome_html
from pages.adversarial.scene import Scene, truth_note
from pages.widgets.experiment import Making, experiment
from pages.widgets.strings import t, whole
from semcom_core.codecs.repobe import RepObECodec
from semcom_core.domains import DOMAINS
from semcom_core.lab import manipulated
from semcom_core.lab.manipulated import Outcome, Setup, pixels, searches

_QUICK = 5
"""Gradients a receiver that are computed at once; more wait for a button and can be cancelled."""


def section(one: Scene) -> None:
    """Controls, then one row a receiver."""
    st.markdown(t("adversarial.attack.intro"))
    headline = st.container(key="summary")
    setup = controls(one)
    if is_quick(setup):
        with st.spinner(t("adversarial.attack.working")):
            outcomes = [_outcome(one, method, setup) for method in one.receivers]
        headline.markdown(summary(outcomes, setup, one))
        _rows(one, setup, outcomes)
    else:
        subject = (one.domain, one.digest, one.truth, setup)
        experiment(
            "manipulate", subject, lambda: _attack(one, setup), len(one.receivers),
            lambda outcomes: _rows(one, setup, outcomes),
            t("adversarial.attack.what", kind=t(f"adversarial.kind.{setup.attack}.name"),
              gradients=whole(_passes(setup)), names=one.names(one.receivers)),
        )  # fmt: skip
    for method in one.missing:
        st.html(missing_html(method))
    st.caption(f"{truth_note(one)} {t('adversarial.attack.note', draws=manipulated.DRAWS)}")
    if setup.level is not None:
        if is_weak(setup):
            st.warning(t("adversarial.purify.weak", steps=LEAST_STEPS, eot=LEAST_EOT), icon=":material/warning:")
        st.caption(t("adversarial.purify.note"))


def is_quick(setup: Setup) -> bool:
    """Whether an attack is done in about a second."""
    return setup.gradients <= _QUICK and setup.level is None


def is_weak(setup: Setup) -> bool:
    """Whether an attack is too weak to say anything about a purifier, whose noise it must average out."""
    return setup.attack == "fgsm" or setup.eot < LEAST_EOT or setup.steps < LEAST_STEPS


def summary(outcomes: Sequence[Outcome], setup: Setup, one: Scene) -> str:
    """The story of this picture in one sentence."""
    alike: dict[tuple[int, int], list[str]] = {}
    for outcome in outcomes:
        answers = outcome.before.answer, outcome.after.answer
        alike.setdefault(answers, []).append(t(f"adversarial.receiver.{outcome.method}.short"))
    said = [
        t(f"adversarial.summary.{'stays' if before == after else 'reads'}", before=one.classes[before],
          after=one.classes[after], names=", ".join(names))
        for (before, after), names in alike.items()
    ]  # fmt: skip
    if setup.placement == "symbols":
        changed = t("adversarial.summary.air", power=f"{setup.power_db:g}")
    else:
        changed = t("adversarial.summary.pixels", levels=f"{255 * setup.eps:.1f}")
    return f"{changed} {t('adversarial.summary.between').join(said)}."


def _passes(setup: Setup) -> int:
    return setup.gradients * searches(setup)


def _outcome(one: Scene, method: str, setup: Setup) -> Outcome:
    """A quick attack, from the cache if it was made before."""
    native = one.chosen.prepared.native[None]

    def compute() -> Outcome:
        return manipulated.run(method, one.codec(method), DOMAINS[one.domain], native, one.truth, setup)

    return one.cache.get(("manipulated", one.domain, one.digest, one.truth, method, setup), compute)


def _attack(one: Scene, setup: Setup) -> Iterator[Making | Outcome]:
    return _steps(one, setup, {name: one.codec(name) for name in one.receivers}, one.denoiser())


def _steps(
    one: Scene, setup: Setup, codecs: Mapping[str, RepObECodec], denoiser: nn.Module | None
) -> Iterator[Making | Outcome]:
    """All receivers, one after another; every step shows as progress."""
    native, done = one.chosen.prepared.native[None], 0
    for method, codec in codecs.items():
        for found in manipulated.attack(method, codec, DOMAINS[one.domain], native, one.truth, setup, denoiser):
            if isinstance(found, Outcome):
                yield found
                continue
            done += 1
            wanted = len(codecs) * searches(setup) * found.steps
            yield Making("adversarial.attack.making", min(done, wanted), wanted)


def _rows(one: Scene, setup: Setup, outcomes: Sequence[Outcome]) -> None:
    native = pixels(one.chosen.prepared.native)
    for outcome in outcomes:
        st.html(outcome_html(outcome, native, setup, one.classes, one.truth))
