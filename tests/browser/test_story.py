"""The story in Chromium: turned with the keyboard, and as wide as the screen."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import PATIENCE_MS, idle, playwright

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme"), [(1440, "dark"), (390, "light")])
def test_arrow_keys_turn_the_screens(browser: playwright.Browser, server: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server}/story")
    page.get_by_role("heading", name=re.compile("^A picture crosses")).wait_for()
    page.get_by_text("Where the numbers come from").wait_for()
    idle(page)
    _turn(page, "ArrowRight", "^What protection promises")
    page.get_by_text("The repair.").wait_for()
    idle(page)
    assert "screen=2" in page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("[data-testid=stImage] img:not([alt]), [data-testid=stImage] img[alt='']").count() == 0
    _turn(page, "ArrowLeft", "^A picture crosses")
    context.close()


def _turn(page: playwright.Page, key: str, title: str) -> None:
    """Press an arrow key until the other screen is there.

    A key that is pressed before the page listens is lost, and a busy machine takes long to listen; but a
    run that has begun is waited for, so that no screen is skipped.
    """
    there = page.get_by_role("heading", name=re.compile(title))
    for _ in range(25):
        page.keyboard.press(key)
        page.wait_for_timeout(3000)
        idle(page)
        if there.count():
            break
    there.wait_for()
