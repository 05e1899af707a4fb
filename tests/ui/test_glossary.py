"""The glossary: sorted, searchable, each term with an address, and every link leads somewhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets import glossary
from pages.widgets.strings import names, t
from semcom_core.settings import LinkSettings
from tests.ui.conftest import APP, TIMEOUT, fine

PAGES = Path(__file__).parents[2] / "pages"
NEEDED = (
    "snr", "awgn", "rayleigh", "channel_use", "symbol", "feature", "encoder", "psnr", "ssim", "judge", "eavesdropper",
    "known_plaintext", "cipher", "key", "permutation", "rotation", "balanced_accuracy", "confidence_interval", "pgd",
    "epsilon", "purification", "diffusion", "cem", "lambda",
)  # fmt: skip


def page(**query: str) -> AppTest:
    """The page as the router opens it: its links go to pages that only the router knows."""
    app = AppTest.from_file(str(APP), default_timeout=TIMEOUT).run()
    app.switch_page("pages/glossary.py")
    for name, value in query.items():
        app.query_params[name] = value
    return fine(app.run())


def headings(app: AppTest) -> list[str]:
    return [one.value.removeprefix("### ") for one in app.markdown if one.value.startswith("### ")]


def test_all_terms_in_alphabetical_order() -> None:
    app = page()
    assert len(headings(app)) == len(names("glossary.term"))
    order = [glossary.find(key).order for key in names("glossary.term")]
    assert [one.order for one in glossary.terms()] == sorted(order)
    assert headings(app) == [one.name for one in glossary.terms()]


def test_the_terms_of_the_pages_are_there() -> None:
    assert set(NEEDED) <= set(names("glossary.term"))


@pytest.mark.parametrize("key", names("glossary.term"))
def test_each_is_one_sentence_with_a_place_that_exists(key: str) -> None:
    one = glossary.find(key)
    assert one.plain.endswith(".") and ". " not in one.plain
    assert "$" not in one.plain and "\\" not in one.plain
    if not one.see:
        return
    where, _, query = one.see.partition("?")
    assert (PAGES / f"{where}.py").is_file()
    query = dict(parse_qsl(query))
    if section := query.get("section"):
        assert section in names(f"{where}.section")
    if where == "live_link":  # every setting of the link is one that the page takes
        assert set(query) <= set(LinkSettings.from_query(query).to_query()) | {
            name for name, value in query.items() if str(getattr(LinkSettings(), name)) == value
        }


def test_search_finds_names_other_names_and_words() -> None:
    app = page()
    fine(app.text_input(key="glossary_search").set_value("decibel").run())
    assert headings(app) == ["SNR"]
    fine(app.text_input(key="glossary_search").set_value("RAYLEIGH").run())
    assert "Rayleigh fading" in headings(app)
    fine(app.text_input(key="glossary_search").set_value("xyzzy [x](y)").run())
    assert not headings(app) and "xyzzy" in app.info[0].value


def test_a_term_has_an_address() -> None:
    app = page(term="snr")
    assert headings(app) == ["SNR"]
    fine(app.button(key="glossary_back").click().run())
    assert len(headings(app)) > 20
    assert "term" not in app.query_params


def test_an_unknown_term_shows_all() -> None:
    app = page(term="perpetuum-mobile")
    assert "perpetuum-mobile" in app.info[0].value
    assert len(headings(app)) > 20


def test_other_pages_link_a_term() -> None:
    assert glossary.term("snr") == "[SNR](glossary?term=snr)"
    assert glossary.term("snr", "how loud") == "[how loud](glossary?term=snr)"
    with pytest.raises(KeyError):
        glossary.term("nothing")
    assert t("glossary.title")
