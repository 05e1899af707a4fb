"""One simulated student: every few seconds one control, and a look at what came of it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from semcom_core import link
from semcom_core.domains import DOMAINS
from semcom_core.settings import LinkSettings
from tests.students import pictures
from tests.students.protocol import Session, SessionDropped

CHANGES = {"defense": 35, "snr": 22, "noise": 15, "sample": 10, "upload": 9, "page": 9}
"""How often each control is used, in per cent. A defense of another domain changes the domain first."""
_SOURCES = ("sample", "upload")
_SHOWN = ("sent", "receiver", "attacker")


@dataclass(frozen=True)
class Picture:
    """What a student sends: a sample by its key, or its own upload by its number."""

    student: int
    sample: str = ""
    upload: int = -1

    def native(self, domain: str) -> np.ndarray:
        """The prepared picture, computed here."""
        if self.sample:
            return pictures.sample_native(domain, self.sample)
        return pictures.upload_native(domain, self.student, self.upload)


@dataclass(frozen=True)
class Result:
    """One change and what came of it.

    Attributes:
        at: seconds since the start of the test when the change was sent.
        change: the control; ``"join"`` for the first page, ``"domain"`` and ``"source"`` for the
            choices that open others, ``"page"`` for a visit of another page and the way back.
        seconds: from sending the change until the script has finished and the result's three pictures
            have arrived; ``None`` if it failed.
        finished: the part until the script has finished.
        errors: what went wrong, in words.
        foreign: whether a picture belongs to another session.
        shown: fingerprints of the pictures, receiver's and attacker's too.
    """

    student: int
    at: float
    change: str
    page: str
    domain: str
    defense: str
    seconds: float | None
    finished: float | None
    errors: tuple[str, ...] = ()
    foreign: bool = False
    settings: dict[str, Any] | None = None
    picture: Picture | None = None
    shown: tuple[str, ...] = ()


class Student:
    """A session that changes a control every ``interval`` seconds.

    Args:
        owners: fingerprints of all students' pictures, to tell whose a wrong one is; shared.
        bag: the next (domain, defense) to look at; shared, so that all are drawn equally often.
        looks: results with pixels that a later check computes again; shared.
    """

    def __init__(
        self,
        number: int,
        session: Session,
        interval: float,
        clock: Callable[[], float],
        owners: dict[str, int],
        bag: Callable[[], tuple[str, str]],
        looks: list[tuple[Result, dict[str, np.ndarray]]],
        seed: int,
    ) -> None:
        self.number, self.session, self.interval, self.clock = number, session, interval, clock
        self.results: list[Result] = []
        self._owners, self._bag, self._looks = owners, bag, looks
        self._random = random.Random(f"{seed}/{number}")
        self._settings = LinkSettings()
        self._picture = Picture(number, pictures.sample_keys(self._settings.domain)[0])
        self._samples: dict[str, str] = {}
        self._uploads = 0
        self._file: int | None = None  # what lies in the uploader; leaving it takes the file away
        self._kept: dict[str, int] = {}  # but the page keeps each domain's last upload
        self._source = "sample"
        self._page = ""
        self._plan: deque[tuple[str, Callable[[], Any]]] = deque()

    async def live(self, until: float) -> list[Result]:
        """Join, then change a control every ``interval`` seconds until the clock says so."""
        await self._step("join", lambda: None)
        await asyncio.sleep(self._random.uniform(0, self.interval))
        while self.clock() < until:
            began = self.clock()
            if not self._plan:
                self._decide()
            if not await self._step(*self._plan.popleft()):
                break
            await asyncio.sleep(max(0.0, began + self.interval - self.clock()))
        return self.results

    # What to do next

    def _decide(self) -> None:
        change = self._random.choices(list(CHANGES), list(CHANGES.values()))[0]
        getattr(self, f"_plan_{change}")()

    def _plan_defense(self) -> None:
        domain, defense = self._bag()
        if domain != self._settings.domain:
            self._plan.append(("domain", lambda: self._to_domain(domain)))
        number = link.trained_defenses(domain).index(defense)
        self._plan.append(("defense", lambda: self._set("defense", number, defense=defense)))

    def _plan_snr(self) -> None:
        snr_db = self._random.randint(-10, 60) / 2

        def move() -> None:
            self.session.slide("snr_db", snr_db)
            self._settings = replace(self._settings, snr_db=snr_db)

        self._plan.append(("snr", move))

    def _plan_noise(self) -> None:
        def again() -> None:
            self.session.press("new_noise")
            self._settings = replace(self._settings, seed=self._settings.seed + 1)

        self._plan.append(("noise", again))

    def _plan_sample(self) -> None:
        if self._source != "sample":
            self._plan.append(("source", lambda: self._to_source("sample")))

        def pick() -> None:
            domain = self._settings.domain
            key = self._random.choice(pictures.sample_keys(domain))
            self.session.choose(f"sample_{domain}", pictures.sample_keys(domain).index(key))
            self._samples[domain] = key

        self._plan.append(("sample", pick))

    def _plan_upload(self) -> None:
        if self._source != "upload":
            self._plan.append(("source", lambda: self._to_source("upload")))

        async def send() -> None:
            self._uploads += 1
            blob = pictures.drawing(self.number, self._uploads)
            self._file = self._uploads
            await self.session.upload("upload", f"picture-{self._uploads}.png", blob)

        self._plan.append(("upload", send))

    def _plan_page(self) -> None:
        other = self._random.choice([page for page in self.session.pages if page])
        self._plan.append(("page", lambda: other))
        self._plan.append(("page", lambda: ""))

    # The controls

    def _set(self, key: str, number: int, **settings: Any) -> None:
        self.session.choose(key, number)
        self._settings = replace(self._settings, **settings)

    def _to_domain(self, domain: str) -> None:
        self.session.choose("domain", list(DOMAINS).index(domain))
        available = link.trained_defenses(domain)
        kept = self._settings.defense if self._settings.defense in available else LinkSettings().defense
        self._settings = replace(self._settings, domain=domain, defense=kept)

    def _to_source(self, source: str) -> None:
        self.session.choose("source", _SOURCES.index(source))
        self._source, self._file = source, None

    # One step

    async def _step(self, change: str, act: Callable[[], Any]) -> bool:
        """Do it, wait, look; whether the session is still there."""
        at, seconds, finished, errors, foreign = self.clock(), None, None, [], False
        shown: dict[str, np.ndarray] = {}
        before = self._page
        try:
            done = act()
            if asyncio.iscoroutine(done):
                done = await done
            started = time.perf_counter()
            if change == "page":
                self._page, self._file = done, None
                await self.session.run(page=done)
            else:
                await self.session.run()
            finished = time.perf_counter() - started
            errors += self.session.page.complaints()
            if self._page == "":
                images = await self._images(errors)
                seconds = time.perf_counter() - started
                self._follow_source()
                foreign = self._check(images, shown, errors)
            else:
                seconds = finished
        except (SessionDropped, KeyError, ValueError) as error:
            errors.append(f"{type(error).__name__}: {error}")
            dropped = isinstance(error, SessionDropped)
        else:
            dropped = False
        page = self._page or before if change == "page" else self._page
        result = Result(
            self.number, round(at, 2), change, page, self._settings.domain, self._settings.defense,
            seconds, finished, tuple(errors), foreign, asdict(self._settings), self._picture,
            tuple(pictures.fingerprint(one) for one in shown.values()),
        )  # fmt: skip
        self.results.append(result)
        if shown and not errors:
            self._looks.append((result, shown))
        return not dropped

    async def _images(self, errors: list[str]) -> dict[str, bytes]:
        """The pictures of the three cards, by party; a party may have none (a codec without pictures)."""
        urls = {}
        for place, element in self.session.page.inside("cards"):
            if element.WhichOneof("type") == "imgs":
                urls[_SHOWN[place[1]]] = element.imgs.imgs[0].url
        if "sent" not in urls:
            errors.append("the page shows no sent picture")
        return {party: await self.session.media(url) for party, url in urls.items()}

    def _follow_source(self) -> None:
        """Which picture the page must show now."""
        domain = self._settings.domain
        if self._file is not None:
            self._kept[domain] = self._file
        if self._source == "upload" and domain in self._kept:
            self._picture = Picture(self.number, upload=self._kept[domain])
        else:
            self._picture = Picture(self.number, self._samples.setdefault(domain, pictures.sample_keys(domain)[0]))

    def _check(self, images: dict[str, bytes], shown: dict[str, np.ndarray], errors: list[str]) -> bool:
        """The address and the sent picture are this student's; whether a picture is another one's."""
        there = LinkSettings.from_query(dict(parse_qsl(self.session.query)))
        if there != self._settings:
            errors.append(f"other settings in the address: {there.to_query()} instead of {self._settings.to_query()}")
        domain = self._settings.domain
        for party, image in images.items():
            shown[party] = pictures.shown_pixels(image, DOMAINS[domain].native_size)
        if "sent" not in shown:
            return False
        expected, sent = pictures.pixels(self._picture.native(domain)), pictures.fingerprint(shown["sent"])
        own = pictures.fingerprint(expected)
        if not self._picture.sample:
            self._owners[own] = self.number
        if sent == own:
            return False
        owner = self._owners.get(sent)
        errors.append(f"another sent picture than {self._picture}" + ("" if owner is None else f": student {owner}'s"))
        return owner is not None and owner != self.number
