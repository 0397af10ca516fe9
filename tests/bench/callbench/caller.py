"""A person on the other side of a Twilio-like media socket, with no work beyond the protocol."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import orjson

from callbench import script
from callbench.frames import Frame, FrameReader, Opcode, client_frame
from callbench.person import Person
from callbench.stamps import CallLog, now_ns
from callbench.twilio_account import ACCOUNT_SID


def _text(body: Mapping[str, object]) -> bytes:
    return client_frame(Opcode.TEXT, orjson.dumps(body))


class Caller(asyncio.Protocol):
    """A call; `tick` sends its next frame. *on_over* is called when its socket is gone."""

    def __init__(self, log: CallLog, url: str, on_over: Callable[[Caller], None]) -> None:
        self.log, self.url = log, url
        self.person = Person(log)
        self.up = asyncio.get_running_loop().create_future()
        self.ending = False
        self._on_over = on_over
        self._reader = FrameReader()
        self._head = b""
        self._stream = f"MZ{secrets.token_hex(16)}"
        self._silence = self._media(script.SILENCE)
        self._voice = self._media(script.voice_of(log.number))
        self._marks: dict[bytes, asyncio.TimerHandle] = {}

    def _media(self, audio: bytes) -> bytes:
        payload = base64.b64encode(audio).decode()
        media = {"track": "inbound", "chunk": "1", "timestamp": "20", "payload": payload}
        return _text(
            {"event": "media", "sequenceNumber": "3", "media": media, "streamSid": self._stream}
        )

    # --- the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        parts = urlsplit(self.url)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        transport.write(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if self.up.done():
            self._take(data)
            return
        self._head += data
        head, found, rest = self._head.partition(b"\r\n\r\n")
        if not found:
            return
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self.log.problem = head.decode(errors="replace")
            self._transport.abort()
            return
        self._start()
        self.up.set_result(None)
        self._take(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ending:
            self.log.problem = self.log.problem or f"the socket was closed: {exc}"
        for timer in self._marks.values():
            timer.cancel()
        self._marks.clear()
        if not self.up.done():
            self.up.cancel()
        self._on_over(self)

    def _start(self) -> None:
        call = {
            "accountSid": ACCOUNT_SID,
            "streamSid": self._stream,
            "callSid": self.log.call_id,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {},
        }
        said = {"event": "start", "streamSid": self._stream, "start": call}
        self._transport.write(_text({"event": "connected", "protocol": "Call"}) + _text(said))

    def hang_up(self) -> None:
        """Say that the call is over, and close."""
        self.ending = True
        if not self._transport.is_closing():
            stop = {"event": "stop", "streamSid": self._stream, "stop": {}}
            self._transport.write(_text(stop) + client_frame(Opcode.CLOSE, b"\x03\xe8"))

    def tick(self) -> None:
        """Send the next 20 ms."""
        self.log.first_frame_ns = self.log.first_frame_ns or now_ns()
        self._transport.write(self._voice if self.person.speaks(now_ns()) else self._silence)

    # --- the ear

    def _take(self, data: bytes) -> None:
        for frame in self._reader.feed(data):
            if frame.opcode == Opcode.TEXT:
                self._obey(frame)
            elif frame.opcode == Opcode.PING:
                self._transport.write(client_frame(Opcode.PONG, frame.data))
            elif frame.opcode == Opcode.CLOSE:
                self._transport.close()

    def _obey(self, frame: Frame) -> None:
        body = orjson.loads(frame.data)
        match body["event"]:
            case "media":
                payload = body["media"]["payload"]
                size = len(payload) * 3 // 4 - payload[-2:].count("=")
                self.person.gets(size, now_ns())
            case "mark":
                self._mark(frame.data)
            case "clear":
                self._clear(now_ns())

    def _mark(self, message: bytes) -> None:
        wait_s = max(0, self.person.dry_ns - now_ns()) / 1e9
        loop = asyncio.get_running_loop()
        self._marks[message] = loop.call_later(wait_s, self._return_mark, message)

    def _return_mark(self, message: bytes) -> None:
        self._marks.pop(message).cancel()
        self._transport.write(client_frame(Opcode.TEXT, message))

    def _clear(self, now: int) -> None:
        self.person.is_cleared(now)
        for message in list(self._marks):
            self._return_mark(message)
