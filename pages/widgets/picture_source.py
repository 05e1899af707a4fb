"""Where the picture comes from: sample gallery, upload, camera, drawing pad, data set.

Whatever the source, the result is a :class:`Chosen`. A visitor's own picture stays in the
session, and if the next one cannot be read, the last good one stays on the page.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass

import streamlit as st
from PIL import Image

from pages.widgets.drawing_pad import drawing_pad
from pages.widgets.gallery import gallery
from pages.widgets.strings import t
from semcom_core import datasets, samples
from semcom_core.datasets import DataUnavailable
from semcom_core.domains import DOMAINS, Prepared
from semcom_core.images import PictureError, open_picture

SOURCES = ("sample", "upload", "draw", "camera", "test")
UPLOAD_MB = 8
_GALLERY_HEIGHT = 168


@dataclass(frozen=True)
class Chosen:
    """A picture that the link can send.

    Attributes:
        source: one of :data:`SOURCES`.
        original: as it came in, safely decoded.
        prepared: what the link sends, with the notes of the preparation.
        label: true class, or ``None`` if nobody knows.
        foreign: known to be none of the classes.
        sample: key of the sample for the address; ``None`` for the default sample or another source.
        notes: what opening the file did to it.
        credit: who made the sample.
    """

    source: str
    original: Image.Image
    prepared: Prepared
    label: int | None = None
    foreign: bool = False
    sample: str | None = None
    notes: tuple[str, ...] = ()
    credit: str = ""

    @property
    def private(self) -> bool:
        return self.source != "sample"


def choose_picture(domain: str) -> Chosen:
    """Draw the controls and give the picture to send: a sample unless the visitor brought one."""
    options = [source for source in SOURCES if source != "draw" or domain == "digits"]
    if st.session_state.get("source") not in options:
        st.session_state["source"] = "sample"
    source = st.segmented_control(
        t("picture.source"),
        options,
        format_func=lambda one: t(f"picture.{one}.name"),
        key="source",
        required=True,
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    sample = _sample(domain, show_gallery=source == "sample")
    if source == "sample":
        return sample
    reader = {"upload": _upload, "camera": _camera, "draw": _draw, "test": _test_image}[source]
    try:
        reader(domain)
    except (PictureError, DataUnavailable) as error:
        st.error(str(error), icon=":material/image_not_supported:")
    return _kept().get((source, domain), sample)


def chosen_before(domain: str) -> Chosen:
    """The picture of the last run, without drawing controls (presentation view)."""
    source = st.session_state.get("source", "sample")
    return _kept().get((source, domain)) or _sample(domain, show_gallery=False)


def known_picture(domain: str, current: Chosen) -> Chosen:
    """The picture that a known-plaintext attacker knows: the first sample that is another picture."""
    for sample in samples.samples(domain):
        candidate = prepared_sample(domain, sample.key)
        if not candidate.prepared.native.equal(current.prepared.native):
            return candidate
    raise LookupError(f"the domain {domain!r} needs two different samples")


@st.cache_resource(max_entries=128, show_spinner=False)
def prepared_sample(domain: str, key: str) -> Chosen:
    catalogue = samples.samples(domain)
    sample = next(one for one in catalogue if one.key == key)
    image = samples.render(domain, key)
    in_address = None if key == catalogue[0].key else key
    prepared = DOMAINS[domain].prepare(image)
    return Chosen("sample", image, prepared, sample.label, sample.foreign, in_address, credit=sample.credit)


def _sample(domain: str, *, show_gallery: bool) -> Chosen:
    titles = {one.key: one.title for one in samples.samples(domain)}
    state_key = f"sample_{domain}"
    if "link_sample" in st.session_state:  # the visitor came by a link
        st.session_state[state_key] = st.session_state.pop("link_sample")
    if st.session_state.get(state_key) not in titles:
        st.session_state[state_key] = next(iter(titles))
    if show_gallery:
        with st.container(key="gallery", height=_GALLERY_HEIGHT, border=False):
            st.pills(
                t("picture.sample.label"),
                list(titles),
                format_func=gallery(domain).__getitem__,
                key=state_key,
                required=True,
                persist_state="session",
                label_visibility="collapsed",
            )
        st.caption(titles[st.session_state[state_key]])
    return prepared_sample(domain, st.session_state[state_key])


def _upload(domain: str) -> None:
    file = st.file_uploader(
        t("picture.upload.label"),
        type=["png", "jpg", "jpeg", "webp"],
        max_upload_size=UPLOAD_MB,
        key="upload",
        help=t("picture.upload.help"),
    )
    if file is not None:
        _keep("upload", domain, file.getvalue())


def _camera(domain: str) -> None:
    if not st.toggle(t("picture.camera.switch"), key="camera_on", help=t("picture.camera.help")):
        return
    file = st.camera_input(t("picture.camera.label"), key="camera", label_visibility="collapsed")
    if file is not None:
        _keep("camera", domain, file.getvalue())


def _draw(domain: str) -> None:
    url = drawing_pad(key="pad")
    if not url:
        st.caption(t("picture.draw.hint"))
        return
    try:
        blob = base64.b64decode(url.removeprefix("data:image/png;base64,"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise PictureError(t("picture.draw.unreadable")) from error
    _keep("draw", domain, blob)


def _test_image(domain: str) -> None:
    st.caption(t("picture.test.hint"))
    if st.button(t("picture.test.button"), icon=":material/casino:", key="test_draw", width="stretch"):
        # Not part of the reproducible link, so any source of randomness will do.
        with st.spinner(t("picture.test.loading")):
            image, label = datasets.one(domain, secrets.randbelow(2**31))
        chosen = Chosen("test", image, DOMAINS[domain].prepare(image), label)
        _kept()["test", domain] = chosen


def _keep(source: str, domain: str, blob: bytes) -> None:
    """Open and prepare a visitor's picture once; a rerun of the page finds it by its hash."""
    fingerprint = (source, domain, hashlib.sha256(blob).hexdigest())
    if st.session_state.get("kept_fingerprint") == fingerprint:
        return
    picture = open_picture(blob)
    prepared = DOMAINS[domain].prepare(picture.image)
    _kept()[source, domain] = Chosen(source, picture.image, prepared, notes=tuple(picture.notes))
    st.session_state["kept_fingerprint"] = fingerprint


def _kept() -> dict[tuple[str, str], Chosen]:
    """The visitor's last good picture of each source and domain: at most ten, in the session only."""
    return st.session_state.setdefault("kept_pictures", {})
