"""The vendors of the row ``small``: recogniser, model and voice of no vendor, without latency.

The model sends a token every `script.TOKEN_MS`; everything else comes at once. A call says its
carrier's name for it in a header.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

import orjson

from callbench import script, vendor_server
from callbench.doors import Logs
from callbench.stamps import CallLog, now_ns
from callbench.vendor_server import (
    LAST_CHUNK,
    NOTHING,
    Connection,
    Ears,
    Request,
    chunk,
    event,
    head,
)
from patter_load.frames import Frame, Opcode, server_frame

_SSE_HEAD, _AUDIO_HEAD = head("text/event-stream"), head("audio/basic")
_DONE = event(b"[DONE]") + LAST_CHUNK
_STARTED = server_frame(Opcode.TEXT, b'{"type":"started"}')
_EMPTY = server_frame(Opcode.TEXT, b'{"type":"final","text":""}')
FIRST_AUDIO_MS = 160


@lru_cache(maxsize=1_024)
def _tokens(name: str) -> tuple[tuple[bytes, bool], ...]:
    pieces = script.tokens(name)
    return tuple((event(orjson.dumps({"delta": text})), completes) for text, completes in pieces)


@lru_cache(maxsize=1_024)
def _voice(text: str) -> tuple[bytes, bytes]:
    """The first piece of the audio of *text* and the rest of the response."""
    size = script.spoken_ms(text) * script.BYTES_PER_MS
    audio, first = script.AGENT_BYTE * size, FIRST_AUDIO_MS * script.BYTES_PER_MS
    rest = audio[first:]
    return chunk(audio[:first]), (chunk(rest) if rest else b"") + LAST_CHUNK


class Words:
    """What the recogniser sends."""

    def started(self, turn: int, at_ms: int) -> bytes:
        return _STARTED

    def interim(self, turn: int, at_ms: int, name: str) -> bytes:
        return _heard("interim", script.CALLER_WORDS[turn % len(script.CALLER_WORDS)])

    def final(self, turn: int, at_ms: int, name: str) -> bytes:
        words = script.CALLER_WORDS[turn % len(script.CALLER_WORDS)]
        return _heard("final", words, turn_ended=True)


@lru_cache
def _heard(kind: str, words: str, **more: object) -> bytes:
    return server_frame(Opcode.TEXT, orjson.dumps({"type": kind, "text": words, **more}))


class Vendor(Connection):
    """One connection, of whichever vendor its first request names."""

    def __init__(self, logs: Logs) -> None:
        super().__init__()
        self._logs = logs

    def opened(self, request: Request) -> None:
        log = self._log(request)
        self._ears = Ears(Words(), lambda _: log, self.transport)

    def audio(self, frame: Frame) -> None:
        self._ears.hear(frame)

    def text(self, data: bytes) -> None:
        self.transport.write(_EMPTY)

    def answer(self, request: Request) -> None:
        if request.path == b"/warm":
            self.transport.write(NOTHING)
        elif request.path == b"/llm":
            self._reply(self._log(request))
        else:
            self._speak(self._log(request), orjson.loads(request.body)["text"])

    def _log(self, request: Request) -> CallLog:
        return self._logs[request.headers[b"x-call"].decode()]

    def _reply(self, log: CallLog) -> None:
        turn = log.turn
        turn.asked_ns = turn.asked_ns or now_ns()
        self.transport.write(_SSE_HEAD)
        vendor_server.send_tokens(self.transport, turn, iter(_tokens(log.name)), _DONE)

    def _speak(self, log: CallLog, text: str) -> None:
        turn = log.turn
        turn.spoken_ns = turn.spoken_ns or now_ns()
        first, rest = _voice(text)
        self.transport.write(_AUDIO_HEAD)
        turn.voiced_ns = turn.voiced_ns or now_ns()
        self.transport.write(first)
        self.transport.write(rest)


@asynccontextmanager
async def serving(logs: Logs) -> AsyncIterator[str]:
    """Serve the vendors; their address."""
    async with vendor_server.serving(lambda: Vendor(logs)) as address:
        yield address
