"""What happened in one transmission, as facts and as sentences. No Streamlit in here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from pages.widgets.strings import t
from semcom_core.link import Transmission

_QUOTES = "“”«»\u00a0\u202f"
PictureState = Literal["recognised", "misread", "unreadable", "absent"]


@dataclass(frozen=True)
class Guess:
    """A reading of a class: its label, its name as a person says it, and the probability given to it."""

    label: int
    name: str
    probability: float
    right: bool


@dataclass(frozen=True)
class Facts:
    """What each party got out of one transmission.

    Attributes:
        truth, truth_name: the class that "right" compares with.
        labelled: whether that is a label; otherwise it is what the judge says of the sent picture.
        foreign: the picture is none of the classes, so readings mean little.
        foreign_for_sure: that is known of the sample, not the judge's guess.
        sent: what the judge says of the sent picture.
        receiver: the receiver's own reading.
        receiver_picture: what the judge says of the receiver's picture; ``None`` where it has none.
        attacker: the attacker's own reading, if it makes one.
        attacker_picture: what the judge says of the attacker's picture; ``None`` where it has none.
        attacker_picture_state: whether the judge finds the true class in it.
    """

    truth: int
    truth_name: str
    labelled: bool
    foreign: bool
    foreign_for_sure: bool
    sent: Guess
    receiver: Guess
    receiver_picture: Guess | None
    attacker: Guess | None
    attacker_picture: Guess | None
    attacker_picture_state: PictureState

    @property
    def class_leaks(self) -> bool:
        return self.attacker is not None and self.attacker.right

    @property
    def picture_leaks(self) -> bool:
        return self.attacker_picture_state == "recognised"


def facts(transmission: Transmission, classes: tuple[str, ...], label: int | None, known_foreign: bool) -> Facts:
    """Compare everybody's readings with the label, or with the judge's word where there is none."""
    truth = int(transmission.sent_judged[0].argmax()) if label is None else label

    def guess(logits: Tensor) -> Guess:
        values = probabilities(logits)
        best = max(range(len(values)), key=values.__getitem__)
        return Guess(best, spoken(classes[best]), values[best], best == truth)

    receiver, attacker = transmission.reception.reading, transmission.eavesdropping.reading
    attacker_picture = None if attacker.judged is None else guess(attacker.judged)
    if attacker_picture is None:
        state: PictureState = "absent"
    elif attacker_picture.right:
        state = "recognised"
    else:
        state = "unreadable" if bool(attacker.foreign[0]) else "misread"
    return Facts(
        truth=truth,
        truth_name=spoken(classes[truth]),
        labelled=label is not None,
        foreign=known_foreign or (label is None and transmission.foreign),
        foreign_for_sure=known_foreign,
        sent=guess(transmission.sent_judged),
        receiver=guess(receiver.logits),
        receiver_picture=None if receiver.judged is None else guess(receiver.judged),
        attacker=None if attacker.logits is None else guess(attacker.logits),
        attacker_picture=attacker_picture,
        attacker_picture_state=state,
    )


def probabilities(logits: Tensor) -> list[float]:
    """Class probabilities of the first image."""
    return torch.softmax(logits[0].float(), dim=0).tolist()


def spoken(name: str) -> str:
    """A class name inside a sentence: a digit as it is, a word in quotation marks."""
    return name if name.isdigit() else t("app.quoted", words=name)


def unquoted(spoken_name: str) -> str:
    """The class name in what :func:`spoken` made."""
    return spoken_name.strip(_QUOTES)


def summary(facts: Facts) -> str:
    """One or two sentences that tell the whole story of this transmission."""
    if facts.foreign:
        own = facts.attacker or facts.attacker_picture
        sure = "none" if facts.foreign_for_sure else "probably"
        return t(f"summary.foreign.{sure}", receiver=facts.receiver.name, attacker=own.name)
    first = t(
        "summary.receiver_right" if facts.receiver.right else "summary.receiver_wrong",
        answer=facts.receiver.name,
        truth=facts.truth_name,
    )
    guess = "none" if facts.attacker is None else "right" if facts.attacker.right else "wrong"
    second = t(
        f"summary.{facts.attacker_picture_state}.{guess}",
        truth=facts.truth_name,
        judged=facts.attacker_picture.name if facts.attacker_picture else "",
        guess=facts.attacker.name if facts.attacker else "",
    )
    return f"{first} {second}"


def truth_note(facts: Facts) -> str:
    """How "right" and "wrong" are decided here."""
    if facts.foreign:
        key = "truth.foreign_sample" if facts.foreign_for_sure else "truth.foreign"
        return t(key, judged=facts.sent.name, probability=percent(facts.sent.probability))
    if facts.labelled:
        return t("truth.label", truth=facts.truth_name)
    return t("truth.judge", truth=facts.truth_name, probability=percent(facts.sent.probability))


def percent(probability: float) -> str:
    """A probability for reading; never a certainty that rounding made up."""
    if probability > 0.9995:
        return "> 99.9 %"
    return f"{100 * probability:.1f} %" if probability > 0.99 else f"{100 * probability:.0f} %"
