"""The vendors: recogniser, model and voice on one port of this machine, without latency.

The model sends a token every `script.TOKEN_MS`; everything else comes at once.

Raw protocols instead of a web framework, because what serves 150 calls here must not be what
a benchmark measures. They decide by the callers' audio alone: a run of silence after a voice
ends a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Protocol

import orjson

from callbench import script
from callbench.frames import FrameReader, Opcode, accept_key, server_frame
from callbench.stamps import CallLog, Turn, now_ns

_SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_AUDIO_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: audio/basic\r\nTransfer-Encoding: chunked\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
FIRST_AUDIO_MS = 160


def chunk(data: bytes) -> bytes:
    """*data* as one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def _event(data: bytes) -> bytes:
    return chunk(b"data: " + data + b"\n\n")


_TOKENS = tuple(
    (_event(orjson.dumps({"delta": text})), completes) for text, completes in script.tokens()
)
_DONE = _event(b"[DONE]") + _LAST_CHUNK
_STARTED = server_frame(Opcode.TEXT, b'{"type":"started"}')
_EMPTY = server_frame(Opcode.TEXT, b'{"type":"final","text":""}')


def _words(kind: str, **more: object) -> tuple[bytes, ...]:
    said = ({"type": kind, "text": text, **more} for text in script.CALLER_WORDS)
    return tuple(server_frame(Opcode.TEXT, orjson.dumps(each)) for each in said)


_INTERIMS, _FINALS = _words("interim"), _words("final", turn_ended=True)


@lru_cache(maxsize=64)
def _voice(text: str) -> tuple[bytes, bytes]:
    """The first piece of the audio of *text* and the rest of the response."""
    size = script.spoken_ms(text) * script.BYTES_PER_MS
    audio, first = script.AGENT_BYTE * size, FIRST_AUDIO_MS * script.BYTES_PER_MS
    rest = audio[first:]
    return chunk(audio[:first]), (chunk(rest) if rest else b"") + _LAST_CHUNK


class Ears:
    """The recogniser of one call."""

    def __init__(self, log: CallLog, transport: asyncio.WriteTransport) -> None:
        self._log, self._transport = log, transport
        self._reader = FrameReader()
        self._voice_ms = self._silent_ms = 0
        self._interim = False
        self._turns = 0

    def feed(self, data: bytes) -> None:
        """Take what came on the socket."""
        for frame in self._reader.feed(data):
            if frame.opcode == Opcode.BINARY:
                self._log.frames_to_stt += 1
                self._hear(frame.first_byte(), len(frame.data) // script.BYTES_PER_MS)
            elif frame.opcode == Opcode.TEXT:
                self._transport.write(_EMPTY)
            elif frame.opcode == Opcode.CLOSE:
                self._transport.write(server_frame(Opcode.CLOSE, frame.payload()))
                self._transport.close()

    def _hear(self, sample: int, length_ms: int) -> None:
        if sample != script.SILENCE[0]:
            self._hear_voice(length_ms)
        elif self._voice_ms:
            self._silent_ms += length_ms
            if self._silent_ms >= script.FINAL_AFTER_MS:
                self._end_turn()

    def _hear_voice(self, length_ms: int) -> None:
        if not self._voice_ms:
            self._transport.write(_STARTED)
        self._voice_ms += length_ms
        if not self._interim and self._voice_ms >= script.INTERIM_AFTER_MS:
            self._interim = True
            self._log.turn.evidence_ns = now_ns()
            self._transport.write(_INTERIMS[self._turns % len(_INTERIMS)])

    def _end_turn(self) -> None:
        self._voice_ms = self._silent_ms = 0
        self._interim = False
        self._log.turn.final_ns = now_ns()
        self._transport.write(_FINALS[self._turns % len(_FINALS)])
        self._turns += 1


class Logs(Protocol):
    """Where the record of a call is found."""

    def __getitem__(self, call_id: str, /) -> CallLog: ...


class Vendor(asyncio.Protocol):
    """One connection, of whichever vendor its first request names."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._buffer = b""
        self._ears: Ears | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._ears is not None:
            self._ears.feed(data)
            return
        self._buffer += data
        while self._ears is None and (taken := _request(self._buffer)) is not None:
            path, headers, body, self._buffer = taken
            self._answer(path, headers, body)

    def _answer(self, path: bytes, headers: Mapping[bytes, bytes], body: bytes) -> None:
        log = self._logs[headers[b"x-call"].decode()]
        if path == b"/stt":
            self._transport.write(upgraded(headers))
            self._ears = Ears(log, self._transport)
        elif path == b"/llm":
            self._reply(log)
        else:
            self._speak(log, orjson.loads(body)["text"])

    def _reply(self, log: CallLog) -> None:
        turn = log.turn
        turn.asked_ns = turn.asked_ns or now_ns()
        self._transport.write(_SSE_HEAD)
        self._next_token(turn, iter(_TOKENS), asyncio.get_running_loop().time())

    def _next_token(self, turn: Turn, rest: Iterator[tuple[bytes, bool]], due: float) -> None:
        """Send a token, and the next one when it is due."""
        token, completes = next(rest, (_DONE, False))
        if completes:
            turn.sentence_ns = turn.sentence_ns or now_ns()
        self._transport.write(token)
        if token is not _DONE and not self._transport.is_closing():
            due += script.TOKEN_MS / 1_000
            asyncio.get_running_loop().call_at(due, self._next_token, turn, rest, due)

    def _speak(self, log: CallLog, text: str) -> None:
        turn = log.turn
        turn.spoken_ns = turn.spoken_ns or now_ns()
        first, rest = _voice(text)
        self._transport.write(_AUDIO_HEAD)
        turn.voiced_ns = turn.voiced_ns or now_ns()
        self._transport.write(first)
        self._transport.write(rest)


@asynccontextmanager
async def serving(logs: Logs) -> AsyncIterator[str]:
    """Serve the vendors; their address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Vendor(logs), "127.0.0.1", 0, backlog=512)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def upgraded(headers: Mapping[bytes, bytes]) -> bytes:
    """The answer that makes a connection a WebSocket."""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_key(headers[b"sec-websocket-key"]) + b"\r\n\r\n"
    )


def _request(data: bytes) -> tuple[bytes, dict[bytes, bytes], bytes, bytes] | None:
    """Path, headers, body, and what follows the request; None while it is incomplete."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return None
    first, *lines = head.split(b"\r\n")
    pairs = (line.partition(b":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    size = int(headers.get(b"content-length", b"0"))
    if len(rest) < size:
        return None
    return first.split(b" ")[1], headers, rest[:size], rest[size:]
