"""The page under Streamlit's own test runner: real networks, no browser."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[2] / "app.py"
TIMEOUT = 120
Open = Callable[..., AppTest]


@pytest.fixture
def open_app() -> Open:
    """A visitor's session: ``open_app(snr_db="3")`` comes by a link."""

    def opened(**query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=TIMEOUT)
        for name, value in query.items():
            app.query_params[name] = value
        return app.run()

    return opened


def png(digit: str = "7", *, dot: bool = False) -> bytes:
    """A picture of a digit on paper; ``dot`` changes one pixel."""
    image = Image.new("L", (200, 200), 255)
    ImageDraw.Draw(image).text((100, 100), digit, fill=0, font_size=150, anchor="mm")
    if dot:
        image.putpixel((100, 60), 255 - image.getpixel((100, 60)))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def upload(app: AppTest, blob: bytes, name: str = "picture.png", mime: str = "image/png") -> AppTest:
    """Choose "Upload" and give it a file."""
    app.segmented_control(key="source").set_value("upload").run()
    return app.file_uploader(key="upload").set_value((name, blob, mime)).run()


def summary(app: AppTest) -> str:
    """The headline."""
    return next(one.value for one in app.markdown if "receiver" in one.value.lower() and "read" in one.value.lower())


def fine(app: AppTest) -> AppTest:
    """No exception and no error on the page."""
    assert not app.exception, [one.message for one in app.exception]
    assert not app.error, [one.value for one in app.error]
    return app


def over(app: AppTest, name: str) -> AppTest:
    """Let an experiment come to its end, as the browser does by asking again; a cancelled one ends with its step."""
    for _ in range(1000):
        fine(app.run())
        if not app.session_state["experiments"][name].running:
            return fine(app.run())
    raise AssertionError("it did not end")
