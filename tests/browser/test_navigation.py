"""From page to page, and by a deep link, in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import PATIENCE_MS, Open, idle, playwright, settled, snr_slider, started, summary

pytestmark = pytest.mark.browser


def test_the_first_visitor_of_a_server_may_come_by_a_deep_link(browser: playwright.Browser, tmp_path: Path) -> None:
    with started(tmp_path) as address:
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/cipher_lab?section=keys")
        page.get_by_text("Cipher lab").first.wait_for()
        idle(page)
        assert page.title() == "Cipher lab · SemCom Lab"
        assert page.get_by_role("link", name="Live link").count() == 1
        assert page.get_by_role("link", name="app").count() == 0, "Streamlit's own list of files"
        assert "section=keys" in page.url
        context.close()


def test_there_and_back_keeps_the_settings(open_page: Open) -> None:
    page = open_page()
    before = snr_slider(page).input_value()
    snr_slider(page).press("ArrowLeft")
    page.wait_for_function("location.search.includes('snr_db')")
    settled(page)
    moved = snr_slider(page).input_value()
    assert moved != before
    page.get_by_role("link", name="Cipher lab").click()
    page.wait_for_url("**/cipher_lab**")
    page.get_by_text("Watch", exact=True).first.wait_for()
    idle(page)
    assert page.locator("[data-testid=stException]").count() == 0
    page.get_by_role("link", name="Live link").click()
    settled(page)
    assert page.locator("[data-testid=stException]").count() == 0
    assert summary(page).startswith("The receiver read")
    assert snr_slider(page).input_value() == moved
