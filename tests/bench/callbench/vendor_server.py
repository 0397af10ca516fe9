"""What servers that play vendors share: HTTP by hand, an ear, and tokens that come in time.

Raw protocols instead of a web framework, because what serves 150 calls here must not be what
a benchmark measures. They decide by the callers' audio alone: a run of silence after a voice
ends a turn.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Protocol

import attrs

from callbench import script
from callbench.stamps import CallLog, Turn, now_ns
from patter_load.frames import Frame, FrameReader, Opcode, accept_key, server_frame

LAST_CHUNK = b"0\r\n\r\n"
NOTHING = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
Z95 = 1.645


def chunk(data: bytes) -> bytes:
    """*data* as one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(data: bytes) -> bytes:
    """*data* as a server-sent event, in a chunk of its own."""
    return chunk(b"data: " + data + b"\n\n")


def head(content_type: str) -> bytes:
    """The head of a response whose body comes in chunks."""
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()


@attrs.frozen
class Delay:
    """How long a vendor thinks, in ms: as long as half of the answers take, and as 19 of 20."""

    p50_ms: float = 0.0
    p95_ms: float = 0.0

    def seconds(self, chance: Random) -> float:
        """One of them, log-normal as such delays are."""
        if not self.p50_ms:
            return 0.0
        spread = math.log(self.p95_ms / self.p50_ms) / Z95
        return self.p50_ms / 1_000 * chance.lognormvariate(0.0, spread)


class EarWords(Protocol):
    """What a recogniser sends, as frames; *turn* counts from 0, *at_ms* from the first audio."""

    def started(self, turn: int, at_ms: int) -> bytes: ...

    def interim(self, turn: int, at_ms: int, name: str) -> bytes: ...

    def final(self, turn: int, at_ms: int, name: str) -> bytes: ...


class Ears:
    """The recogniser of one call; *whose* tells whose voice a frame is.

    *think* is how long words that are final take, after the silence that ends a turn.
    """

    def __init__(
        self,
        words: EarWords,
        whose: Callable[[Frame], CallLog],
        transport: asyncio.WriteTransport,
        think: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._words, self._whose, self._transport, self._think = words, whose, transport, think
        self._log: CallLog | None = None
        self._at_ms = self._voice_ms = self._silent_ms = self._turns = 0
        self._interim = False

    def hear(self, frame: Frame) -> None:
        """A frame of the caller's audio."""
        length_ms = len(frame.data) // script.BYTES_PER_MS
        self._at_ms += length_ms
        if self._log is not None:
            self._log.frames_to_stt += 1
        if frame.first_byte() != script.SILENCE[0]:
            self._log = self._log or self._whose(frame)
            self._hear_voice(self._log, length_ms)
        elif self._log is not None and self._voice_ms:
            self._silent_ms += length_ms
            if self._silent_ms >= script.FINAL_AFTER_MS:
                self._end_turn(self._log)

    def _hear_voice(self, log: CallLog, length_ms: int) -> None:
        if not self._voice_ms:
            self._transport.write(self._words.started(self._turns, self._at_ms))
        self._voice_ms += length_ms
        if not self._interim and self._voice_ms >= script.INTERIM_AFTER_MS:
            self._interim = True
            log.turn.evidence_ns = now_ns()
            self._transport.write(self._words.interim(self._turns, self._at_ms, log.name))

    def _end_turn(self, log: CallLog) -> None:
        self._voice_ms = self._silent_ms = 0
        self._interim = False
        later(self._think(), self._say, log, log.turn, self._turns)
        self._turns += 1

    def _say(self, log: CallLog, turn: Turn, number: int) -> None:
        turn.final_ns = now_ns()
        self._transport.write(self._words.final(number, self._at_ms, log.name))


def later(seconds: float, work: Callable[..., object], *args: object) -> None:
    """Do *work* then; at once when there is no delay."""
    if seconds:
        asyncio.get_running_loop().call_later(seconds, work, *args)
    else:
        work(*args)


def send_tokens(
    transport: asyncio.WriteTransport, turn: Turn, tokens: Iterator[tuple[bytes, bool]], done: bytes
) -> None:
    """Send a token now, and one every `script.TOKEN_MS`; then *done*."""
    loop = asyncio.get_running_loop()

    def send(due: float) -> None:
        token, completes = next(tokens, (done, False))
        if completes:
            turn.sentence_ns = turn.sentence_ns or now_ns()
        transport.write(token)
        if token is not done and not transport.is_closing():
            due += script.TOKEN_MS / 1_000
            loop.call_at(due, send, due)

    send(loop.time())


@attrs.frozen
class Request:
    """A request, its headers' names in small letters."""

    method: bytes
    path: bytes
    headers: Mapping[bytes, bytes]
    body: bytes


class Connection(asyncio.Protocol):
    """One connection: requests until one of them makes a WebSocket of it."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = b""
        self._frames = FrameReader()
        self._socket = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._socket:
            self._take(data)
            return
        self._buffer += data
        while not self._socket and (taken := _request(self._buffer)) is not None:
            request, self._buffer = taken
            if b"sec-websocket-key" in request.headers:
                self._socket = True
                self.transport.write(_upgraded(request.headers))
                self.opened(request)
            else:
                self.answer(request)

    def answer(self, request: Request) -> None:
        """A request."""
        raise NotImplementedError

    def opened(self, request: Request) -> None:
        """The connection is a WebSocket now."""
        raise NotImplementedError

    def audio(self, frame: Frame) -> None:
        """A binary message."""
        raise NotImplementedError

    def text(self, data: bytes) -> None:
        """A text message."""
        raise NotImplementedError

    def close(self) -> None:
        """End the WebSocket."""
        self.transport.write(server_frame(Opcode.CLOSE, b"\x03\xe8"))
        self.transport.close()

    def _take(self, data: bytes) -> None:
        for frame in self._frames.feed(data):
            match frame.opcode:
                case Opcode.BINARY:
                    self.audio(frame)
                case Opcode.TEXT:
                    self.text(frame.payload())
                case Opcode.PING:
                    self.transport.write(server_frame(Opcode.PONG, frame.payload()))
                case Opcode.CLOSE:
                    self.close()


@asynccontextmanager
async def serving(connection: Callable[[], Connection]) -> AsyncIterator[str]:
    """Serve; the address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0, backlog=512)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def _upgraded(headers: Mapping[bytes, bytes]) -> bytes:
    """The answer that makes a connection a WebSocket."""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_key(headers[b"sec-websocket-key"]) + b"\r\n\r\n"
    )


def _request(data: bytes) -> tuple[Request, bytes] | None:
    """A request, and what follows it; None while it is incomplete."""
    lead, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return None
    first, *lines = lead.split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    size = int(headers.get(b"content-length", b"0"))
    if len(rest) < size:
        return None
    method, path, _ = first.split(b" ")
    return Request(method, path, headers, rest[:size]), rest[size:]
