"""The story: three screens that say what the data say, whatever the data say."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.story_views import scene, words
from pages.widgets.strings import names, t
from semcom_core.evaluation.told import Attack, Receiver, Share, Source, Told
from tests.ui.conftest import TIMEOUT, fine, png, upload

PAGES = Path(__file__).parents[2] / "pages"
SOURCE = Source("made-up pictures", "no command", (("base", "ab" * 32),))


def measured(
    defense: str, receiver: float | None, *attacks: tuple[str, float, float, float], uses: int | None = 1568
) -> Told:
    """Made-up measurements: attacks as (name, own share, judge's share, p)."""
    made = [
        Attack(name, Share(own, (own, own), p), Share(judged, (judged, judged), p), 20.0, 500, None, SOURCE)
        for name, own, judged, p in attacks
    ]
    ours = None if receiver is None else Receiver(Share(receiver, (receiver, receiver)), 2000, SOURCE, 30.0, uses)
    made.sort(key=lambda one: -one.best.value)
    return Told("digits", defense, "awgn", 10.0, ours, tuple(made))


BARE = measured("none", 0.99, ("adaptive", 0.98, 0.98, 0.0))
CIPHER = measured("repobe", 0.99, ("adaptive", 0.97, 0.2, 0.0), ("naive", 0.15, 0.2, 0.0))
ROTATION = measured("rotation", 0.99, ("adaptive", 0.11, 0.10, 0.8), ("naive", 0.09, 0.10, 0.9))
GUESSING = ("adaptive", 0.10, 0.10, 0.9)


def story(screen: str | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / "story.py"), default_timeout=TIMEOUT)
    app.session_state["page"] = "story"  # as the router notes it
    for name, value in (query | ({} if screen is None else {"screen": screen})).items():
        app.query_params[name] = value
    return app


def read(app: AppTest) -> str:
    return "\n".join(one.value for one in (*app.markdown, *app.caption))


def opening(key: str) -> str:
    """A sentence of the catalogue up to its first placeholder."""
    return t(key).partition("{")[0]


class TestSentences:
    """Altered results, altered sentences."""

    def test_shuffling(self) -> None:
        part = measured("repobe", 0.99, ("adaptive", 0.6, 0.55, 0.0))
        closed = measured("repobe", 0.99, GUESSING)
        for one, key in ((CIPHER, "all"), (part, "part"), (closed, "nothing"), (measured("repobe", 0.99), "not_run")):
            said = words.broken(one)
            assert said.startswith(opening(f"story.cipher.{key}"))
            if one.strongest:
                assert f"{100 * one.strongest.best.value:.1f}".removesuffix(".0") + " of 100" in said
        assert opening("story.cipher_picture.spoiled") in words.broken(CIPHER)
        assert opening("story.cipher_picture.open") in words.broken(part)
        assert "picture" not in words.broken(closed).replace("pictures", "")

    def test_the_repair(self) -> None:
        assert words.repaired(ROTATION).startswith(opening("story.repair.nothing"))
        assert "11 of 100" in words.repaired(ROTATION) and "none of 2 attacks" in words.repaired(ROTATION)
        leaking = measured("rotation", 0.99, ("adaptive", 0.11, 0.10, 0.8), ("inversion", 0.3, 0.1, 0.0))
        assert words.repaired(leaking).startswith(opening("story.repair.part"))
        assert "guessing" not in words.repaired(measured("rotation", 0.99))

    def test_the_promise(self) -> None:
        assert words.promise(CIPHER).startswith(opening("story.promise.kept"))
        open_ = measured("repobe", 0.99, ("naive", 0.9, 0.9, 0.0))
        assert words.promise(open_).startswith(opening("story.promise.broken"))
        assert words.promise(measured("repobe", 0.99)) == t("story.promise.not_run")

    def test_a_small_share_above_guessing_by_luck_is_no_leak(self) -> None:
        lucky = measured("rotation", 0.99, ("adaptive", 0.13, 0.12, 0.2))
        assert words.reach(lucky) == "nothing"
        assert words.reach(measured("rotation", 0.99, ("adaptive", 0.13, 0.12, 0.001))) == "part"

    @pytest.mark.parametrize(
        ("cipher", "rotation", "key"),
        [
            (CIPHER, ROTATION, "repair"),
            (CIPHER, measured("rotation", 0.9, GUESSING), "costly"),
            (measured("repobe", 0.99, GUESSING), ROTATION, "cipher_holds"),
            (CIPHER, measured("rotation", 0.99, ("adaptive", 0.5, 0.5, 0.0)), "neither"),
            (
                measured("repobe", 0.99, GUESSING),
                measured("rotation", 0.99, ("adaptive", 0.5, 0.5, 0.0)),
                "cipher_only",
            ),
            (CIPHER, measured("rotation", 0.99), "not_run"),
            (CIPHER, measured("rotation", None, GUESSING), "not_run"),
        ],
    )
    def test_the_decision(self, cipher: Told, rotation: Told, key: str) -> None:
        assert words.decision(BARE, cipher, rotation).startswith(opening(f"story.decide.{key}"))

    def test_the_costs(self) -> None:
        assert words.accuracy_cost(BARE, ROTATION).startswith(opening("story.cost.accuracy_same"))
        worse = words.accuracy_cost(BARE, measured("rotation", 0.95, GUESSING))
        assert worse.startswith(opening("story.cost.accuracy_less")) and "4 of 100" in worse
        assert words.air_cost(BARE, ROTATION).startswith(opening("story.cost.uses_same"))
        assert "3,136" in words.air_cost(BARE, measured("rotation", 0.99, GUESSING, uses=3136))
        assert words.air_cost(BARE, measured("rotation", 0.99, uses=None)) == t("story.cost.uses_not_run")

    def test_every_sentence_can_be_said(self) -> None:
        for kind in names("story.bare"):
            assert kind in ("all", "part", "nothing", "not_run")
        weak = measured("none", 0.99, GUESSING)
        assert words.overheard(weak).startswith(opening("story.bare.nothing"))
        assert words.link_works(measured("none", None)) == t("story.receiver.not_run")


class TestScreens:
    @pytest.mark.parametrize("screen", ["1", "2", "3"])
    def test_each_has_an_address(self, screen: str) -> None:
        app = fine(story(screen).run())
        assert t(f"story.screen.{screen}.title") in read(app)
        assert app.button(key="story_back").disabled == (screen == "1")
        assert app.button(key="story_next").disabled == (screen == "3")

    @pytest.mark.parametrize("screen", ["0", "4", "²", "x", "-1", "1" * 400])
    def test_a_wrong_address_opens_the_first(self, screen: str) -> None:
        assert t("story.screen.1.title") in read(fine(story(screen).run()))

    def test_next_and_back(self) -> None:
        app = fine(story().run())
        fine(app.button(key="story_next").click().run())
        assert t("story.screen.2.title") in read(app)
        assert app.query_params["screen"] == "2"
        fine(app.button(key="story_back").click().run())
        assert t("story.screen.1.title") in read(app)

    def test_presentation_hides_what_is_not_needed(self) -> None:
        app = fine(story("2", view="present").run())
        assert not app.get("segmented_control") and not app.get("button_group")
        fine(app.button(key="story_view").click().run())
        assert "view" not in app.query_params
        assert app.query_params["screen"] == "2"

    def test_every_picture_has_an_alternative_text(self) -> None:
        for screen in ("1", "2"):
            pictures = [picture for one in fine(story(screen).run()).image for picture in one.proto.imgs]
            assert len(pictures) == 3
            assert all(picture.alt for picture in pictures)

    def test_the_visitors_own_picture_comes_along(
        self, open_app: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = fine(upload(open_app(), png("4")))
        own, sent, real = app.session_state["kept_pictures"]["upload", "digits"], [], scene.stages.open_session

        def spied(chosen: object, settings: object) -> object:
            sent.append(chosen)
            return real(chosen, settings)

        monkeypatch.setattr(scene.stages, "open_session", spied)
        fine(app.switch_page(str(PAGES / "story.py")).run())
        assert t("story.screen.1.title") in read(app)
        assert sent and all(one is own for one in sent)

    def test_the_numbers_are_the_measured_ones(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = {"none": BARE, "noise": BARE, "repobe": CIPHER, "rotation": ROTATION}
        monkeypatch.setattr(scene, "told", lambda domain, defense: made[defense])
        app = fine(story("2").run())
        assert "97 of 100" in read(app) and "11 of 100" in read(app)
        leaking = dataclasses.replace(ROTATION, attacks=measured("rotation", 0.9, ("ridge", 0.42, 0.1, 0.0)).attacks)
        made["rotation"] = leaking
        app = fine(story("2").run())
        assert opening("story.repair.part") in read(app) and "42 of 100" in read(app)

    def test_the_chart_is_of_these_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = {"none": BARE, "noise": measured("noise", 0.98), "repobe": CIPHER, "rotation": ROTATION}
        monkeypatch.setattr(scene, "told", lambda domain, defense: made[defense])
        app = fine(story("3").run())
        spec = json.loads(app.get("plotly_chart")[0].proto.spec)
        bars = {one["name"]: list(one["x"]) for one in spec["data"]}
        assert bars[t("story.chart.receiver")] == pytest.approx([99, 98, 99, 99])
        assert bars[t("story.chart.attacker")] == pytest.approx([98, 0, 97, 11])
        texts = [one["text"] for one in spec["layout"]["annotations"]]
        assert t("story.chart.missing") in texts and "97" in texts
        assert t("story.decide.repair") in read(app)


def test_the_story_speaks_without_jargon() -> None:
    """No technical term and no formula in what the screens say (where the numbers come from may name the files)."""
    spoken = {key: value for key, value in _sentences("story") if not key.startswith("story.sources")}
    jargon = (
        r"\b(SNR|dB|PSNR|SSIM|AWGN|Rayleigh|cipher|ciphertext|permutation|encoder|decoder|MSE|epsilon|sigma|"
        r"channel use|symbol|features?|accuracy of|eavesdropper|plaintext)\b|\$|σ|ε"
    )
    for key, value in spoken.items():
        found = re.search(jargon, value)
        assert not found, f"{key}: {found[0]}"


def _sentences(table: str) -> list[tuple[str, str]]:
    found = []
    for name in names(table):
        key = f"{table}.{name}"
        try:
            found.append((key, t(key)))
        except KeyError:
            found += _sentences(key)
    return found


_CONTROLS = {
    "slider", "select_slider", "selectbox", "multiselect", "radio", "toggle", "checkbox", "segmented_control", "pills",
    "number_input", "text_input", "text_area", "file_uploader", "camera_input",
}  # fmt: skip


def test_every_control_has_help() -> None:
    """A control whose label is hidden shows no help; all others have some."""
    without = []
    for path in sorted(PAGES.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if not (
                isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _CONTROLS
            ):
                continue
            given = {one.arg: one.value for one in call.keywords}
            hidden = isinstance(given.get("label_visibility"), ast.Constant)
            if "help" not in given and not hidden:
                without.append(f"{path.relative_to(PAGES)}:{call.lineno}")
    assert not without
