"""The PDF page: it opens, its text can be selected, its structure can be read aloud."""

from __future__ import annotations

import dataclasses

import pytest
from PIL import Image

from semcom_core import pdf
from semcom_core.report_page import Party, Report, Table, render
from tests.pdfs import Pdf

PICTURE = Image.new("L", (28, 28), 200)


def report(**changes: object) -> Report:
    party = Party("SENT", PICTURE, "A grey square (with brackets) \\ é", ("Reads: 7 (99 %)",))
    made = Report(
        title="A title", language="en-GB", date="today", headline="The receiver read “7”: right.",
        parties=(party, party, dataclasses.replace(party, picture=None)),
        settings_title="Settings", settings=(("SNR", "10 dB"), ("Noise", "σ = 0.5"), ("Odd", "one")),
        measured=Table("Measured", ("Who", "Right"), (("Receiver", "99.6 %"),), "A note."),
        caveats_title="Caveats", caveats=("One picture is no proof.",),
        weights_title="Weights", weights=(("digits/base", "ab" * 32),),
        address_title="Again", address="http://host/?snr_db=3", address_note="Opens with a sample.",
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def test_one_page_with_everything_on_it() -> None:
    page = Pdf(render(report()))
    assert page.pages == 1
    for words in ("A title", "The receiver read “7”: right.", "10 dB", "sigma = 0.5", "99.6 %", "ab" * 32, "snr_db=3"):
        assert words in page.joined
    assert b"/Lang (en-GB)" in page.everything and b"/Marked true" in page.everything


def test_pictures_have_alternative_texts_and_text_its_order() -> None:
    page = Pdf(render(report()))
    figures = [alt for alt in page.alternatives if alt]
    assert figures == ["A grey square (with brackets) \\ é"] * 2  # the third party has no picture
    places = [page.joined.index(words) for words in ("A title", "Settings", "Measured", "Caveats", "Weights", "Again")]
    assert places == sorted(places)
    kinds = b"".join(page.objects.values())
    assert all(b"/S /" + kind in kinds for kind in (b"H1", b"H2", b"P", b"Figure", b"Table", b"TR", b"TH", b"TD"))


def test_every_marked_piece_has_an_owner() -> None:
    page = Pdf(render(report()))
    marked = page.everything.count(b"/MCID ")
    parents = next(one for one in page.objects.values() if one.startswith(b"<< /Nums"))
    assert parents.count(b" 0 R") == marked
    assert page.everything.count(b" BDC ") == marked


def test_much_content_is_set_smaller_and_stays_on_one_page() -> None:
    long = report(
        caveats=("A long sentence about what is not proven here. " * 6,) * 8, weights=(("n", "cd" * 32),) * 12
    )
    page = Pdf(render(long))
    assert page.pages == 1
    scale = float(page.streams[-1].split(b" ", 1)[0]) if page.streams[-1][:1].isdigit() else None
    assert scale is None or scale < 1
    with pytest.raises(ValueError, match="too long"):
        render(report(caveats=("word " * 300,) * 60))


def test_lines_fit_and_lose_nothing() -> None:
    text = "The quick brown fox reads a verylongwordwithoutanyspaceinitatall and 1,568 symbols."
    for room in (40.0, 90.0, 300.0):
        lines = pdf.wrapped(text, 9, room)
        assert all(pdf.width(line, 9) <= room for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(("text", "shown"), [("σ=2 − 1 ≥ 0", "sigma=2 – 1 >= 0"), ("“é” œ", "“é” œ"), ("中", "?")])
def test_characters_beyond_the_font_become_words(text: str, shown: str) -> None:
    assert pdf.plain(text) == shown
