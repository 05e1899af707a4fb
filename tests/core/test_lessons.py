"""The lessons' data, and that what each of them shows is true of the committed weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from semcom_core import samples
from semcom_core.lessons import claims, experiments
from semcom_core.lessons.catalogue import LIVE_LINK, Claim, Lesson, lessons
from semcom_core.lessons.claims import Outcome
from semcom_core.lessons.evidence import Evidence
from semcom_core.settings import LinkSettings
from tests.lessons import found

KEYS = list(lessons())


@pytest.mark.parametrize("key", KEYS)
def test_every_claim_of_a_lesson_is_true_of_these_weights(key: str) -> None:
    lesson, evidence = lessons()[key], found(key)
    outcomes = {one.claim: one.outcome for one in claims.judge(lesson, evidence)}
    assert set(outcomes.values()) == {Outcome.YES}, (outcomes, evidence.numbers)


@pytest.mark.parametrize("key", KEYS)
def test_a_reveal_has_the_pictures_that_it_promises(key: str) -> None:
    lesson, evidence = lessons()[key], found(key)
    assert all(evidence.shots[name].pixels is not None for name in lesson.shots)
    assert all(one.images >= 200 and one.data and one.command for one in evidence.sources)
    assert bool(evidence.sources) == bool(lesson.measured)


def test_the_lessons_that_the_page_promises_are_there() -> None:
    wanted = {"snr", "meaning", "fading", "eavesdropping", "leak", "cipher", "breaking", "adversarial", "privacy"}
    assert wanted | {"diffusion"} <= set(KEYS)
    assert {one.domain for one in lessons().values()} == {"digits", "objects", "photographs"}


@pytest.mark.parametrize("lesson", lessons().values(), ids=KEYS)
def test_data_are_complete(lesson: Lesson) -> None:
    assert lesson.answer in lesson.options
    assert len(set(lesson.options)) == len(lesson.options) >= 3
    assert lesson.experiment in experiments.EXPERIMENTS
    assert lesson.claims and {one.kind for one in lesson.claims} <= claims.CLAIMS.keys()
    assert 5 <= lesson.minutes <= 30
    assert lesson.links[0].key == "prepared"
    assert len({one.key for one in lesson.links}) == len(lesson.links) >= 2


@pytest.mark.parametrize("lesson", lessons().values(), ids=KEYS)
def test_a_link_to_the_live_page_reads_back_as_the_settings_it_promises(lesson: Lesson) -> None:
    there = [one for one in lesson.links if one.page == LIVE_LINK]
    for one in there:
        assert LinkSettings.from_query(one.query) == one.settings
        assert one.settings.domain == lesson.domain
        keys = [sample.key for sample in samples.samples(lesson.domain)]
        assert one.query.get("sample", keys[0]) == lesson.sample
    for settings in lesson.runs.values():
        assert LinkSettings.from_query(settings.to_query()) == settings


def test_other_noise_is_other_noise_and_nothing_else() -> None:
    lesson = lessons()["meaning"]
    again = lesson.again(2)
    for name, settings in lesson.runs.items():
        assert again.runs[name] == replace(settings, seed=settings.seed + 2)
    assert replace(again, runs=lesson.runs) == lesson


def test_a_lesson_with_a_mistake_names_its_file(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from semcom_core.lessons import catalogue

    source = (catalogue.FOLDER / "snr.toml").read_text()
    for broken in (source.replace("snr_db = 20.0", "snr_db = 99.0"), source.replace('answer = "hundred"', "")):
        (tmp_path / "snr.toml").write_text(broken)
        monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
        with pytest.raises(ValueError, match=r"snr\.toml"):
            catalogue.lessons.__wrapped__()


def claim(kind: str, **about: object) -> Lesson:
    return replace(lessons()["snr"], claims=(Claim("it", kind, about),))


@pytest.mark.parametrize(
    ("lesson", "outcome"),
    [
        (claim("near", left="a", right=100.0, tolerance=0.02), "yes"),
        (claim("near", left="a", right=100.0, tolerance=0.005), "no"),
        (claim("within", left="a", right="b", margin=2.0), "yes"),
        (claim("within", left="a", right="b", margin=1.0), "no"),
        (claim("above", left="a", right="b"), "yes"),
        (claim("above", left="b", right="a"), "no"),
        (claim("above", left="a", right="a"), "no"),
        (claim("above", left="a", right="b", margin=3.0), "no"),
        (claim("all_above", pairs=[["a", "b"], ["b", "one"]]), "yes"),
        (claim("all_above", pairs=[["a", "b"], ["one", "b"]]), "no"),
        (claim("falling", values=["a", "b", "one", "none"]), "yes"),
        (claim("falling", values=["a", "one", "b"]), "no"),
        (claim("pattern", true=["one"], false=["none"]), "yes"),
        (claim("pattern", true=["none"]), "no"),
        (claim("pattern", true=["one"], false=["one"]), "no"),
        (claim("above", left="a", right="never"), "not_run"),
    ],
)
def test_kinds_of_claims(lesson: Lesson, outcome: str) -> None:
    evidence = Evidence(truth=0, numbers={"a": 101.0, "b": 99.0, "one": 1.0, "none": 0.0})
    findings = claims.judge(lesson, evidence)
    assert [one.outcome for one in findings] == [outcome]
    assert claims.right_option(lesson, findings) == ("hundred" if outcome == "yes" else None)


def test_a_number_that_was_not_measured_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from semcom_core.lessons.measured import look_up

    monkeypatch.setenv("SEMCOM_WEIGHTS", str(tmp_path))
    evidence = Evidence(truth=0)
    for lookup in lessons()["fading"].measured:
        look_up(lookup, evidence)
    assert not evidence.numbers and not evidence.sources
