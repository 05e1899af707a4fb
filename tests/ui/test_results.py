"""The results page: measured beside reported, and "not run" where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets.strings import t
from semcom_core.evaluation import grid as grids
from semcom_core.evaluation import paired
from semcom_core.evaluation.paired import Difference, Paired
from tests.grids import small_grid
from tests.ui.conftest import TIMEOUT, fine

PAGE = Path(__file__).parents[2] / "pages" / "results.py"
SECTIONS = ("curves", "pictures", "cem", "diffsem", "numbers")


def results(section: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=TIMEOUT)
    app.query_params["section"] = section
    app.session_state["page"] = "results"  # as the router notes it
    return app


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "load", small_grid)


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "load", lambda domain: None)


def chart(app: AppTest) -> dict:
    return json.loads(app.get("plotly_chart")[0].proto.spec)


@pytest.mark.parametrize("section", [one for one in SECTIONS if one != "pictures"])
def test_without_a_grid_every_section_says_so(section: str, nothing: None) -> None:
    app = fine(results(section).run())
    assert any("not run" in one.value.lower() for one in app.info)


@pytest.mark.usefixtures("measured")
class TestCurves:
    def test_ours_solid_theirs_hollow(self) -> None:
        traces = {one["name"]: one for one in chart(fine(results("curves").run()))["data"]}
        ours = traces[t("results.curves.line", name="RepObE", uses="1,568")]
        theirs = traces[t("results.curves.reported", name="RepObE")]
        assert ours["mode"] == "lines+markers" and "error_y" in ours
        assert theirs["mode"] == "markers" and theirs["marker"]["symbol"].endswith("-open")
        assert list(theirs["x"]) == [7.0, 23.0]

    def test_the_finding_is_computed(self) -> None:
        app = fine(results("curves").run())
        words = "\n".join(one.value for one in app.markdown)
        assert "**falls short**" in words  # 0.98 measured at 7 dB against 0.9943
        assert "**confirmed**" in words

    def test_objects_say_that_they_are_jpeg(self) -> None:
        app = fine(results("curves").run())
        fine(app.segmented_control(key="results_figure").set_value("3c").run())
        assert any(t("results.jpeg") in one.value for one in app.caption)
        names = [one["name"] for one in chart(app)["data"]]
        assert t("results.curves.at_most", name="VAE") in names

    def test_provenance_has_hashes(self) -> None:
        app = fine(results("curves").run())
        assert any("ab" * 32 in one.value.to_string() for one in app.dataframe)


@pytest.mark.usefixtures("measured")
def test_cem_gain_beside_the_reported_range() -> None:
    app = fine(results("cem").run())
    spec = chart(app)
    assert [one["x0"] for one in spec["layout"]["shapes"]] == [0.129]
    assert any("+20.0%" in one.value.to_string() for one in app.dataframe)


@pytest.mark.usefixtures("measured")
def test_diffsem_with_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired, "read", lambda domain: ())
    app = fine(results("diffsem").run())
    assert len(chart(app)["data"]) == 2
    gaps = app.dataframe[0].value[t("inversion.plane.table_gap")].tolist()
    assert gaps == [1.0, -1.0]
    assert app.dataframe[0].value[t("results.diffsem.variant")].nunique() == 2


@pytest.mark.usefixtures("measured")
def test_diffsem_pair_by_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    sure, unsure = Difference(0.0123, (0.002, 0.02)), Difference(-0.001, (-0.004, 0.002))
    rows = tuple(Paired(noise, 6, 1000, 0.9, 0.91, gain, unsure, unsure, unsure)
                 for noise, gain in ((0.5, unsure), (2.0, sure)))  # fmt: skip
    monkeypatch.setattr(paired, "read", lambda domain: rows)
    app = fine(results("diffsem").run())
    said = next(one.value for one in app.markdown if "on the same receptions" in one.value)
    assert "at 1 of 2 noise levels" in said and "at noise 2: +1.23 [+0.20, +2.00] points" in said
    assert "gains −0.10 [−0.40, +0.20] points" in said
    assert app.dataframe[0].value[t("results.diffsem.noise")].tolist() == [0.5, 2.0]


@pytest.mark.usefixtures("measured")
def test_numbers_are_filtered() -> None:
    app = fine(results("numbers").run())
    everything = len(app.dataframe[0].value)
    fine(app.multiselect(key="numbers_defense_digits").set_value(["repobe"]).run())
    table = app.dataframe[0].value
    assert 0 < len(table) < everything and set(table["defense"]) == {"repobe"}
    assert app.get("download_button")


@pytest.mark.slow
def test_pictures_are_computed_on_a_sample() -> None:
    app = fine(results("pictures").run())
    rows = [one.proto.body for one in app.get("html") if 'class="inv"' in one.proto.body]
    assert len(rows) >= 2
    assert any("not run" in one.value for one in app.markdown) or len(rows) >= 5


def test_every_chart_and_table_has_an_alternative_text(measured: None) -> None:
    for section in ("curves", "cem", "diffsem"):
        app = results(section).run()
        assert all(one.proto.alt for one in app.get("plotly_chart"))
