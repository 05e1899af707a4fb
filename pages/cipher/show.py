"""Pieces that the attack sections share: pictures with their readings, heads, tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image
from torch import Tensor

from pages.widgets.pictures import sharp, to_pil
from pages.widgets.strings import t
from pages.widgets.threat import threat_sentence
from semcom_core.attacks.base import ThreatModel
from semcom_core.lab.measured import measured
from semcom_core.link import Reading


@dataclass(frozen=True)
class Tile:
    """A picture in a row.

    Attributes:
        title: what it is.
        image: the picture.
        note: a line below, Markdown.
    """

    title: str
    image: Image.Image
    note: str = ""


def picture(native: Tensor) -> Image.Image:
    """A picture (C,n,n) at a size that a browser does not blur."""
    return sharp(to_pil(native), 224)


def grey(values: np.ndarray) -> Image.Image:
    """A grey picture (h,w) in [0,1], enlarged."""
    return sharp(Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)), 224)


def tiles(row: Sequence[Tile], *, width: int = 140) -> None:
    """Pictures side by side, as many as fit."""
    grid = st.grid(len(row), min_column_width=width, gap="small")
    for tile in row:
        with grid.cell():
            st.caption(f"**{tile.title}**")
            st.image(tile.image, width="stretch", output_format="PNG", alt=tile.title)
            if tile.note:
                st.caption(tile.note)


def reading_note(reading: Reading, classes: Sequence[str], truth: int | None) -> str:
    """Class answer and picture quality of one reading (of one picture) in a line."""
    parts = []
    logits = reading.logits if reading.logits is not None else reading.judged
    if logits is not None:
        answer = int(logits[0].argmax())
        words = t("lab.reads" if reading.logits is not None else "lab.judge_sees", name=classes[answer])
        parts.append(words if truth is None else f"{words} {t('lab.right' if answer == truth else 'lab.wrong')}")
    if reading.psnr is not None:
        parts.append(t("lab.psnr", value=f"{float(reading.psnr[0]):.1f}"))
    return " · ".join(parts)


def head(name: str, threat: ThreatModel | None) -> None:
    """Title, claim, threat model and needs of one attack."""
    st.subheader(t(f"break_it.{name}.title"))
    st.markdown(t(f"break_it.{name}.what"))
    threat_column, needs_column = st.columns(2, gap="medium", border=True)
    with threat_column:
        st.markdown(f":material/visibility: **{t('lab.threat')}**")
        if threat is not None:
            st.markdown(threat_sentence(threat))
        st.caption(t(f"break_it.{name}.threat"))
    with needs_column:
        st.markdown(f":material/inventory_2: **{t('lab.needs')}**")
        st.markdown(t(f"break_it.{name}.needs"))


def measured_table(domain: str, attack: str) -> None:
    """The evaluation's own numbers for this attack, or that there are none."""
    with st.expander(t("lab.measured"), icon=":material/table_chart:"):
        rows = measured(domain, attack)
        if rows is None:
            st.caption(t("lab.not_run"))
            return
        st.dataframe(rows, hide_index=True, alt=t("lab.measured"))
