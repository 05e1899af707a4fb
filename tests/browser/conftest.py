"""The page in a real browser: a server of our own, and Chromium if there is one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 90_000
"""Two busy cores, torch still to be imported: the first page may take a while."""

Open = Callable[..., playwright.Page]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a free port; its address."""
    with started(tmp_path_factory.mktemp("server")) as address:
        yield address


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """A server of its own for as long as the context lasts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, log = f"http://127.0.0.1:{port}", folder / "log.txt"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1"]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(address, process, log)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)
    # A visitor sees no traceback by configuration; the log would.
    assert "Traceback" not in log.read_text(), log.read_text()[-3000:]


def _wait(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            # Unknown addresses answer 200, too: only the body tells that the server is up.
            if urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).read() == b"ok":
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise TimeoutError(log.read_text())


@pytest.fixture(scope="session")
def browser() -> Iterator[playwright.Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: playwright.Browser, server: str) -> Iterator[Open]:
    """``open_page("?snr_db=3", width=390)``: a new visitor, on the page once it has transmitted."""
    contexts, foreign = [], []

    def opened(query: str = "", *, width: int = 1440, height: int = 900, scheme: str = "light") -> playwright.Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: _note_foreign(request.url, server, foreign))
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{server}/{query}")
        settled(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not foreign, f"the page asked other servers: {foreign}"


def _note_foreign(url: str, server: str, foreign: list[str]) -> None:
    if not url.startswith((server, server.replace("http", "ws", 1), "data:", "blob:")):
        foreign.append(url)


def settled(page: playwright.Page) -> None:
    """Wait until the summary, the pictures and the charts are there and nothing runs any more."""
    page.locator(".st-key-summary p").wait_for()
    page.locator(".st-key-chart_attacker .class-bars").wait_for()
    page.locator(".st-key-cards [data-testid=stMetricValue]").first.wait_for()
    idle(page)
    # Streamlit loads the code of some elements when the first of them is drawn; until then they are skeletons.
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    page.wait_for_function("[...document.images].every(image => image.complete)")


def idle(page: playwright.Page) -> None:
    """Wait until the app runs nothing any more."""
    page.wait_for_function("document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'")


def snr_slider(page: playwright.Page) -> playwright.Locator:
    """The receiver's SNR, the first slider of the sidebar."""
    return page.get_by_role("slider").first


def summary(page: playwright.Page) -> str:
    return page.locator(".st-key-summary p").inner_text()


def screenshot_path(tmp_path: Path) -> Path:
    """Where the README's picture goes: ``SEMCOM_SCREENSHOT``, else a temporary folder."""
    return Path(os.environ.get("SEMCOM_SCREENSHOT", tmp_path / "live_link.png"))
