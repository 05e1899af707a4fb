"""Feature space: where natural and attacked pictures land in the last features, baseline beside RepObE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import streamlit as st

from pages.adversarial.controls import EPS_STEPS, FIRST_EPS
from pages.adversarial.scene import Scene, not_trained
from pages.widgets.experiment import CHART, Making, experiment
from pages.widgets.strings import t
from semcom_core.codecs.repobe import RepObECodec
from semcom_core.domains import DOMAINS
from semcom_core.figures_adversarial import Moves, feature_space
from semcom_core.lab import feature_space as lab
from semcom_core.lab.feature_space import Cloud
from semcom_core.lab.manipulated import Setup
from semcom_core.manipulation.receivers import BASE

_SIDE_BY_SIDE = (BASE, "repobe")


def section(one: Scene) -> None:
    """Attack a fixed set of pictures, then draw each receiver's view of it."""
    st.markdown(t("adversarial.space.intro"))
    key = f"space_eps_{one.domain}"
    st.session_state.setdefault(key, FIRST_EPS[one.domain])
    eps = st.select_slider(
        t("adversarial.eps"), EPS_STEPS[1:], format_func=lambda value: f"{value:g}", key=key,
        help=t("adversarial.eps_help"), persist_state="session",
    )  # fmt: skip
    setup = Setup(one.channel, one.snr_db, eps=float(eps), seed=one.seed)
    methods = [name for name in _SIDE_BY_SIDE if name in one.receivers]
    not_trained(one)
    count = len(lab.chosen(one.domain))
    experiment(
        "space",
        (one.domain, setup),
        lambda: _clouds(one, setup, {method: one.codec(method) for method in methods}),
        len(methods),
        lambda clouds: _show(one, clouds),
        t("adversarial.space.what", count=count, steps=setup.steps, names=one.names(methods)),
    )
    st.caption(t("adversarial.space.note"))


def _clouds(one: Scene, setup: Setup, codecs: Mapping[str, RepObECodec]) -> Iterator[Making | Cloud]:
    native, labels = lab.pictures(one.domain)
    wanted, done = len(codecs) * setup.steps * -(-len(native) // lab.CHUNK), 0
    for method, codec in codecs.items():
        for found in lab.cloud(method, codec, DOMAINS[one.domain], native, labels, setup):
            if isinstance(found, Cloud):
                yield found
            else:
                done += 1
                yield Making("adversarial.attack.making", done, wanted)


def _show(one: Scene, clouds: Sequence[Cloud]) -> None:
    for cloud, column in zip(clouds, st.columns(len(clouds), gap="medium"), strict=True):
        flat = lab.flat(cloud)
        name = t(f"adversarial.receiver.{cloud.method}.name")
        hover = [
            t("adversarial.space.hover", truth=one.classes[truth], before=one.classes[before], after=one.classes[after])
            for truth, before, after in zip(cloud.labels, cloud.read_natural, cloud.read_adversarial, strict=True)
        ]
        misread = cloud.read_adversarial != cloud.labels
        moves = Moves(
            flat.natural, flat.adversarial, misread, hover, flat.centres, [one.classes[k] for k in flat.classes]
        )
        words = tuple(t(f"adversarial.space.{kind}") for kind in ("natural", "held", "fooled"))
        with column:
            st.markdown(f"**{name}**")
            st.plotly_chart(
                feature_space(moves, words), key=f"space_{cloud.method}", config=CHART,
                alt=t("adversarial.space.alt", name=name, fooled=int(misread.sum()), all=len(misread)),
            )  # fmt: skip
            st.caption(
                t("adversarial.space.found", clean=int((cloud.read_natural == cloud.labels).sum()),
                  right=int((~misread).sum()), all=len(misread), explained=f"{flat.explained:.0%}")
            )  # fmt: skip
