"""The controls of a small link's training, each with what happens if it is turned up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from pages.widgets.strings import t
from semcom_core.workbench import pictures
from semcom_core.workbench.settings import LIMITS, PICTURES, TRAINED_ON, WorkbenchSettings

_KEPT: dict[str, Any] = {"persist_state": "session"}
_STEPS: dict[str, tuple[float, ...]] = {
    "images": (200, 500, 1000, 2000, 3000, 4000, 5000),
    "symbols": (2, 4, 8, 16, 32, 64, 128),
    "lambda_rec": (0.0, 1.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0),
    "temperature": (0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
    "warp": (0.0, 0.25, 0.5, 0.75, 1.0),
    "lr": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "sigma": (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0),
    "lambda_cem": (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
    "beta": (0.0, 0.5, 1.0, 2.0, 4.0, 8.0),
    "tau": (0.1, 0.3, 1.0, 3.0, 10.0),
    "epsilon": (0.0, 0.05, 0.1, 0.15, 0.2, 0.3),
    "epochs": (1, 2, 3, 5, 8, 12, 20, 30, 40),
}
"""Positions of the controls; recipes may have any value between the limits."""
_GROUPS = {
    "link": ("symbols", "channel", "snr", "nested"),
    "goal": ("lambda_rec", "temperature", "lr", "epochs"),
    "privacy": ("sigma", "lambda_cem", "beta", "tau", "epsilon"),
    "data": ("pictures", "images", "warp", "seed"),
}
_ROBUST_ONLY = ("tau", "epsilon")
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "class_only": {"lambda_rec": 0.0},
    "picture_first": {"lambda_rec": 200.0},
    "narrow": {"symbols": 4},
    "noise": {"sigma": 1.0},
    "cem": {"sigma": 0.5, "lambda_cem": 8.0, "lambda_rec": 0.0},
    "robust": {"beta": 2.0},
    "high_snr": {"channel": "awgn", "snr_low": 20.0},
    "nested": {"nested": True},
}
"""What differs from the defaults."""


def controls() -> WorkbenchSettings:
    """Draw the controls in four groups, with presets above them."""
    _fill_first()
    st.pills(
        t("tuning.train.presets"), list(PRESETS), format_func=lambda name: t(f"tuning.preset.{name}"),
        key="wb_preset", on_change=_apply_preset, help=t("help.tuning.preset")
    )  # fmt: skip
    for group, column in zip(_GROUPS, st.columns(4, gap="medium"), strict=True):
        with column:
            st.markdown(f"##### {t(f'tuning.group.{group}')}")
            for name in _GROUPS[group]:
                _draw(name)
    with st.expander(t("tuning.up"), icon=":material/help:"):
        names = [name for group in _GROUPS.values() for name in group]
        st.markdown("\n".join(f"- **{_name(name)}.** {_help(name)}" for name in names))
    return _read()


def load(settings: WorkbenchSettings) -> None:
    """Put settings into the controls; a value between two positions takes the nearer one."""
    state = st.session_state
    for name, positions in _STEPS.items():
        state[f"wb_{name}"] = min(positions, key=lambda one: abs(one - getattr(settings, name)))
    state["wb_snr"] = (settings.snr_low, settings.snr_high)
    for name in ("pictures", "channel", "nested", "seed"):
        state[f"wb_{name}"] = getattr(settings, name)


def describe(settings: WorkbenchSettings) -> str:
    """What differs from the defaults, in words; pictures are named apart."""
    changed = {name: value for name, value in settings.changed().items() if name != "pictures"}
    if "snr_low" in changed or "snr_high" in changed:
        changed |= {"snr": f"{settings.snr_low:g}–{settings.snr_high:g} dB"}
    parts = [
        f"{t(f'tuning.hyper.{name}.short')} {_value(name, value)}".strip()
        for name, value in changed.items()
        if name not in ("snr_low", "snr_high")
    ]
    return ", ".join(parts) or t("tuning.train.defaults")


def _value(name: str, value: Any) -> str:
    if name == "channel":
        return t(f"tuning.channel.{value}")
    if name == "nested":
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fill_first() -> None:
    if "wb_symbols" not in st.session_state:
        load(WorkbenchSettings(pictures=pictures.default()))


def _apply_preset() -> None:
    name = st.session_state.get("wb_preset")
    if name:
        state = st.session_state
        load(WorkbenchSettings(pictures=state["wb_pictures"], images=state["wb_images"], **PRESETS[name]))


def _read() -> WorkbenchSettings:
    state = st.session_state
    low, high = state["wb_snr"]
    plain = {name: state[f"wb_{name}"] for name in (*_STEPS, "pictures", "channel", "nested")}
    return WorkbenchSettings(snr_low=float(low), snr_high=float(high), seed=int(state["wb_seed"]), **plain)


def _draw(name: str) -> None:
    key, label, words = f"wb_{name}", _name(name), _help(name)
    if name == "snr":
        st.slider(label, *LIMITS["snr_low"], step=1.0, format="%g dB", key=key, help=words, **_KEPT)
    elif name == "nested":
        st.toggle(label, key=key, help=words, **_KEPT)
    elif name == "seed":
        st.number_input(label, *map(int, LIMITS["seed"]), step=1, key=key, help=words, **_KEPT)
    elif name in ("pictures", "channel"):
        options: Sequence[str] = PICTURES if name == "pictures" else TRAINED_ON
        st.segmented_control(
            label, options, format_func=lambda one: t(f"tuning.{name}.{one}"), key=key, required=True, help=words,
            width="stretch", **_KEPT,
        )  # fmt: skip
    else:
        off = name in _ROBUST_ONLY and not st.session_state["wb_beta"]
        st.select_slider(
            label, _STEPS[name], format_func=lambda one: f"{one:g}", key=key, help=words, disabled=off, **_KEPT
        )


def _name(name: str) -> str:
    return t(f"tuning.hyper.{name}.name")


def _help(name: str) -> str:
    return t(f"tuning.hyper.{name}.up")
