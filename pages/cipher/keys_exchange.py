"""The key agreement before the visitor's eyes, with or without a man in the middle.

Private values and secrets live in the session only. They are shown for the demo parties alone,
whose key pairs come from the published constant; never in a dataframe, which offers a download.
"""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch

from pages.cipher import lab_picture
from pages.widgets.pictures import sharp, to_pil
from pages.widgets.strings import t
from semcom_core import figures_keys, samples
from semcom_core.ciphers.agreement import Agreement, Party, View, agree, groups, man_in_the_middle, words
from semcom_core.ciphers.confusion import ConfusionKey, decrypt, encrypt
from semcom_core.ciphers.keys import KeyPolicy, KeySource
from semcom_core.ciphers.messages import Letter, letter_key, next_letter
from semcom_core.codecs.repobe import GRID
from semcom_core.figures import ATTACKER, NEUTRAL, RECEIVER
from semcom_core.figures_keys import Arrow

_CHART = {"displayModeBar": False}
_NAMES = ("sender", "receiver", "attacker_1", "attacker_2")


def exchange() -> tuple[Agreement, bool]:
    """Controls, transcript and verdict; the agreement, and whether its parties are the demo ones."""
    demo = _parties_choice()
    sender, receiver, *attacker = _parties(demo)
    left, right = st.columns(2, gap="large")
    with left:
        attacked = st.toggle(
            t("keys.attacked"), key="keys_attacked", persist_state="session", help=t("help.cipher.attacked")
        )
        compare = st.toggle(
            t("keys.compare"), key="keys_compare", persist_state="session", help=t("help.cipher.compare")
        )
    with right:
        secret = st.text_input(
            t("keys.pre_shared"),
            type="password",
            key="keys_pre_shared",
            autocomplete="off",
            help=t("help.cipher.pre_shared"),
        )
        guess = ""
        if attacked and secret:
            guess = st.text_input(
                t("keys.guess"), type="password", key="keys_guess", autocomplete="off", help=t("help.cipher.guess")
            )
    pre_shared = secret.encode()
    if attacked:
        agreed = man_in_the_middle(sender, receiver, (attacker[0], attacker[1]), pre_shared, guess.encode())
    else:
        agreed = agree(sender, receiver, pre_shared)

    _verdict(agreed, compare)
    air, proof = st.columns([3, 2], gap="large")
    with air:
        st.markdown(t("keys.air"))
        st.plotly_chart(_diagram(agreed), key="keys_sequence", config=_CHART, alt=_transcript(agreed))
        st.caption(t("keys.air_caption"))
    with proof:
        st.markdown(t("keys.proof"))
        _pictures(agreed)
    if compare:
        _fingerprints(agreed)
    with st.expander(t("keys.holds.title"), icon=":material/inventory_2:"):
        _holdings(agreed, demo)
    with st.popover(t("keys.formula_button"), icon=":material/function:"):
        st.markdown(t("keys.formula"))
    return agreed, demo


def _parties_choice() -> bool:
    st.session_state.setdefault("keys_kind", "demo")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            t("keys.kind.label"),
            ("demo", "secret"),
            format_func=lambda one: t(f"keys.kind.{one}"),
            key="keys_kind",
            required=True,
            persist_state="session",
            help=t("keys.kind.help"),
        )
        st.button(t("keys.again"), key="keys_again", icon=":material/refresh:", on_click=_again)
    return kind == "demo"


def _again() -> None:
    """New key pairs for all: the next demo ones, or fresh secret ones."""
    state = st.session_state
    state["keys_round"] = state.get("keys_round", 0) + 1
    state.pop("keys_secret_parties", None)
    state.pop("keys_letters", None)


def _parties(demo: bool) -> list[Party]:
    titles = [t(f"keys.party.{name}") for name in _NAMES]
    if not demo:
        if "keys_secret_parties" not in st.session_state:
            st.session_state["keys_secret_parties"] = [Party.create(title) for title in titles]
        return st.session_state["keys_secret_parties"]
    nonce = str(st.session_state.get("keys_round", 0)).encode()
    source = KeySource.published()
    return [
        Party.create(title, source.stream(f"lab/{name}", KeyPolicy.MESSAGE, seed=0, session=0, nonce=nonce))
        for name, title in zip(_NAMES, titles, strict=True)
    ]


def _verdict(agreed: Agreement, compare: bool) -> None:
    """One sentence that follows from the agreement, and from nothing else."""
    if agreed.attacker is None:
        st.success(t("keys.verdict.agreed" if agreed.agreed else "keys.verdict.failed"), icon=":material/handshake:")
    elif compare and not agreed.fingerprints_match:
        st.success(t("keys.verdict.caught"), icon=":material/verified_user:")
    elif agreed.attacker_reads:
        st.error(t("keys.verdict.guessed" if agreed.pre_shared else "keys.verdict.reads"), icon=":material/visibility:")
    elif not agreed.confirmed:
        st.success(t("keys.verdict.stopped"), icon=":material/verified_user:")


def _diagram(agreed: Agreement) -> figures_keys.go.Figure:
    """Each message as it was sent; through the attacker it becomes two arrows."""
    sender, receiver = t("keys.party.sender"), t("keys.party.receiver")
    if agreed.attacker is None:
        parties = [(sender, NEUTRAL), (receiver, RECEIVER)]
        place = {sender: 0, receiver: 1}
        arrows = [_arrow(place[one.sent_by], place[one.meant_for], one.what, one.value) for one in agreed.messages]
        return figures_keys.sequence(parties, arrows)
    parties = [(sender, NEUTRAL), (t("keys.party.attacker"), ATTACKER), (receiver, RECEIVER)]
    place = {sender: 0, receiver: 2}
    sent = (agreed.sender.own_public, agreed.receiver.own_public, agreed.sender.tag, agreed.receiver.tag)
    arrows = []
    for message, original in zip(agreed.messages, sent, strict=True):
        arrows.append(_arrow(place[message.sent_by], 1, message.what, original))
        arrows.append(_arrow(1, place[message.meant_for], message.what, message.value, message.changed))
    return figures_keys.sequence(parties, arrows, row_px=38)


def _arrow(start: int, end: int, what: str, value: bytes, changed: bool = False) -> Arrow:
    kind = t("keys.what.key" if what == "public key" else "keys.what.tag")
    label = f"{kind} {value[:3].hex()}…" + (" ≠" if changed else "")
    return Arrow(start, end, label, f"{kind}: {value.hex()}", ATTACKER if changed else NEUTRAL)


def _transcript(agreed: Agreement) -> str:
    return " ".join(
        t("keys.line", sender=one.sent_by, receiver=one.meant_for, what=one.what, value=one.value[:4].hex())
        + (" " + t("keys.line_changed") if one.changed else "")
        for one in agreed.messages
    )


def _pictures(agreed: Agreement) -> None:
    """A picture's pixels under the agreed key: what the receiver reads, and what the attacker reads."""
    pixels = lab_picture.small_pixels(lab_picture.sample("digits", samples.samples("digits")[0].key))
    plain = torch.from_numpy(pixels[..., 0])
    letter = next_letter(())
    on_air = encrypt(plain, _key(agreed.sender, letter))
    shown = [(t("keys.picture.air"), on_air)]
    arrives = on_air
    if agreed.attacker is not None:
        towards_sender, towards_receiver = agreed.attacker
        read = decrypt(on_air, _key(towards_sender, letter))
        arrives = encrypt(read, _key(towards_receiver, letter))
        shown.append((t("keys.picture.attacker"), read))
    received = decrypt(arrives, _key(agreed.receiver, letter))
    shown.append((t("keys.picture.receiver"), received))
    grid = st.grid(len(shown), min_column_width=100, gap="small")
    for title, picture in shown:
        right = torch.equal(picture, plain)
        with grid.cell():
            verdict = t("keys.picture.right" if right else "keys.picture.wrong")
            st.image(sharp(to_pil(picture[None].float() / 255), 196), width="stretch", alt=f"{title}: {verdict}")
            st.caption(f"**{title}**  \n{'✓' if right else '✗'} {verdict}")


def _key(view: View, letter: Letter) -> ConfusionKey:
    return letter_key(view.source(), letter, GRID, GRID)


def _fingerprints(agreed: Agreement) -> None:
    """What each end reads out, beside what the other end computed."""
    st.markdown(t("keys.phone"))
    pairs = ((agreed.sender, agreed.receiver), (agreed.receiver, agreed.sender))
    for column, (owner, other) in zip(st.columns(2, gap="large"), pairs, strict=True):
        same = owner.own_fingerprint == other.peer_fingerprint
        with column.container(border=True):
            st.markdown(t("keys.reads_out", owner=owner.owner))
            st.markdown(f"`{groups(owner.own_fingerprint)}`  \n*{words(owner.own_fingerprint)}*")
            st.markdown(t("keys.computed", other=other.owner))
            st.markdown(f"`{groups(other.peer_fingerprint)}`  \n*{words(other.peer_fingerprint)}*")
            badge = t("keys.same" if same else "keys.different")
            st.badge(badge, icon=":material/check:" if same else ":material/close:", color="blue" if same else "orange")


def _holdings(agreed: Agreement, demo: bool) -> None:
    """A table of what each party holds. Secrets are shown only for the demo parties."""
    st.caption(t("keys.holds.demo" if demo else "keys.holds.secret"))
    views = [("sender", agreed.sender), ("receiver", agreed.receiver)]
    if agreed.attacker is not None:
        views[1:1] = [("attacker_1", agreed.attacker[0]), ("attacker_2", agreed.attacker[1])]
    private = dict(zip(_NAMES, (party.private for party in _parties(demo)), strict=True))

    def secret(value: bytes) -> str:
        return f"`{value[:4].hex()}…`" if demo else t("keys.holds.hidden")

    rows = {
        "private": [secret(private[name]) for name, _ in views],
        "own": [f"`{view.own_public[:4].hex()}…`" for _, view in views],
        "peer": [f"`{view.peer_public[:4].hex()}…`" for _, view in views],
        "shared": [secret(view.shared) for _, view in views],
        "root": [secret(view.root) for _, view in views],
    }
    header = ["", *(t(f"keys.holds.{name}") for name, _ in views)]
    lines = [header, ["---"] * len(header), *([t(f"keys.holds.{name}"), *cells] for name, cells in rows.items())]
    st.markdown("\n".join(f"| {' | '.join(cells)} |" for cells in lines))
    equal = np.array([[one.root == other.root for _, other in views] for _, one in views])
    who = [t(f"keys.holds.{views[j][0]}") for j in range(len(views)) if equal[0, j]]
    st.markdown(t("keys.holds.same_root", names=", ".join(who)))
