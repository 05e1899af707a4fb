"""The pages' shared pieces that need no running page."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from pages.widgets.facts import percent, spoken
from pages.widgets.pictures import sharp, strip
from pages.widgets.stage_cache import StageCache
from pages.widgets.strings import sentences, t
from pages.widgets.threat import threat_sentence
from semcom_core.attacks import THREATS


class TestStageCache:
    def test_equal_keys_share_and_others_never_do(self) -> None:
        cache = StageCache(4)
        assert cache.get((b"one", 1), lambda: "first") == "first"
        assert cache.get((b"one", 1), lambda: "again") == "first"
        assert cache.get((b"one", 2), lambda: "other") == "other"

    def test_bounded_and_least_recently_used_goes_first(self) -> None:
        cache = StageCache(2)
        for key in "abac":
            cache.get(key, lambda: object())
        kept = object()
        assert cache.get("a", lambda: kept) is not kept
        assert cache.get("b", lambda: kept) is kept

    def test_threads_do_not_wait_for_each_others_work(self) -> None:
        cache, met = StageCache(4), threading.Barrier(2, timeout=10)
        with ThreadPoolExecutor(2) as pool:
            # Both computations must run at once to get past the barrier.
            assert sorted(pool.map(lambda key: cache.get(key, lambda: met.wait()), "ab")) == [0, 1]


class TestPictures:
    def test_small_pictures_are_enlarged_without_smoothing(self) -> None:
        image = Image.new("L", (28, 28))
        image.putpixel((3, 4), 255)
        large = sharp(image)
        assert large.size == (448, 448)
        assert set(large.tobytes()) == {0, 255}

    def test_titles_on_the_strip_of_pictures_are_legible(self) -> None:
        """The font has no accented letters: it would draw boxes."""
        picture = Image.new("L", (28, 28))
        for party in ("sent", "receiver", "attacker"):
            title = sentences("fr")[f"card.{party}.name"]
            assert strip([(title, picture)]) == strip([(title.replace("É", "E"), picture)])

    def test_strip_has_no_metadata(self) -> None:
        tagged = Image.new("RGB", (28, 28))
        tagged.info["exif"] = b"Exif"
        shown = Image.open(io.BytesIO(strip([("SENT", tagged), ("RECEIVER", tagged)])))
        assert shown.format == "PNG"
        assert shown.width > 2 * 448
        assert not shown.info


@pytest.mark.parametrize(
    ("probability", "text"), [(1.0, "> 99.9 %"), (0.9981, "99.8 %"), (0.5, "50 %"), (0.004, "0 %")]
)
def test_no_certainty_that_rounding_made_up(probability: float, text: str) -> None:
    assert percent(probability) == text


def test_class_names_in_a_sentence() -> None:
    assert spoken("7") == "7"
    assert spoken("church") == "“church”"


def test_threat_models_in_words() -> None:
    sentences = {name: threat_sentence(threat) for name, threat in THREATS.items()}
    assert "**Lacks** the key." in sentences["adaptive"]
    assert "one earlier picture" in sentences["known_plaintext"]
    assert "the method" in sentences["naive"].partition("Lacks")[2]
    assert "Lacks" not in sentences["key_holder"]


def test_a_sentence_is_asked_for_by_its_full_key() -> None:
    with pytest.raises(KeyError):
        t("card")
