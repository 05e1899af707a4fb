"""What really happens: the lesson's experiment, run now, and sentences that follow what came out."""

from __future__ import annotations

import re

import streamlit as st
from PIL import Image

from pages.widgets import stages
from pages.widgets.facts import percent, spoken
from pages.widgets.pictures import sharp
from pages.widgets.strings import t, whole
from semcom_core.domains import DOMAINS
from semcom_core.lessons import claims, experiments
from semcom_core.lessons.catalogue import Lesson, lessons
from semcom_core.lessons.claims import Finding, Outcome
from semcom_core.lessons.evidence import Answer, Evidence, Shot

_SIDE = 224
_THREE = 100
"""Three pictures stay side by side on a phone: they are compared line by line."""


@st.cache_resource(max_entries=32, show_spinner=False)
def evidence(key: str, times: int) -> Evidence:
    """A lesson's experiment, once for all visitors: it shows samples only.

    Args:
        times: how often it was sent again, each time with other noise.
    """
    return experiments.compute(lessons()[key].again(times), stages.models)


def view(lesson: Lesson, chosen: str) -> None:
    """Verdict, pictures, findings, explanation.

    Args:
        chosen: the option that was locked in.
    """
    times_key = f"lesson_times_{lesson.key}"
    times = st.session_state.get(times_key, 0)
    st.header(t("lessons.heading.reveal"), anchor=False)
    with st.spinner(t("lessons.working")):
        first, shown = evidence(lesson.key, 0), evidence(lesson.key, times)
    _verdict(lesson, chosen, claims.right_option(lesson, claims.judge(lesson, first)))
    findings = claims.judge(lesson, shown)
    with st.container(key="lesson_findings"):
        st.markdown("\n".join(f"- {sentence(lesson, shown, one)}" for one in findings))
    _pictures(lesson, shown)
    _note(shown)
    st.button(
        t("lessons.again"), icon=":material/refresh:", key="lesson_again", help=t("lessons.again_help"),
        on_click=_again, args=(times_key,),
    )  # fmt: skip
    if times:
        st.caption(t("lessons.draw", number=times + 1))
    if any(one.outcome is not Outcome.YES for one in findings):
        st.warning(t("lessons.otherwise"), icon=":material/info:")
    st.header(t("lessons.heading.explanation"), anchor=False)
    st.markdown(t(f"lesson_{lesson.key}.explanation"))
    with st.popover(t("lessons.formula.button"), icon=":material/function:"):
        st.markdown(t(f"lesson_{lesson.key}.formula"))


def sentence(lesson: Lesson, found: Evidence, finding: Finding) -> str:
    """What became of one claim, with the numbers that decided it."""
    if finding.outcome is Outcome.NOT_RUN:
        return t("lessons.not_run")
    classes = DOMAINS[lesson.domain].classes
    names = {name: spoken(classes[label]) for name, label in found.labels.items()}
    values = {"truth": spoken(classes[found.truth])} | names | found.numbers
    words = t(f"lesson_{lesson.key}.claim.{finding.claim}.{finding.outcome}", **values)
    return re.sub(r"(?<=\d) ?%", "\u00a0%", words).replace(" -", " −")


def _again(key: str) -> None:
    st.session_state[key] = st.session_state.get(key, 0) + 1


def _verdict(lesson: Lesson, chosen: str, right: str | None) -> None:
    if right is None:
        st.warning(t("lessons.question.open"), icon=":material/help:")
        return
    answer = t(f"lesson_{lesson.key}.option.{right}")
    if chosen == right:
        st.success(t("lessons.question.right", answer=answer), icon=":material/check_circle:")
    else:
        st.info(t("lessons.question.wrong", answer=answer), icon=":material/lightbulb:")


def _pictures(lesson: Lesson, found: Evidence) -> None:
    with st.container(key=f"lesson_pictures_{lesson.columns}"):
        grid = st.grid(lesson.columns, min_column_width=_THREE if lesson.columns == 3 else 130, gap="small")
        for name in lesson.shots:
            with grid.cell():
                _shot(lesson, found.shots[name])


def _shot(lesson: Lesson, shot: Shot) -> None:
    title = t(f"lesson_{lesson.key}.shot.{shot.name.replace('.', '_')}")
    lines = reading_lines(lesson, shot)
    st.markdown(f"**{title}**")
    if shot.pixels is None:
        st.caption(t("lessons.no_picture"))
    else:
        maps = shot.pixels.shape[-1] == 4 and shot.pixels.ndim == 3
        words = "lessons.alt_maps" if maps else "lessons.alt"
        alt = t(words, title=title, reading=". ".join(lines)).strip()
        st.image(sharp(Image.fromarray(shot.pixels), _SIDE), width="stretch", output_format="PNG", alt=alt)
    if lines:
        st.caption("  \n".join(lines))


def reading_lines(lesson: Lesson, shot: Shot) -> list[str]:
    """Who read what in a picture, and how good it is."""
    party = "attacker" if shot.name.endswith("attacker") else "receiver"
    lines = []
    if shot.read is not None:
        lines.append(_reading(lesson, f"lessons.who_{party}", shot.read))
    if shot.judged is not None and (shot.read is None or shot.judged.right != shot.read.right):
        lines.append(_reading(lesson, "lessons.who_judge", shot.judged))
    if shot.psnr is not None:
        lines.append(t("lessons.psnr", value=f"{shot.psnr:.1f}"))
    return lines


def _reading(lesson: Lesson, who: str, answer: Answer) -> str:
    name = spoken(DOMAINS[lesson.domain].classes[answer.label])
    verdict = t("lessons.right" if answer.right else "lessons.wrong")
    return t("lessons.reads", who=t(who), name=name, probability=percent(answer.probability), verdict=verdict)


def _note(found: Evidence) -> None:
    """Where the numbers come from."""
    lines = [t("lessons.live_note")]
    lines += [
        t("lessons.sources", model=one.model, images=whole(one.images), data=one.data, command=one.command)
        for one in found.sources
    ]
    st.caption("  \n".join(lines))
