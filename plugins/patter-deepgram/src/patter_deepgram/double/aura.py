"""One session of ``/v1/speak``: text is buffered, a flush speaks it, a clear forgets it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import attrs

from patter.aio import task_scope
from patter_deepgram.double import messages
from patter_deepgram.double.params import Params
from patter_deepgram.double.sockets import Session, Unreadable, command
from patter_deepgram.double.speech import Synthesis, is_speakable

BUFFER_LETTERS = 2_000
MINUTE_LETTERS = 2_400
MINUTE_FLUSHES = 20
MINUTE_S = 60.0


@attrs.define(eq=False)
class AuraSession:
    """Speaks with *synthesis*; *spoken* are the texts that were spoken to their end."""

    session: Session
    params: Params
    synthesis: Synthesis
    spoken: list[str]
    age_s: float
    _buffer: str = attrs.field(default="", init=False)
    _queue: asyncio.Queue[str] = attrs.field(factory=asyncio.Queue, init=False)
    _flushes: deque[float] = attrs.field(factory=deque, init=False)
    _letters: deque[tuple[float, int]] = attrs.field(factory=deque, init=False)
    _sequence: int = attrs.field(default=0, init=False)
    _speaker: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    async def run(self) -> None:
        """Serve until either side ends it, or it is too old."""
        model = self.params.text("model", "aura-asteria-en")
        await self.session.send(messages.speak_metadata(model))
        async with task_scope() as tasks:
            try:
                async with asyncio.timeout(self.age_s):
                    await self._obey(tasks)
            except TimeoutError:
                await self.session.close(1011, "NET-0003: Time limit exceeded.")
            except Unreadable:
                await self.session.close(1008, "DATA-0000: Not a valid command.")
            finally:
                self._stop()

    async def _obey(self, tasks: asyncio.TaskGroup) -> None:
        async for frame in self.session.frames(self.age_s):
            if isinstance(frame, bytes):
                return await self.session.close(1003, "MESSAGE-0000: Not a supported type.")
            match command(frame):
                case {"type": "Speak", "text": str(text)}:
                    if reason := self._too_much(text):
                        return await self.session.close(*reason)
                    self._buffer += text
                case {"type": "Flush"}:
                    await self._flush(tasks)
                case {"type": "Clear"}:
                    await self._clear()
                case {"type": "Close"}:
                    return await self.session.stream.end()
                case _:
                    raise Unreadable(frame)
        return None

    def _too_much(self, text: str) -> tuple[int, str] | None:
        """Why *text* is not taken."""
        now = asyncio.get_running_loop().time()
        while self._letters and self._letters[0][0] <= now - MINUTE_S:
            self._letters.popleft()
        self._letters.append((now, len(text)))
        if len(self._buffer) + len(text) > BUFFER_LETTERS:
            return 1009, "BIG-0001: Input text has too many characters."
        if sum(count for _, count in self._letters) > MINUTE_LETTERS:
            return 1008, "DATA-0001: Too many input characters."
        return None

    async def _flush(self, tasks: asyncio.TaskGroup) -> None:
        now = asyncio.get_running_loop().time()
        while self._flushes and self._flushes[0] <= now - MINUTE_S:
            self._flushes.popleft()
        if len(self._flushes) >= MINUTE_FLUSHES:
            await self.session.send(
                messages.warning("FLUSH_LIMIT", "No more flushes in this 60 s window.")
            )
            return
        self._flushes.append(now)
        self._queue.put_nowait(self._buffer)
        self._buffer = ""
        if self._speaker is None:
            self._speaker = tasks.create_task(self._speak(), name="deepgram-double-voice")

    async def _clear(self) -> None:
        self._stop()
        self._buffer, self._queue = "", asyncio.Queue()
        await self.session.answer(messages.cleared(self._next()))

    async def _speak(self) -> None:
        while True:
            text = await self._queue.get()
            await self.session.latency.wait()
            if is_speakable(text):
                for piece in self.synthesis.pieces(text):
                    await self.session.stream.send(piece)
                    await self.synthesis.rest()
            self.spoken.append(text.strip())
            await self.session.send(messages.flushed(self._next()))

    def _stop(self) -> None:
        if self._speaker is not None:
            self._speaker.cancel()
            self._speaker = None

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1


def answer_headers(params: Params, text: str) -> dict[str, Any]:
    """What an answer of the REST interface says of itself."""
    return {
        "dg-request-id": messages.REQUEST_ID,
        "dg-model-name": params.text("model"),
        "dg-model-uuid": messages.MODEL_ID,
        "dg-char-count": str(len(text)),
    }
