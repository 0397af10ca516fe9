"""One session of ``/ws3``: text waits in a buffer, and one utterance is spoken at a time."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import attrs
from aiohttp import WSMsgType, web

from patter.aio import task_scope
from patter_rime.double.buffer import TextBuffer
from patter_rime.double.params import SPEAKERS, TEXT_MOST, SpeechRequest
from patter_rime.double.speech import Synthesis, is_speakable, word_timestamps
from patter_testing.doubles.vendor_double import Latency
from patter_testing.doubles.vendor_faults import FaultyStream


@attrs.define(eq=False)
class Ws3Session:
    """Speaks with *synthesis* what it is sent; *spoken* is what was spoken to its end.

    *log* is told every message. Without *names_contexts* it leaves ``contextId`` out.
    """

    socket: web.WebSocketResponse
    stream: FaultyStream
    request: SpeechRequest
    synthesis: Synthesis
    latency: Latency
    spoken: list[str]
    log: Callable[[dict[str, Any]], None]
    idle_s: float | None
    names_contexts: bool
    _buffer: TextBuffer = attrs.field(init=False)
    _speaker: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _ending: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._buffer = TextBuffer(self.request.segment)

    async def run(self) -> None:
        """Serve until either side ends it."""
        async with task_scope() as tasks:
            try:
                await self._obey(tasks)
            except TimeoutError:
                await self._close(1000)
            finally:
                if self._speaker is not None:
                    self._speaker.cancel()

    async def _obey(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            async with asyncio.timeout(self.idle_s):
                frame = await self.socket.receive()
            if frame.type in (WSMsgType.PING, WSMsgType.PONG):
                continue
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            if not self._ending and (refused := await self._message(frame.data)):
                await self._send({"type": "error", "message": refused})
            if self.stream.ended and self.socket.closed:
                return
            self._speak(tasks)

    async def _message(self, data: str | bytes) -> str:
        """Do what *data* says; why not, or ""."""
        try:
            body = json.loads(data) if isinstance(data, str) else None
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            return "Invalid JSON"
        self.log(body)
        match body:
            case {"text": str(text)}:
                return await self._text(text, body.get("contextId"))
            case {"text": _}:
                return "text must be a string"
            case {"operation": "flush"}:
                self._buffer.flush()
            case {"operation": "clear"}:
                self._buffer.clear()
            case {"operation": "eos"}:
                self._buffer.flush()
                self._ending = True
            case _:
                return "Unexpected message"
        return ""

    async def _text(self, text: str, context: object) -> str:
        if context is not None and not isinstance(context, str):
            return "contextId must be a string"
        if len(self._buffer.text) + len(text) > TEXT_MOST:
            await self._close(1011, "400: text is too long")
        else:
            self._buffer.add(text, context)
        return ""

    def _speak(self, tasks: asyncio.TaskGroup) -> None:
        if self._speaker is None or self._speaker.done():
            self._speaker = tasks.create_task(self._utter(), name="rime-double-voice")

    async def _utter(self) -> None:
        """Speak until nothing more is to be spoken now."""
        while text := self._buffer.take():
            context = self._buffer.context
            if self.request.speaker not in SPEAKERS:
                await self._send({"type": "error", "message": "Speaker not found"})
                continue
            await self.latency.wait()
            await self._utterance(text, context)
            self.spoken.append(text.strip())
            if self._buffer.is_done and not self._ending:
                await self._send({"type": "done", **self._named(context)})
        if self._ending:
            await self._send({"type": "done", **self._named(self._buffer.context)})
            await self.stream.end()

    async def _utterance(self, text: str, context: str | None) -> None:
        if not is_speakable(text):
            return
        for at, piece in enumerate(self.synthesis.pieces(text)):
            data = base64.b64encode(piece).decode()
            await self._send({"type": "chunk", "data": data, **self._named(context)})
            if at == 0 and self.request.times_words:
                await self._send(self._timestamps(text, context))
            await self.synthesis.rest()

    def _timestamps(self, text: str, context: str | None) -> dict[str, Any]:
        split = self.request.splits_punctuation
        times = word_timestamps(text, self.synthesis.ms_per_letter, split=split)
        return {"type": "timestamps", "word_timestamps": times, **self._named(context)}

    def _named(self, context: str | None) -> dict[str, Any]:
        return {"contextId": context} if self.names_contexts else {}

    async def _send(self, body: dict[str, Any]) -> None:
        await self.stream.send(json.dumps(body))

    async def _close(self, code: int, reason: str = "") -> None:
        self.stream.ended = True
        await self.socket.close(code=code, message=reason.encode())
