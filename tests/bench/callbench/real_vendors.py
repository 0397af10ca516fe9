"""The protocols of Deepgram Flux, OpenAI's Chat Completions and ElevenLabs' contexts, served fast.

Messages are as long as the vendors' own. Calls are known by what is said: a caller's voice is a
number, which the recogniser hears as a name, which the model says in its reply.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import Any, Final

import attrs
import orjson

from callbench import script, vendor_server
from callbench.doors import Logs
from callbench.stamps import CallLog, now_ns
from callbench.vendor_server import (
    LAST_CHUNK,
    NOTHING,
    Connection,
    Delay,
    Ears,
    Request,
    event,
    head,
    later,
)
from patter_load.frames import Frame, Opcode, server_frame

_SSE_HEAD = head("text/event-stream; charset=utf-8")
_KNOWN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
_SAYS: Final = " says "
_NAMED: Final = re.compile(rf", (\w{{{script.NAME_LETTERS}}})\.")
_ID: Final = "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT"
_REQUEST: Final = "5a1b7c2e-0d3f-4e6a-8b9c-1f2e3d4c5b6a"
FIRST_AUDIO_MS, AUDIO_MS = 160, 500
_WORD_S, A_MOMENT_S = 0.03, 0.001


@attrs.frozen
class Delays:
    """How long each vendor takes; what the row ``late`` has is near their public figures."""

    hear: Delay
    think: Delay
    speak: Delay


AT_ONCE: Final = Delays(Delay(), Delay(), Delay())
LATE: Final = Delays(Delay(160, 300), Delay(350, 700), Delay(120, 250))


class Flux:
    """Deepgram's turn events, each the whole turn anew."""

    def started(self, turn: int, at_ms: int) -> bytes:
        return _turn_info("StartOfTurn", turn, at_ms, "")

    def interim(self, turn: int, at_ms: int, name: str) -> bytes:
        return _turn_info("Update", turn, at_ms, _said(turn, name))

    def final(self, turn: int, at_ms: int, name: str) -> bytes:
        return _turn_info("EndOfTurn", turn, at_ms, _said(turn, name))


def _said(turn: int, name: str) -> str:
    return f"{script.CALLER_WORDS[turn % len(script.CALLER_WORDS)]}{_SAYS}{name}"


def _turn_info(what: str, turn: int, at_ms: int, text: str) -> bytes:
    spelt, ends = text.split(), at_ms / 1_000
    begins = max(0.0, ends - _WORD_S * len(spelt))
    words = [
        {"word": word, "confidence": 0.98, "start": begins + _WORD_S * place, "end": ends}
        for place, word in enumerate(spelt)
    ]
    return _message(
        {
            "type": "TurnInfo",
            "request_id": _REQUEST,
            "sequence_id": turn,
            "event": what,
            "turn_index": turn,
            "audio_window_start": begins,
            "audio_window_end": ends,
            "transcript": text,
            "words": words,
            "end_of_turn_confidence": 0.9 if what == "EndOfTurn" else 0.1,
        }
    )


@lru_cache(maxsize=1_024)
def _tokens(name: str) -> tuple[tuple[bytes, bool], ...]:
    pieces = script.tokens(name)
    return tuple((_chunk({"content": text}, None), completes) for text, completes in pieces)


def _chunk(delta: Mapping[str, str], reason: str | None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    body = {
        "id": _ID,
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_560af6e559",
        "choices": [choice],
        "usage": None,
        "obfuscation": "TyIuR2hVJBpd",
        **more,
    }
    return event(orjson.dumps(body))


_USAGE = {"prompt_tokens": 60, "completion_tokens": 22, "total_tokens": 82}
_DONE = (
    _chunk({}, "stop") + _chunk({}, None, choices=[], usage=_USAGE) + event(b"[DONE]") + LAST_CHUNK
)


@lru_cache(maxsize=1_024)
def _pieces(text: str, context: str) -> tuple[bytes, ...]:
    """The audio of *text*, each piece with the characters that it says."""
    length_ms = script.spoken_ms(text)
    cuts = [0, *range(FIRST_AUDIO_MS, length_ms, AUDIO_MS), length_ms]
    return tuple(_piece(text, context, *span, length_ms) for span in pairwise(cuts))


def _piece(text: str, context: str, begins: int, ends: int, length_ms: int) -> bytes:
    audio = script.AGENT_BYTE * ((ends - begins) * script.BYTES_PER_MS)
    chars = text[len(text) * begins // length_ms : len(text) * ends // length_ms]
    each_ms = (ends - begins) // max(1, len(chars))
    timed = {
        "chars": list(chars),
        "charStartTimesMs": [place * each_ms for place in range(len(chars))],
        "charDurationsMs": [each_ms] * len(chars),
    }
    return _message(
        {
            "audio": base64.b64encode(audio).decode(),
            "isFinal": None,
            "normalizedAlignment": timed,
            "alignment": timed,
            "contextId": context,
        }
    )


def _message(body: Mapping[str, Any]) -> bytes:
    return server_frame(Opcode.TEXT, orjson.dumps(body))


class Calls:
    """The records of calls by the number of the caller."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._found: dict[int, CallLog] = {}
        self._named: dict[str, CallLog] = {}

    def numbered(self, number: int) -> CallLog:
        if number not in self._found:
            self._found = {log.number: log for log in self._logs.values()}
            self._named = {log.name: log for log in self._logs.values()}
        return self._found[number]

    def named(self, name: str) -> CallLog:
        return self._named[name]


class Vendor(Connection):
    """One connection, of the vendor that its first request is for."""

    def __init__(self, calls: Calls, delays: Delays, chance: Random) -> None:
        super().__init__()
        self._calls, self._delays, self._chance = calls, delays, chance
        self._ears: Ears | None = None
        self._due: dict[str, float] = {}

    def opened(self, request: Request) -> None:
        if request.path.startswith(b"/v2/listen"):
            self._ears = Ears(
                Flux(), self._whose, self.transport, lambda: self._wait(self._delays.hear)
            )
            self.transport.write(_message({"type": "Connected", "request_id": _REQUEST}))

    def audio(self, frame: Frame) -> None:
        if self._ears is not None:
            self._ears.hear(frame)

    def text(self, data: bytes) -> None:
        body = orjson.loads(data)
        if self._ears is not None:
            if body["type"] == "CloseStream":
                self.close()
        elif body.get("close_socket"):
            self.close()
        elif body.get("close_context"):
            self._close(body["context_id"])
        elif body["text"].strip():
            self._speak(body["text"].strip(), body["context_id"])

    def answer(self, request: Request) -> None:
        if request.path.endswith(b"/chat/completions"):
            asked = request.body.rindex(_SAYS.encode()) + len(_SAYS)
            name = request.body[asked : asked + script.NAME_LETTERS].decode()
            self._reply(self._calls.named(name))
        else:
            self.transport.write(_KNOWN if request.method == b"GET" else NOTHING)

    def _whose(self, frame: Frame) -> CallLog:
        tens, ones = frame.payload()[:2]
        return self._calls.numbered(tens * 100 + ones)

    def _wait(self, delay: Delay) -> float:
        return delay.seconds(self._chance)

    def _reply(self, log: CallLog) -> None:
        turn = log.turn
        turn.asked_ns = turn.asked_ns or now_ns()
        self.transport.write(_SSE_HEAD)
        tokens = iter(_tokens(log.name))
        wait = self._wait(self._delays.think)
        later(wait, vendor_server.send_tokens, self.transport, turn, tokens, _DONE)

    def _speak(self, text: str, context: str) -> None:
        named = _NAMED.search(text)
        log = self._calls.named(named[1]) if named else None
        if log is not None:
            log.turn.spoken_ns = log.turn.spoken_ns or now_ns()
        wait = self._queued(context, self._wait(self._delays.speak))
        later(wait, self._voice, text, context, log)

    def _close(self, context: str) -> None:
        final = _message({"isFinal": True, "contextId": context})
        later(self._queued(context, 0.0), self.transport.write, final)
        del self._due[context]

    def _queued(self, context: str, wait: float) -> float:
        """How long until what comes next of *context*, behind what came before it."""
        now = asyncio.get_running_loop().time()
        before = self._due.get(context, 0.0)
        due = self._due[context] = max(now + wait, before + A_MOMENT_S if before > now else 0.0)
        return due - now

    def _voice(self, text: str, context: str, log: CallLog | None) -> None:
        if log is not None:
            log.turn.voiced_ns = log.turn.voiced_ns or now_ns()
        if not self.transport.is_closing():
            self.transport.write(b"".join(_pieces(text, context)))


@asynccontextmanager
async def _serving(logs: Logs, delays: Delays) -> AsyncIterator[str]:
    calls, chance = Calls(logs), Random(1)
    async with vendor_server.serving(lambda: Vendor(calls, delays, chance)) as address:
        yield address


def serving(logs: Logs) -> AbstractAsyncContextManager[str]:
    """Serve the vendors, who answer at once; their address."""
    return _serving(logs, AT_ONCE)


def serving_late(logs: Logs) -> AbstractAsyncContextManager[str]:
    """Serve the vendors, who take their time; their address."""
    return _serving(logs, LATE)
