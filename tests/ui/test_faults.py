"""Every page with broken weights: a sentence, and no traceback. The live page's own tests are in test_live_link.py."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from semcom_core import link, weights
from tests.ui.conftest import TIMEOUT

PAGES = Path(__file__).parents[2] / "pages"

pytestmark = pytest.mark.skipif(
    "none" not in link.trained_defenses("digits"), reason="the weights of the digits' link are not there"
)


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The digits' codec in a copy of the weights folder that a test may spoil."""
    folder = tmp_path / "weights"
    shutil.copytree(weights.root(), folder, copy_function=os.symlink)
    file = folder / "digits" / "base" / "model.safetensors"
    data = file.read_bytes()
    file.unlink()
    file.write_bytes(data)
    monkeypatch.setenv("SEMCOM_WEIGHTS", str(folder))
    for name in ("SEMCOM_HUB_REPO", "SEMCOM_HUB_REVISION"):
        monkeypatch.delenv(name, raising=False)
    st.cache_resource.clear()
    yield file
    st.cache_resource.clear()


@pytest.mark.parametrize("how", ["missing", "tampered"])
@pytest.mark.parametrize(
    ("page", "section"),
    [("cipher_lab", "break"), ("inversion_lab", "watch"), ("adversarial_lab", "attack"), ("tuning", "inference")],
)
def test_a_page_says_what_is_wrong(base: Path, page: str, section: str, how: str) -> None:
    if how == "missing":
        base.unlink()
    else:
        base.write_bytes(base.read_bytes()[:-1] + b"\0")
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=TIMEOUT)
    app.query_params["section"] = section
    app.session_state["page"] = page  # as the router notes it
    app.run()
    assert not app.exception, [one.message for one in app.exception]
    shown = " ".join(one.value for one in [*app.error, *app.info, *app.warning])
    if how == "tampered":
        assert "digits/base/model.safetensors" in shown
    assert str(base.parents[2]) not in shown
    assert "Traceback" not in shown
