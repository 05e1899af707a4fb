"""The inversion lab in Chromium: the grid on a wide and on a narrow screen."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PATIENCE_MS, idle, playwright

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "scheme", "columns"), [(1440, "light", 7), (390, "dark", 2)])
def test_rows_stack_on_a_phone(browser: playwright.Browser, server: str, width: int, scheme: str, columns: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server}/inversion_lab")
    page.get_by_text("The receiver reads this picture right behind").wait_for()
    idle(page)
    page.locator(".inv-cells .inv-cell").first.wait_for(state="attached")  # drawn after the words, on a busy machine
    assert page.title() == "Inversion lab · SemCom Lab"
    lefts = (
        page.locator(".inv-cells")
        .first.locator(".inv-cell")
        .evaluate_all("cells => cells.map(one => Math.round(one.getBoundingClientRect().left))")
    )
    assert len(set(lefts)) == columns
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".inv img:not([alt]), .inv img[alt='']").count() == 0
    context.close()
