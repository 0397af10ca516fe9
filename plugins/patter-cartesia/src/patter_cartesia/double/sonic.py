"""One client's ``/tts/websocket``: contexts, each of which speaks what it is sent, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.stt import Word
from patter_cartesia.double import messages
from patter_cartesia.double.requests import Generation, Refused, read
from patter_cartesia.double.sockets import Idle, Session
from patter_cartesia.double.sonic_limits import SonicLimits
from patter_testing.doubles.vendor_sound import sounded, word_times

PIECE_MS = 100


@attrs.frozen
class Flush:
    """The audio of everything before it is one sentence's."""


Job: TypeAlias = str | Flush | None
"""Text to be spoken, the end of a sentence, or, None, of the context."""


@attrs.define(eq=False)
class Context:
    """One stream of text; *settings* are those of its first message."""

    name: str
    settings: Mapping[str, Any]
    audio: AudioFormat
    timestamps: bool
    jobs: asyncio.Queue[Job] = attrs.field(factory=asyncio.Queue, init=False)
    buffer: str = attrs.field(default="", init=False)
    ending: bool = attrs.field(default=False, init=False)
    flush: int = attrs.field(default=1, init=False)
    made_ms: float = attrs.field(default=0.0, init=False)
    heard: str = attrs.field(default="", init=False)
    task: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    timer: asyncio.TimerHandle | None = attrs.field(default=None, init=False)

    def release(self) -> None:
        """Speak what is buffered."""
        if self.timer is not None:
            self.timer.cancel()
        if self.buffer.strip():
            self.jobs.put_nowait(self.buffer)
        self.buffer = ""


@attrs.define(eq=False)
class SonicSession:
    """A socket of *double*; *tasks* outlive no client."""

    double: SonicLimits
    session: Session
    tasks: asyncio.TaskGroup
    contexts: dict[str, Context] = attrs.field(factory=dict, init=False)
    over: set[str] = attrs.field(factory=set, init=False)

    async def run(self) -> None:
        """Serve until either side ends it."""
        try:
            async for frame in self.session.frames():
                await self._take(frame)
        except Idle:
            await self.session.close(1000, "idle")
        finally:
            for name in list(self.contexts):
                self._drop(name)

    async def _take(self, frame: bytes | str) -> None:
        body = _object(frame)
        if body is None:
            await self.session.send(messages.context_error("", 400, "not a JSON object"))
            return
        name = str(body.get("context_id", ""))
        if "cancel" in body:
            self._cancel(name, body)
            return
        try:
            await self._generate(read(body, self.double.voices))
        except Refused as refused:
            self._drop(name)
            event = messages.context_error(name, refused.status, str(refused), refused.code)
            await self.session.send(event)

    def _cancel(self, name: str, body: Mapping[str, Any]) -> None:
        """Cancel a context; one that is over already is none of anybody's concern."""
        if body.get("cancel") is True and name in self.contexts:
            self.double.cancelled.append(name)
            self._drop(name)

    async def _generate(self, wanted: Generation) -> None:
        context = self.contexts.get(wanted.context)
        if context is None:
            context = self._begin(wanted)
        elif context.ending:
            raise Refused("the context has been ended")
        elif dict(context.settings) != dict(wanted.settings):
            raise Refused("fields other than transcript, continue and flush must stay the same")
        self.double.pay(len(wanted.text))
        context.buffer += wanted.text
        if wanted.flush or not wanted.more or not wanted.delay_ms:
            context.release()
        elif context.timer is None:
            loop = asyncio.get_running_loop()
            context.timer = loop.call_later(wanted.delay_ms / 1_000, context.release)
        if wanted.flush:
            context.jobs.put_nowait(Flush())
        if not wanted.more:
            context.ending = True
            context.jobs.put_nowait(None)

    def _begin(self, wanted: Generation) -> Context:
        if wanted.context in self.over:
            raise Refused("the context has expired", 400, "context_expired")
        if not wanted.text.strip():
            raise Refused("the transcript is empty", 400, "transcript_empty")
        if self.double.active >= self.double.concurrency:
            raise Refused("You have exceeded your plan's limit.", 429, "concurrency_limited")
        context = Context(wanted.context, wanted.settings, wanted.audio, wanted.timestamps)
        self.contexts[wanted.context] = context
        self.double.active += 1
        context.task = self.tasks.create_task(self._speak(context), name="double-sonic")
        return context

    def _drop(self, name: str) -> None:
        if (context := self.contexts.pop(name, None)) is None:
            return
        self.over.add(name)
        self.double.active -= 1
        for handle in (context.task, context.timer):
            if handle is not None and handle is not asyncio.current_task():
                handle.cancel()

    async def _speak(self, context: Context) -> None:
        """Do the jobs of *context*; it expires when none comes for too long after its audio."""
        while True:
            patience_s = self.double.expiry_s if context.made_ms else None
            try:
                async with asyncio.timeout(patience_s):
                    job = await context.jobs.get()
            except TimeoutError:
                job = None
            if job is None:
                break
            if isinstance(job, Flush):
                if self.double.flushes:
                    await self.session.send(messages.flushed(context.name, context.flush))
                context.flush += 1
            else:
                await self._sound(context, job)
        self._drop(context.name)
        if context.heard:
            self.double.spoken.append(context.heard.strip())
        await self.session.send(messages.context_done(context.name))

    async def _sound(self, context: Context, text: str) -> None:
        """Audio of *text*, in pieces, and the times of the words that end in each."""
        await self.session.latency.wait()
        each_ms, audio = self.double.ms_per_letter, context.audio
        sound = b"" if self.double.mute(text) else sounded(text, audio, each_ms)
        words = word_times(text, each_ms, int(context.made_ms))
        size, begun_ms = audio.bytes_in(PIECE_MS), context.made_ms
        flush = context.flush if self.double.flushes else None
        for at in range(0, len(sound), size):
            piece = sound[at : at + size]
            body = messages.chunk(context.name, piece, flush)
            self.double.chunks.append(context.name)
            context.made_ms += audio.ms_in(len(piece))
            due = [word for word in words if word.end_ms <= context.made_ms]
            words = words[len(due) :]
            times = self._times(context, due, flush, begun_ms)
            for message in (*times, body) if self.double.times_first else (body, *times):
                await self.session.send(message)
            pace = self.double.pace
            await asyncio.sleep(PIECE_MS / 1_000 / pace if pace else 0)
        context.heard += text

    def _times(
        self, context: Context, words: list[Word], flush: int | None, begun_ms: float
    ) -> list[messages.Body]:
        if not words or not context.timestamps:
            return []
        if self.double.times_anew:
            words = [
                Word(word.text, word.start_ms - int(begun_ms), word.end_ms - int(begun_ms))
                for word in words
            ]
        return [messages.timestamps(context.name, words, flush)]


def _object(frame: bytes | str) -> dict[str, Any] | None:
    try:
        body = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
