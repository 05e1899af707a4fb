"""What the defense did to the features: position map, and the maps along the link."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
import streamlit as st
from PIL import Image

from pages.widgets.pictures import png
from pages.widgets.stages import Session
from pages.widgets.strings import t
from semcom_core import figures, link
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.maps import feature_maps

_CHART = {"displayModeBar": False}
_SCALE_QUANTILE = 0.995


def cipher_view(session: Session, transmission: link.Transmission) -> None:
    """An expander; open where a key is at work."""
    settings = transmission.settings
    keyed = settings.chosen_defense.keyed
    label = t(f"cipher.title.{settings.defense}")
    icon = ":material/key:" if keyed else ":material/grid_on:"
    with st.expander(label, expanded=keyed, icon=icon, on_change="rerun") as view:
        if not view.open:  # a fifth of the page's work
            return
        key = link.confusion_key(transmission.sent)
        if key is not None:
            _position_maps(session, key)
        _feature_maps(transmission, keyed)
        st.markdown(t(f"cipher.note.{settings.defense}"))
        if key is not None:
            with st.popover(t("cipher.formula_button"), icon=":material/function:"):
                st.markdown(t("cipher.formula"))


def _position_maps(session: Session, key: ConfusionKey) -> None:
    st.markdown(t("cipher.positions"))
    rows, columns = key.source()
    before, after, words = st.columns([1, 1, 1.1], vertical_alignment="center", gap="medium")
    with before:
        _map(t("cipher.before"), _untouched(rows.shape, t("cipher.hover_before")), "positions_before")
    with after:
        hover = t("cipher.hover_after")
        moved = session.cache.get(
            ("positions", hover, key.permutation().tobytes()), lambda: figures.position_map(rows, columns, hover)
        )
        _map(t("cipher.after"), moved, "positions_after")
    with words:
        st.markdown(t("cipher.positions_words"))
        st.markdown(t("cipher.fingerprint", value=fingerprint(key)), help=t("cipher.fingerprint_help"))
        if session.source.demo:
            st.caption(t("cipher.demo_key"))


@lru_cache(maxsize=8)
def _untouched(shape: tuple[int, ...], hover: str) -> figures.go.Figure:
    """Every position at its own place: the same picture for everybody, never changed."""
    return figures.position_map(*np.indices(shape), hover)


def _feature_maps(transmission: link.Transmission, keyed: bool) -> None:
    st.markdown(t("cipher.features"), help=t("cipher.features_help"))
    maps = feature_maps(transmission)
    # One scale for all four places; the few largest values may saturate, or all else would look grey.
    limit = float(np.quantile(np.abs(maps.plain.numpy()), _SCALE_QUANTILE))
    suffix = "keyed" if keyed else "plain"
    grid = st.container(key="feature_maps").grid(4, min_column_width=130, gap="small")
    for place in ("plain", "transmitted", "received", "recovered"):
        with grid.cell():
            title = t(f"cipher.{place}_{suffix}")
            st.caption(title)
            st.image(
                png(Image.fromarray(figures.feature_tiles(getattr(maps, place).numpy(), limit, pixel=1))),
                width="stretch",
                output_format="PNG",
                alt=t("cipher.features_alt", place=title),
            )
    st.caption(t("cipher.scale", limit=limit))


def _map(title: str, figure: figures.go.Figure, key: str) -> None:
    st.caption(title)
    st.plotly_chart(figure, key=key, config=_CHART, alt=title)


def fingerprint(key: ConfusionKey) -> str:
    """Short hash of the permutation that a key stands for: equal for equivalent keys.

    It names this message's permutation, for comparing two runs by eye; the secret that keys are
    derived from does not enter.
    """
    digest = hashlib.sha256(key.permutation().astype("<i8").tobytes()).hexdigest()
    return f"{digest[:4]} {digest[4:8]}"
