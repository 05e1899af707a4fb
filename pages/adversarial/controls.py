"""The controls of an attack: kind, place, strength, effort, and the purifier."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages.adversarial.scene import Scene
from pages.widgets.strings import t
from semcom_core.defenses.purification import Level, level_at
from semcom_core.evaluation import adversarial
from semcom_core.lab.manipulated import ATTACKS, Setup, parameters
from semcom_core.manipulation import EPS, MANIPULATORS, PLACEMENTS

EPS_STEPS = (0.0, 0.002, 0.004, 0.008, 0.012, EPS, 0.024, 0.032, 0.048, 0.064, 0.096, 0.128, 0.192, 0.256)
_POWERS = tuple(float(power) for power in range(-40, 2, 2))
_SHARES = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0)
_STEPS = {"pgd": (1, 2, 5, 10, 20, 50, 100), "targeted_pgd": (5, 10, 20, 50, 100), "apgd": (5, 10, 20, 50)}
_STEPS["square"] = (50, 100, 200, 500, 1000)
_EOT = (1, 2, 5, 10, 20)
_SIGMAS, _RETURNS = (0.25, 0.5, 1.0, 2.0), (1, 2, 4)
_FIRST_LEVEL = Level(0.0, 0.5, 2)
"""Where no table of levels was measured."""
_PRESET: dict[str, Any] = {
    "adv_attack": "pgd", "adv_placement": "native", "adv_steps_pgd": 5, "adv_share_pgd": 0.2,
    "adv_restarts_pgd": 1, "adv_eot_pgd": 1,
}  # fmt: skip
"""RepObE's attack."""
FIRST_EPS = {"digits": 0.128, "objects": 0.048, "photographs": EPS}
"""Where the baseline's answer to the first sample flips."""
_FIRST: dict[str, Any] = _PRESET | {
    "adv_power": -14.0, "adv_steps_targeted_pgd": 20, "adv_share_targeted_pgd": 0.1, "adv_steps_apgd": 10,
    "adv_restarts_targeted_pgd": 1, "adv_eot_fgsm": 1, "adv_eot_targeted_pgd": 1, "adv_eot_apgd": 5,
    "adv_steps_square": 200, "adv_eot_square": 1,
}  # fmt: skip
LEAST_STEPS, LEAST_EOT = 10, 10
"""An attack with less says little about a purifier; switching it on raises the effort to this."""
_KEPT: dict[str, Any] = {"persist_state": "session"}


def controls(one: Scene) -> Setup:
    """Draw all controls of the first section."""
    for key, value in (_FIRST | {f"adv_eps_{one.domain}": FIRST_EPS[one.domain]}).items():
        st.session_state.setdefault(key, value)
    kind, place, power = st.columns(3, gap="medium")
    with kind:
        name = choose_attack()
        values = effort(name)
        if name == "targeted_pgd":
            values["target"] = choose_target(one, "adv_target")
    with place:
        values["placement"] = _placement(name)
        st.button(
            t("adversarial.preset"), icon=":material/restart_alt:", key="adv_preset", on_click=_preset,
            args=(one.domain,), help=t("adversarial.preset_help"),
        )  # fmt: skip
    with power:
        values |= _strength(one.domain, values["placement"])
        level = _purifier(one)
    return Setup(one.channel, one.snr_db, name, level=level, seed=one.seed, **values)


def choose_attack() -> str:
    """The kind of attack, and what it is assumed to know."""
    name = st.selectbox(
        t("adversarial.attack.kind"), ATTACKS, format_func=lambda one: t(f"adversarial.kind.{one}.name"),
        key="adv_attack", help=t("adversarial.attack.kind_help"), **_KEPT,
    )  # fmt: skip
    st.caption(f"{t(f'adversarial.kind.{name}.plain')} {threat_sentence(name)}")
    return name


def threat_sentence(name: str) -> str:
    """What an attack is assumed to have."""
    threat = MANIPULATORS[name].threat  # type: ignore[attr-defined]
    return t("adversarial.threat.networks" if threat.networks else "adversarial.threat.scores")


def effort(name: str) -> dict[str, Any]:
    """The parameters that an attack heeds."""
    heeded, values = parameters(name), {}
    if "steps" in heeded:
        values["steps"] = _select("steps", name, _STEPS[name])
    with st.expander(t("adversarial.more"), icon=":material/tune:"):
        if "share" in heeded:
            values["share"] = _select("share", name, _SHARES)
        if "restarts" in heeded:
            values["restarts"] = _select("restarts", name, (1, 2, 3, 5))
        values["eot"] = _select("eot", name, _EOT)
    return values


def choose_target(one: Scene, key: str) -> int:
    """The class that a targeted attack wants: any but the true one."""
    options = [number for number in range(len(one.classes)) if number != one.truth]
    if st.session_state.get(key) not in options:
        st.session_state[key] = 8 if 8 in options else options[0]
    return st.selectbox(
        t("adversarial.target"), options, format_func=one.classes.__getitem__, key=key,
        help=t("adversarial.target_help"), **_KEPT,
    )  # fmt: skip


def _select(what: str, name: str, options: tuple[Any, ...]) -> Any:
    return st.select_slider(
        t(f"adversarial.effort.{what}"), options, key=f"adv_{what}_{name}", help=t(f"adversarial.effort.{what}_help"),
        **_KEPT,
    )  # fmt: skip


def _placement(name: str) -> str:
    """Where the attack acts; random squares exist for pixels only."""
    options = [place for place in PLACEMENTS if name != "square" or place != "symbols"]
    if st.session_state["adv_placement"] not in options:
        st.session_state["adv_placement"] = options[0]
    place = st.radio(
        t("adversarial.placement"), options, format_func=lambda one: t(f"adversarial.place.{one}.name"),
        key="adv_placement", help=t("adversarial.placement_help"), **_KEPT,
    )  # fmt: skip
    st.caption(t(f"adversarial.place.{place}.plain"))
    return place


def _strength(domain: str, placement: str) -> dict[str, float]:
    if placement == "symbols":
        power_db = st.select_slider(
            t("adversarial.power"), _POWERS, format_func=lambda one: f"{one:g} dB", key="adv_power",
            help=t("adversarial.power_help"), **_KEPT,
        )  # fmt: skip
        st.caption(t("adversarial.power_words", share=f"{10 ** (power_db / 10):.2%}"))
        return {"power_db": float(power_db)}
    eps = st.select_slider(
        t("adversarial.eps"), EPS_STEPS, format_func=lambda one: f"{one:g}", key=f"adv_eps_{domain}",
        help=t("adversarial.eps_help"), **_KEPT,
    )  # fmt: skip
    st.caption(t("adversarial.eps_words", levels=f"{255 * eps:.1f}"))
    return {"eps": float(eps)}


def _purifier(one: Scene) -> Level | None:
    """Whether and how far to purify; the measured table gives the first values."""
    if one.denoiser() is None:
        st.caption(t("adversarial.purify.missing"))
        return None
    if not st.toggle(
        t("adversarial.purify.switch"), key="adv_purify", help=t("adversarial.purify.help"), on_change=_in_earnest,
        **_KEPT,
    ):  # fmt: skip
        return None
    table = adversarial.table_of(adversarial.read(one.domain))
    first = level_at(table, one.snr_db) if table else _FIRST_LEVEL
    st.session_state.setdefault("adv_sigma", first.sigma)
    st.session_state.setdefault("adv_returns", first.steps)
    sigma = st.select_slider(
        t("adversarial.purify.sigma"), _SIGMAS, key="adv_sigma", help=t("adversarial.purify.sigma_help"), **_KEPT
    )
    returns = st.select_slider(
        t("adversarial.purify.steps"), _RETURNS, key="adv_returns", help=t("adversarial.purify.steps_help"), **_KEPT
    )
    words = "adversarial.purify.table" if table else "adversarial.purify.no_table"
    st.caption(t(words, sigma=f"{first.sigma:g}", steps=first.steps))
    return Level(one.snr_db, float(sigma), int(returns))


def _preset(domain: str) -> None:
    st.session_state.update(_PRESET | {f"adv_eps_{domain}": EPS})


def _in_earnest() -> None:
    """With a purifier an attack needs more steps and draws than RepObE's."""
    if st.session_state["adv_purify"]:
        for name in ("pgd", "targeted_pgd", "apgd"):
            for key, least in ((f"adv_steps_{name}", LEAST_STEPS), (f"adv_eot_{name}", LEAST_EOT)):
                st.session_state[key] = max(st.session_state[key], least)
