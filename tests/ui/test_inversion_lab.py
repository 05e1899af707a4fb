"""The inversion lab as a visitor uses it; with the weights that are there, and a small made-up grid."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.inversion import cells, plane, table
from pages.inversion.cells import Shown
from pages.widgets.strings import t
from semcom_core import link
from semcom_core.compare import Cell, attacks
from semcom_core.defenses import DEFENSES
from semcom_core.domains import DOMAINS
from semcom_core.evaluation import certified
from semcom_core.evaluation.select import points
from semcom_core.job_queue import End
from tests.grids import small_grid
from tests.ui.conftest import TIMEOUT, fine, over, upload

PAGE = Path(__file__).parents[2] / "pages" / "inversion_lab.py"
EVERY = [(domain, name) for domain in DOMAINS for name, one in DEFENSES.items() if one.available(domain)]


def lab(section: str = "table", **query: str) -> AppTest:
    """A visitor in a section of the lab; without the router, which would transmit on the live page first."""
    app = AppTest.from_file(str(PAGE), default_timeout=TIMEOUT)
    for name, value in {"section": section, **query}.items():
        app.query_params[name] = value
    app.session_state["page"] = "inversion_lab"  # as the router notes it
    return app


def rows(app: AppTest) -> list[str]:
    """The rows of cells, as HTML."""
    return [one.proto.body for one in app.get("html") if 'class="inv"' in one.proto.body]


def need(domain: str, defense: str = "none") -> None:
    if defense not in link.trained_defenses(domain):
        pytest.skip(f"{domain}: the weights of {defense!r} are not there")


class TestCompare:
    def test_default_view_tells_the_story(self) -> None:
        app = fine(lab().run())
        assert len(rows(app)) >= 4
        assert any(one.value.startswith("The receiver reads this picture right behind") for one in app.markdown)
        assert any(t("inversion.table.threats") == one.label for one in app.expander)
        for row in rows(app):
            pictures = re.findall(r"<img [^>]*>", row)
            assert pictures and all(re.search(r'alt="[^"]+"', one) for one in pictures)
            assert "✓ right" in row  # in words, not by colour alone

    @pytest.mark.slow
    @pytest.mark.parametrize(("domain", "defense"), EVERY)
    def test_every_defense_of_every_domain(self, domain: str, defense: str) -> None:
        need(domain, defense)
        app = lab(domain=domain)
        app.session_state[f"inversion_defenses_{domain}"] = [defense]
        fine(app.run())
        (row,) = rows(app)
        assert row.count("<figure") >= 2 + len([name for name in attacks() if name not in table.SLOW])
        assert t("inversion.party.receiver") in row

    def test_a_slider_moves_only_what_heeds_it(self) -> None:
        app = lab()
        app.session_state["inversion_defenses_digits"] = ["repobe", "noise"]
        cipher, noisy = rows(fine(app.run()))
        moved = rows(fine(app.slider(key="inversion_noise").set_value(2.0).run()))
        assert moved[0] == cipher
        assert moved[1] != noisy and "σ = 2" in moved[1]
        again = rows(fine(app.button(key="inversion_new_noise").click().run()))
        assert again[0] != cipher

    def test_no_defense_chosen_is_no_error(self) -> None:
        app = lab()
        app.session_state["inversion_defenses_digits"] = []
        assert not rows(fine(app.run()))

    def test_upload_has_no_label_and_a_foreign_picture_no_verdict(self) -> None:
        from tests.ui.conftest import png

        app = lab()
        app.session_state["inversion_defenses_digits"] = ["none"]
        fine(upload(app.run(), png()))
        assert any("no label" in one.value for one in app.caption)
        app.segmented_control(key="source").set_value("sample").run()
        app.pills(key="sample_digits").set_value("foreign-a").run()
        if app.session_state["sample_digits"] == "foreign-a":
            assert all("✓" not in row for row in rows(fine(app)))


class TestCells:
    CLASSES = ("a", "b")

    def cell(self, **more: object) -> Cell:
        picture = np.zeros((28, 28, 1), np.uint8)
        return Cell(picture, np.array([0.2, 0.8]), np.array([0.9, 0.1]), psnr=12.34, **more)

    def test_verdict_in_words_with_a_sign(self) -> None:
        row = cells.row_html([Shown("attacker", "ridge", self.cell())], self.CLASSES, 1)
        assert "✗ wrong" in row and "✓ right" in row and "12.3 dB" in row
        assert "✓" not in cells.row_html([Shown("attacker", "ridge", self.cell())], self.CLASSES, None)

    def test_missing_cells_say_so(self) -> None:
        assert "not run" in cells.row_html([Shown("attacker", "ridge", None)], self.CLASSES, 1)
        classless = Cell(None, np.array([0.2, 0.8]), None)
        assert t("inversion.cell.no_picture") in cells.row_html([Shown("attacker", "x", classless)], self.CLASSES, 1)

    def test_words_are_escaped(self) -> None:
        row = cells.row_html([Shown("attacker", "<script>", None)], self.CLASSES, 1, cells.head_html("<b>", "", 1))
        assert "<script>" not in row and "&lt;b&gt;" in row

    def test_small_pictures_lose_nothing(self) -> None:
        import base64
        import io

        from PIL import Image

        pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
        blob = base64.b64decode(cells.data_url(pixels).partition(",")[2])
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(blob))), pixels)


class TestPlane:
    def test_without_a_grid_it_says_not_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(plane.grids, "load", lambda domain: None)
        app = fine(lab("plane").run())
        assert any("Not run" in one.value for one in app.info)
        assert len(rows(app)) == 1

    def test_points_table_and_the_chosen_defense(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(plane.grids, "load", small_grid)
        app = fine(lab("plane").run())
        (chart,) = app.get("plotly_chart")
        assert chart.proto.alt
        for name in ("RepObE", "Rotation", "DiffSem-style"):
            assert name in chart.proto.spec
        shown = app.dataframe[0].value
        gaps = shown[t("inversion.plane.table_gap")].tolist()
        assert gaps == sorted(gaps, reverse=True)
        assert len(gaps) == len(points(small_grid(), "awgn", 10.0))
        fine(app.selectbox(key="plane_attack").set_value("ridge").run())
        assert set(app.dataframe[0].value[t("inversion.plane.table_attack")]) == {t("inversion.attack.ridge")}
        fine(app.selectbox(key="plane_channel").set_value("rayleigh").run())
        fine(app.segmented_control(key="plane_zoom").set_value("points").run())
        fine(app.selectbox(key="plane_defense").set_value("repobe").run())
        assert t("defense.repobe.name") in rows(app)[0]


class TestWatch:
    def test_only_defenses_without_a_key(self) -> None:
        app = fine(lab("watch").run())
        options = app.selectbox(key="watch_defense").options
        assert t("defense.none.name") in options and t("defense.repobe.name") not in options

    @pytest.mark.slow
    def test_the_picture_appears_and_it_can_be_cancelled(self) -> None:
        app = lab("watch").run()
        app.button(key="white_box_start").click().run()
        for _ in range(1000):
            if len(app.session_state["experiments"]["white_box"].points) >= 3:
                break
            fine(app.run())
        fine(app.run())  # what the last run found is drawn by the next
        looks = app.session_state["experiments"]["white_box"].points
        assert looks[-1].mismatch < looks[0].mismatch
        assert looks[-1].psnr > looks[0].psnr
        assert rows(app)
        app.button(key="white_box_cancel").click()
        over(app, "white_box")
        assert app.session_state["experiments"]["white_box"].ticket.end is End.CANCELLED


def test_theory_bound_is_never_above_the_optimum() -> None:
    app = fine(lab("theory").run())
    for noise in (0.05, 3.0):
        fine(app.select_slider(key="toy_noise").set_value(noise).run())
        words = next(one.value for one in app.markdown if "the best attacker reaches" in one.value)
        bound, optimum = (float(one) for one in re.findall(r"\*\*([\d.e-]+)\*\*", words))
        assert 0 < bound <= optimum * 1.001
    fine(app.slider(key="toy_decay").set_value(0.0).run())
    words = next(one.value for one in app.markdown if "the best attacker reaches" in one.value)
    assert "100%" in words  # all directions alike: the bound is tight


@pytest.mark.parametrize("name", sorted(DEFENSES))
def test_every_defense_has_its_words(name: str) -> None:
    assert t(f"defense.{name}.name") and t(f"inversion.defense.{name}")


@pytest.mark.parametrize("name", attacks())
def test_every_attack_has_its_words(name: str) -> None:
    assert t(f"inversion.attack.{name}")


def test_certificates_stand_beside_what_attacks_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"noise": 0.5, "snr_db": 10.0, "channel": "awgn", "ratio": 0.2, "nats": 630.0}
    both = [told | {"defense": "cem_off"}, told | {"defense": "cem", "ratio": 0.4}]
    monkeypatch.setattr(certified, "_certificates", lambda domain: both)
    monkeypatch.setattr(certified.grids, "load", small_grid)
    app = fine(lab("theory").run())
    table = app.dataframe[0].value
    assert table[t("inversion.theory.certified")].tolist() == [0.2, 0.4]
    assert table[t("inversion.theory.reached")].tolist() == pytest.approx([0.03 / 0.08, 0.036 / 0.08])
    assert len(app.get("plotly_chart")) == 2
