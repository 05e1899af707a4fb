"""Without training: knobs of the links as they are, and what ten pictures make of each turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import streamlit as st

from pages.tuning_views.strip import Row, strip_html
from pages.widgets import own_link, stages
from pages.widgets.experiment import CHART, experiment
from pages.widgets.stage_cache import StageCache, stage_cache
from pages.widgets.strings import t, whole
from semcom_core import figures, link
from semcom_core.attacks import THREATS
from semcom_core.channels import CHANNELS
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.defenses import DEFENSES
from semcom_core.domains import DOMAINS
from semcom_core.figures_attacks import Line, lines, shares
from semcom_core.knobs import KNOBS, SHARE, Outcome, Trial, attempt, pictures, pixels
from semcom_core.link import Encoded
from semcom_core.settings import NOISE_LIMITS, SNR_LIMITS_DB, LinkSettings

_KEPT: dict[str, Any] = {"persist_state": "session"}
_STEPS = (0, 1, 2, 3, 4, 10)
_FIRST_DEFENSE = "noise"
_STYLES = {"receiver": (figures.RECEIVER, "solid", "circle"), "attacker": (figures.ATTACKER, "dash", "square")}


def section() -> None:
    """Controls, the ten pictures, and a curve over one of the knobs."""
    st.markdown(t("tuning.inference.intro"))
    left, right = st.columns([1, 2.1], gap="large")
    with left:
        trial = _controls()
    with right:
        _show(trial)
    _explain(trial)
    _sweep(trial)


def _controls() -> Trial:
    """Draw the knobs that the chosen link heeds."""
    domain = st.segmented_control(
        t("controls.domain"), [name for name in DOMAINS if "none" in link.trained_defenses(name)], required=True,
        default="digits", format_func=lambda name: t(f"domain.{name}.name"), key="knob_domain", **_KEPT,
        help=t("help.domain"),
    )  # fmt: skip
    options = own_link.defenses(domain)
    if st.session_state.get("knob_defense") not in options:
        st.session_state["knob_defense"] = _FIRST_DEFENSE if _FIRST_DEFENSE in options else options[0]
    defense = st.selectbox(
        t("controls.defense"), options, format_func=lambda name: t(f"defense.{name}.name"), key="knob_defense",
        help=t("controls.defense_help"), **_KEPT,
    )  # fmt: skip
    channel = st.selectbox(
        t("controls.channel"), list(CHANNELS), format_func=lambda name: t(f"channel.{name}.name"),
        key="knob_channel", help=t("controls.channel_help"), **_KEPT,
    )  # fmt: skip
    plain, chosen = LinkSettings(), DEFENSES[defense]
    values: dict[str, Any] = {"snr_db": _snr("snr_db", plain.snr_db)}
    if not st.toggle(t("controls.eve_follows"), True, key="knob_follows", **_KEPT, help=t("help.eve_follows")):
        values["eve_snr_db"] = _snr("eve_snr_db", plain.snr_db)
    if chosen.keyed:
        values["policy"] = st.segmented_control(
            t("controls.policy"), KNOBS["policy"].values, default=plain.policy, required=True, key="knob_policy",
            format_func=lambda policy: t(f"policy.{policy}.name"), help=_help("policy"), width="stretch", **_KEPT,
        )  # fmt: skip
    if chosen.uses_noise:
        values["noise"] = st.slider(
            t("controls.noise"), *NOISE_LIMITS, plain.noise, 0.1, key="knob_noise", help=_help("noise"), **_KEPT
        )
    if chosen.uses_steps:
        values["steps"] = st.select_slider(
            t("controls.steps"), _STEPS, plain.steps, key="knob_steps", help=_help("steps"), **_KEPT
        )
    share = 1.0
    if KNOBS[SHARE].heeded(chosen):
        percent = st.slider(
            t("tuning.knob.share.name"), 5, 100, 100, 5, format="%d %%", key="knob_share", help=_help(SHARE), **_KEPT
        )
        share = percent / 100.0
    return Trial(LinkSettings(domain=domain, channel=channel, defense=defense, **values), share)


def _snr(name: str, value: float) -> float:
    key = f"knob_{name}"
    low, high = SNR_LIMITS_DB
    return st.slider(t(f"controls.{name}"), low, high, value, 0.5, format="%g dB", key=key, help=_help(name), **_KEPT)


def _help(knob: str) -> str:
    return t(f"tuning.knob.{knob}.up")


def _encoded(trial: Trial) -> Encoded:
    settings, own = trial.settings, own_link.here(trial.settings.domain, trial.settings.defense)
    name = settings.chosen_defense.codec if own is None else own.name
    models = stages.models(settings.domain, settings.defense)
    native, _ = pictures(settings.domain)
    return _cache(own).get(("encode", settings.domain, name), partial(link.encode, models, native))


def _outcome(trial: Trial) -> Outcome:
    """One trial, from the cache if it was made before."""
    return _to_come(trial, _encoded(trial))()


def _to_come(trial: Trial, encoded: Encoded) -> Callable[[], Outcome]:
    """A trial that may be made outside of the session: all that it needs of that is looked up here."""
    settings, own = trial.settings, own_link.here(trial.settings.domain, trial.settings.defense)
    models, (_, labels) = stages.models(settings.domain, settings.defense), pictures(settings.domain)
    known = _first(encoded) if THREATS[settings.chosen_attacker].known_plaintexts else None
    key = (trial, "" if own is None else own.name)
    return partial(_cache(own).get, key, partial(attempt, models, encoded, labels, trial, known))


def _cache(own: own_link.OwnLink | None) -> StageCache:
    """For all sessions, as everybody tries the same pictures; but for a link that one of them trained."""
    return stage_cache(own is not None, "trials")


def _first(plain: Encoded) -> Encoded:
    """An earlier message with the first of the pictures, which the attacker knows."""
    return Encoded(plain.native[:1], plain.symbols[:1], plain.digests[:1])


def _show(trial: Trial) -> None:
    settings = trial.settings
    native, labels = pictures(settings.domain)
    with st.spinner(t("tuning.inference.working")):
        outcome, start = _outcome(trial), _outcome(_starting_point(trial))
    grid = st.grid(4, min_column_width=140, gap="small")
    for party, now, before in (
        ("receiver", outcome.receiver, start.receiver),
        ("attacker", outcome.attacker, start.attacker),
    ):
        name = t(f"inversion.party.{party}").capitalize()
        if now.accuracy is not None:
            right, change = round(10 * now.accuracy), round(10 * (now.accuracy - (before.accuracy or 0.0)))
            with grid.cell():
                st.metric(
                    t("tuning.inference.right", party=name), t("tuning.inference.of_ten", right=right), change or None,
                    delta_color="off",
                )  # fmt: skip
        if now.psnr is not None:
            change = None if before.psnr is None else round(now.psnr - before.psnr, 1) or None
            with grid.cell():
                st.metric(
                    t("tuning.inference.psnr", party=name), t("card.psnr_value", value=now.psnr), change,
                    delta_color="off", help=t("card.psnr_help"),
                )  # fmt: skip
    attacker = t(f"attacker.{settings.chosen_attacker}.name")
    n = _encoded(trial).symbols.shape[1]
    rows = [
        Row("sent", t("tuning.inference.sent", uses=whole(outcome.uses), all=whole(n)), pixels(native)),
        Row("receiver", "", outcome.receiver.looks, outcome.receiver.reads),
        Row("attacker", attacker, outcome.attacker.looks, outcome.attacker.reads),
    ]
    st.html(strip_html(rows, labels.tolist(), DOMAINS[settings.domain].classes))
    st.caption(t("tuning.inference.note"))


def _starting_point(trial: Trial) -> Trial:
    """The same link with every knob where the page has it at first."""
    settings = trial.settings
    return Trial(LinkSettings(domain=settings.domain, channel=settings.channel, defense=settings.defense))


def _explain(trial: Trial) -> None:
    with st.expander(t("tuning.up"), icon=":material/help:"):
        heeded = [knob for knob in KNOBS.values() if knob.heeded(trial.settings.chosen_defense)]
        st.markdown("\n".join(f"- **{_knob_name(knob.name)}.** {_help(knob.name)}" for knob in heeded))


def _knob_name(knob: str) -> str:
    return t("tuning.knob.share.name") if knob == SHARE else t(f"controls.{knob}")


def _sweep(trial: Trial) -> None:
    """One knob through all of its positions, the others as they stand."""
    st.markdown(t("tuning.inference.sweep"))
    heeded = [knob.name for knob in KNOBS.values() if knob.heeded(trial.settings.chosen_defense)]
    if st.session_state.get("knob_sweep") not in heeded:  # another link heeded it
        st.session_state["knob_sweep"] = heeded[0]
    knob = st.pills(
        t("tuning.inference.over"),
        heeded,
        required=True,
        format_func=_knob_name,
        key="knob_sweep",
        help=t("help.tuning.over"),
    )
    values = KNOBS[knob].values
    own = own_link.here(trial.settings.domain, trial.settings.defense)
    base = trial.turned(knob, values[0])

    def begin() -> Iterator[tuple[Any, Outcome]]:
        trials = {value: trial.turned(knob, value) for value in values}
        work = {value: _to_come(one, _encoded(one)) for value, one in trials.items()}
        return ((value, outcome()) for value, outcome in work.items())

    experiment(
        "knob_curve",
        (base, knob, "" if own is None else own.name),
        begin,
        len(values),
        lambda points: _curve(knob, points),
        t("tuning.inference.sweep_what", knob=_knob_name(knob), count=len(values)),
    )


def _curve(knob: str, points: list[tuple[Any, Outcome]]) -> None:
    at = [value for value, _ in points]
    if knob == "policy":
        names = [t(f"policy.{KeyPolicy(value)}.name") for value in at]
        figure = shares(
            names, [outcome.attacker.accuracy or 0.0 for _, outcome in points], [figures.ATTACKER] * len(at),
            t("tuning.inference.attacker_right"),
        )  # fmt: skip
        st.plotly_chart(figure, key="knob_policy_bars", config=CHART, alt=t("tuning.inference.policy_alt"))
        return
    span = (KNOBS[knob].values[0], KNOBS[knob].values[-1])
    room = 0.04 * (span[1] - span[0])
    reads, looks = st.columns(2, gap="medium")
    for column, field, title, percent in (
        (reads, "accuracy", "tuning.inference.share_right", True),
        (looks, "psnr", "tuning.psnr_axis", False),
    ):
        drawn = [
            Line(t(f"tuning.party.{party}"), at, [_of(outcome, party, field) for _, outcome in points], *style)
            for party, style in _STYLES.items()
        ]
        with column:
            figure = lines(
                drawn, _knob_name(knob), t(title), percent=percent, x_span=(span[0] - room, span[1] + room), height=300
            )
            alt = t("tuning.inference.curve_alt", what=t(title), knob=_knob_name(knob))
            st.plotly_chart(figure, key=f"knob_curve_{field}", config=CHART, alt=alt)


def _of(outcome: Outcome, party: str, field: str) -> float | None:
    return getattr(getattr(outcome, party), field)
