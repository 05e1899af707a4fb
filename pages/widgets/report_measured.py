"""The report's table of averages: what was measured of the protection in use."""

from __future__ import annotations

from pages.widgets.strings import t, whole
from semcom_core.evaluation.told import Attack, Share, Told, place, told
from semcom_core.report_page import Table
from semcom_core.settings import LinkSettings

_COLUMNS = ("who", "right", "guessing", "psnr", "images")
_MOST = 6
"""Attacks on the page; the strongest come first."""


def measured(settings: LinkSettings) -> Table:
    """Receiver and attackers under the settings' defense, where it was measured, with intervals and source."""
    policy = str(settings.policy) if settings.chosen_defense.keyed else "message"
    where = place(settings.domain, settings.defense, settings.channel, settings.snr_db, policy)
    choice = {"noise": settings.noise, "steps": settings.steps, "labels": settings.labels}
    one = told(settings.domain, settings.defense, *where, policy, **choice)
    return table(one, elsewhere=where != (settings.channel, settings.snr_db))


def table(one: Told, *, elsewhere: bool) -> Table:
    """The table of one protection at one place.

    Args:
        elsewhere: whether that is not the place of the transmission.
    """
    title = t(
        "report.measured",
        defense=t(f"defense.{one.defense}.name"),
        channel=t(f"channel.{one.channel}.name"),
        snr=f"{one.snr_db:g}",
    )
    if "noise" in one.choice:
        title += t("report.measured_variant", noise=f"{one.choice['noise']:g}")
    rows = [_receiver(one), *(_attack(attack, one.chance) for attack in one.attacks[:_MOST])]
    if not one.attacks:
        rows.append(_row(t("report.row.attacker", name="–"), right=t("report.row.not_run")))
    return Table(title, tuple(t(f"report.column.{name}") for name in _COLUMNS), tuple(rows), _note(one, elsewhere))


def _receiver(one: Told) -> tuple[str, ...]:
    ours = one.receiver
    if ours is None:
        return _row(t("report.row.receiver"), right=t("report.row.not_run"))
    who = t("report.row.receiver_same" if ours.same_as else "report.row.receiver")
    return _row(who, right=_share(ours.share), psnr=_psnr(ours.psnr), images=whole(ours.images))


def _attack(attack: Attack, chance: float) -> tuple[str, ...]:
    tested = attack.best.p is not None
    verdict = "untested" if not tested else "better" if attack.beats(chance) else "no_better"
    return _row(
        t("report.row.attacker", name=t(f"attacker.{attack.name}.short")),
        right=_share(attack.best),
        guessing=t(f"report.row.{verdict}"),
        psnr=_psnr(attack.psnr),
        images=whole(attack.images),
    )


def _row(who: str, **cells: str) -> tuple[str, ...]:
    return (who, *(cells.get(name, "–") for name in _COLUMNS[1:]))


def _share(share: Share) -> str:
    low, high = share.interval
    return t("report.row.share", share=f"{share.value:.1%}", low=f"{low:.1%}", high=f"{high:.1%}")


def _psnr(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} dB"


def _note(one: Told, elsewhere: bool) -> str:
    """Which place, which reading, what guessing gets, and each source."""
    balanced = any(attack.best.balanced for attack in one.attacks)
    parts = [t("report.note.elsewhere")] if elsewhere else []
    if one.attacks:
        parts += [t(f"report.note.{'balanced' if balanced else 'plain'}")]
        parts += [t("report.note.guessing", chance=f"{one.chance:.0%}")]
    once = dict.fromkeys((source.data, source.command) for source in one.sources)
    return " ".join([*parts, *(t("report.note.source", data=data, command=command) for data, command in once)])
