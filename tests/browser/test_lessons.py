"""A newcomer's way in Chromium, by keyboard: live page, first lesson, prepared page, and back."""

from __future__ import annotations

import pytest

from pages.widgets.strings import t
from semcom_core.lessons.catalogue import lessons
from tests.browser.conftest import Open, idle, playwright, settled, snr_slider

pytestmark = pytest.mark.browser


def press(page: playwright.Page, role: str, name: str, key: str = "Enter") -> None:
    """Reach a control as a keyboard does, and press it."""
    control = page.get_by_role(role, name=name).first
    control.focus()
    control.press(key)
    idle(page)


def test_from_the_live_page_through_the_first_lesson_and_back(open_page: Open) -> None:
    lesson = next(iter(lessons().values()))
    words = f"lesson_{lesson.key}"
    page = open_page()
    press(page, "link", t("lessons.begin", number=1, title=t(f"{words}.title"), minutes=lesson.minutes))
    page.get_by_role("heading", name=t(f"{words}.title")).wait_for()
    assert f"lesson={lesson.key}" in page.url
    reveal = page.get_by_role("heading", name=t("lessons.heading.reveal"))
    assert reveal.count() == 0
    press(page, "radio", t(f"{words}.option.{lesson.answer}"), "Space")
    press(page, "button", t("lessons.question.lock"))
    reveal.wait_for()
    page.get_by_text(
        t("lessons.question.right", answer=t(f"{words}.option.{lesson.answer}")).split("** ")[1]
    ).last.wait_for()
    idle(page)
    levels = [int(one.evaluate("heading => heading.tagName[1]")) for one in page.locator("h1, h2, h3").all()]
    assert levels[0] == 1 and set(levels[1:]) == {2}, "headings in order, for a screen reader"
    pictures = page.locator("[data-testid=stImage] img").all()
    assert len(pictures) == len(lesson.shots) and all(one.get_attribute("alt") for one in pictures)

    press(page, "link", t(f"{words}.next.{lesson.links[0].key}"))
    settled(page)
    assert float(snr_slider(page).input_value()) == lesson.links[0].settings.snr_db
    press(page, "link", t("lessons.back", number=1, title=t(f"{words}.title")))
    reveal.wait_for()  # the answer was kept
    assert page.locator("[data-testid=stException]").count() == 0
