"""The wrong-key experiment: one picture at once, and a sweep over the sample pictures on demand."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from pages.cipher import lab_picture
from pages.widgets import stages
from pages.widgets.experiment import CHART, Making, experiment
from pages.widgets.pictures import sharp, to_pil
from pages.widgets.stage_cache import stage_cache
from pages.widgets.strings import t
from semcom_core import figures_keys, link, wrong_key
from semcom_core.ciphers.keys import KeySource
from semcom_core.ciphers.keyspace import cells_right, compensate_c, compensate_r
from semcom_core.codecs.repobe import GRID
from semcom_core.link import LinkModels, Reading
from semcom_core.settings import LinkSettings
from semcom_core.wrong_key import SWEPT, Message, Part, WrongKeyPoint

_PICTURES = 10


def section() -> None:
    """Which part of the key is wrong, by how much; the pictures; the sweep."""
    st.markdown(t("wrong.words"))
    domain, chosen = lab_picture.choose("wrong")
    st.session_state.setdefault("wrong_part", Part.BOTH)
    part = st.segmented_control(
        t("wrong.part.label"),
        list(Part),
        format_func=lambda one: t(f"wrong.part.{one}"),
        key="wrong_part",
        required=True,
        persist_state="session",
        help=t("help.cipher.part"),
    )
    if part.shifts:
        amounts, start = list(range(GRID)), 1
    else:
        amounts, start = [0, *range(2, GRID + 1)], 4  # one wrong entry alone is impossible
    key = f"wrong_amount_{'shift' if part.shifts else 'entries'}"
    st.session_state.setdefault(key, start)
    amount = st.select_slider(
        t("wrong.shift" if part.shifts else "wrong.entries"),
        amounts,
        key=key,
        persist_state="session",
        help=t("help.cipher.amount"),
    )
    models, settings = stages.models(domain), LinkSettings(domain=domain)
    _one_picture(models, settings, chosen, part, amount)

    amounts = SWEPT[part.shifts]
    experiment(
        "wrong",
        (domain, part),
        lambda: _points(models, settings, part),
        len(amounts),
        lambda points: _curves(points, models, part, amount),
        t("wrong.sweep", pictures=_PICTURES, snr=settings.snr_db),
        t("wrong.start"),
    )


def _one_picture(
    models: LinkModels, settings: LinkSettings, chosen: lab_picture.Chosen, part: Part, amount: int
) -> None:
    """Sent, right key, wrong key and, for a shifted offset, the key that makes up for it."""
    digest, cache = link.digest(chosen.prepared.native), stage_cache(private=chosen.private)
    source = KeySource.published()
    message: Message = cache.get(
        ("wrong key", settings, digest),
        lambda: wrong_key.send(models, chosen.prepared.native[None], settings, source),
    )
    (right,) = message.keys
    used = {"right": right, "wrong": wrong_key.wrong_keys(message, part, amount, source)[0]}
    if part.shifts:
        # Both always exist on a 28×28 map: W divides H.
        used["made_up"] = (compensate_c if part == Part.C else compensate_r)(right, amount)
    readings: dict[str, Reading] = {
        name: cache.get(
            ("wrong key", settings, digest, part, amount, name),
            lambda key=key: wrong_key.read_with(models, message, [key]),
        )
        for name, key in used.items()
    }
    classes = models.domain.classes
    grid = st.grid(4, min_column_width=140, gap="medium")
    with grid.cell():
        st.caption(t("wrong.sent"))
        st.image(sharp(to_pil(chosen.prepared.native), 224), width="stretch", alt=t("wrong.sent"))
    for name, reading in readings.items():
        with grid.cell():
            title = t(f"wrong.{name}")
            st.caption(title)
            st.image(sharp(to_pil(reading.native[0]), 224), width="stretch", alt=title)
            certainty = reading.logits.softmax(1)[0]
            best = int(certainty.argmax())
            st.markdown(
                t(
                    "wrong.reading", name=classes[best], certainty=float(certainty[best]), psnr=float(reading.psnr[0]),
                    cells=cells_right(right, used[name]),
                )
            )  # fmt: skip
    if part == Part.C and amount:
        st.markdown(t("wrong.sideways"))
    if part.shifts:
        gap = float((readings["made_up"].native - readings["right"].native).abs().max())
        st.markdown(t("wrong.made_up_words", offset=str(part), gap=f"{gap:g}"))


def _points(models: LinkModels, settings: LinkSettings, part: Part) -> Iterator[Making | WrongKeyPoint]:
    domain = models.domain.name
    keys, labels = wrong_key.gallery(domain, _PICTURES)
    pictures = [lambda key=key: lab_picture.sample(domain, key).prepared.native for key in keys]
    for progress in wrong_key.sweep(models, pictures, labels, part, settings, KeySource.published()):
        words = "wrong.preparing" if progress.done <= len(pictures) else "wrong.steps"
        yield progress.point or Making(words, progress.done, progress.all)


def _curves(points: list[WrongKeyPoint], models: LinkModels, part: Part, amount: int) -> None:
    amounts = [point.amount for point in points]
    span = (-0.6, SWEPT[part.shifts][-1] + 0.6)
    marked = amount if amount <= span[1] else None
    x_title = t("wrong.axis_shift", offset=str(part)) if part.shifts else t("wrong.axis_entries")
    reads, looks = st.columns(2, gap="medium")
    chance = (1 / len(models.domain.classes), t("wrong.chance"))
    with reads:
        figure = figures_keys.with_intervals(
            amounts, [point.accuracy for point in points], [point.accuracy_interval for point in points],
            t("wrong.accuracy"), x_title, t("wrong.accuracy"), span, reference=chance, marked=marked, percent=True,
        )  # fmt: skip
        st.plotly_chart(figure, key="wrong_accuracy", config=CHART, alt=t("wrong.accuracy_alt"))
    with looks:
        figure = figures_keys.with_intervals(
            amounts, [point.psnr for point in points], [point.psnr_interval for point in points],
            t("wrong.psnr"), x_title, t("wrong.psnr"), span, marked=marked,
        )  # fmt: skip
        st.plotly_chart(figure, key="wrong_psnr", config=CHART, alt=t("wrong.psnr_alt"))
    last = points[-1]
    st.caption(
        t(
            "wrong.numbers", amount=last.amount, right=last.right, pictures=last.pictures, psnr=last.psnr,
            cells=last.cells,
        )
    )  # fmt: skip
