"""The cipher lab's sections watch, keys and strength, as a visitor uses them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.cipher.strength_count import amount
from pages.widgets.strings import t
from semcom_core.ciphers.confusion import ConfusionKey
from semcom_core.ciphers.keyspace import exhaustive_count, log2_count
from semcom_core.wrong_key import SWEPT, Part
from tests.ui.conftest import TIMEOUT, Open, fine, over

PAGE = Path(__file__).parents[2] / "pages" / "cipher_lab.py"


def lab(section: str) -> AppTest:
    """A visitor in a section of the lab; without the router, which would transmit on the live page first."""
    app = AppTest.from_file(str(PAGE), default_timeout=TIMEOUT)
    app.query_params["section"] = section
    app.session_state["page"] = "cipher_lab"  # as the router notes it
    return app.run()


def charts(app: AppTest) -> dict[str, dict]:
    """Specifications of all Plotly charts, by their key."""
    return {re.sub(r".*-", "", one.proto.id): json.loads(one.proto.spec) for one in app.get("plotly_chart")}


def texts(app: AppTest) -> str:
    return "\n".join(one.value for one in [*app.markdown, *app.caption])


def printed(chart: dict) -> list[int]:
    """The numbers on the cells of a small board, row by row."""
    return [int(text) for text in chart["data"][1]["text"]]


@pytest.mark.slow
def test_the_router_leads_here_and_the_live_picture_comes_along(open_app: Open) -> None:
    app = open_app(sample="round-3")
    app.switch_page("pages/cipher_lab.py").run()
    fine(app.segmented_control(key="watch_content").set_value("picture").run())
    assert t("lab_picture.live") in app.selectbox(key="watch_picture_digits").options
    assert app.query_params["section"] in ("watch", ["watch"])


class TestWatch:
    def test_steps_and_inverses_return_the_plain_map(self) -> None:
        app = fine(lab("watch"))
        assert printed(charts(app)["watch_after"]) == list(range(16))
        assert app.button(key="watch_previous").disabled
        seen = []
        for _ in range(8):
            fine(app.button(key="watch_next").click().run())
            seen.append(printed(charts(app)["watch_after"]))
        assert seen[-1] == list(range(16))
        assert seen[3] != list(range(16))
        assert "16 of 16 cells" in app.success[0].value
        assert app.button(key="watch_next").disabled
        key = app.session_state["watch_keys"][4, 4]
        assert seen[3] == key.permutation().tolist()

    def test_numbers_of_a_cell_stand_in_the_equation(self) -> None:
        app = lab("watch")
        app.text_input(key="watch_text_K_r").set_value("2, 0, 3, 1")
        app.button(key="watch_next").click()
        app.number_input(key="watch_row").set_value(1)
        app.number_input(key="watch_column").set_value(3).run()
        fine(app)
        assert "F_{1}[1,3] = F_{s}[K_r[1],3]" in app.latex[1].value
        assert "F_{s}[0,3]" in app.latex[1].value
        assert "now holds **3**" in texts(app)
        hover = charts(app)["watch_after"]["data"][0]["customdata"]
        assert "[0,3]" in hover[1][3] and "<b>3</b>" in hover[1][3]

    @pytest.mark.parametrize(
        ("field", "text", "reason"),
        [
            ("K_r", "2, 0, 1", "needs 4 numbers"),
            ("K_r", "2, 0, 2, 1", "repeats 2"),
            ("K_c", "0, 1, 2, 4", "holds 4"),
            ("K_c", "0, 1, 2, three", "not a whole number"),
            ("r", "4", "0 to 3"),
            ("c", "", "one whole number"),
        ],
    )
    def test_a_wrong_key_is_refused_and_the_good_one_stays(self, field: str, text: str, reason: str) -> None:
        app = lab("watch")
        good = ConfusionKey(np.array([2, 0, 3, 1]), np.array([1, 3, 0, 2]), 1, 2)
        for name, value in (("K_r", "2, 0, 3, 1"), ("K_c", "1, 3, 0, 2"), ("r", "1"), ("c", "2")):
            app.text_input(key=f"watch_text_{name}").set_value(value)
        fine(app.segmented_control(key="watch_step").set_value(4).run())
        assert printed(charts(app)["watch_after"]) == good.permutation().tolist()
        app.text_input(key=f"watch_text_{field}").set_value(text).run()
        assert not app.exception
        assert reason in app.error[0].value
        assert printed(charts(app)["watch_after"]) == good.permutation().tolist()
        fine(app.button(key="watch_key_back").click().run())
        assert app.text_input(key="watch_text_K_r").value == "2, 0, 3, 1"

    def test_draw_and_order(self) -> None:
        app = lab("watch")
        before = app.text_input(key="watch_text_K_r").value, app.text_input(key="watch_text_K_c").value
        fine(app.button(key="watch_draw").click().run())
        assert (app.text_input(key="watch_text_K_r").value, app.text_input(key="watch_text_K_c").value) != before
        fine(app.button(key="watch_identity").click().run())
        assert app.text_input(key="watch_text_K_c").value == "0, 1, 2, 3"

    def test_another_size_has_its_own_key(self) -> None:
        app = lab("watch")
        app.slider(key="watch_height").set_value(3)
        fine(app.slider(key="watch_width").set_value(5).run())
        assert len(app.text_input(key="watch_text_K_c").value.split(",")) == 5
        assert len(printed(charts(app)["watch_after"])) == 15

    @pytest.mark.parametrize("content", ["features", "picture"])
    def test_features_and_pictures_in_all_views(self, content: str) -> None:
        app = fine(lab("watch").segmented_control(key="watch_content").set_value(content).run())
        assert len(charts(app)["watch_after"]["data"][0]["customdata"]) == 28
        fine(app.segmented_control(key="watch_view").set_value("film").run())
        film = charts(app)["watch_film"]
        assert len(film["frames"]) == 9 and len(film["data"][0]["marker"]["color"]) == 784
        fine(app.segmented_control(key="watch_view").set_value("matrix").run())
        assert sorted(decoded(charts(app)["watch_matrix"]["data"][0]["x"])) == list(range(784))


def decoded(values: object) -> list[int]:
    """Plotly writes long arrays as base64."""
    if isinstance(values, dict):
        import base64

        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()
    return list(values)


class TestKeys:
    def test_both_ends_agree_and_every_message_has_its_own_key(self) -> None:
        app = fine(lab("keys"))
        assert "hold the same secret" in app.success[0].value
        for _ in range(2):
            fine(app.button(key="keys_next").click().run())
        rows = re.findall(r"^\| \d .*$", texts(app), re.M)
        prints = [re.findall(r"`(\w{4} \w{4})`", row) for row in rows]
        assert len(rows) == 3
        assert all(sender == receiver for sender, receiver in prints)
        assert len({sender for sender, _ in prints}) == 3
        assert not app.warning

    def test_man_in_the_middle_reads_until_fingerprints_are_compared(self) -> None:
        app = lab("keys").toggle(key="keys_attacked").set_value(True).run()
        assert not app.exception
        assert "reads everything" in app.error[0].value
        assert "✓ the picture" in next(one.value for one in app.caption if "Attacker reads" in one.value)
        app.toggle(key="keys_compare").set_value(True).run()
        fine(app)
        assert "Caught" in app.success[0].value
        assert texts(app).count("They differ") == 2

    def test_fingerprints_match_when_nobody_interferes(self) -> None:
        app = fine(lab("keys").toggle(key="keys_compare").set_value(True).run())
        assert texts(app).count("They are the same") == 2

    def test_a_pre_shared_secret_stops_him_unless_he_guesses_it(self) -> None:
        app = lab("keys").toggle(key="keys_attacked").set_value(True).run()
        app.text_input(key="keys_pre_shared").set_value("blue cat").run()
        fine(app)
        assert "Stopped" in app.success[0].value
        assert "✗ not the picture" in next(one.value for one in app.caption if "Attacker reads" in one.value)
        app.text_input(key="keys_guess").set_value("blue cat").run()
        assert "guessed" in app.error[0].value
        assert "blue" not in str(dict(app.query_params)) + texts(app)

    def test_a_repeated_nonce_warns_and_is_read_without_a_key(self) -> None:
        app = fine(lab("keys").button(key="keys_repeat").click().run())
        assert "nonce was used twice" in app.warning[0].value
        assert "784 of 784 cells are right, without any key" in texts(app)
        fine(app.button(key="keys_next").click().run())
        assert len(app.warning) == 1
        fine(app.button(key="keys_clear").click().run())
        assert not app.warning

    def test_secrets_are_shown_for_demo_parties_only(self) -> None:
        app = lab("keys")
        assert "| hidden |" not in texts(app)
        fine(app.segmented_control(key="keys_kind").set_value("secret").run())
        for party in app.session_state["keys_secret_parties"]:
            assert party.private[:4].hex() not in texts(app) + str(charts(app))
        assert "| hidden | hidden |" in texts(app)
        assert "K_r =" not in texts(app)
        first = texts(app)
        fine(app.button(key="keys_again").click().run())
        assert texts(app) != first
        assert set(app.query_params) <= {"section"}

    def test_uniform_passes_and_naive_fails(self) -> None:
        app = fine(lab("keys"))
        verdicts = {one.label: one.delta for one in app.metric}
        assert verdicts[t("keys.uniform.fair")] == t("keys.uniform.passed")
        assert verdicts[t("keys.uniform.naive")] == t("keys.uniform.failed")
        counts = charts(app)["keys_uniform"]["data"][0]["y"]
        assert sum(decoded(counts)) == 4800


class TestStrength:
    def test_counts_equal_the_exhaustive_ones(self) -> None:
        app = fine(lab("strength"))
        values = {one.label: one.value for one in app.metric}
        assert values[t("strength.claimed")] == "9,216"
        assert values[t("strength.true")] == values[t("strength.tried")] == f"{exhaustive_count(4, 4):,}" == "576"
        app.slider(key="strength_height").set_value(2)
        app.slider(key="strength_width").set_value(3).run()
        values = {one.label: one.value for one in fine(app).metric}
        assert values[t("strength.true")] == values[t("strength.tried")] == "24"
        app.slider(key="strength_height").set_value(28)
        app.slider(key="strength_width").set_value(28).run()
        values = {one.label: one.value for one in fine(app).metric}
        assert "2^195.9" in values[t("strength.true")]
        assert values[t("strength.tried")] == t("strength.too_many")

    def test_compensation_is_the_same_cipher(self) -> None:
        app = fine(lab("strength"))
        assert t("argument.same") in texts(app)
        assert "another cipher" in texts(app)
        app.selectbox(key="argument_size").set_value("3 × 4").run()
        assert t("argument.same") in texts(fine(app))  # c is always absorbed
        fine(app.segmented_control(key="argument_offset").set_value("r").run())
        assert t("argument.same") not in texts(app)
        assert "do not divide the rows" in app.info[0].value

    def test_every_part_can_be_wrong_and_a_shift_made_up_for(self) -> None:
        app = fine(lab("strength"))
        for part in Part:
            fine(app.segmented_control(key="wrong_part").set_value(part).run())
            assert ("Largest difference" in texts(app)) == part.shifts
            if part.shifts:
                assert "right key's: **0**" in texts(app)

    @pytest.mark.slow
    def test_sweep_runs_and_can_be_cancelled(self) -> None:
        app = fine(lab("strength").button(key="wrong_start").click().run())
        for _ in range(1000):
            if app.session_state["experiments"]["wrong"].points:
                break
            fine(app.run())
        assert 1 <= len(app.session_state["experiments"]["wrong"].points) < len(SWEPT[False])
        app.button(key="wrong_cancel").click()
        over(app, "wrong")
        assert "Stopped after" in texts(app)
        first = app.session_state["experiments"]["wrong"].points[0]
        assert (first.amount, first.pictures, first.cells) == (0, 10, 1.0)
        assert {"wrong_accuracy", "wrong_psnr"} <= charts(app).keys()
        fine(app.segmented_control(key="wrong_part").set_value(Part.C).run())
        assert "wrong" not in app.session_state["experiments"]


def test_every_picture_and_chart_has_an_alternative_text() -> None:
    for section in ("watch", "keys", "strength"):
        app = lab(section)
        pictures = [picture for one in app.image for picture in one.proto.imgs]
        assert all(picture.alt for picture in pictures)
        assert all(one.proto.alt for one in app.get("plotly_chart"))


def test_long_counts_read_as_powers() -> None:
    assert amount(9216) == "9,216"
    assert amount(10**12) == "1.0 · 10¹² ≈ 2^39.9"
    assert log2_count(2**500) == 500
