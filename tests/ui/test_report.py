"""The one-page report: its numbers are the transmission's and the measurements', and nothing of an upload leaks."""

from __future__ import annotations

import io

import pytest
import streamlit as st
from PIL import Image, PngImagePlugin
from streamlit.testing.v1 import AppTest

from pages.widgets import report, take_away
from pages.widgets.report_measured import measured, table
from pages.widgets.strings import CATALOGUE, catalogue, sentences, t
from semcom_core.evaluation.told import told
from semcom_core.pdf import plain
from semcom_core.report_page import Report, render
from semcom_core.settings import LinkSettings
from tests.pdfs import Pdf
from tests.ui.conftest import Open, fine, png, upload

SECRET_NAME = "my-daughter-at-school.png"


@pytest.fixture(autouse=True)
def _report_of_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the download would hold: AppTest shows the button but not its content."""
    shown = report.report_button

    def keep(session, transmission, facts) -> None:
        address = report.share_link(session)
        st.session_state["last_report"] = report.report(session, transmission, facts, address)
        st.session_state["last_psnr"] = float(transmission.reception.reading.psnr[0])
        shown(session, transmission, facts)

    monkeypatch.setattr(take_away, "report_button", keep)


def made(app: AppTest) -> tuple[Report, Pdf]:
    data = app.session_state["last_report"]
    return data, Pdf(render(data))


def test_the_page_says_what_the_transmission_was(open_app: Open) -> None:
    app = fine(open_app(channel="rayleigh", snr_db="7", seed="3"))
    assert any(one.label == t("report.button") for one in app.get("download_button"))
    data, page = made(app)
    assert page.pages == 1
    assert f"PSNR {app.session_state['last_psnr']:.1f} dB" in page.text
    for words in (
        "7 dB",
        t("channel.rayleigh.name"),
        t("defense.repobe.name"),
        "snr_db=7",
        "channel=rayleigh",
        "seed=3",
    ):
        assert words in page.text, words
    for _, sha in data.weights:
        assert len(sha) == 64 and sha in page.text
    assert dict(data.weights).keys() >= {"digits/base", "digits/judge"}
    assert data.headline in page.joined


def test_in_french(open_app: Open) -> None:
    """All of it, with numbers and spaces as French has them, and nothing that the fonts lack."""
    data, page = made(fine(open_app(lang="fr")))
    french = {key: plain(sentence) for key, sentence in sentences("fr").items()}
    assert page.pages == 1 and data.language == "fr-FR"
    for key in ("report.title", "report.caveats", "report.caveat.one", "report.note.balanced", "report.row.attacker"):
        assert french[key].partition("{")[0] in page.joined, key
    for key, sentence in catalogue(CATALOGUE).items():
        if key.startswith("report.") and len(sentence) > 25 and "{" not in sentence:
            assert sentence not in page.joined, key
    assert plain("1\u202f568") in page.text
    assert "?" not in page.joined.replace(plain(data.address), "")


def test_the_averages_are_those_of_the_results(open_app: Open) -> None:
    data, page = made(fine(open_app()))
    here = told("digits", "repobe")
    best = here.strongest.best
    assert f"{best.value:.1%} [{best.interval[0]:.1%}, {best.interval[1]:.1%}]" in page.joined
    assert len(data.measured.rows) == 1 + len(here.attacks)
    assert here.strongest.source.command in page.joined


def test_other_measurements_give_another_table() -> None:
    here = told("digits", "rotation")
    assert here.attacks and not here.leaks
    verdicts = {row[2] for row in table(here, elsewhere=False).rows[1:]}
    assert verdicts == {t("report.row.no_better")}
    leaking = table(told("digits", "none"), elsewhere=True)
    assert t("report.row.better") in {row[2] for row in leaking.rows}
    assert leaking.note.startswith(t("report.note.elsewhere"))


def test_what_was_not_measured_says_so() -> None:
    rows = measured(LinkSettings("objects", defense="rotation")).rows
    if told("objects", "rotation").attacks:
        pytest.skip("measured by now")
    assert rows[-1][1] == t("report.row.not_run")


def test_an_uploads_name_and_tags_stay_out(open_app: Open) -> None:
    tags = PngImagePlugin.PngInfo()
    tags.add_text("Comment", "SECRET-PLACE-47N")
    picture, blob = Image.open(io.BytesIO(png("4"))), io.BytesIO()
    exif = picture.getexif()
    exif[0x010E] = "SECRET-PLACE-47N"
    picture.save(blob, "PNG", pnginfo=tags, exif=exif)
    app = fine(upload(open_app(), blob.getvalue(), SECRET_NAME))
    data, page = made(app)
    assert t("card.sent.what_upload") in page.text
    for raw in (page.raw, page.everything, repr(data).encode()):
        assert b"daughter" not in raw and b"SECRET-PLACE" not in raw
    assert t("take.share_private") in page.joined
    assert "sample=" not in data.address


def test_every_defense_fits_on_one_page(open_app: Open) -> None:
    for query in (
        {"domain": "photographs", "defense": "rotation"},
        {"defense": "noise", "noise": "2"},
        {"defense": "diffsem"},
    ):
        _, page = made(fine(open_app(**query)))
        assert page.pages == 1
