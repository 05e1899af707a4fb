"""What a visitor can take away: share link, picture strip, numbers. No key material in any of them."""

from __future__ import annotations

import json
from dataclasses import asdict

import streamlit as st

from pages.widgets import address, language, own_link
from pages.widgets.facts import Facts, probabilities
from pages.widgets.pictures import strip, to_pil
from pages.widgets.report import report_button
from pages.widgets.share import share_link, share_note
from pages.widgets.stages import Session
from pages.widgets.strings import t
from semcom_core.link import Reading, Transmission


def take_away(session: Session, transmission: Transmission, facts: Facts) -> None:
    """A row of downloads and the share link."""
    with st.container(horizontal=True, key="take_away"):
        st.download_button(
            t("take.strip"),
            language.in_this(lambda: picture_strip(transmission)),
            "semcom-pictures.png",
            "image/png",
            key="strip",
            on_click="ignore",
            icon=":material/image:",
        )
        st.download_button(
            t("take.numbers"),
            lambda: numbers(session, transmission, facts),
            "semcom-transmission.json",
            "application/json",
            key="numbers",
            on_click="ignore",
            icon=":material/data_object:",
        )
        report_button(session, transmission, facts)
        with st.popover(t("take.share"), icon=":material/link:"):
            st.code(share_link(session), language=None, wrap_lines=True)
            st.caption(share_note(session))
        presenting = address.presenting()
        st.button(
            t("take.leave_present" if presenting else "take.present"),
            icon=":material/tune:" if presenting else ":material/present_to_all:",
            key="present",
            on_click=address.present,
            args=(not presenting,),
            help=t("take.present_help"),
        )


def picture_strip(transmission: Transmission) -> bytes:
    """Sent, received and intercepted picture side by side."""
    pictures = (
        ("sent", transmission.encoded.native),
        ("receiver", transmission.reception.reading.native),
        ("attacker", transmission.eavesdropping.reading.native),
    )
    return strip([(t(f"card.{party}.name"), to_pil(native[0])) for party, native in pictures if native is not None])


def numbers(session: Session, transmission: Transmission, facts: Facts) -> str:
    """Settings, metrics and weights' hashes as JSON; the picture is named by its hash only."""
    settings, eavesdropping = transmission.settings, transmission.eavesdropping
    classes = session.models.domain.classes
    content = {
        "settings": asdict(settings),
        "attacker": eavesdropping.attacker,
        "key": "demo" if session.source.demo else "secret, not reproducible",
        "picture": {
            "source": session.chosen.source,
            "sample": session.chosen.sample,
            "prepared_sha256": session.digest.hex(),
            "class": classes[facts.truth],
            "class_from": "label" if facts.labelled else "judge",
            "probably_none_of_the_classes": facts.foreign,
        },
        "classes": classes,
        "judge_on_sent": probabilities(transmission.sent_judged),
        "receiver": _reading(transmission.reception.reading),
        "eavesdropper": _reading(eavesdropping.reading) | {"key_agreement": eavesdropping.key_agreement},
        "weights": {
            one.name: {"sha256": one.sha256, "origin": one.origin, "revision": one.revision}
            for one in session.models.located
        },
    }
    own = own_link.here(settings.domain, settings.defense)
    if own is not None:
        content["own_link"] = {"run": own.number, "trained_with": asdict(own.settings)}
    return json.dumps(content, indent=2)


def _reading(reading: Reading) -> dict[str, object]:
    return {
        "own_probabilities": None if reading.logits is None else probabilities(reading.logits),
        "judge_on_picture": None if reading.judged is None else probabilities(reading.judged),
        "psnr_db": None if reading.psnr is None else float(reading.psnr[0]),
        "ssim": None if reading.ssim is None else float(reading.ssim[0]),
    }
