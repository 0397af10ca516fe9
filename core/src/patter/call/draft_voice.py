"""The voice of a draft: it speaks before anybody may hear it, into a store that is bounded.

Once the draft is released, what is there is played and what still comes follows it. A draft
that is thrown away takes its store with it, and stops the vendor.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import attrs

from patter.aio import task_scope
from patter.providers.tts import Speech

AHEAD_MS = 15_000.0
"""How much audio is made of a draft. When it is spoken, that is played while the rest is made."""


@asynccontextmanager
async def made_ahead(
    ahead: SpeechAhead, speeches: AsyncGenerator[Speech, None]
) -> AsyncIterator[AsyncIterator[Speech]]:
    """*speeches*, which are made from now on and wait in *ahead* until that is released.

    What making them raises is raised to who iterates.
    """
    async with task_scope() as tasks:
        making = tasks.create_task(ahead.make(speeches), name="draft-voice")
        try:
            yield ahead
        finally:
            making.cancel()


@attrs.define(eq=False)
class SpeechAhead:
    """Speeches that wait to be heard until they are *released*, oldest first; one reader.

    *ms_in* gives the length of so many bytes. *cut(chars)* takes back the end of what was begun.
    """

    released: asyncio.Event
    ms_in: Callable[[int], float]
    cut: Callable[[int], None]
    _kept: deque[Speech | int] = attrs.field(factory=deque, init=False)
    _kept_ms: float = attrs.field(default=0.0, init=False)
    _changed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _over: bool = attrs.field(default=False, init=False)
    _failure: Exception | None = attrs.field(default=None, init=False)

    async def make(self, speeches: AsyncGenerator[Speech, None]) -> None:
        """Take *speeches* to their end, pausing while there are too many."""
        try:
            async with aclosing(speeches):
                async for speech in speeches:
                    self._kept.append(speech)
                    self._kept_ms += self.ms_in(len(speech.audio))
                    self._changed.set()
                    while self._kept_ms >= AHEAD_MS:
                        await self._change()
        except Exception as failed:
            self._failure = failed
        finally:
            self._over = True
            self._changed.set()

    def broke_off(self, chars: int) -> None:
        """The voice broke, and begins the last *chars* characters again: known when played."""
        self._kept.append(chars)
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def __aiter__(self) -> AsyncIterator[Speech]:
        return self

    async def __anext__(self) -> Speech:
        await self.released.wait()
        while True:
            while not self._kept:
                if self._over:
                    if self._failure is not None:
                        raise self._failure
                    raise StopAsyncIteration
                await self._change()
            speech = self._kept.popleft()
            if isinstance(speech, Speech):
                self._kept_ms -= self.ms_in(len(speech.audio))
                self._changed.set()
                return speech
            self.cut(speech)
