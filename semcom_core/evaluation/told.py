"""What was measured of one protection at one place, from whichever file holds it: for pages that tell it in words.

::

    weights/<domain>/grid/results.json               defenses × attacks; plain accuracies
    weights/<domain>/adaptive_rotation/results.json  ciphers × key policies × attacks; balanced accuracies
    weights/<domain>/{adaptive,naive}/results.json   the first attackers; plain accuracies

An attack that stands in several files is taken from the first of them. Each figure keeps its
data, its command and the hashes of its networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from semcom_core.defenses import DEFENSES
from semcom_core.domains import DOMAINS
from semcom_core.evaluation import grid as grids
from semcom_core.evaluation.grid import FEW_PICTURES, PLANE_SNR_DB, Grid, Row
from semcom_core.manifest import root

LEVEL = 0.05
"""Family-wise level of "better than guessing"."""
CIPHERS, FIRST = "adaptive_rotation", ("adaptive", "naive")
BARE = "none"
WITH_KEY = ("key_holder",)
"""Not attacks: an upper bound."""


@dataclass(frozen=True)
class Source:
    """Where a figure comes from: data in words, the command that measured it, SHA-256 of each network."""

    data: str
    command: str
    weights: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Share:
    """A share of right answers with its 95 % interval.

    Attributes:
        p: of the test against guessing, adjusted over all cells of its file (Holm); ``None`` for a receiver.
        balanced: whether the classes count alike.
    """

    value: float
    interval: tuple[float, float]
    p: float | None = None
    balanced: bool = False

    def beats(self, chance: float) -> bool:
        """Whether this is better than guessing, and not by luck."""
        return self.value > chance and self.p is not None and self.p < LEVEL


@dataclass(frozen=True)
class Attack:
    """One measured eavesdropper.

    Attributes:
        own: classes that it named itself; ``None`` if it makes no guess.
        judged: classes that the judge named on its pictures; ``None`` if it makes none.
        psnr: mean over pictures in dB.
        policy: how long a key lived; ``None`` without a key.
    """

    name: str
    own: Share | None
    judged: Share | None
    psnr: float | None
    images: int
    policy: str | None
    source: Source

    @property
    def best(self) -> Share:
        """The better of its two readings."""
        return max((one for one in (self.own, self.judged) if one is not None), key=lambda one: one.value)

    def beats(self, chance: float) -> bool:
        """Whether either of its readings is better than guessing."""
        return any(one.beats(chance) for one in (self.own, self.judged) if one is not None)


@dataclass(frozen=True)
class Receiver:
    """The legitimate receiver's figures.

    Attributes:
        same_as: the defense whose figures these are, by construction: a cipher on the base codec changes
            nothing for who has the key.
    """

    share: Share
    images: int
    source: Source
    psnr: float | None = None
    channel_uses: int | None = None
    same_as: str | None = None


@dataclass(frozen=True)
class Told:
    """One protection at one place.

    Attributes:
        choice: noise, steps, labels, as measured, where they apply.
        receiver: ``None`` if it was not run.
        attacks: strongest first.
    """

    domain: str
    defense: str
    channel: str
    snr_db: float
    receiver: Receiver | None
    attacks: tuple[Attack, ...]
    choice: dict[str, Any] = field(default_factory=dict)

    @property
    def chance(self) -> float:
        """The share that guessing gets."""
        return 1 / len(DOMAINS[self.domain].classes)

    @property
    def strongest(self) -> Attack | None:
        return self.attacks[0] if self.attacks else None

    @property
    def leaks(self) -> bool | None:
        """Whether any attack did better than guessing; ``None`` if none was run."""
        return any(one.beats(self.chance) for one in self.attacks) if self.attacks else None

    def attack(self, name: str) -> Attack | None:
        return next((one for one in self.attacks if one.name == name), None)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every file behind these figures, once."""
        receiver = () if self.receiver is None else (self.receiver.source,)
        return tuple(dict.fromkeys((*receiver, *(one.source for one in self.attacks))))


def told(
    domain: str,
    defense: str,
    channel: str = "awgn",
    snr_db: float = PLANE_SNR_DB,
    policy: str = "message",
    **choice: Any,
) -> Told:
    """Everything that was measured of a defense at one place.

    Args:
        policy: how long a key lives; attacks that need no key used again count under every policy.
        choice: noise, steps, labels as set; where they were not measured, the defense's main ones count.
    """
    grid = grids.load(domain)
    cells = [
        (row, source)
        for row, source in _cells(domain, (CIPHERS, *FIRST))
        if (row["defense"], row["channel"], row["snr_db"]) == (defense, channel, snr_db)
    ]
    variants = grid.variants(defense) if grid else []
    variants += [{"noise": row["noise"]} for row, _ in cells if row.get("noise") is not None]
    chosen = next((one for one in variants if one.items() <= choice.items()), variants[0] if variants else {})
    receivers, found = [], []
    if grid is not None:
        receivers += _grid_receivers(grid, defense, channel, snr_db, chosen)
        found += _grid_attacks(grid, defense, channel, snr_db, chosen, policy)
    for row, source in cells:
        if row.get("noise") != chosen.get("noise"):
            continue
        if _counts(row, policy):
            found.append(_cell_attack(row, source))
        if "receiver" in row:
            receivers.append(_cell_receiver(row, source))
    # Of one attack the key that is really in use counts, then the order of the files.
    found.sort(key=lambda one: one.policy not in (None, policy))
    once = {one.name: one for one in reversed(found)}
    attacks = sorted(once.values(), key=lambda one: -one.best.value)
    receiver = next(iter(receivers), None)
    if receiver is None and DEFENSES[defense].keyed and DEFENSES[defense].codec == DEFENSES[BARE].codec:
        bare = told(domain, BARE, channel, snr_db).receiver
        receiver = None if bare is None else replace(bare, same_as=BARE)
    return Told(domain, defense, channel, snr_db, receiver, tuple(attacks), chosen)


def place(domain: str, defense: str, channel: str, snr_db: float, policy: str = "message") -> tuple[str, float]:
    """This channel and SNR if an attack on the defense was measured there, else where all were."""
    there = told(domain, defense, channel, snr_db, policy).attacks
    return (channel, snr_db) if there else ("awgn", PLANE_SNR_DB)


def _counts(row: Row, policy: str) -> bool:
    attack = row.get("attack", row.get("attacker"))
    return row.get("policy") in (None, "message", policy) and attack not in (*WITH_KEY, *FEW_PICTURES)


def _grid_receivers(grid: Grid, defense: str, channel: str, snr_db: float, choice: Row) -> Iterator[Receiver]:
    row = grid.receiver(defense, channel, snr_db, **choice)
    if row is not None:
        share = Share(row["accuracy"], tuple(row["interval"]))
        uses, same_as = row["channel_uses"], row.get("same_as")
        yield Receiver(share, row["images"], _source(grid, row), row.get("psnr"), uses, same_as)


def _grid_attacks(grid: Grid, defense: str, channel: str, snr_db: float, choice: Row, policy: str) -> Iterator[Attack]:
    for row in grid.attacks(defense, channel, snr_db=snr_db, **choice):
        own, judged = (
            Share(row[f"{who}_accuracy"], tuple(row[f"{who}_interval"]), row.get(f"{who}_chance_p_holm"))
            if f"{who}_accuracy" in row
            else None
            for who in ("class", "judge")
        )
        if _counts(row, policy) and (own or judged):
            source = _source(grid, row)
            yield Attack(row["attack"], own, judged, row.get("psnr"), row["images"], row.get("policy"), source)


def _source(grid: Grid, row: Row) -> Source:
    return Source(grid.data, grid.command, tuple(sorted(row.get("weights", {}).items())))


def _cells(domain: str, names: Iterable[str]) -> Iterator[tuple[Row, Source]]:
    """All cells of files whose attacks stand in ``cells``, with their source."""
    for name in names:
        content = grids.read(root() / domain / name / "results.json")
        if content is not None:
            source = Source(content["data"], content["command"], tuple(sorted(content["weights"].items())))
            yield from ((row, source) for row in content["cells"])


def _cell_attack(row: Row, source: Source) -> Attack:
    figures = row.get("eavesdropper", row)
    own, judged = (_cell_share(figures, who) for who in ("own", "judge"))
    return Attack(row["attacker"], own, judged, figures.get("psnr"), row["images"], row.get("policy"), source)


def _cell_receiver(row: Row, source: Source) -> Receiver:
    return Receiver(_cell_share(row["receiver"], "own"), row["images"], source, row["receiver"].get("psnr"))


def _cell_share(figures: Row, who: str) -> Share | None:
    """The plain accuracy where the file has it, else the balanced one (each with the same interval key)."""
    kind = "accuracy" if f"{who}_accuracy" in figures else "balanced"
    if f"{who}_{kind}" not in figures:
        return None
    interval = tuple(min(max(bound, 0.0), 1.0) for bound in figures[f"{who}_interval"])
    return Share(figures[f"{who}_{kind}"], interval, figures.get(f"{who}_chance_p_holm"), kind == "balanced")
