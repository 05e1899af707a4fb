"""The cipher lab's sections break, repair and tamper as a visitor uses them."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.widgets import strings
from semcom_core.job_queue import End
from tests.ui.conftest import APP, TIMEOUT, fine, over

ATTACKS = ("known", "chosen", "ciphertext", "learned", "any_key", "naive")


def lab(section: str, **query: str) -> AppTest:
    """A visitor who came by a link to one section."""
    app = AppTest.from_file(str(APP), default_timeout=TIMEOUT)
    app.run()  # AppTest knows the pages only after a first run
    for name, value in {"section": section, **query}.items():
        app.query_params[name] = value
    return fine(app.switch_page("pages/cipher_lab.py").run())


def metrics(app: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in app.metric}


def finish(app: AppTest, name: str, most: int = 400) -> AppTest:
    """Start an experiment and let it work to its end."""
    app.button(key=f"{name}_start").click().run()
    for _ in range(most):
        if not app.session_state["experiments"][name].running:
            return fine(app)
        fine(app.run())  # the browser would ask by itself
    raise TimeoutError(name)


def described(app: AppTest) -> None:
    """Every picture has an alternative text."""
    pictures = [picture for one in app.image for picture in one.proto.imgs]
    assert all(picture.alt for picture in pictures)


class TestBreakIt:
    def test_one_known_picture_opens_the_next_message(self) -> None:
        app = lab("break")
        assert metrics(app)[strings.t("break_it.known.entries")] == "56 / 56"
        assert sum("reads 7 ✓" in one.value for one in app.caption) >= 2  # attacker and key holder
        described(app)

    def test_every_attack_opens_with_threat_model_and_needs(self) -> None:
        app = lab("break", attack="naive")
        for attack in ATTACKS:
            fine(app.segmented_control(key="lab_attack").set_value(attack).run())
            assert any(one.value == strings.t(f"break_it.{attack}.title") for one in app.subheader)
            assert any("**Has**" in one.value for one in app.markdown)
            assert any(strings.t("lab.not_run") in one.value for one in app.caption) or app.dataframe
            described(app)

    def test_chosen_maps_beside_the_bound(self) -> None:
        app = lab("break", attack="chosen")
        shown = metrics(app)
        assert shown[strings.t("break_it.chosen.bound", levels=16)] == "3 planes"
        assert shown[strings.t("break_it.known.positions")] == "100.0%"
        finish(app, "chosen")
        assert len(app.session_state["experiments"]["chosen"].points) == 6

    def test_an_experiment_can_be_cancelled(self) -> None:
        app = lab("break", attack="ciphertext")
        app.button(key="ciphertext_start").click().run()
        app.button(key="ciphertext_cancel").click()
        over(app, "ciphertext")
        assert app.session_state["experiments"]["ciphertext"].ticket.end is End.CANCELLED

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("attack", "name"),
        [("known", "known"), ("ciphertext", "ciphertext"), ("learned", "learned"), ("any_key", "any_key")],
    )
    def test_experiments_run_to_their_end(self, attack: str, name: str) -> None:
        app = finish(lab("break", attack=attack), name)
        run = app.session_state["experiments"][name]
        assert len(run.points) == run.total


class TestRepairIt:
    @pytest.mark.parametrize("form", ["fast", "exact"])
    def test_receiver_is_the_same_and_the_norm_is_kept(self, form: str) -> None:
        app = lab("repair")
        if form == "exact":
            fine(app.segmented_control(key="rotation_form").set_value(form).run())
        assert metrics(app)[strings.t("repair_it.norm")] == "39.5980"
        table = app.dataframe[0].value
        # Decoders in bf16, where the processor has hardware for it, turn a last bit into up to a grey level.
        assert (table[strings.t("repair_it.receiver.difference")].astype(float) <= 1 / 255).all()
        assert (table[strings.t("repair_it.receiver.answer")] == "yes").all()

    def test_a_new_key_turns_differently(self) -> None:
        app = lab("repair")
        label = strings.t("repair_it.ks_after")
        before = metrics(app)[label]
        fine(app.button(key="rotation_new").click().run())
        assert metrics(app)[label] != before

    def test_a_fixed_rotation_falls(self) -> None:
        app = finish(lab("repair"), "fixed_synthetic")
        errors = {one.pairs: one.error for one in app.session_state["experiments"]["fixed_synthetic"].points}
        assert errors[1] > 0.9
        assert errors[256] < 0.05


class TestTamper:
    def test_pulling_a_plain_message_changes_the_reading(self) -> None:
        app = lab("tamper")
        assert any("attacker's target" in one.value for one in app.markdown)
        fine(app.segmented_control(key="tamper_cipher").set_value("rotation_fast").run())
        described(app)

    def test_the_pilots_are_counted_and_notice(self) -> None:
        app = lab("tamper")
        assert metrics(app)[strings.t("tamper_it.pilots.uses")] == "1568 + 64"
        fine(app.select_slider(key="pilot_strength_dense").set_value(0.0).run())
        quiet = float(metrics(app)[strings.t("tamper_it.pilots.residual")])
        fine(app.select_slider(key="pilot_strength_dense").set_value(0.5).run())
        assert float(metrics(app)[strings.t("tamper_it.pilots.residual")]) > 2 * quiet

    @pytest.mark.slow
    def test_roc(self) -> None:
        app = finish(lab("tamper"), "tamper_roc")
        points = {(one.kind, one.strength): one for one in app.session_state["experiments"]["tamper_roc"].points}
        assert points["dense", 0.5].area > 0.99
        assert points["sparse_rotated", 16.0].alarms > points["sparse", 16.0].alarms
