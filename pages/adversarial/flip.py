"""How little does it take: the flip point of each receiver for this picture, and the way there."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

import streamlit as st

from pages.adversarial.controls import choose_target
from pages.adversarial.rows import reading_html
from pages.adversarial.scene import Scene, not_trained, truth_note
from pages.inversion.cells import data_url
from pages.widgets.experiment import CHART, experiment
from pages.widgets.strings import t
from semcom_core.domains import DOMAINS
from semcom_core.figures_adversarial import Series, accuracy
from semcom_core.lab import flip
from semcom_core.lab.flip import TRIES, Tried
from semcom_core.lab.manipulated import Setup, pixels
from semcom_core.manipulation import EPS
from semcom_core.manipulation.receivers import RECEIVERS

_ANY, _ONE = "any", "one"
_STEPS = 10


def section(one: Scene) -> None:
    """Choose an aim, search, see curves and the pictures at which the answers flip."""
    heading = st.container()
    st.markdown(t("adversarial.flip.intro"))
    aim, target = st.columns([2, 1], vertical_alignment="bottom")
    goal = aim.segmented_control(
        t("adversarial.flip.goal"), [_ANY, _ONE], default=_ANY, required=True, key="flip_goal",
        format_func=lambda name: t(f"adversarial.flip.goal_{name}"), help=t("adversarial.flip.goal_help"),
        persist_state="session",
    )  # fmt: skip
    setup = Setup(one.channel, one.snr_db, "pgd", steps=_STEPS, share=0.25, eot=1, seed=one.seed)
    if goal == _ONE:
        with target:
            wanted = choose_target(one, "flip_target")
        setup = Setup(
            one.channel, one.snr_db, "targeted_pgd", steps=2 * _STEPS, share=0.15, target=wanted, seed=one.seed
        )
    wanted_name = "" if setup.target is None else one.classes[setup.target]
    heading.markdown(t(f"adversarial.flip.title_{goal}", truth=one.classes[one.truth], target=wanted_name))
    not_trained(one)
    experiment(
        "flip",
        (one.domain, one.digest, one.truth, setup),
        lambda: _search(one, setup),
        TRIES * len(one.receivers),
        lambda found: _show(one, setup, found),
        t("adversarial.flip.what", steps=setup.steps, tries=TRIES, names=one.names(one.receivers)),
    )
    st.caption(f"{truth_note(one)} {t('adversarial.flip.note')}")


def _search(one: Scene, setup: Setup) -> Iterator[Tried]:
    native = one.chosen.prepared.native[None]
    codecs = {method: one.codec(method) for method in one.receivers}
    return (
        tried
        for method, codec in codecs.items()
        for tried in flip.search(method, codec, DOMAINS[one.domain], native, one.truth, setup)
    )


def _show(one: Scene, setup: Setup, found: Sequence[Tried]) -> None:
    by_method = {name: sorted((try_ for try_ in found if try_.method == name), key=lambda try_: try_.eps)
                 for name in one.receivers}  # fmt: skip
    by_method = {name: tries for name, tries in by_method.items() if tries}
    shown = setup.target if setup.targeted else one.truth
    figure = accuracy(
        [
            Series(
                t(f"adversarial.receiver.{name}.name"),
                RECEIVERS.index(name),
                [one_.eps for one_ in tries],
                [float(one_.reading.probabilities[shown]) for one_ in tries],
            )
            for name, tries in by_method.items()
        ],
        t("adversarial.eps_axis"),
        t("adversarial.flip.confidence", name=one.classes[shown]),
        radius=True,
        marks=(EPS,),
        height=380,
    )
    st.plotly_chart(figure, key="flip_curve", config=CHART, alt=t("adversarial.flip.alt", name=one.classes[shown]))
    st.caption(t("adversarial.flip.mark", eps=EPS))
    figures = [_figure(one, name, tries, len(tries) >= TRIES) for name, tries in by_method.items()]
    native = _picture(pixels(one.chosen.prepared.native), t("adversarial.alt.before"))
    start = (
        f'<figure class="inv-cell sent"><div class="inv-who">{html.escape(t("adversarial.cell.before"))}</div>{native}'
    )
    cells = "".join([f"{start}</figure>", *figures])
    st.html(f'<div class="inv adv"><div class="inv-cells" style="--cells:{1 + len(figures)}">{cells}</div></div>')


def _figure(one: Scene, method: str, tries: Sequence[Tried], complete: bool) -> str:
    """The picture at the flip point so far, and what was needed."""
    name, point = t(f"adversarial.receiver.{method}.name"), flip.flip_point(list(tries))
    if point is None:
        words = t("adversarial.flip.none" if complete else "adversarial.flip.not_yet", eps=f"{tries[-1].eps:.3g}")
        body = f'<div class="inv-none">{html.escape(words)}</div>'
    else:
        key = "clean" if point.eps == 0 else "at"
        words = t(f"adversarial.flip.{key}", eps=f"{point.eps:.3g}", levels=f"{255 * point.eps:.1f}")
        alt = t("adversarial.flip.picture_alt", name=name, eps=f"{point.eps:.3g}")
        body = f"{_picture(point.picture, alt)}<figcaption><b>{html.escape(words)}</b>"
        body += f"{reading_html(point.reading, one.classes, one.truth)}</figcaption>"
    return f'<figure class="inv-cell attacker"><div class="inv-who">{html.escape(name)}</div>{body}</figure>'


def _picture(picture: object, alt: str) -> str:
    return f'<img src="{data_url(picture)}" alt="{html.escape(alt)}">'  # type: ignore[arg-type]
