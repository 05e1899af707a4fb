"""The tuning page as a visitor uses it: knobs, a very short training, its runs, and the link on the live page."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.tuning_views import hyper, large
from pages.widgets import own_link
from pages.widgets.strings import t
from semcom_core import link
from semcom_core.knobs import KNOBS
from semcom_core.workbench.settings import WorkbenchSettings, to_toml
from tests.grids import small_grid
from tests.ui.conftest import TIMEOUT, Open, fine, over, summary

PAGE = Path(__file__).parents[2] / "pages" / "tuning.py"


def tuning(section: str) -> AppTest:
    """A visitor in a section of the page; without the router, which would transmit on the live page first."""
    app = AppTest.from_file(str(PAGE), default_timeout=TIMEOUT)
    app.query_params["section"] = section
    app.session_state["page"] = "tuning"  # as the router notes it
    return app


def strips(app: AppTest) -> list[str]:
    return [one.proto.body for one in app.get("html") if 'class="strip"' in one.proto.body]


def quick(app: AppTest) -> AppTest:
    """The controls of a training of a second."""
    app.segmented_control(key="wb_pictures").set_value("drawn")
    app.select_slider(key="wb_images").set_value(200)
    app.select_slider(key="wb_epochs").set_value(2)
    app.select_slider(key="wb_symbols").set_value(8)
    return fine(app.run())


needs_weights = pytest.mark.skipif(
    "none" not in link.trained_defenses("digits"), reason="the weights of the digits' link are not there"
)


@needs_weights
class TestKnobs:
    def test_ten_pictures_and_figures_of_both_parties(self) -> None:
        app = fine(tuning("inference").run())
        (strip,) = strips(app)
        assert strip.count("<img") == 30 and strip.count('alt="') == 30
        assert len(app.metric) == 4
        assert any(one.label == t("tuning.up") for one in app.expander)

    def test_turning_bandwidth_and_noise_changes_what_arrives(self) -> None:
        app = fine(tuning("inference").run())
        (whole,) = strips(app)
        fine(app.slider(key="knob_share").set_value(20).run())
        (cut,) = strips(app)
        assert cut != whole and "314 of 1,568" in cut
        assert float(app.metric[1].delta) < 0

    def test_a_knob_from_end_to_end_and_cancel(self) -> None:
        app = fine(tuning("inference").run())
        fine(app.button(key="knob_curve_start").click().run())
        app.button(key="knob_curve_cancel").click()
        over(app, "knob_curve")
        assert app.session_state["experiments"]["knob_curve"].points
        assert app.get("plotly_chart")


@pytest.mark.parametrize("knob", KNOBS)
def test_every_knob_has_its_words(knob: str) -> None:
    assert t(f"tuning.knob.{knob}.up")


class TestTraining:
    def test_a_short_run_ends_and_is_in_the_table(self) -> None:
        app = quick(tuning("training").run())
        fine(app.button(key="workbench_start").click().run())
        over(app, "workbench")
        run = app.session_state["experiments"]["workbench"]
        assert len(run.points) == run.total == 7
        (strip,) = strips(app)
        assert strip.count("<img") == 30
        table = app.dataframe[0].value
        assert table[t("tuning.runs.done")].tolist() == [t("tuning.runs.whole")]
        assert table[t("tuning.runs.settings")].tolist() == ["pictures 200, n 8, epochs 2"]
        assert table[t("tuning.runs.pictures")].tolist() == ["drawn"]
        assert any("drawn by this program" in one.value for one in app.info)
        for view in ("attacker_psnr", "snr", "bandwidth", "epsilon"):
            fine(app.segmented_control(key="wb_view").set_value(view).run())

    def test_cancel_keeps_what_was_reached_and_settings_come_back(self) -> None:
        app = tuning("training").run()
        app.segmented_control(key="wb_pictures").set_value("drawn")
        app.select_slider(key="wb_epochs").set_value(40)
        fine(app.run())
        fine(app.button(key="workbench_start").click().run())
        for _ in range(1000):
            fine(app.run())
            if len(app.session_state["experiments"]["workbench"].points) > 1:
                break
        app.button(key="workbench_cancel").click()
        over(app, "workbench")
        (record,) = app.session_state["workbench_runs"]
        assert 0 < record.training.step == record.last.step < record.last.steps
        assert app.dataframe[0].value[t("tuning.runs.done")][0].endswith("%")
        fine(app.select_slider(key="wb_epochs").set_value(5).run())  # the run stays, its drawing goes
        assert len(app.dataframe) == 1 and not strips(app)
        fine(app.button(key="wb_load").click().run())
        assert app.session_state["wb_epochs"] == 40

    def test_presets_fit_the_controls(self) -> None:
        app = fine(tuning("training").run())
        for name, changes in hyper.PRESETS.items():
            fine(app.pills(key="wb_preset").set_value(name).run())
            for field, value in changes.items():
                if not field.startswith("snr"):
                    assert app.session_state[f"wb_{field}"] == value
            assert t(f"tuning.preset.{name}")

    @needs_weights
    def test_the_link_is_used_on_the_live_page_of_this_session_only(self, open_app: Open) -> None:
        app = open_app()
        app.switch_page("pages/tuning.py")
        app.query_params["section"] = "training"
        app = quick(app.run())
        app.select_slider(key="wb_lambda_rec").set_value(0.0).run()  # no picture decoder that an attacker could use
        app.button(key="workbench_start").click().run()
        over(app, "workbench")
        fine(app.button(key="wb_use").click().run())
        assert app.session_state["link_settings"].defense == app.session_state["defense"] == own_link.DEFENSE
        assert summary(app)
        fine(app.switch_page("pages/live_link.py").run())
        assert app.session_state["link_settings"].chosen_attacker == "inversion"
        pictures = [picture.alt for one in app.image for picture in one.proto.imgs]
        assert any(alt.startswith("The attacker's picture") for alt in pictures)
        assert not any(alt.startswith("The receiver's picture") for alt in pictures)
        app.session_state["provenance"] = True  # opened: what is folded is not drawn
        assert any("run 1 of this session" in one.value for one in fine(app.run()).caption)
        fine(app.selectbox(key="attacker").set_value("adaptive").run())
        app.switch_page("pages/tuning.py")
        app.session_state["tuning_section"] = "inference"
        app.session_state["knob_defense"] = own_link.DEFENSE
        (strip,) = strips(fine(app.run()))
        assert strip.count("<img") == 20 and "8 of 8 symbols" in strip
        other = fine(open_app(defense=own_link.DEFENSE))
        assert other.session_state["link_settings"].defense == (
            own_link.DEFENSE if own_link.DEFENSE in link.trained_defenses("digits") else "repobe"
        )


def test_every_setting_has_its_words() -> None:
    for name in (*hyper._STEPS, "snr", "channel", "nested", "pictures", "seed"):
        for part in ("name", "short", "up"):
            assert t(f"tuning.hyper.{name}.{part}")


def test_settings_in_words() -> None:
    assert hyper.describe(WorkbenchSettings()) == t("tuning.train.defaults")
    changed = WorkbenchSettings(symbols=4, snr_low=20.0, nested=True, channel="awgn")
    assert hyper.describe(changed) == "n 4, trained on no fading, short messages, SNR 20–20 dB"


def test_the_recipe_is_toml() -> None:
    assert tomllib.loads(to_toml(WorkbenchSettings()))["task"] == "workbench"


def test_large_links_from_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.results_views.common.grids.load", small_grid)
    app = fine(tuning("large").run())
    for knob in ("snr", "steps", "cem"):
        fine(app.segmented_control(key="large_knob_digits").set_value(knob).run())
        assert t(f"tuning.large.{knob}.name") in app.dataframe[0].value.columns
        assert app.get("plotly_chart")
    assert t("results.empty") not in app.dataframe[0].value[t(large._COLUMNS[0])].tolist()


def test_without_a_grid_it_says_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.results_views.common.grids.load", lambda domain: None)
    app = fine(tuning("large").run())
    assert any("not run" in one.value for one in app.info)
