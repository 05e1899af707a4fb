"""The students' protocol against a really started small app: set, press, upload, see, be refused."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from pages.widgets import collector, cores
from pages.widgets.pictures import png, sharp, to_pil
from semcom_core import bench_server, link
from semcom_core.domains import DOMAINS
from semcom_core.images import open_picture
from tests.students import pictures
from tests.students.protocol import Session, SessionDropped
from tests.students.student import CHANGES, Student

APP = """
import io
import streamlit as st
from PIL import Image
state = st.session_state
state.setdefault("number", 0)
if st.button("more", key="more"):
    state["number"] += 1
level = st.slider("level", 0.0, 9.0, 2.0, key="level")
kind = st.selectbox("kind", ["a", "b"], format_func=str.upper, key="kind")
way = st.segmented_control("way", ["x", "y"], required=True, key="way")
st.query_params["seen"] = f"{state['number']} {level:g} {kind} {way}"
file = st.file_uploader("file", key="file")
if level == 9:
    raise ValueError("nine")
if level == 8:
    st.error("eight")
with st.container(key="cards"):
    for column in st.columns(2):
        if file is not None:
            column.image(Image.open(io.BytesIO(file.getvalue())), output_format="PNG", alt="file")
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("app")
    script = folder / "app.py"
    script.write_text(APP)
    where = bench_server.free_address()
    try:
        with bench_server.started(where, script, folder / "log.txt"):
            yield where
    except RuntimeError as error:
        pytest.skip(f"no server can be started here: {error}")


def _run(visit: Coroutine[None, None, Any]) -> Any:
    """In a thread of its own: Playwright, once started by the browser tests, keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, visit).result()


def test_controls_arrive_and_results_come_back(address: str) -> None:
    async def visit() -> list[str]:
        async with Session(address) as session:
            seen = []
            await session.run()
            seen.append(session.query)
            session.press("more")
            await session.run()
            session.slide("level", 3.0)
            session.choose("kind", 1)
            await session.run()
            seen.append(session.query)
            session.choose("way", 1)
            await session.run()
            seen.append(session.query)
            assert not session.page.complaints()
            return seen

    assert _run(visit()) == ["seen=0+2+a+None", "seen=1+3+b+None", "seen=1+3+b+y"]


def test_exceptions_and_error_boxes_are_seen(address: str) -> None:
    async def visit() -> list[list[str]]:
        async with Session(address) as session:
            await session.run()
            complaints = []
            for level in (9.0, 8.0, 1.0):
                session.slide("level", level)
                await session.run()
                complaints.append(session.page.complaints())
            return complaints

    broken, boxed, fine = _run(visit())
    assert len(broken) == 1 and boxed == ["error box: eight"] and fine == []


def test_uploads_stay_in_their_session(address: str) -> None:
    async def visit() -> None:
        async with Session(address) as one, Session(address) as two:
            for number, session in enumerate((one, two)):
                await session.run()
                await session.upload("file", "own.png", pictures.drawing(number, 1))
            await asyncio.gather(one.run(), two.run())
            for number, session in enumerate((one, two)):
                urls = [element.imgs.imgs[0].url for _, element in session.page.inside("cards")]
                assert len(urls) == 2
                expected = np.asarray(open_picture(pictures.drawing(number, 1)).image)
                for url in urls:
                    assert np.array_equal(np.asarray(open_picture(await session.media(url)).image), expected)
            with pytest.raises(SessionDropped):
                await one.media("/media/nothing.png")
            with pytest.raises(KeyError):
                one.slide("volume", 1.0)

    _run(visit())


def test_no_answer_in_time_is_a_dropped_session(address: str) -> None:
    async def visit() -> None:
        async with Session(address) as session:
            await session.run()
            session.patience = 0.0
            with pytest.raises(SessionDropped, match="did not finish"):
                await session.run()

    _run(visit())


def test_drawings_name_their_student_and_every_domain_takes_them() -> None:
    for domain in DOMAINS:
        shown = [
            pictures.fingerprint(pictures.pixels(pictures.upload_native(domain, student, number)))
            for student in range(10)
            for number in (1, 2)
        ]
        assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("domain", list(DOMAINS))
def test_what_the_page_shows_reads_back_exactly(domain: str) -> None:
    native = link.torch.rand(DOMAINS[domain].channels, *[DOMAINS[domain].native_size] * 2)
    page = png(sharp(to_pil(native)))
    assert np.array_equal(pictures.shown_pixels(page, native.shape[-1]), pictures.pixels(native.numpy()))


def test_a_picture_of_another_student_is_noticed() -> None:
    owners: dict[str, int] = {}
    student = Student(0, Session("http://nowhere"), 3.0, lambda: 0.0, owners, lambda: ("digits", "none"), [], 0)
    student._picture = student._picture.__class__(0, upload=1)
    other = pictures.pixels(pictures.upload_native("digits", 7, 1))
    owners[pictures.fingerprint(other)] = 7
    errors: list[str] = []
    card = png(sharp(to_pil(link.torch.from_numpy(pictures.upload_native("digits", 7, 1)))))
    assert student._check({"sent": card}, {}, errors)
    assert "student 7's" in errors[-1]
    own = png(sharp(to_pil(link.torch.from_numpy(pictures.upload_native("digits", 0, 1)))))
    assert not student._check({"sent": own}, {}, fine := [])
    assert fine == []


def test_the_mix_is_whole() -> None:
    assert sum(CHANGES.values()) == 100
    assert all(hasattr(Student, f"_plan_{change}") for change in CHANGES)


def test_one_thread_a_visitor_while_two_compute() -> None:
    shares = []
    with cores.fair_share():
        shares.append(link.torch.get_num_threads())
        with cores.fair_share():  # inside: the outer one's
            shares.append(link.torch.get_num_threads())

        def second() -> None:
            with cores.fair_share():
                shares.append(link.torch.get_num_threads())

        thread = cores.threading.Thread(target=second)
        thread.start()
        thread.join()
    assert shares == [cores._ALL, cores._ALL, 1]


def test_tidying_collects_what_was_frozen() -> None:
    import gc
    import weakref

    class Node: ...

    node = Node()
    node.itself = node
    alive = weakref.ref(node)
    gc.freeze()
    del node
    gc.collect()
    assert alive() is not None
    collector.tidy()
    assert alive() is None
    gc.unfreeze()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_threads_share_two_heaps() -> None:
    """Counted by the C library itself, after a dozen threads have asked for memory at once."""
    work = """
import ctypes, sys, threading
from pages.widgets import collector
if sys.argv[1] == "shared":
    collector.share_heaps()
libc, gate = ctypes.CDLL(None), threading.Barrier(12)
libc.malloc.restype = ctypes.c_void_p
def take():
    gate.wait()
    for _ in range(100):
        libc.malloc(4000)
    gate.wait()
threads = [threading.Thread(target=take) for _ in range(12)]
for one in threads: one.start()
for one in threads: one.join()
libc.malloc_stats()
"""
    alone = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    heaps = {}
    for way in ("shared", "own"):
        run = subprocess.run([sys.executable, "-c", work, way], env=alone, check=True, capture_output=True, text=True)
        heaps[way] = run.stderr.count("Arena ")
    if not heaps["own"]:
        pytest.skip("the C library here is not glibc")
    assert heaps["shared"] <= 2 < heaps["own"]
