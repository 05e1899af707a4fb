"""One browser's side of Streamlit's protocol: what arrives is kept, what is set is sent.

::

    GET /_stcore/health            the XSRF cookie
    WS  /_stcore/stream            subprotocols "streamlit", XSRF token; binary BackMsg up, ForwardMsg down
    PUT /_stcore/upload_file/…     one file, to the address that the server named
    GET /media/…                   the pictures of the page

A rerun carries the state of every widget that is on the page, by its id, as a browser sends it.
Written against Streamlit 1.67 and its own generated message classes.
"""

from __future__ import annotations

import asyncio
import http.client
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from students.page import WIDGETS, Page

XSRF_COOKIE = "_streamlit_xsrf"
_KEPT_RUNS = 2
"""For so many runs a browser remembers large messages, so that the server sends a reference only."""


class SessionDropped(ConnectionError):
    """The server closed the connection, or did not answer in time."""


class Session:
    """One visitor's session. ``async with Session(address) as session: await session.run()``.

    Attributes:
        page: what the last complete run left on the page.
        query: the address bar's query, as the server last set it.
        pages: addresses of the app's pages and their script hashes; the first page has the address "".
    """

    def __init__(self, address: str, patience: float = 60.0, pool: ThreadPoolExecutor | None = None) -> None:
        self.address = address.rstrip("/")
        self.patience = patience
        self.page = Page()
        self.query = ""
        self.pages: dict[str, str] = {}
        self.session_id = ""
        self.bytes_received = 0
        self._pool = pool
        self._states: dict[str, WidgetState] = {}
        self._drawing = Page()
        self._script = ""
        self._run = 0
        self._cached: dict[str, tuple[ForwardMsg, int]] = {}
        self._finished: asyncio.Future[int] | None = None
        self._urls: dict[str, asyncio.Future[FileURLs]] = {}
        self._ticking: dict[str, asyncio.Task[None]] = {}
        self._lost: str | None = None
        self.on_fragment: Callable[[], None] | None = None

    async def __aenter__(self) -> Session:
        self._xsrf = await self._in_thread(self._fetch_xsrf)
        parts = urlsplit(self.address)
        self._socket: ClientConnection = await connect(
            f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{parts.path}/_stcore/stream",
            subprotocols=["streamlit", *([self._xsrf] if self._xsrf else [])],
            additional_headers={"Cookie": f"{XSRF_COOKIE}={self._xsrf}"},
            origin=f"{parts.scheme}://{parts.netloc}",
            max_size=None,
            compression=None,
            ping_interval=None,
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *reason: object) -> None:
        self._stop_ticking()
        await self._socket.close()
        await self._reader

    async def run(self, *, query: str | None = None, page: str | None = None) -> None:
        """Send what is set, wait until the script has finished.

        Args:
            query: come by this link.
            page: go to the page with this address, by the menu.

        Raises:
            SessionDropped: the connection is gone, or there is no end in time.
        """
        if page is not None:
            self._script, self.query, self._states = self.pages[page], "", {}
        if query is not None:
            self.query = query
        self._finished = asyncio.get_running_loop().create_future()
        await self._send(self._rerun())
        for identifier in [one for one, state in self._states.items() if _is_trigger(state)]:
            del self._states[identifier]
        await self._within(self._finished, "the script did not finish")

    def choose(self, key: str, number: int) -> None:
        """Pick an option of a select box, pills or a segmented control by its number."""
        widget = self.page.widget(key)
        option = widget.options[number]
        state = WidgetState(id=widget.id)
        if isinstance(option, str):
            state.string_value = option
        else:
            icon = option.content_icon
            state.string_array_value.data[:] = [f"{icon} {option.content}" if icon else option.content]
        self._states[widget.id] = state

    def slide(self, key: str, value: float) -> None:
        """Move a slider of numbers."""
        widget = self.page.widget(key)
        state = WidgetState(id=widget.id)
        state.double_array_value.data[:] = [value]
        self._states[widget.id] = state

    def press(self, key: str) -> None:
        """Press a button."""
        identifier = self.page.widget(key).id
        self._states[identifier] = WidgetState(id=identifier, trigger_value=True)

    async def upload(self, key: str, name: str, blob: bytes, mime: str = "image/png") -> None:
        """Give a file to an uploader.

        Raises:
            SessionDropped: the server refuses it or does not answer.
        """
        message, request = BackMsg(), uuid.uuid4().hex
        message.file_urls_request.request_id = request
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session_id
        self._urls[request] = asyncio.get_running_loop().create_future()
        await self._send(message)
        urls = await self._within(self._urls[request], "there is no address to upload to")
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        body = f"{head}Content-Type: {mime}\r\n\r\n".encode() + blob + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "X-Xsrftoken": self._xsrf}
        status, _ = await self._http("PUT", urls.upload_url, body, headers)
        if status // 100 != 2:
            raise SessionDropped(f"the upload was answered with {status}")
        widget = self.page.widget(key)
        state = WidgetState(id=widget.id)
        info = state.file_uploader_state_value.uploaded_file_info.add(name=name, size=len(blob), file_id=urls.file_id)
        info.file_urls.CopyFrom(urls)
        self._states[widget.id] = state

    async def media(self, url: str) -> bytes:
        """A picture of the page.

        Raises:
            SessionDropped: it is not there.
        """
        status, body = await self._http("GET", url)
        if status != 200:
            raise SessionDropped(f"{url} was answered with {status}")
        return body

    # What the server sends

    async def _read(self) -> None:
        try:
            async for data in self._socket:
                self.bytes_received += len(data)
                self._take(ForwardMsg.FromString(data))
            self._lose("the server closed the connection")
        except ConnectionClosed as error:
            self._lose(str(error))
        except Exception as error:  # a message that this client does not understand must not hang the test
            self._lose(f"{type(error).__name__}: {error}")

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            metadata, (message, _) = message.metadata, self._cached[message.ref_hash]
            self._cached[message.hash] = (message, self._run)
            self._draw(metadata.delta_path, message.delta)
        elif kind == "delta":
            if message.metadata.cacheable:
                self._cached[message.hash] = (message, self._run)
            self._draw(message.metadata.delta_path, message.delta)
        elif kind == "new_session":
            self._begin(message)
        elif kind == "script_finished":
            self._end(message.script_finished)
        elif kind == "navigation":
            self.pages = {one.url_pathname if not one.is_default else "": one.page_script_hash
                          for one in message.navigation.app_pages}  # fmt: skip
            self._script = message.navigation.page_script_hash or self._script
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "file_urls_response":
            waiting = self._urls.pop(message.file_urls_response.response_id, None)
            if waiting and not waiting.done():
                waiting.set_result(message.file_urls_response.file_urls[0])
        elif kind == "auto_rerun":
            self._tick(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                if task := self._ticking.pop(fragment, None):
                    task.cancel()

    def _begin(self, message: ForwardMsg) -> None:
        session = message.new_session
        if session.initialize.session_id:
            self.session_id = session.initialize.session_id
        if message.metadata.run.fragment_ids:
            self._drawing = self.page  # a fragment draws into the page that is there
            return
        self._stop_ticking()
        self._script = session.page_script_hash or self._script
        self._run += 1
        self._drawing = Page()

    def _end(self, status: int) -> None:
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        if status == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY:
            if self.on_fragment:
                self.on_fragment()
            return
        self.page = self._drawing
        shown = {getattr(one, kind).id for one in self.page.elements.values()
                 if (kind := one.WhichOneof("type")) in WIDGETS}  # fmt: skip
        self._states = {one: state for one, state in self._states.items() if one in shown}
        self._cached = {one: kept for one, kept in self._cached.items() if kept[1] > self._run - _KEPT_RUNS}
        if self._finished and not self._finished.done():
            self._finished.set_result(status)

    def _draw(self, path: Any, delta: Any) -> None:
        place = tuple(path)
        kind = delta.WhichOneof("type")
        if kind == "add_block":
            identifier = delta.add_block.id
            if identifier:  # "$$ID-<hash>-<key>"
                self._drawing.containers[identifier.split("-", 2)[-1]] = place
        elif kind == "new_element":
            element = delta.new_element
            self._drawing.elements[place] = element
            self._follow(element)

    def _follow(self, element: Element) -> None:
        """Where the script has set a widget's value, the browser's state follows."""
        kind = element.WhichOneof("type")
        if kind not in ("slider", "selectbox", "button_group", "checkbox"):
            return
        widget = getattr(element, kind)
        if not widget.set_value:
            return
        state = WidgetState(id=widget.id)
        if kind == "slider":
            if widget.options:  # a slider of words
                state.string_array_value.data[:] = list(widget.raw_value)
            else:
                state.double_array_value.data[:] = list(widget.value)
        elif kind == "selectbox":
            state.string_value = widget.raw_value
        elif kind == "button_group":
            state.string_array_value.data[:] = list(widget.raw_values)
        else:
            state.bool_value = widget.value
        self._states[widget.id] = state

    # What goes to the server

    def _rerun(self, fragment: str = "") -> BackMsg:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self.query, self._script
        state.widget_states.widgets.extend(self._states.values())
        state.cached_message_hashes.extend(self._cached)
        state.context_info.url, state.context_info.locale = f"{self.address}/", "en-GB"
        state.context_info.timezone, state.context_info.color_scheme = "UTC", "light"
        if fragment:
            state.fragment_id, state.is_auto_rerun = fragment, True
        return message

    async def _send(self, message: BackMsg) -> None:
        if self._lost:
            raise SessionDropped(self._lost)
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise SessionDropped(str(error)) from error

    def _tick(self, fragment: str, interval: float) -> None:
        async def ticks() -> None:
            while True:
                await asyncio.sleep(interval)
                await self._send(self._rerun(fragment))

        if task := self._ticking.pop(fragment, None):
            task.cancel()
        self._ticking[fragment] = asyncio.create_task(ticks())

    def _stop_ticking(self) -> None:
        for task in self._ticking.values():
            task.cancel()
        self._ticking.clear()

    def _lose(self, reason: str) -> None:
        self._lost = reason
        for waiting in (self._finished, *self._urls.values()):
            if waiting and not waiting.done():
                waiting.set_exception(SessionDropped(reason))

    async def _within(self, waiting: asyncio.Future[Any], complaint: str) -> Any:
        try:
            return await asyncio.wait_for(waiting, self.patience)
        except TimeoutError:
            raise SessionDropped(f"{complaint} within {self.patience:g} s") from None

    # Plain HTTP, over one connection that is kept

    async def _in_thread(self, work: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *given)

    async def _http(self, method: str, url: str, body: bytes | None = None,
                    headers: dict[str, str] | None = None) -> tuple[int, bytes]:  # fmt: skip
        path = urlsplit(self.address).path + url if url.startswith("/") else f"/{url}"
        cookie = {"Cookie": f"{XSRF_COOKIE}={self._xsrf}"}
        return await self._in_thread(self._exchange, method, path, body, cookie | (headers or {}))

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        parts = urlsplit(self.address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=self.patience)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError as error:
            raise SessionDropped(f"{method} {path}: {error}") from error
        finally:
            connection.close()

    def _fetch_xsrf(self) -> str:
        parts = urlsplit(self.address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=self.patience)
        connection.request("GET", f"{parts.path}/_stcore/health")
        answer = connection.getresponse()
        answer.read()
        cookies = (line.partition(";")[0].partition("=") for line in answer.headers.get_all("Set-Cookie") or ())
        connection.close()
        return next((value for name, _, value in cookies if name == XSRF_COOKIE), "")


def _is_trigger(state: WidgetState) -> bool:
    return state.WhichOneof("value") == "trigger_value"
