"""Threat models in words, from their typed values."""

from __future__ import annotations

from pages.widgets.strings import t
from semcom_core.attacks import THREATS
from semcom_core.attacks.base import ThreatModel

COLUMNS = ("attacker", "encoder", "algorithm", "key", "known", "training")


def threat_sentence(threat: ThreatModel) -> str:
    """What an attacker has and what it lacks, in one line."""
    parts = {"encoder": threat.encoder, "algorithm": threat.algorithm, "key": threat.key}
    has = [t(f"threat.part.{name}") for name, there in parts.items() if there]
    if threat.known_plaintexts:
        has.append(_known(threat))
    lacks = [t(f"threat.part.{name}") for name, there in parts.items() if not there]
    if not lacks:
        return t("threat.has_all", has=", ".join(has))
    return t("threat.has_lacks", has=", ".join(has), lacks=", ".join(lacks))


def threat_rows(current: str) -> list[list[str]]:
    """One row an attacker for the table; the one at work on this page is marked."""
    return [
        [
            t(f"attacker.{name}.name") + (f" {t('threat.here')}" if name == current else ""),
            _yes(threat.encoder),
            _yes(threat.algorithm),
            _yes(threat.key),
            _known(threat) if threat.known_plaintexts else t("threat.no"),
            t(f"threat.training.{threat.training.replace(' ', '_')}"),
        ]
        for name, threat in THREATS.items()
    ]


def _known(threat: ThreatModel) -> str:
    count = threat.known_plaintexts
    return t("threat.one_picture") if count == 1 else t("threat.pictures", count=count)


def _yes(value: bool) -> str:
    return t("threat.yes") if value else t("threat.no")
