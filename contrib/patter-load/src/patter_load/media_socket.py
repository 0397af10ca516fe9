"""A carrier's end of a Twilio media stream, with no work beyond the protocol.

One protocol object a call: no task, no queue, no WebSocket library, because whoever makes the load
must cost less than what is loaded.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import orjson

from patter_load.frames import Frame, FrameReader, Opcode, client_frame

now_ns: Callable[[], int] = time.monotonic_ns
HEAD_BYTES: Final = 16_384
FORMAT: Final = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


class Ear(Protocol):
    """Who hears the agent. *dry_ns*: when all that came will have been played."""

    dry_ns: int

    def plays(self, payload: str, now: int) -> None:
        """This much of the agent's audio has come, in base64."""
        ...

    def is_cleared(self, now: int) -> None:
        """What was not heard is dropped."""
        ...


def text_frame(body: Mapping[str, object]) -> bytes:
    """A message as it lies on the wire."""
    return client_frame(Opcode.TEXT, orjson.dumps(body))


class MediaSocket(asyncio.Protocol):
    """The media of the call *call_sid* at *url*, heard by *ear*.

    *up* is done once the stream has begun. *problem* says what went wrong, "" while nothing has.
    *farewell*: the other side has closed the socket as WebSockets are closed.
    Subclasses take `over`, which is called when the socket is gone.
    """

    def __init__(
        self,
        url: str,
        ear: Ear,
        *,
        account_sid: str,
        call_sid: str,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url, self.ear, self.problem = url, ear, ""
        self.up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ending = self.farewell = False
        self._headers = headers or {}
        self._reader, self._head = FrameReader(), b""
        self._stream = f"MZ{secrets.token_hex(16)}"
        self._start = {
            "accountSid": account_sid,
            "streamSid": self._stream,
            "callSid": call_sid,
            "tracks": ["inbound"],
            "mediaFormat": FORMAT,
            "customParameters": dict(parameters or {}),
        }
        self._marks: dict[bytes, asyncio.TimerHandle] = {}

    def over(self) -> None:
        """The socket is gone."""

    def media(self, audio: bytes) -> bytes:
        """The message that brings *audio*; made once for what is said often."""
        payload = base64.b64encode(audio).decode()
        media = {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": payload}
        return text_frame(
            {"event": "media", "sequenceNumber": "3", "media": media, "streamSid": self._stream}
        )

    def send(self, message: bytes) -> None:
        """Send what `media` or `text_frame` has made."""
        self._transport.write(message)

    def press(self, digit: str) -> None:
        """A key of the caller's."""
        key = {"track": "inbound_track", "digit": digit}
        self.send(text_frame({"event": "dtmf", "streamSid": self._stream, "dtmf": key}))

    def hang_up(self) -> None:
        """Say that the call is over, and close."""
        self.ending = True
        if not self._transport.is_closing():
            stop = {"event": "stop", "streamSid": self._stream, "stop": {}}
            self.send(text_frame(stop) + client_frame(Opcode.CLOSE, b"\x03\xe8"))

    def abort(self) -> None:
        """Be gone without a word."""
        self.ending = True
        self._transport.abort()

    # --- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        parts = urlsplit(self.url)
        place = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"GET {place} HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        lines += [f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}"]
        lines += [f"{name}: {value}" for name, value in self._headers.items()]
        transport.write("\r\n".join([*lines, "", ""]).encode())

    def data_received(self, data: bytes) -> None:
        if self.up.done():
            self._take(data)
            return
        self._head += data
        head, separator, rest = self._head.partition(b"\r\n\r\n")
        refused = separator and b" 101 " not in head.partition(b"\r\n")[0]
        if refused or len(head) > HEAD_BYTES:
            self.problem = (
                f"no media: {head.partition(bytes([13, 10]))[0].decode(errors='replace')}"
            )
            self._transport.abort()
        elif separator:
            started = {"event": "start", "sequenceNumber": "1", "streamSid": self._stream}
            self.send(text_frame({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
            self.send(text_frame({**started, "start": self._start}))
            self.up.set_result(None)
            self._take(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ending:
            self.problem = self.problem or f"the socket was closed: {exc or 'without a reason'}"
        for timer in self._marks.values():
            timer.cancel()
        self._marks.clear()
        if not self.up.done():
            self.up.cancel()
        self.over()

    # --- the ear

    def _take(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            if frame.opcode == Opcode.TEXT:
                self._obey(frame)
            elif frame.opcode == Opcode.PING:
                self.send(client_frame(Opcode.PONG, frame.data))
            elif frame.opcode == Opcode.CLOSE:
                self.farewell = True
                self._transport.close()

    def _obey(self, frame: Frame) -> None:
        body: dict[str, Any] = orjson.loads(frame.data)
        match body.get("event"):
            case "media":
                self.ear.plays(body["media"]["payload"], now_ns())
            case "mark":
                self._mark(frame.data)
            case "clear":
                self._clear(now_ns())

    def _mark(self, message: bytes) -> None:
        wait_s = max(0, self.ear.dry_ns - now_ns()) / 1e9
        loop = asyncio.get_running_loop()
        if (before := self._marks.pop(message, None)) is not None:
            before.cancel()
        self._marks[message] = loop.call_later(wait_s, self._return_mark, message)

    def _return_mark(self, message: bytes) -> None:
        self._marks.pop(message).cancel()
        self.send(client_frame(Opcode.TEXT, message))

    def _clear(self, now: int) -> None:
        self.ear.is_cleared(now)
        for message in list(self._marks):
            self._return_mark(message)
