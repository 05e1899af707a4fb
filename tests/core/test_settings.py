"""LinkSettings: a value that survives the trip through a share link."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semcom_core.attacks import EAVESDROPPERS
from semcom_core.channels import CHANNELS
from semcom_core.ciphers.keys import KeyPolicy
from semcom_core.defenses import DEFENSES
from semcom_core.domains import DOMAINS
from semcom_core.settings import AUTO, NOISE_LIMITS, SNR_LIMITS_DB, STEP_LIMITS, LinkSettings

counters = st.integers(0, 2**31 - 1)
snr = st.floats(*SNR_LIMITS_DB) | st.integers(*map(int, SNR_LIMITS_DB)).map(float)
links = [(domain, name) for domain in sorted(DOMAINS) for name, one in DEFENSES.items() if one.available(domain)]
any_settings = st.builds(
    lambda link, **others: LinkSettings(domain=link[0], defense=link[1], **others),
    st.sampled_from(links),
    channel=st.sampled_from(sorted(CHANNELS)),
    snr_db=snr,
    eve_snr_db=st.none() | snr,
    noise=st.floats(*NOISE_LIMITS),
    steps=st.integers(*STEP_LIMITS),
    labels=st.booleans(),
    policy=st.sampled_from(KeyPolicy),
    attacker=st.sampled_from([AUTO, *sorted(EAVESDROPPERS)]),
    seed=counters,
    message=counters,
    session=counters,
)


@given(any_settings)
def test_query_round_trip(settings: LinkSettings) -> None:
    query = settings.to_query()
    assert all(isinstance(value, str) for value in query.values())
    again = LinkSettings.from_query(query)
    assert again == settings
    assert hash(again) == hash(settings)


def test_a_default_link_is_short_and_numbers_are_readable() -> None:
    assert LinkSettings().to_query() == {}
    assert LinkSettings(snr_db=12.0, eve_snr_db=-3.5, policy=KeyPolicy.FIXED).to_query() == {
        "snr_db": "12", "eve_snr_db": "-3.5", "policy": "fixed"
    }  # fmt: skip


names = st.sampled_from([field.name for field in dataclasses.fields(LinkSettings)])


@given(st.dictionaries(names | st.text(), st.text()))
def test_any_query_gives_valid_settings(query: dict[str, str]) -> None:
    LinkSettings.from_query(query)


def test_invalid_parameters_are_ignored_one_by_one() -> None:
    query = {"snr_db": "nan", "channel": "smoke signals", "defense": "none", "seed": "-1", "noise": "1e9", "x": "y"}
    assert LinkSettings.from_query(query) == LinkSettings(defense="none")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"domain": "sounds"}, "Unknown domain 'sounds'. Known: digits"),
        ({"channel": "fog"}, "Unknown channel 'fog'. Known: awgn"),
        ({"defense": "hope"}, "Unknown defense 'hope'. Known: "),
        ({"domain": "objects", "defense": "shuffling"}, "There is no link with the defense 'shuffling' for objects."),
        ({"attacker": "mallory"}, "Unknown attacker 'mallory'. Known: "),
        ({"policy": "never"}, "'never' is not a valid KeyPolicy"),
        ({"snr_db": 30.1}, "snr_db must be between -5 and 30, not 30.1"),
        ({"snr_db": float("nan")}, "snr_db must be between -5 and 30, not nan"),
        ({"eve_snr_db": float("-inf")}, "eve_snr_db must be between -5 and 30, not -inf"),
        ({"noise": -0.1}, "noise must be between 0 and 3, not -0.1"),
        ({"seed": -1}, "seed must be between 0 and"),
        ({"message": 2**31}, "message must be between 0 and"),
        ({"session": -5}, "session must be between 0 and"),
    ],
)
def test_invalid_settings_are_refused_with_the_reason(change: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace(".", r"\.")):
        LinkSettings(**change)


@pytest.mark.parametrize(
    ("defense", "policy", "attacker"),
    [
        ("repobe", KeyPolicy.MESSAGE, "adaptive"),
        ("repobe", KeyPolicy.SESSION, "known_plaintext"),
        ("repobe", KeyPolicy.FIXED, "known_plaintext"),
        ("none", KeyPolicy.FIXED, "adaptive"),
        ("noise", KeyPolicy.SESSION, "adaptive"),
    ],
)
def test_the_default_attacker_follows_the_key_policy(defense: str, policy: KeyPolicy, attacker: str) -> None:
    settings = LinkSettings(defense=defense, policy=policy)
    assert settings.chosen_attacker == attacker
    assert LinkSettings(defense=defense, policy=policy, attacker="naive").chosen_attacker == "naive"


def test_the_eavesdropper_has_the_receivers_snr_unless_told() -> None:
    assert LinkSettings(snr_db=3.0).chosen_eve_snr_db == 3.0
    assert LinkSettings(snr_db=3.0, eve_snr_db=0.0).chosen_eve_snr_db == 0.0
