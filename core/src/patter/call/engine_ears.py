"""The hearing half of an engine, as a recogniser: audio goes up, and what the caller says comes.

So an engine is connected, watched, replaced and replayed to as every recogniser is, by the same
link; its responses go to the call's `EngineVoice`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import attrs

from patter.audio.formats import AudioFormat
from patter.call.engine_setup import ReadyEngine
from patter.call.engine_voice import EngineVoice
from patter.call.turn.words import after
from patter.errors import PatterConnectionError, PatterError, PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.engine import Engine, EngineSession, EngineSetup
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineEvent,
    ResponseDone,
    SessionEnding,
)
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript, TurnEnded

SPARE_S = 3.0
"""A session that is about to be closed by its vendor is left so long before."""
ITEMS = 8
"""So many caller turns back a final is recognised as one that brings nothing."""


FindReady: TypeAlias = Callable[
    [Engine, EngineSetup], AbstractAsyncContextManager[ReadyEngine] | None
]
"""The session of an engine that was told a setup before; None when there is none."""


@attrs.frozen(eq=False)
class EngineEars:
    """*engine* as an `STT`. *setup(audio_in)* tells a session what the call is about by now.

    *ready(engine, setup)* may have a session that was told the same while it rang.
    """

    engine: Engine
    voice: EngineVoice
    setup: Callable[[AudioFormat], EngineSetup]
    ready: FindReady | None = None
    endpoints: bool = True

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        return self.engine.accepts

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[EngineEarsSession]:
        async with self._opened(call, self.setup(audio)) as ready:
            session = ready.session
            ears = EngineEarsSession(session, self.voice)
            self.voice.greeting_id = ready.greeting_id
            with self.voice.using(session, ears.stall):
                yield ears

    @asynccontextmanager
    async def _opened(self, call: CallContext, setup: EngineSetup) -> AsyncIterator[ReadyEngine]:
        ready = self.ready(self.engine, setup) if self.ready else None
        if ready is not None:
            async with ready as opened:
                yield opened
            return
        async with self.engine.open(call, setup) as session:
            yield ReadyEngine(session)


@attrs.define(eq=False)
class EngineEarsSession:
    """An engine's session, as far as it hears."""

    session: EngineSession
    voice: EngineVoice
    _ending: bool = attrs.field(default=False, init=False)
    _over: bool = attrs.field(default=False, init=False)
    _stalled: bool = attrs.field(default=False, init=False)
    _open: tuple[str, str] = attrs.field(default=("", ""), init=False)
    _settled: dict[str, str] = attrs.field(factory=dict, init=False)
    _limit: asyncio.Timeout = attrs.field(factory=lambda: asyncio.timeout(None), init=False)

    def leave(self, after_s: float = 0.0) -> None:
        """End the events *after_s* from now: this session is of no use any more."""
        if not (self._over or self._limit.expired()):
            self._limit.reschedule(asyncio.get_running_loop().time() + after_s)

    def stall(self) -> None:
        """Leave it now: it owes something that does not come."""
        self._stalled = True
        self.leave()

    async def send(self, audio: bytes) -> None:
        await self.session.send(audio)

    async def finalize(self) -> None:
        """Nothing to ask for: the vendor ends turns and tells their words when it can."""

    async def __aiter__(self) -> AsyncIterator[STTEvent]:
        try:
            async with self._limit:
                async for event in self.session:
                    for heard in self._take(event):
                        yield heard
        except TimeoutError:
            if not self._limit.expired():
                raise
            raise self._left() from None
        finally:
            self._over = True

    def _left(self) -> PatterError:
        fix = "nothing to set: the call goes on in a new one"
        if self._stalled:
            return PatterTimeoutError("the engine's session did not answer", fix=fix)
        return PatterConnectionError("the engine's session was left", fix=fix)

    def _take(self, event: EngineEvent) -> list[STTEvent]:
        match event:
            case SpeechStarted() | SpeechEnded():
                return [event]
            case CallerTranscript():
                return self._words(event)
            case CallerTurnEnded():
                return [TurnEnded()]
            case SessionEnding(in_ms):
                self._ending = True
                self.leave(max(0.0, in_ms / 1_000 - SPARE_S))
            case _:
                self.voice.take(event)
                if self._ending and isinstance(event, ResponseDone):
                    # All of a response is here, and none is being made: a good moment.
                    self.leave()
        return []

    def _words(self, event: CallerTranscript) -> list[STTEvent]:
        """*event* as of a recogniser, which knows of no items and tells one after the other.

        An item is told to its end before the next: what its own final adds comes late.
        """
        item, text, final = event.item_id, event.text, event.final
        if item in self._settled:
            text = after(self._settled[item], text) if final else ""
            return [Transcript(text, True)] if text else []
        (before, words), self._open = self._open, ("", "") if final else (item, text)
        events: list[STTEvent] = [Transcript(text, final)]
        if words and before != item:
            events.insert(0, Transcript(words, True))
            self._settled[before] = words
            if len(self._settled) > ITEMS:
                del self._settled[next(iter(self._settled))]
        return events
