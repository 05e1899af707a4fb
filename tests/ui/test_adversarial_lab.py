"""The adversarial lab as a visitor uses it; with the weights that are there, and made-up results."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.adversarial import controls
from pages.adversarial.attack import is_quick
from pages.widgets.strings import t
from semcom_core import link, manifest
from semcom_core.domains import DOMAINS
from semcom_core.evaluation import adversarial
from semcom_core.evaluation.adversarial import PURIFIED
from semcom_core.job_queue import End
from semcom_core.lab.flip import TRIES
from semcom_core.lab.manipulated import ATTACKS, Setup
from semcom_core.manipulation import PLACEMENTS
from semcom_core.manipulation.receivers import METHODS, RECEIVERS, trained
from tests.adversarial_results import results
from tests.ui.conftest import TIMEOUT, fine, over, png, upload

PAGES = Path(__file__).parents[2] / "pages"
SECTIONS = ("attack", "flip", "space", "many")


def page(name: str, section: str, **query: str) -> AppTest:
    """A visitor in a section of a page; without the router, which would transmit on the live page first."""
    app = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=TIMEOUT)
    for key, value in {"section": section, **query}.items():
        app.query_params[key] = value
    app.session_state["page"] = name  # as the router notes it
    return app


def lab(section: str = "attack", **query: str) -> AppTest:
    return page("adversarial_lab", section, **query)


def rows(app: AppTest) -> list[str]:
    """Rows of receivers, as HTML."""
    return [one.proto.body for one in app.get("html") if 'class="inv adv"' in one.proto.body]


def finish(app: AppTest, name: str, points: int | None = None) -> AppTest:
    """Let an experiment come to its end, or to so many results."""
    for _ in range(1000):
        run = app.session_state["experiments"][name]
        if not run.running or (points is not None and len(run.points) >= points):
            return fine(app.run())
        fine(app.run())
    raise AssertionError("it did not end")


needs_weights = pytest.mark.skipif(
    "none" not in link.trained_defenses("digits"), reason="the weights of the digits' link are not there"
)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversarial, "read", results)


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adversarial, "read", lambda domain: None)


@needs_weights
@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_of_every_domain(section: str, domain: str) -> None:
    if "none" not in link.trained_defenses(domain):
        pytest.skip(f"{domain} is not trained")
    app = fine(lab(section, domain=domain).run())
    for name in RECEIVERS:
        if name not in trained(domain):
            said = "\n".join([*rows(app), *(one.value for one in app.info)])
            assert re.search(
                f"{re.escape(t(f'adversarial.receiver.{name}.name'))}.*ot trained in this version", said
            ) or ("Not trained in this version" in said)


@needs_weights
class TestAttack:
    def test_the_first_view_shows_a_picture_that_flips(self) -> None:
        app = fine(lab().run())
        shown = rows(app)
        assert len(shown) == len(RECEIVERS)
        pictures = re.findall(r"<img [^>]*>", shown[0])
        assert len(pictures) == 3 and all(re.search(r'alt="[^"]+"', one) for one in pictures)
        assert "✓ right" in shown[0] and "✗ wrong" in shown[0] and "magnified ×" in shown[0]
        assert any("becomes" in one.value for one in app.markdown)

    def test_no_strength_no_change(self) -> None:
        app = lab()
        app.session_state["adv_eps_digits"] = 0.0
        shown = rows(fine(app.run()))[0]
        assert "✗" not in shown and "or 0.0 of 255" in shown

    def test_the_preset_is_the_paper_s(self) -> None:
        app = lab().run()
        fine(app.button(key="adv_preset").click().run())
        state = app.session_state
        assert (state["adv_attack"], state["adv_eps_digits"], state["adv_steps_pgd"]) == ("pgd", 0.016, 5)
        assert state["adv_share_pgd"] * state["adv_eps_digits"] == pytest.approx(0.0032)
        assert is_quick(Setup())

    def test_on_the_air_the_picture_is_untouched(self) -> None:
        app = lab()
        app.session_state["adv_placement"] = "symbols"
        app.session_state["adv_power"] = -6.0
        shown = rows(fine(app.run()))[0]
        assert t("adversarial.cell.after_air") in shown and "feature maps" in shown

    def test_squares_are_of_pixels_only(self) -> None:
        app = lab()
        app.session_state["adv_placement"] = "symbols"
        app.session_state["adv_attack"] = "square"
        app.run()
        fine(app)
        assert app.session_state["adv_placement"] == "native"
        assert "experiments" not in app.session_state or "manipulate" not in app.session_state["experiments"]

    def test_a_slow_attack_waits_shows_progress_and_can_be_stopped(self) -> None:
        app = lab()
        app.session_state["adv_attack"] = "square"
        app.session_state["adv_steps_square"] = 1000
        fine(app.run())
        app.button(key="manipulate_start").click().run()
        fine(app.run())
        run = app.session_state["experiments"]["manipulate"]
        while run.making is None:
            fine(app.run())
        assert run.running and 0 < run.making.done < run.making.all
        app.button(key="manipulate_cancel").click()
        over(app, "manipulate")
        assert run.ticket.end is End.CANCELLED

    @pytest.mark.skipif("digits/diffsem" not in manifest.names(), reason="the purifier's weights are not there")
    def test_the_purifier_is_judged_by_who_knows_of_it(self) -> None:
        app = lab()
        app.session_state["adv_attack"] = "fgsm"
        app.session_state["adv_purify"] = True
        fine(app.run())
        app.button(key="manipulate_start").click().run()
        finish(app, "manipulate")
        shown = rows(app)[0]
        for name in ("clean", "unaware", "aware"):
            assert t(f"adversarial.cell.purified_{name}") in shown

    def test_an_upload_has_no_label_and_rubbish_is_refused_in_words(self) -> None:
        app = fine(upload(lab().run(), png()))
        assert any("no label" in one.value for one in app.caption)
        app = upload(lab().run(), b"no picture at all")
        assert not app.exception and app.error
        assert len(rows(app)) == len(RECEIVERS)  # the sample stays

    def test_an_unknown_section_is_the_first(self) -> None:
        assert rows(fine(lab("nonsense").run()))


@pytest.mark.slow
@needs_weights
def test_the_flip_point_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.adversarial import flip

    monkeypatch.setattr(flip, "_STEPS", 1)
    app = lab("flip").run()
    app.button(key="flip_start").click().run()
    finish(app, "flip", TRIES)
    assert len(app.session_state["experiments"]["flip"].points) >= TRIES
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt
    fine(app.segmented_control(key="flip_goal").set_value("one").run())
    assert "flip" not in app.session_state["experiments"]  # another goal, another search
    assert app.selectbox(key="flip_target").value != 7


@pytest.mark.slow
@needs_weights
def test_the_feature_space_is_computed() -> None:
    app = lab("space", domain="digits")
    app.run()
    app.button(key="space_start").click().run()
    finish(app, "space", 1)
    assert app.get("plotly_chart")[0].proto.alt
    assert any("Right as they are" in one.value for one in app.caption)


@needs_weights
class TestMany:
    def test_without_results_it_says_not_run(self, nothing: None) -> None:
        assert any("Not run" in one.value for one in fine(lab("many").run()).info)

    def test_curves_and_tables(self, made_up: None) -> None:
        app = fine(lab("many").run())
        assert any(t("adversarial.many.none") == one.value for one in app.info)  # the weaker placement comes first
        fine(app.segmented_control(key="many_placement").set_value("native").run())
        charts = app.get("plotly_chart")
        assert len(charts) == 2 and all(one.proto.alt for one in charts)
        base = json.loads(charts[0].proto.spec)["data"][0]
        said = {place: (value, note) for (place, note), value in zip(base["customdata"], base["y"], strict=True)}
        assert said[0.064][0] == 0.40 and "APGD" in said[0.064][1] and "20 steps" in said[0.064][1]
        assert said[0.032][0] == 0.55 and "APGD" not in said[0.032][1] and said[0.0][1] == ""
        strong, purified = (one.value for one in app.dataframe)
        assert "APGD" in strong.to_string()
        told = purified.iloc[0]
        assert told[t("adversarial.column.aware")].startswith("0.3")
        assert told[t("adversarial.column.unaware")].startswith("0.9")  # beside it, never alone


class TestResults:
    """Fig. 4 on the page of results."""

    def chart(self, app: AppTest) -> dict[str, Any]:
        return json.loads(app.get("plotly_chart")[0].proto.spec)

    def test_reported_values_stand_alone_where_nothing_was_run(self, nothing: None) -> None:
        for figure, count in (("4a", 3), ("4b", 4), ("4c", 3), ("4d", 3)):
            app = page("results", "robust")
            app.session_state["results_robust"] = figure
            fine(app.run())
            assert any("not run" in one.value for one in app.info)
            traces = self.chart(app)["data"]
            assert len(traces) == count
            assert all("-open" in one["marker"]["symbol"] and one["mode"] == "markers" for one in traces)

    def test_ours_solid_theirs_hollow_and_the_finding_is_computed(self, made_up: None) -> None:
        app = page("results", "robust")
        assert fine(app.run()).segmented_control(key="results_place").value == "enlarged"  # the weaker one first
        app.session_state["results_place"] = "native"
        fine(app.run())
        traces = {one["name"]: one for one in self.chart(app)["data"]}
        ours = traces[t("results.robust.attacked", name="RepObE")]
        assert ours["mode"] == "lines+markers" and ours["line"]["dash"] == "solid"
        theirs = traces[t("results.robust.reported_attacked", name="RepObE")]
        assert theirs["marker"]["symbol"].endswith("-open") and theirs["marker"]["color"] == ours["line"]["color"]
        words = "\n".join(one.value for one in app.markdown)
        assert "**falls short**" in words and "**confirmed**" in words
        assert "not run" in app.dataframe[0].value.to_string()


@pytest.mark.parametrize("name", [*METHODS, PURIFIED])
def test_every_receiver_has_its_words(name: str) -> None:
    assert t(f"adversarial.receiver.{name}.name") and t(f"adversarial.receiver.{name}.plain")


def test_every_attack_and_place_has_its_words() -> None:
    for name in ATTACKS:
        assert t(f"adversarial.kind.{name}.plain") and controls.threat_sentence(name)
    for place in PLACEMENTS:
        assert t(f"adversarial.place.{place}.plain")


@needs_weights
def test_a_weak_attack_on_a_purifier_is_called_weak() -> None:
    if "digits/diffsem" not in manifest.names():
        pytest.skip("the purifier's weights are not there")
    app = fine(lab().run())
    fine(app.toggle(key="adv_purify").set_value(True).run())
    assert app.session_state["adv_steps_pgd"] == app.session_state["adv_eot_pgd"] == 10
    assert not app.warning
    fine(app.select_slider(key="adv_eot_pgd").set_value(1).run())
    assert app.warning
