"""The live link as a visitor uses it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image, ImageChops, ImageStat
from streamlit.testing.v1 import AppTest

from pages.widgets import gallery, strings, take_away
from semcom_core import link, weights
from semcom_core.attacks import EAVESDROPPERS
from semcom_core.channels import CHANNELS
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.defenses import DEFENSES
from semcom_core.domains import DOMAINS
from semcom_core.samples import samples
from tests.ui.conftest import Open, fine, png, summary, upload

PAGES = Path(__file__).parents[2] / "pages"
LINKS = [(domain, name) for domain in DOMAINS for name, one in DEFENSES.items() if one.available(domain)]


def numbers(app: AppTest) -> dict[str, object]:
    """The last transmission as the page offers it for download."""
    found = app.session_state["last_numbers"]
    return json.loads(found)


@pytest.fixture(autouse=True)
def _numbers_of_each_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the download would hold: AppTest shows the button but not its content."""
    shown = take_away.take_away

    def keep(session, transmission, facts) -> None:
        st.session_state["last_numbers"] = take_away.numbers(session, transmission, facts)
        shown(session, transmission, facts)

    monkeypatch.setattr(take_away, "take_away", keep)


class TestFirstSight:
    def test_default_sample_is_already_transmitted(self, open_app: Open) -> None:
        app = fine(open_app())
        assert re.match(r"The receiver read 7", summary(app))
        assert sum('<table class="class-bars"' in one.proto.body for one in app.get("html")) == 3
        assert {"PSNR", "SSIM"} <= {one.label for one in app.metric}
        assert not app.query_params  # a plain address stands for all defaults

    def test_photographs(self, open_app: Open) -> None:
        app = fine(open_app(domain="photographs"))
        assert summary(app)

    def test_every_picture_has_an_alternative_text(self, open_app: Open) -> None:
        app = open_app()
        pictures = [picture for one in app.image for picture in one.proto.imgs]
        assert len(pictures) >= 7
        assert all(picture.alt for picture in pictures)


class TestControls:
    @pytest.mark.slow
    @pytest.mark.parametrize(("domain", "defense"), LINKS)
    def test_every_combination_runs(self, open_app: Open, domain: str, defense: str) -> None:
        if defense not in link.trained_defenses(domain):
            pytest.skip(f"{domain} has no weights for {defense}")
        app = fine(open_app(domain=domain, defense=defense))
        assert numbers(app)["settings"]["defense"] == defense
        policies = list(KeyPolicy) if DEFENSES[defense].keyed else [None]
        for policy in policies:
            if policy is not None:
                app.segmented_control(key="policy").set_value(str(policy))
            for channel in CHANNELS if domain == "digits" else ("awgn", "rayleigh"):
                fine(app.selectbox(key="channel").set_value(channel).run())
                assert summary(app)
        attackers = link.trained_attackers(domain, defense)
        assert "adaptive" in attackers
        for attacker in attackers:
            fine(app.selectbox(key="attacker").set_value(attacker).run())
            assert numbers(app)["attacker"] == attacker

    def test_a_protection_that_the_next_domain_lacks_falls_back(self, open_app: Open) -> None:
        app = fine(open_app(defense="shuffling"))
        fine(app.segmented_control(key="domain").set_value("objects").run())
        assert numbers(app)["settings"]["defense"] == "repobe"

    def test_noise_level_only_where_it_means_something(self, open_app: Open) -> None:
        keys = {one.key for one in open_app(defense="noise").slider}
        assert "noise" in keys
        assert "noise" not in {one.key for one in open_app().slider}

    def test_attacker_follows_the_policy(self, open_app: Open) -> None:
        app = open_app()
        assert numbers(app)["attacker"] == "adaptive"
        app.segmented_control(key="policy").set_value("fixed").run()
        assert numbers(app)["attacker"] == "known_plaintext"

    def test_new_noise_changes_the_noise_and_new_key_does_not(self, open_app: Open) -> None:
        app = open_app()
        first = numbers(app)
        app.button(key="new_key").click().run()
        second = numbers(app)
        assert second["settings"]["message"] == 1
        # Under AWGN a permutation moves the noise with the symbols: a new key is another draw for
        # the picture, but the same samples were added on the air.
        assert second["settings"]["seed"] == first["settings"]["seed"]
        app.button(key="new_noise").click().run()
        third = numbers(app)
        assert third["settings"]["seed"] == 1
        assert third["receiver"]["psnr_db"] != second["receiver"]["psnr_db"]

    def test_fixed_key_cannot_be_renewed(self, open_app: Open) -> None:
        assert open_app(policy="fixed").button(key="new_key").disabled
        assert open_app(defense="none").button(key="new_key").disabled
        assert not open_app(policy="session").button(key="new_key").disabled

    def test_a_rerun_is_no_new_message(self, open_app: Open) -> None:
        app = open_app()
        before = numbers(app)
        assert numbers(app.run()) == before

    def test_secret_keys_differ_between_sessions_and_say_so(self, open_app: Open) -> None:
        one, other = (open_app().segmented_control(key="key_mode").set_value("secret").run() for _ in range(2))
        prints = [next(m.value for m in app.markdown if "permutation:" in m.value) for app in (one, other)]
        assert prints[0] != prints[1]
        assert any("secret key cannot be shared" in caption.value for caption in one.caption)
        assert not one.query_params

    def test_foreign_sample_is_named_as_such(self, open_app: Open) -> None:
        foreign = next(one for one in samples("digits") if one.foreign)
        app = fine(open_app(sample=foreign.key))
        assert "none of the ten" in " ".join(one.value for one in app.markdown)


LINK = {
    "channel": "rayleigh", "snr_db": "3.5", "eve_snr_db": "-2", "policy": "session", "attacker": "naive",
    "seed": "4", "session": "2", "sample": "round-3",
}  # fmt: skip


class TestAddress:
    def test_round_trip(self, open_app: Open) -> None:
        app = fine(open_app(**LINK))
        assert dict(app.query_params) == LINK
        assert app.slider(key="snr_db").value == 3.5
        assert app.slider(key="eve_snr_db").value == -2
        assert app.pills(key="sample_digits").value == "round-3"
        assert numbers(app) == numbers(open_app(**LINK))

    def test_moving_a_control_changes_the_address(self, open_app: Open) -> None:
        app = open_app()
        app.slider(key="snr_db").set_value(4.0).run()
        assert app.query_params["snr_db"] == "4"
        app.slider(key="snr_db").set_value(10.0).run()
        assert not app.query_params

    def test_nonsense_is_ignored(self, open_app: Open) -> None:
        app = fine(open_app(snr_db="nan", defense="magic", sample="../../etc", seed="-3", colour="red"))
        assert not app.query_params

    def test_a_link_from_an_upload_opens_with_a_sample(self, open_app: Open) -> None:
        app = upload(open_app(snr_db="5"), png())
        assert dict(app.query_params) == {"snr_db": "5"}
        assert any("opens with a sample" in one.value for one in app.caption)

    def test_presentation_hides_the_controls_and_keeps_the_settings(self, open_app: Open) -> None:
        app = fine(open_app(view="present", snr_db="5"))
        assert not app.slider
        assert numbers(app)["settings"]["snr_db"] == 5
        fine(app.run())
        app.button(key="present").click().run()
        assert fine(app).slider(key="snr_db").value == 5
        assert "view" not in app.query_params


class TestUploads:
    def test_good_picture(self, open_app: Open) -> None:
        app = fine(upload(open_app(), png("3")))
        assert numbers(app)["picture"]["source"] == "upload"
        assert any("no label" in one.value for one in app.caption)

    @pytest.mark.parametrize("blob", [b"", b"no picture", png()[:300], b"%PDF-1.7 ..."])
    def test_bad_picture_gives_a_sentence_and_the_last_good_one_stays(self, open_app: Open, blob: bytes) -> None:
        app = upload(open_app(), png("3"))
        before = numbers(app)
        app.file_uploader(key="upload").set_value(("bad.png", blob, "image/png")).run()
        assert not app.exception
        assert len(app.error) == 1
        assert re.fullmatch(r"[A-Z].{20,200}\.", app.error[0].value)
        assert numbers(app) == before

    def test_one_pixel_makes_another_result(self, open_app: Open) -> None:
        one = numbers(upload(open_app(), png("3")))
        other = numbers(upload(open_app(), png("3", dot=True)))
        assert one["picture"]["prepared_sha256"] != other["picture"]["prepared_sha256"]
        assert one["receiver"]["own_probabilities"] != other["receiver"]["own_probabilities"]

    def test_two_visitors_never_see_each_others_picture(self, open_app: Open) -> None:
        first, second = open_app(), open_app()
        upload(first, png("3"))
        second.run()
        assert numbers(second)["picture"]["source"] == "sample"
        upload(second, png("5"))
        hashes = [numbers(app.run())["picture"]["prepared_sha256"] for app in (first, second)]
        assert hashes[0] != hashes[1]
        # The same file in two sessions is opened in each of them: nothing private is shared.
        assert "kept_pictures" in first.session_state
        assert first.session_state["kept_pictures"] is not second.session_state["kept_pictures"]


class TestFailures:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A copy of the weights folder that a test may spoil."""
        folder = tmp_path / "weights"
        shutil.copytree(weights.root(), folder)
        monkeypatch.setenv("SEMCOM_WEIGHTS", str(folder))
        for name in ("SEMCOM_HUB_REPO", "SEMCOM_HUB_REVISION"):
            monkeypatch.delenv(name, raising=False)
        st.cache_resource.clear()
        yield folder
        st.cache_resource.clear()

    @pytest.mark.parametrize("how", ["missing", "tampered"])
    def test_weights(self, open_app: Open, folder: Path, how: str) -> None:
        file = folder / "digits" / "base" / "model.safetensors"
        if how == "missing":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-1] + b"\0")
        app = open_app()
        assert not app.exception
        assert len(app.error) == 1
        assert "digits/base" in app.error[0].value
        assert str(folder) not in app.error[0].value

    def test_data_set_out_of_reach(self, open_app: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("SEMCOM_DATA", str(tmp_path))
        app = open_app()
        app.segmented_control(key="source").set_value("test").run()
        fine(app)  # nothing is fetched before the click
        app.button(key="test_draw").click().run()
        assert not app.exception
        assert "SEMCOM_DATA" in app.error[0].value
        assert summary(app)


class TestSweep:
    @pytest.mark.slow
    def test_points_and_table(self, open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        from pages.widgets import sweep_view

        monkeypatch.setattr(sweep_view, "SNRS_DB", (0, 20))
        app = open_app()
        app.button(key="sweep_start").click().run()
        experiments = app.session_state["experiments"]
        while experiments["sweep"].running:
            fine(app.run())  # the browser would ask by itself
        points = experiments["sweep"].points
        assert [point.snr_db for point in points] == [0, 20]
        header, *rows = sweep_view.to_csv(points).splitlines()
        assert header.startswith("snr_db,draws,receiver_accuracy")
        assert len(rows) == 2
        app.slider(key="snr_db").set_value(20.0).run()
        assert "sweep" in experiments  # the sidebar's SNR is no part of a sweep
        app.button(key="new_noise").click().run()
        assert "sweep" not in experiments


class TestTakeAway:
    def test_numbers_hold_no_key_material_and_no_file_name(self, open_app: Open) -> None:
        app = upload(open_app(), png(), name="my holiday.png")
        text = json.dumps(numbers(app))
        assert "holiday" not in text
        assert numbers(app)["key"] == "demo"
        assert {"digits/base", "digits/judge"} <= numbers(app)["weights"].keys()
        assert not re.search(r"K_r|K_c|root|nonce", text)


def test_every_sentence_that_the_pages_ask_for_exists() -> None:
    """Literal keys; composed ones are exercised by the tests above."""
    source = "\n".join(path.read_text() for path in PAGES.rglob("*.py"))
    keys = set(re.findall(r"\bt\(\s*\"([a-z_.]+)\"", source))
    assert len(keys) > 60
    for key in keys:
        assert strings.t(key)
    for threat_of in EAVESDROPPERS:
        for part in ("name", "short", "plain", "plain_without_key"):
            assert strings.t(f"attacker.{threat_of}.{part}")
    for channel in CHANNELS:
        assert strings.t(f"channel.{channel}.plain")
    for defense in DEFENSES:
        for key in (f"defense.{defense}.plain", f"cipher.title.{defense}", f"cipher.note.{defense}"):
            assert strings.t(key)


@pytest.mark.slow
@pytest.mark.parametrize("domain", DOMAINS)
def test_thumbnails_are_those_of_the_samples(domain: str) -> None:
    """If not: ``python -m pages.widgets.gallery``."""
    strip, drawn = Image.open(gallery.FOLDER / f"{domain}.webp").convert("RGB"), gallery.draw(domain)
    assert strip.size == drawn.size
    for number in range(len(gallery.drawn(domain))):
        difference = ImageChops.difference(gallery.thumbnail(strip, number), gallery.thumbnail(drawn, number))
        assert sum(ImageStat.Stat(difference).mean) / 3 < 8
