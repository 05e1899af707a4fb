"""The results page in Chromium."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PATIENCE_MS, idle, playwright

pytestmark = pytest.mark.browser


def test_reported_values_are_there_whatever_was_measured(browser: playwright.Browser, server: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server}/results?section=curves")
    page.locator(".st-key-results_curves .js-plotly-plot").first.wait_for()
    idle(page)
    assert page.get_by_text("RepObE, reported").count() >= 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("[data-testid=stException]").count() == 0
    context.close()
