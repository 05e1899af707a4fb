"""Repair it: the one-time rotation, what it hides, what it costs, and when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import streamlit as st

from pages.cipher.scene import Scene, gather, scene
from pages.cipher.show import measured_table
from pages.widgets.experiment import CHART, experiment
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.figures_attacks import Line, constellation, lines, moduli
from semcom_core.lab.rotation import (
    FORMS,
    PROTECTIONS,
    Turned,
    distance_to_sphere,
    fast_fading_cost,
    fixed_rotation_real,
    fixed_rotation_synthetic,
    receiver_check,
    sphere_density,
    turn,
    values_kept,
)

_CHANNELS = ("awgn", "rayleigh", "rayleigh_no_csi")
_N = 64
_SYNTHETIC = (1, 8, 16, 24, 32, 40, 48, 56, 60, 64, 68, 72, 80, 96, 128, 192, 256)
_REAL = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_UNKNOWN = 48
_FIXED_SNR_DB = 20.0
_DRAWS = 4
_MODULUS_END = 4.0


def section() -> None:
    """Picture and form from the sidebar and the chooser; everything below is computed for them."""
    shown = scene()
    st.markdown(t("repair_it.intro"))
    left, right = st.columns([2, 1], vertical_alignment="bottom", gap="medium")
    form = left.segmented_control(
        t("repair_it.form"), list(FORMS), format_func=lambda name: t(f"repair_it.{name}.name"),
        key="rotation_form", default="fast", required=True, persist_state="session", help=t("help.cipher.form")
    )  # fmt: skip
    st.session_state.setdefault("rotation_message", 0)
    right.button(t("repair_it.new_key"), icon=":material/key:", key="rotation_new", on_click=_next, width="stretch")
    st.caption(t(f"repair_it.{form}.what"))
    _before_after(shown, form, st.session_state["rotation_message"])
    _receiver(shown, form)
    _proof()
    _rows(shown)
    st.subheader(t("repair_it.once.title"))
    st.markdown(t("repair_it.once.what"))
    _fixed(shown)
    st.subheader(t("repair_it.fading.title"))
    st.markdown(t("repair_it.fading.what"))
    experiment(
        "fading",
        (shown.domain, shown.snr_db),
        lambda: _fading(shown),
        len(shown.stock),
        _fading_table,
        t("repair_it.fading.sweep", pictures=len(shown.stock), draws=_DRAWS, snr=f"{shown.snr_db:g}"),
    )
    measured_table(shown.domain, "rotation")


def _next() -> None:
    st.session_state["rotation_message"] += 1


def _before_after(shown: Scene, form: str, message: int) -> None:
    with st.spinner(t("lab.working")):
        turned = turn(shown.message.symbols, FORMS[form], message)
    n = len(turned.plain)
    before, after, histogram = st.columns([1, 1, 1.3], gap="medium")
    for column, name, symbols, colour in (
        (before, "before", turned.plain, figures.RECEIVER), (after, "after", turned.turned, figures.CIPHER),
    ):  # fmt: skip
        with column:
            st.caption(f"**{t(f'repair_it.{name}', count=n)}**")
            alt = t("repair_it.constellation_alt", name=t(f"repair_it.{name}", count=n))
            st.plotly_chart(constellation(symbols, colour), key=f"symbols_{name}", config=CHART, alt=alt)
    with histogram:
        st.caption(f"**{t('repair_it.histogram')}**")
        modulus = np.linspace(0.0, _MODULUS_END, 161)
        names = (t("repair_it.line_before"), t("repair_it.line_after"), t("repair_it.line_law"))
        figure = moduli(
            np.abs(turned.plain),
            np.abs(turned.turned),
            (modulus, sphere_density(modulus, n)),
            names,
            t("repair_it.modulus"),
        )
        st.plotly_chart(figure, key="moduli", config=CHART, alt=t("repair_it.histogram_alt"))
    _numbers(turned)


def _numbers(turned: Turned) -> None:
    n = len(turned.plain)
    start, end = turned.norms
    numbers = st.columns(4, wrap=True)
    numbers[0].metric(
        t("repair_it.norm"),
        f"{end:.4f}",
        f"{end - start:+.0e}",
        "off",
        delta_arrow="off",
        help=t("repair_it.norm_help"),
    )
    numbers[1].metric(t("lab.time"), t("lab.ms", value=f"{turned.milliseconds:.1f}"), help=t("repair_it.time_help"))
    # Kolmogorov's 1 % bound; coordinates of one message are nearly independent at this dimension.
    limit = 1.63 / np.sqrt(n)
    numbers[2].metric(
        t("repair_it.ks_before"),
        f"{distance_to_sphere(turned.plain):.3f}",
        help=t("repair_it.ks_help", limit=f"{limit:.3f}"),
    )
    numbers[3].metric(
        t("repair_it.ks_after"),
        f"{distance_to_sphere(turned.turned):.3f}",
        help=t("repair_it.ks_help", limit=f"{limit:.3f}"),
    )


def _receiver(shown: Scene, form: str) -> None:
    st.subheader(t("repair_it.receiver.title"))
    st.markdown(t("repair_it.receiver.what"))
    with st.spinner(t("lab.working")):
        checks = [receiver_check(shown.models, shown.message, form, name, shown.snr_db) for name in _CHANNELS]
    st.dataframe(
        {
            t("repair_it.receiver.channel"): [t(f"channel.{one.channel}.name") for one in checks],
            t("repair_it.receiver.difference"): [f"{one.difference:.1e}" for one in checks],
            t("repair_it.receiver.logits"): [f"{one.logit_difference:.1e}" for one in checks],
            t("repair_it.receiver.answer"): [t("threat.yes" if one.same_answer else "threat.no") for one in checks],
        },
        hide_index=True,
        alt=t("repair_it.receiver.title"),
    )


def _proof() -> None:
    with st.expander(t("repair_it.proof.title"), icon=":material/function:", expanded=True):
        proof, assumes = st.columns([1.3, 1], gap="large")
        proof.markdown(t("repair_it.proof.proof"))
        assumes.markdown(t("repair_it.proof.assumes"))
        st.caption(t("repair_it.proof.prior"))


def _rows(shown: Scene) -> None:
    """Each protection on this picture: what stays visible, and what it takes."""
    st.subheader(t("repair_it.rows.title"))
    with st.spinner(t("lab.working")):
        turned = {name: turn(shown.message.symbols, plug_in, 1) for name, plug_in in PROTECTIONS.items()}
    st.dataframe(
        {
            t("repair_it.rows.protection"): [t(f"lab.{name}") for name in turned],
            t("repair_it.rows.kept"): [
                t("threat.yes" if values_kept(one.plain, one.turned) < 1e-6 else "threat.no") for one in turned.values()
            ],
            t("repair_it.rows.grouping"): [t(f"repair_it.rows.grouping_{name}") for name in turned],
            t("repair_it.rows.distance"): [f"{distance_to_sphere(one.turned):.3f}" for one in turned.values()],
            t("repair_it.rows.time"): [f"{one.milliseconds:.1f}" for one in turned.values()],
        },
        hide_index=True,
        alt=t("repair_it.rows.title"),
    )
    st.caption(t("repair_it.rows.note"))


def _fixed(shown: Scene) -> None:
    experiment(
        "fixed_synthetic",
        _N,
        lambda: fixed_rotation_synthetic(_N, _SYNTHETIC, _FIXED_SNR_DB),
        len(_SYNTHETIC),
        lambda points: _errors(points, "synthetic"),
        t("repair_it.once.synthetic", n=_N, snr=f"{_FIXED_SNR_DB:g}"),
    )
    experiment(
        "fixed_real",
        shown.domain,
        lambda: _real(shown),
        len(_REAL),
        lambda points: _errors(points, "real"),
        t("repair_it.once.real", most=_REAL[-1], unknown=_UNKNOWN, snr=f"{_FIXED_SNR_DB:g}"),
    )
    st.caption(t("repair_it.once.moral"))


def _real(shown: Scene) -> Iterator[Any]:
    # All from one pool: the attacker knows earlier pictures of the very sender that it then reads.
    yield from gather(shown.stock, sender=_REAL[-1] + _UNKNOWN)
    yield from fixed_rotation_real(
        shown.stock.pool("sender").take(_REAL[-1] + _UNKNOWN), _REAL, _FIXED_SNR_DB, _UNKNOWN
    )


def _errors(points: list[Any], name: str) -> None:
    pairs = [point.pairs for point in points]
    drawn = [
        Line(t("repair_it.once.attacker"), pairs, [p.error for p in points], figures.ATTACKER),
        Line(t("repair_it.once.holder"), pairs, [p.floor for p in points], figures.RECEIVER, "dash", "circle-open"),
    ]
    counts = _SYNTHETIC if name == "synthetic" else _REAL
    real = name == "real"
    span = (counts[0] / 1.2, counts[-1] * 1.2) if real else (0.0, counts[-1] + 4.0)
    figure = lines(
        drawn, t("repair_it.once.pairs"), t("repair_it.once.error"), log_x=real, x_span=span, y_span=(0.0, 1.15)
    )
    st.plotly_chart(figure, key=f"fixed_{name}", config=CHART, alt=t(f"repair_it.once.{name}_alt"))


def _fading(shown: Scene) -> Iterator[Any]:
    yield from gather(shown.stock)
    yield from fast_fading_cost(shown.models, shown.stock.pictures(), shown.stock.labels, shown.snr_db, _DRAWS)


def _fading_table(rows: list[Any]) -> None:
    kinds = {"plain": t("lab.none"), "turned": t("lab.rotation_fast")}
    st.dataframe(
        {
            t("repair_it.rows.protection"): list(kinds.values()),
            t("repair_it.fading.right"): [
                f"{np.mean([getattr(row, f'{kind}_right') for row in rows]):.1%}" for kind in kinds
            ],
            t("repair_it.fading.psnr"): [
                f"{np.mean([getattr(row, f'{kind}_psnr_db') for row in rows]):.1f} dB" for kind in kinds
            ],
        },
        hide_index=True,
        alt=t("repair_it.fading.title"),
    )
    st.caption(t("repair_it.fading.count", pictures=len(rows), draws=_DRAWS))
