"""Tamper: a man in the middle changes what is on the air, and secret pilots sometimes notice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import streamlit as st

from pages.cipher.scene import Scene, gather, scene
from pages.cipher.show import Tile, measured_table, picture, reading_note, tiles
from pages.widgets.experiment import CHART, experiment
from pages.widgets.strings import t
from semcom_core import figures
from semcom_core.codecs.repobe import CHANNEL_USES
from semcom_core.defenses.pilots import SecretPilots
from semcom_core.figures_attacks import Line, lines
from semcom_core.lab.rotation import PROTECTIONS
from semcom_core.lab.tampering import KINDS, SPARSE_SYMBOLS, Kind, checked, pulled
from semcom_core.lab.tampering import detection_points as points_of
from semcom_core.link import Reading

_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_MESSAGES = 200
_COUNTS = (16, 32, 64, 128, 256)
_FALSE_ALARM = 0.01
_ROC_STRENGTH = 2
"""Which of a kind's strengths the ROC shows: the third, where detection is neither sure nor hopeless."""
_STYLE = {
    "dense": (figures.ATTACKER, "solid", "square"),
    "scaling": (figures.RECEIVER, "dash", "circle"),
    "sparse": (figures.CIPHER, "dot", "diamond"),
    "sparse_rotated": (figures.NEUTRAL, "dashdot", "x"),
}


def section() -> None:
    """The attack on the chosen picture, then the detection."""
    shown = scene()
    st.markdown(t("tamper_it.intro"))
    st.subheader(t("tamper_it.attack.title"))
    cipher = st.segmented_control(
        t("tamper_it.attack.link"), ["none", "repobe", "rotation_fast"], format_func=lambda name: t(f"lab.{name}"),
        key="tamper_cipher", default="none", required=True, help=t("help.cipher.link")
    )  # fmt: skip
    _attack(shown, cipher)
    st.subheader(t("tamper_it.pilots.title"))
    st.markdown(t("tamper_it.pilots.what"))
    pilots = _pilots(shown)
    experiment(
        "tamper_roc",
        (shown.domain, shown.snr_db, pilots),
        lambda: _points(shown, pilots),
        sum(len(kind.strengths) for kind in KINDS.values()),
        _curves,
        t(
            "tamper_it.pilots.sweep",
            messages=_MESSAGES,
            kinds=len(KINDS),
            snr=f"{shown.snr_db:g}",
            sparse=SPARSE_SYMBOLS,
        ),
    )
    st.warning(t("tamper_it.honest"), icon=":material/warning:")
    measured_table(shown.domain, "tampering")


def _attack(shown: Scene, cipher: str) -> None:
    classes, truth = shown.models.domain.classes, shown.chosen.label
    target = shown.known
    with st.spinner(t("lab.working")):
        reading = pulled(
            shown.models, PROTECTIONS[cipher], shown.message, shown.known_message, _STRENGTHS, shown.snr_db
        )
    row = []
    for number, strength in enumerate(_STRENGTHS):
        one = Reading(*(None if part is None else part[number : number + 1] for part in vars(reading).values()))
        title = t("tamper_it.attack.strength", value=f"{strength:.0%}")
        row.append(Tile(title, picture(one.native[0]), reading_note(one, classes, truth)))
    row.append(Tile(t("tamper_it.attack.target"), picture(target.prepared.native)))
    tiles(row, width=130)
    if target.label is not None:
        first = next(
            (s for s, one in zip(_STRENGTHS, reading.logits.argmax(1).tolist(), strict=True) if one == target.label),
            None,
        )
        name = classes[target.label]
        if target.label == truth:
            st.caption(t("tamper_it.attack.same_class"))
        elif first is None:
            st.markdown(t("tamper_it.attack.failed", name=name))
        else:
            st.markdown(t("tamper_it.attack.worked", name=name, strength=f"{first:.0%}"))
    st.caption(t(f"tamper_it.attack.note_{'plain' if cipher == 'none' else 'keyed'}"))


def _pilots(shown: Scene) -> SecretPilots:
    left, middle, right = st.columns(3, gap="medium")
    count = left.select_slider(
        t("tamper_it.pilots.count"), _COUNTS, 64, key="pilot_count", help=t("tamper_it.pilots.count_help")
    )
    pilots = SecretPilots(int(count), _FALSE_ALARM)
    kind = middle.segmented_control(
        t("tamper_it.pilots.kind"), list(KINDS), format_func=lambda name: t(f"tamper_it.kind.{name}"),
        key="pilot_kind", default="dense", required=True, help=t("help.cipher.pilots")
    )  # fmt: skip
    tried: Kind = KINDS[kind]
    strength = right.select_slider(
        t("tamper_it.pilots.strength"), (0.0, *tried.strengths), tried.strengths[3], key=f"pilot_strength_{kind}",
        help=t(f"tamper_it.kind.{kind}_help", sparse=SPARSE_SYMBOLS),
    )  # fmt: skip
    check, added = checked(shown.message.symbols, pilots, tried, float(strength), shown.snr_db, 0)
    numbers = st.columns(4, wrap=True)
    numbers[0].metric(
        t("tamper_it.pilots.uses"), f"{CHANNEL_USES} + {count}", f"{count / CHANNEL_USES:+.1%}", "off",
        delta_arrow="off",
        help=t("tamper_it.pilots.uses_help"),
    )  # fmt: skip
    numbers[1].metric(t("tamper_it.pilots.added"), f"{added:.2%}", help=t("tamper_it.pilots.added_help"))
    numbers[2].metric(
        t("tamper_it.pilots.residual"),
        f"{float(check.statistic[0]):.0f}",
        help=t("tamper_it.pilots.residual_help", expected=2 * int(count)),
    )
    numbers[3].metric(
        t("tamper_it.pilots.threshold"), f"{check.threshold:.0f}", help=t("tamper_it.pilots.threshold_help")
    )
    p_value = float(check.p_value[0])
    shown_p = f"{p_value:.3f}" if p_value >= 0.001 else "< 0.001"
    alarm = bool(check.tampered[0])
    if strength == 0.0:
        words, box, icon = (
            ("false_alarm", st.warning, "notification_important") if alarm else ("quiet", st.info, "check")
        )
    else:
        words, box, icon = (
            ("alarm", st.success, "notifications_active") if alarm else ("missed", st.warning, "visibility_off")
        )
    box(t(f"tamper_it.pilots.{words}", p=shown_p), icon=f":material/{icon}:")
    return pilots


def _points(shown: Scene, pilots: SecretPilots) -> Iterator[Any]:
    yield from gather(shown.stock)
    symbols = shown.stock.pictures().symbols
    repeats = -(-_MESSAGES // len(symbols))
    yield from points_of(symbols.repeat(repeats, 1)[:_MESSAGES], pilots, shown.snr_db)


def _curves(points: list[Any]) -> None:
    left, right = st.columns(2, gap="medium")
    alarms, rocs = [], []
    for kind, (colour, dash, symbol) in _STYLE.items():
        own = [point for point in points if point.kind == kind]
        if not own:
            continue
        name = t(f"tamper_it.kind.{kind}")
        alarms.append(Line(name, [p.added for p in own], [p.alarms for p in own], colour, dash, symbol))
        if len(own) > _ROC_STRENGTH:
            one = own[_ROC_STRENGTH]
            words = t("tamper_it.pilots.roc_line", kind=name, strength=f"{one.strength:g}", area=f"{one.area:.2f}")
            rocs.append(
                Line(words, one.false_alarm.tolist(), one.detection.tolist(), colour, dash, symbol, markers=False)
            )
    with left:
        st.caption(f"**{t('tamper_it.pilots.detected', rate=f'{_FALSE_ALARM:.0%}')}**")
        figure = lines(alarms, t("tamper_it.pilots.added"), t("tamper_it.pilots.alarms"), log_x=True, percent=True)
        figure.update_xaxes(tickvals=[1e-4, 1e-3, 1e-2, 1e-1, 1, 10], tickformat=".2~%", range=[-3.6, 1.0])
        st.plotly_chart(figure, key="tamper_alarms", config=CHART, alt=t("tamper_it.pilots.detected_alt"))
    with right:
        st.caption(f"**{t('tamper_it.pilots.roc')}**")
        guess = Line(t("tamper_it.pilots.guess"), [0, 1], [0, 1], figures.NEUTRAL, "dot", markers=False)
        figure = lines(
            [*rocs, guess],
            t("tamper_it.pilots.false"),
            t("tamper_it.pilots.alarms"),
            percent=True,
            x_span=(-0.02, 1.02),
        )
        figure.update_xaxes(tickformat=".0%")
        st.plotly_chart(figure, key="tamper_roc_chart", config=CHART, alt=t("tamper_it.pilots.roc_alt"))
    if len(points) == sum(len(kind.strengths) for kind in KINDS.values()):
        missed = min((p for p in points if p.kind == "sparse"), key=lambda p: p.alarms)
        strongest = [p for p in points if p.kind == "sparse"][-1]
        st.caption(
            t(
                "tamper_it.pilots.sparse",
                symbols=SPARSE_SYMBOLS,
                strongest=f"{1 - strongest.alarms:.0%}",
                weakest=f"{1 - missed.alarms:.0%}",
                rotated=f"{1 - points[-1].alarms:.0%}",
            )
        )
