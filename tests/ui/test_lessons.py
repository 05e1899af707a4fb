"""The page of lessons as a class uses it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.cipher import break_it
from pages.lessons_views import reveal
from pages.widgets.strings import t
from semcom_core.domains import DOMAINS
from semcom_core.lessons import claims, experiments
from semcom_core.lessons.catalogue import LIVE_LINK, Lesson, lessons
from semcom_core.lessons.claims import Finding, Outcome
from semcom_core.samples import samples
from tests.lessons import found
from tests.ui.conftest import APP, TIMEOUT, Open, fine

EVERY = pytest.mark.parametrize("lesson", lessons().values(), ids=list(lessons()))
PAGES = Path(__file__).parents[2] / "pages"


@pytest.fixture(autouse=True)
def _computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Experiments are the same for all tests, so each is run once."""
    reveal.evidence.clear()
    monkeypatch.setattr(experiments, "compute", lambda lesson, models: found(lesson.key))


def page(key: str | None = None, **query: str) -> AppTest:
    """A visitor of the page, through the router."""
    app = AppTest.from_file(str(APP), default_timeout=TIMEOUT)
    app.switch_page("pages/lessons.py")
    for name, value in ({"lesson": key} if key else {} | query).items():
        app.query_params[name] = value
    return app.run()


def answer(app: AppTest, key: str, option: str) -> AppTest:
    app.radio(key=f"lesson_choice_{key}").set_value(option).run()
    return fine(app.button(key="lesson_lock").click().run())


def headings(app: AppTest) -> list[str]:
    return [one.value for one in app.header]


def links(app: AppTest) -> list[str]:
    return [one.proto.label for one in app.get("page_link")]


def test_the_list_names_every_lesson_and_what_is_done() -> None:
    app = fine(page())
    for one in lessons().values():
        assert any(t(f"lesson_{one.key}.title") in label for label in links(app))
    assert sum(t("lessons.not_done") in one.value for one in app.caption) == len(lessons())
    assert fine(page("no such lesson")).title[0].value == t("lessons.title")


@EVERY
def test_predict_lock_in_reveal(lesson: Lesson) -> None:
    app = fine(page(lesson.key))
    assert [one.value for one in app.title] == [t(f"lesson_{lesson.key}.title")]
    # Before the answer nothing of the result is there.
    assert t("lessons.heading.reveal") not in headings(app) and not app.image
    assert app.button(key="lesson_lock").disabled
    app = answer(app, lesson.key, lesson.answer)
    assert t("lessons.heading.reveal") in headings(app)
    assert app.radio(key=f"lesson_choice_{lesson.key}").disabled
    assert any(t("lessons.question.right", answer=option(lesson, lesson.answer)) == one.value for one in app.success)
    pictures = [picture for one in app.image for picture in one.proto.imgs]
    assert len(pictures) == len(lesson.shots) and all(picture.alt for picture in pictures)
    assert len({picture.alt for picture in pictures}) == len(pictures)
    told = [reveal.sentence(lesson, found(lesson.key), one) for one in claims.judge(lesson, found(lesson.key))]
    assert any(all(sentence in one.value for sentence in told) for one in app.markdown)
    assert not app.warning


def option(lesson: Lesson, name: str) -> str:
    return t(f"lesson_{lesson.key}.option.{name}")


def test_a_wrong_answer_is_told_and_stays() -> None:
    lesson = lessons()["snr"]
    app = answer(page("snr"), "snr", "two")
    assert any(option(lesson, lesson.answer) in one.value for one in app.info)
    assert not app.success
    assert app.radio(key="lesson_choice_snr").value == "two"


def test_the_page_says_what_happened_when_it_came_out_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = lessons()["snr"]
    other = experiments.Evidence(
        found("snr").truth, found("snr").shots, dict(found("snr").numbers), found("snr").labels
    )
    other.numbers["strong_ratio"] = 7.0
    monkeypatch.setattr(experiments, "compute", lambda lesson, models: other)
    app = answer(page("snr"), "snr", lesson.answer)
    assert not app.success
    assert t("lessons.question.open") in [one.value for one in app.warning]
    assert any("7 times the power" in one.value and "not near 100" in one.value for one in app.markdown)


def test_teacher_sees_notes_only_on_demand() -> None:
    app = page("snr")
    expected = t("lesson_snr.teacher.expected")
    assert not any(expected in one.value for one in app.markdown)
    fine(app.toggle(key="lesson_teacher").set_value(True).run())
    shown = " ".join(one.value for one in app.markdown)
    for name in ("expected", "misconception", "discussion"):
        assert t(f"lesson_snr.teacher.{name}") in shown


def test_presentation_view_is_in_the_address() -> None:
    app = page("snr")
    fine(app.button(key="lesson_present").click().run())
    assert app.query_params["view"] == "present"
    assert not app.toggle
    fine(app.button(key="lesson_present").click().run())
    assert "view" not in app.query_params and app.toggle


class TestWords:
    @EVERY
    def test_every_sentence_is_there_and_can_be_filled_in(self, lesson: Lesson) -> None:
        words = f"lesson_{lesson.key}"
        for key in ("title", "goal", "before", "setting", "question", "explanation", "formula"):
            assert t(f"{words}.{key}")
        for name in lesson.options:
            assert t(f"{words}.option.{name}")
        for name in lesson.shots:
            assert t(f"{words}.shot.{name.replace('.', '_')}")
        for one in lesson.links:
            assert t(f"{words}.next.{one.key}")
        for name in ("expected", "misconception", "discussion"):
            assert t(f"{words}.teacher.{name}")
        for one in lesson.claims:
            told = {
                outcome: reveal.sentence(lesson, found(lesson.key), Finding(one.key, outcome)) for outcome in Outcome
            }
            assert len(set(told.values())) == len(Outcome)
            assert not re.search(r"[{}]", "".join(told.values()))


class TestLinks:
    @EVERY
    def test_links_name_places_that_exist(self, lesson: Lesson) -> None:
        for one in lesson.links:
            assert (PAGES / f"{one.page}.py").is_file()
            if one.page == LIVE_LINK:
                continue
            assert t(f"{one.page}.section.{one.query['section']}")
            domain = one.query.get("domain", "digits")
            assert domain in DOMAINS
            assert one.query.get("sample", samples(domain)[0].key) in {sample.key for sample in samples(domain)}
            assert one.query.get("attack", "known") in break_it._ATTACKS

    def test_the_live_page_opens_with_the_lessons_settings_and_leads_back(self, open_app: Open) -> None:
        lesson = lessons()["eavesdropping"]
        link = next(one for one in lesson.links if one.key == "farther")
        app = fine(open_app(**link.query, lesson=lesson.key))
        assert app.session_state["link_settings"] == link.settings
        (back,) = [one.proto for one in app.get("page_link") if f"lesson {lesson.number}" in one.proto.label]
        assert back.query_string == f"lesson={lesson.key}"
        assert app.query_params["lesson"] == lesson.key  # it survives, and a move of a control does not drop it
        fine(app.slider(key="snr_db").set_value(12.0).run())
        assert app.query_params["lesson"] == lesson.key

    def test_a_prepared_page_counts_more_than_where_its_controls_were_left(self, open_app: Open) -> None:
        lesson = lessons()["snr"]
        link = lesson.links[0]
        app = fine(open_app(snr_db="3"))
        app.session_state["domain"] = "objects"  # as another page may leave it
        app.session_state["page_arrived"] = True  # as the router notes it, which reruns under AppTest leave out
        app.query_params.clear()
        for name, value in {**link.query, "lesson": "snr"}.items():
            app.query_params[name] = value
        fine(app.run())
        assert app.session_state["link_settings"] == link.settings

    @pytest.mark.parametrize(
        ("name", "query", "state"),
        [
            ("cipher_lab", {"section": "break", "attack": "known"}, {"section": "break", "lab_attack": "known"}),
            ("adversarial_lab", {"domain": "digits", "eps": "0.128"}, {"domain": "digits", "adv_eps_digits": 0.128}),
            ("tuning", {"domain": "objects", "noise": "3"}, {"knob_domain": "objects", "knob_noise": 3.0}),
            ("tuning", {"domain": "nonsense", "noise": "99", "steps": "x"}, {}),
        ],
    )
    def test_a_labs_controls_are_prepared(self, name: str, query: dict[str, str], state: dict[str, object]) -> None:
        def prepare() -> None:
            import streamlit as st

            from pages.widgets import lesson_link

            lesson_link._prepare(st.query_params["page"])

        app = AppTest.from_function(prepare, default_timeout=TIMEOUT)
        for key, value in {"page": name, **query}.items():
            app.query_params[key] = value
        fine(app.run())
        for key, value in {"source": "sample", "key_mode": "demo", **state}.items():
            assert app.session_state[key] == value
        for key in {"knob_domain", "knob_noise", "knob_steps", "lab_attack"} - state.keys():
            assert key not in app.session_state

    def test_newcomers_find_the_first_lesson(self, open_app: Open) -> None:
        first = next(iter(lessons().values()))
        app = open_app()
        assert any(t(f"lesson_{first.key}.title") in label for label in links(app))
        assert not links(open_app(view="present"))
