"""The second language, in Chromium: the browser's own, and the button."""

from __future__ import annotations

import pytest

from tests.browser.conftest import PATIENCE_MS, Open, idle, playwright, settled, snr_slider, summary

pytestmark = pytest.mark.browser


def test_the_button_changes_the_words_and_nothing_else(open_page: Open) -> None:
    page = open_page("?snr_db=3&channel=rayleigh&policy=session")
    page.get_by_role("button", name="Français").click()
    page.get_by_text("Liaison en direct").first.wait_for()
    page.wait_for_function("location.search.includes('lang=fr')")
    settled(page)
    assert summary(page).startswith("Le récepteur a lu")
    assert page.title() == "Liaison en direct · SemCom Lab"
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert snr_slider(page).input_value() == "3"
    assert "channel=rayleigh" in page.url and "policy=session" in page.url
    assert page.locator(".st-key-channel input").input_value() == "Évanouissements, sans visibilité directe"
    page.get_by_role("link", name="Labo chiffrement").click()
    page.get_by_text("Ce que fait le chiffrement").wait_for()
    idle(page)
    assert "lang=fr" in page.url
    page.get_by_role("link", name="Liaison en direct").click()
    settled(page)
    assert snr_slider(page).input_value() == "3"
    page.get_by_role("button", name="English").click()
    page.get_by_text("Live link").first.wait_for()
    settled(page)
    assert summary(page).startswith("The receiver read")
    assert snr_slider(page).input_value() == "3"


def test_the_browsers_language_without_a_trace_in_the_address(browser: playwright.Browser, server: str) -> None:
    context = browser.new_context(locale="fr-CA", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server}/")
    settled(page)
    assert summary(page).startswith("Le récepteur a lu")
    assert "lang=" not in page.url
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()
