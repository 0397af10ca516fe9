"""The link to the voice: opened when the call begins, reopened when it breaks.

One reply is spoken at a time. A reply whose voice broke before its first audio is begun
again, with the same sentences, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import attrs

from patter.audio.formats import AudioFormat
from patter.call.link import ReconnectPolicy, as_patter_error, opened
from patter.clock import Clock
from patter.errors import PatterError, PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.tts import TTS, Speech, TTSSession


@attrs.define(eq=False)
class _Sentences:
    """Sentences on their way, kept until the first audio proves that they arrived.

    The voice has *patience_ms* to answer while it owes audio: after the first sentence until
    the first audio, and after the last sentence. In between it may be waiting for the model.
    """

    source: AsyncIterator[str]
    clock: Clock
    patience_ms: int
    kept: list[str] = attrs.field(factory=list)
    proven: bool = False
    _ended: bool = attrs.field(default=False, init=False)
    _bound: asyncio.Timeout | None = attrs.field(default=None, init=False)

    async def read(self) -> AsyncIterator[str]:
        for sentence in list(self.kept):
            yield sentence
        async for sentence in self.source:
            if not self.proven:
                self.kept.append(sentence)
            self._owe()
            yield sentence
        self._ended = True
        self._owe()

    def bind(self, bound: asyncio.Timeout) -> None:
        """Put what is owed from now on under *bound*."""
        self._bound = bound
        self._owe()

    def _owe(self) -> None:
        if self._bound and ((self.kept and not self.proven) or self._ended):
            self._bound.reschedule((self.clock.ms() + self.patience_ms) / 1_000)


@attrs.define(eq=False)
class TTSLink:
    """One call's voice. Raises PatterError when it cannot speak."""

    provider: TTS
    call: CallContext
    audio: AudioFormat
    link: ReconnectPolicy
    _ready: asyncio.Future[TTSSession] = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )
    _broken: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _turn: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    async def run(self) -> None:
        """Keep a session open until cancelled or the budget is spent."""
        while True:
            try:
                await self._hold_open()
                continue
            except Exception as raised:
                failed = as_patter_error(raised, self.link.provider)
            if not await self.link.retry(failed):
                self._give_up(failed)
                return

    async def say(self, sentences: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak *sentences*; closing the iterator stops the vendor."""
        kept = _Sentences(sentences, self.link.clock, self.link.rules.speech_ms)
        async with self._turn:
            for attempt in range(2):
                try:
                    async with aclosing(self._speak(kept)) as speeches:
                        async for speech in speeches:
                            yield speech
                    return
                except asyncio.CancelledError:
                    self._give_back()
                    raise
                except Exception as raised:
                    failed = as_patter_error(raised, self.link.provider)
                    self._replace()
                    if attempt or kept.proven or not failed.passing:
                        raise failed from raised

    async def _speak(self, kept: _Sentences) -> AsyncGenerator[Speech, None]:
        async with asyncio.timeout(self.link.rules.open_ms / 1_000):
            session = await asyncio.shield(self._ready)
        stream: Any = session.say(kept.read())
        async with aclosing(stream) as speeches:
            while (speech := await self._next(speeches, kept)) is not None:
                kept.proven = kept.proven or bool(speech.audio)
                yield speech

    async def _next(self, speeches: AsyncIterator[Speech], kept: _Sentences) -> Speech | None:
        """The next audio; while the voice owes some, it may not take for ever."""
        try:
            async with asyncio.timeout(None) as bound:
                kept.bind(bound)
                return await anext(speeches, None)
        except TimeoutError as late:
            raise PatterTimeoutError(
                f"{self.link.provider} sent no audio for {self.link.rules.speech_ms} ms"
                f" on call {self.call.call_id}, caller heard the apology",
                fix="check the provider's status, or name a second voice to fall back to",
            ) from late

    async def _hold_open(self) -> None:
        scope = self.provider.open(self.call, self.audio)
        async with opened(scope, self.link.rules, self.link.provider) as session:
            self._broken.clear()
            self.link.restored()
            self._ready.set_result(session)
            await self._broken.wait()

    def _replace(self) -> None:
        """The session is of no use any more; who speaks next waits for another."""
        if self._ready.done() and self._ready.exception() is None:
            self._ready = asyncio.get_running_loop().create_future()
            self._broken.set()

    def _give_back(self) -> None:
        """A session that had to be told twice to stop is not to be spoken with again."""
        task = asyncio.current_task()
        if task is not None and task.cancelling() > 1:
            self._replace()

    def _give_up(self, failed: PatterError) -> None:
        self._ready.set_exception(failed)
        self._ready.exception()
