"""The live link in Chromium: what neither unit tests nor AppTest see."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageStat

from tests.browser.conftest import Open, screenshot_path, settled, snr_slider, summary

pytestmark = pytest.mark.browser


def picture(digit: str) -> bytes:
    image = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(image).text((150, 150), digit, fill="black", font_size=220, anchor="mm")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_default_view_reads_and_is_photographed(open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    assert summary(page).startswith("The receiver read 7: right.")
    for party in ("SENT", "RECEIVER", "ATTACKER"):
        assert page.get_by_text(party, exact=True).is_visible()
    tops = {page.locator(f".st-key-chart_{party}").bounding_box()["y"] for party in ("sent", "receiver", "attacker")}
    assert max(tops) - min(tops) < 2  # the cards line up
    path = screenshot_path(tmp_path)
    page.screenshot(path=path)
    assert Image.open(path).size == (1440, 900)


def test_every_picture_has_an_alternative_text(open_page: Open) -> None:
    page = open_page()
    assert page.locator("img").count() > 10
    assert page.locator("img:not([alt]), img[alt='']").count() == 0


def test_what_is_folded_is_drawn_when_it_is_opened(open_page: Open) -> None:
    page = open_page("?defense=none")
    maps = page.locator(".st-key-feature_maps img")
    assert maps.count() == 0
    page.get_by_text("The features on their way", exact=True).click()
    maps.nth(3).wait_for()
    settled(page)
    assert maps.count() == 4
    assert all(box["width"] > 100 for box in (one.bounding_box() for one in maps.all()))
    page.get_by_text("Where these results come from", exact=True).click()
    page.get_by_text("SHA-256", exact=False).first.wait_for()
    assert maps.count() == 4


def test_upload_through_the_file_input(open_page: Open) -> None:
    page = open_page()
    page.get_by_text("Upload", exact=True).click()
    page.locator("input[type=file]").set_input_files(
        {"name": "three.png", "mimeType": "image/png", "buffer": picture("3")}
    )
    page.get_by_text("your picture", exact=True).wait_for()
    settled(page)
    page.get_by_text("How your picture was prepared").wait_for()
    assert "no label" in page.locator(".st-key-cards").inner_text()
    page.locator("input[type=file]").set_input_files(
        {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    alert = page.locator("[data-testid=stSidebar] [data-testid=stAlert]")
    alert.wait_for()
    assert "Traceback" not in alert.inner_text()
    assert page.get_by_text("your picture", exact=True).is_visible()  # the last good result stays


def test_draw_a_digit(open_page: Open) -> None:
    page = open_page()
    page.get_by_text("Draw", exact=True).click()
    pad = page.locator("canvas[tabindex]")
    pad.wait_for()
    box = pad.bounding_box()

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    page.mouse.move(*at(0.5, 0.12))
    page.mouse.down()
    page.mouse.move(*at(0.5, 0.88), steps=12)
    page.mouse.up()
    page.get_by_text("your drawing", exact=True).wait_for()
    settled(page)
    assert summary(page).startswith("The receiver read 1")

    page.get_by_role("button", name="Clear").click()
    pad.focus()
    for key in (*["ArrowUp"] * 6, " ", *["ArrowDown"] * 12, " "):  # the same, without a mouse
        page.keyboard.press(key)
    page.wait_for_timeout(1500)
    settled(page)
    assert summary(page).startswith("The receiver read 1")


def test_share_link_round_trip(open_page: Open) -> None:
    page = open_page()
    page.get_by_text("Fixed", exact=True).click()
    page.wait_for_url("**policy=fixed**")
    snr_slider(page).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**snr_db=10.5**")
    settled(page)
    page.get_by_role("button", name="Share link").click()
    link = page.locator("[data-testid=stPopoverBody] code").inner_text()
    other = open_page("?" + link.partition("?")[2])
    assert summary(other) == summary(page)
    assert other.locator(".st-key-cards").inner_text() == page.locator(".st-key-cards").inner_text()


def test_back_restores_the_settings_before(open_page: Open) -> None:
    page = open_page()
    before = page.locator(".st-key-cards").inner_text()
    page.get_by_text("Fixed", exact=True).click()
    page.wait_for_url("**policy=fixed**")
    settled(page)
    page.go_back()
    page.wait_for_function("before => document.querySelector('.st-key-cards').innerText === before", arg=before)


def test_sweep_can_be_cancelled(open_page: Open) -> None:
    page = open_page()
    page.get_by_text("This picture at every signal-to-noise ratio").click()
    page.get_by_role("button", name="Run the sweep").click()
    page.get_by_text("2 of 16 results").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Stopped after").wait_for()
    assert page.locator(".st-key-sweep_accuracy .js-plotly-plot").first.is_visible()
    assert page.get_by_role("button", name="Table (CSV)").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_scrolls_sideways(open_page: Open, scheme: str) -> None:
    page = open_page(width=390, height=844, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # Wide tables scroll inside their own box.
    wide = page.evaluate(
        "[...document.querySelectorAll('.stMainBlockContainer *')].filter(one => one.offsetParent"
        " && !one.closest('table') && one.getBoundingClientRect().right > innerWidth + 1)"
        ".map(one => one.className).slice(0, 5)"
    )
    assert not wide


def test_dark_and_light_differ_and_both_have_contrast(open_page: Open, tmp_path: Path) -> None:
    brightness = {}
    for scheme in ("light", "dark"):
        page = open_page(scheme=scheme)
        path = tmp_path / f"{scheme}.png"
        page.locator(".st-key-summary").screenshot(path=path)
        shown = ImageStat.Stat(Image.open(path).convert("L"))
        brightness[scheme] = shown.mean[0]
        assert shown.extrema[0][1] - shown.extrema[0][0] > 180
    assert brightness["light"] > 180 > 80 > brightness["dark"]


def test_presentation_view(open_page: Open) -> None:
    page = open_page("?view=present&snr_db=12")
    assert page.get_by_role("slider").count() == 0
    size = page.locator(".st-key-summary p").evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert size >= 40
    page.get_by_role("button", name="Show the controls").click()
    snr_slider(page).wait_for()
    assert page.get_by_text("12 dB", exact=True).is_visible()
