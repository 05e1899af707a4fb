"""Sentences of the story, chosen and filled in by what was measured. No Streamlit in here.

Each sentence with a number comes from a :class:`Told`; which sentence it is, too, so that words
cannot say the opposite of the number.
"""

from __future__ import annotations

from typing import Literal

from pages.widgets.strings import t, whole
from semcom_core.evaluation.told import Told

Reach = Literal["all", "part", "nothing", "not_run"]
_NEAR = 0.05
"""An attacker within five of a hundred of the receiver has "about as many"."""
_SPOILED = 0.5
"""Pictures count as spoiled if the judge names less than half as many as the attacker itself or the receiver."""
_FREE = 0.0005
"""Differences below this share round to nothing."""


def of_hundred(share: float) -> str:
    """A share as a person says it: "99.6 of 100"."""
    return t("story.of_hundred", share=hundredths(share))


def hundredths(share: float) -> str:
    """The number in it, to one decimal."""
    return f"{100 * share:.1f}".removesuffix(".0")


def reach(one: Told) -> Reach:
    """How far the best measured attack got: as far as the receiver, part of the way, no further than guessing."""
    if one.strongest is None:
        return "not_run"
    if not one.leaks:
        return "nothing"
    near = one.receiver is not None and one.strongest.best.value >= one.receiver.share.value - _NEAR
    return "all" if near else "part"


def link_works(bare: Told) -> str:
    """How often the receiver is right."""
    if bare.receiver is None:
        return t("story.receiver.not_run")
    images = whole(bare.receiver.images)
    return t("story.receiver.right", images=images, receiver=of_hundred(bare.receiver.share.value))


def overheard(bare: Told) -> str:
    """What a listener gets if nothing protects the link."""
    return t(f"story.bare.{reach(bare)}", **_numbers(bare))


def promise(cipher: Told) -> str:
    """What shuffling does to a listener who does not know it."""
    simple = cipher.attack("naive")
    if simple is None:
        return t("story.promise.not_run")
    receiver = 1.0 if cipher.receiver is None else cipher.receiver.share.value
    kept = simple.best.value < _SPOILED * receiver
    return t(
        f"story.promise.{'kept' if kept else 'broken'}",
        attacker=of_hundred(simple.best.value),
        chance=hundredths(cipher.chance),
    )


def broken(cipher: Told) -> str:
    """What the best attacker gets behind the cipher, and in what shape its picture is."""
    found = reach(cipher)
    words = t(f"story.cipher.{found}", **_numbers(cipher))
    judged = cipher.strongest.judged if cipher.strongest else None
    if found not in ("all", "part") or judged is None:
        return words
    spoiled = judged.value < _SPOILED * cipher.strongest.best.value
    picture = t(f"story.cipher_picture.{'spoiled' if spoiled else 'open'}", judged=of_hundred(judged.value))
    return f"{words} {picture}"


def repaired(rotation: Told) -> str:
    """What attackers get behind the one-time rotation."""
    found = reach(rotation)
    return t(f"story.repair.{'part' if found == 'all' else found}", **_numbers(rotation))


def accuracy_cost(bare: Told, rotation: Told) -> str:
    """What the rotation does to the receiver's accuracy."""
    if bare.receiver is None or rotation.receiver is None:
        return t("story.cost.accuracy_not_run")
    lost = _lost(bare, rotation)
    kind = "same" if abs(lost) < _FREE else "less" if lost > 0 else "more"
    return t(
        f"story.cost.accuracy_{kind}",
        receiver=of_hundred(rotation.receiver.share.value),
        bare=of_hundred(bare.receiver.share.value),
        points=hundredths(lost),
    )


def air_cost(bare: Told, rotation: Told) -> str:
    """How many symbols a picture takes on the air."""
    uses = [None if one.receiver is None else one.receiver.channel_uses for one in (bare, rotation)]
    if None in uses:
        return t("story.cost.uses_not_run")
    kind = "same" if uses[0] == uses[1] else "other"
    return t(f"story.cost.uses_{kind}", uses=whole(uses[1]), bare=whole(uses[0]))


def decision(bare: Told, cipher: Told, rotation: Told) -> str:
    """What the three together say."""
    if cipher.leaks is None or rotation.leaks is None or None in (bare.receiver, rotation.receiver):
        return t("story.decide.not_run")
    if rotation.leaks:
        return t("story.decide.neither" if cipher.leaks else "story.decide.cipher_only")
    if not cipher.leaks:
        return t("story.decide.cipher_holds")
    lost = _lost(bare, rotation)
    return t("story.decide.costly", points=hundredths(lost)) if lost > 0.01 else t("story.decide.repair")


def _lost(bare: Told, rotation: Told) -> float:
    return bare.receiver.share.value - rotation.receiver.share.value


def _numbers(one: Told) -> dict[str, str]:
    best, receiver = one.strongest, one.receiver
    return {
        "attacker": "" if best is None else of_hundred(best.best.value),
        "receiver": t("story.not_run") if receiver is None else of_hundred(receiver.share.value),
        "chance": hundredths(one.chance),
        "count": str(len(one.attacks)),
    }
