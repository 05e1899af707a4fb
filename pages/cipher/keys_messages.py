"""Keys of message 0, 1, 2, …: the same at both ends, new for each nonce, and a nonce used twice."""

from __future__ import annotations

import streamlit as st
import torch

from pages.cipher import lab_picture
from pages.widgets.cipher_view import fingerprint
from pages.widgets.pictures import sharp, to_pil
from pages.widgets.strings import t
from semcom_core import samples
from semcom_core.ciphers.agreement import Agreement
from semcom_core.ciphers.confusion import encrypt
from semcom_core.ciphers.keys import KeySource
from semcom_core.ciphers.messages import Letter, letter_key, next_letter, read_with_known, repeated
from semcom_core.codecs.repobe import GRID

_SHOWN = 5
"""Entries of a key that the table shows."""
_MOST = 12


def messages(agreed: Agreement, demo: bool) -> None:
    """Send messages, with a fresh nonce or by mistake with the last one, and list their keys."""
    letters: list[Letter] = st.session_state.setdefault("keys_letters", [next_letter(())])
    st.markdown(t("keys.messages.words"))
    full = len(letters) >= _MOST
    with st.container(horizontal=True):
        st.button(
            t("keys.messages.next", number=len(letters)), key="keys_next", icon=":material/mail:", type="primary",
            on_click=_send, args=(False,), disabled=full,
        )  # fmt: skip
        st.button(
            t("keys.messages.repeat"), key="keys_repeat", icon=":material/content_copy:", on_click=_send, args=(True,),
            disabled=full,
        )  # fmt: skip
        st.button(t("keys.messages.clear"), key="keys_clear", on_click=_clear)
    if full:
        st.caption(t("keys.messages.full", most=_MOST))

    sender, receiver = agreed.sender.source(), agreed.receiver.source()
    twice = {number for numbers in repeated(letters).values() for number in numbers}
    header = [t(f"keys.messages.{name}") for name in ("number", "nonce", "key", "sender", "receiver", "same")]
    lines = [
        header,
        ["---"] * len(header),
        *(_row(one, sender, receiver, demo, one.number in twice) for one in letters),
    ]
    st.markdown("\n".join(f"| {' | '.join(cells)} |" for cells in lines))
    st.caption(t("keys.messages.caption_demo" if demo else "keys.messages.caption_secret"))
    if not agreed.agreed:
        st.caption(t("keys.messages.differ"))
    for nonce, numbers in repeated(letters).items():
        _warn(nonce, [letters[number] for number in numbers], sender)


def _row(letter: Letter, sender: KeySource, receiver: KeySource, demo: bool, twice: bool) -> list[str]:
    at_sender, at_receiver = (letter_key(source, letter, GRID, GRID) for source in (sender, receiver))
    key = t("keys.holds.hidden")
    if demo:
        first = " ".join(map(str, at_sender.K_r[:_SHOWN]))
        key = f"K_r = {first} …, r = {at_sender.r}, c = {at_sender.c}"
    same = fingerprint(at_sender) == fingerprint(at_receiver)
    return [
        str(letter.number),
        f"`…{letter.nonce[-3:].hex()}`" + (" ⚠" if twice else ""),
        key,
        f"`{fingerprint(at_sender)}`",
        f"`{fingerprint(at_receiver)}`",
        t("keys.messages.yes" if same else "keys.messages.no"),
    ]


def _warn(nonce: bytes, letters: list[Letter], source: KeySource) -> None:
    """Why a repeated nonce is bad: the first message was known, and the second is read without a key."""
    first, second = letters[0], letters[1]
    st.warning(
        t("keys.reused.warning", first=first.number, second=second.number, nonce=nonce[-3:].hex()),
        icon=":material/warning:",
    )
    pixels = lab_picture.small_pixels(lab_picture.sample("digits", samples.samples("digits")[1].key))
    picture = torch.from_numpy(pixels[..., 0])
    numbers = torch.arange(GRID * GRID, dtype=torch.float32).reshape(GRID, GRID)
    known_sent = encrypt(numbers, letter_key(source, first, GRID, GRID))
    other_sent = encrypt(picture, letter_key(source, second, GRID, GRID))
    read = read_with_known(numbers, known_sent, other_sent)
    largest = float(GRID * GRID - 1)
    shown = (
        (t("keys.reused.known", number=first.number), numbers / largest),
        (t("keys.reused.known_air", number=first.number), known_sent / largest),
        (t("keys.reused.other_air", number=second.number), other_sent / 255),
        (t("keys.reused.read", number=second.number), read / 255),
    )
    grid = st.grid(4, min_column_width=130, gap="small")
    for title, tensor in shown:
        with grid.cell():
            st.image(sharp(to_pil(tensor[None].float()), 224), width="stretch", alt=title)
            st.caption(title)
    right = int((read == picture).sum())
    st.markdown(t("keys.reused.words", right=right, all=picture.numel(), first=first.number, second=second.number))


def _send(repeat: bool) -> None:
    letters = st.session_state["keys_letters"]
    st.session_state["keys_letters"] = [*letters, next_letter(letters, repeat=repeat)]


def _clear() -> None:
    st.session_state["keys_letters"] = [next_letter(())]
