"""What is ready before the media of a call comes: connections, and the greeting.

The time in which a phone rings is free. A recogniser, a voice and an engine are connected
meanwhile, the model's connection is opened, and the greeting is made, so that its first sound
leaves with the first frame. A call that never comes has cost one greeting.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, TypeVar

import attrs

from patter.aio import Full, Mailbox, task_scope
from patter.audio.fit import fit
from patter.audio.formats import AudioFormat
from patter.call.engine_setup import ReadyEngine, engine_setup, greeting_of, says_greeting
from patter.call.fits import Fits
from patter.call.held_scope import HeldScope
from patter.call.plan import CallPlan
from patter.call.read_ahead import read_ahead
from patter.call.roles import offered_specs
from patter.log_lines import CALL_ID
from patter.providers.availability import first_usable
from patter.providers.carrier import CarrierCapabilities
from patter.providers.context import CallContext
from patter.providers.engine import Engine, EngineSetup
from patter.providers.stt import STT, STTSession
from patter.providers.tts import TTS, Speech, TTSSession
from patter.providers.warmth import warmed
from patter.text.respelling import respelled

S = TypeVar("S")
P = TypeVar("P")
UNUSED_S = 40.0
"""Longer than a phone rings, shorter than a vendor keeps a connection for nothing."""

PIECES = 10_000
"""Pieces of audio that a greeting may have: minutes."""

DROP_S = 1.0
"""A voice cancels within that time."""


@attrs.define(eq=False)
class PreparedCall:
    """The connections of *call*, by *plan*, for a line that will speak *leg*; *can*: its carrier.

    `run` opens and holds them. The call takes what fits the plan it has by then: hooks may have
    chosen another voice, and a carrier another format.
    """

    plan: CallPlan
    call: CallContext
    leg: AudioFormat
    can: CarrierCapabilities = attrs.field(factory=CarrierCapabilities)
    _formats: Fits = attrs.field(init=False)
    _chosen: dict[str, Any] = attrs.field(factory=dict, init=False)
    _stt: HeldScope[STTSession] | None = attrs.field(default=None, init=False)
    _tts: HeldScope[TTSSession] | None = attrs.field(default=None, init=False)
    _engine: HeldScope[ReadyEngine] | None = attrs.field(default=None, init=False)
    _setup: EngineSetup | None = attrs.field(default=None, init=False)
    _warming: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._formats = Fits.of(self.plan, self.leg)
        plan = self.plan
        engine = self._choose("engine", plan.engine, plan.engine_fallbacks)
        stt = self._choose("stt", plan.stt, plan.stt_fallbacks)
        tts = self._choose("tts", plan.tts, plan.tts_fallbacks)
        if engine is not None:
            self._prepare_engine(engine)
        elif stt is not None:
            self._prepare_stt(stt)
        if tts is not None:
            self._prepare_tts(tts)

    async def run(self) -> None:
        """Hold everything until it was used or `abandon` is called; nothing is raised."""
        CALL_ID.set(self.call.call_id)
        mind: Any = self.plan.mind
        async with task_scope() as tasks:
            warming = warmed(getattr(mind, "llm", None))
            self._warming = tasks.create_task(warming, name="warm-llm")
            for held in self._held:
                tasks.create_task(held.run(), name="prepared")

    def abandon(self) -> None:
        """The call is over, or never came."""
        for held in self._held:
            if held.usable:
                held.release()
        if self._warming is not None:
            self._warming.cancel()

    def stt(
        self, provider: STT, audio: AudioFormat
    ) -> AbstractAsyncContextManager[STTSession] | None:
        """The session of *provider* that is ready for *audio*, if there is one."""
        fits = provider is self._chosen["stt"] and audio == self._heard_audio(provider)
        return _usable(self._stt) if fits else None

    def tts(
        self, provider: TTS, audio: AudioFormat
    ) -> AbstractAsyncContextManager[TTSSession] | None:
        """The session of *provider* that is ready for *audio*, if there is one."""
        fits = provider is self._chosen["tts"] and audio == self._voice_audio(provider)
        return _usable(self._tts) if fits else None

    def engine(
        self, engine: Engine, setup: EngineSetup
    ) -> AbstractAsyncContextManager[ReadyEngine] | None:
        """The session of *engine* that was told the same as *setup*, if there is one."""
        fits = engine is self._chosen["engine"] and setup == self._setup
        return _usable(self._engine) if fits else None

    @property
    def _held(self) -> list[HeldScope[Any]]:
        return [each for each in (self._stt, self._tts, self._engine) if each is not None]

    def _choose(self, kind: str, first: P | None, fallbacks: tuple[P, ...]) -> P | None:
        """The one that the call will try first, as far as is known by now."""
        if first is not None and fallbacks:
            first = first_usable((first, *fallbacks))
        self._chosen[kind] = first
        return first

    def _heard_audio(self, ears: STT | Engine) -> AudioFormat:
        return fit((self._formats.filtered,), ears.accepts).sink

    def _voice_audio(self, voice: TTS | Engine) -> AudioFormat:
        return fit(voice.produces, (self.leg,)).source

    def _prepare_stt(self, stt: STT) -> None:
        audio = self._heard_audio(stt)
        self._stt = HeldScope(lambda: read_ahead(stt.open(self.call, audio)), UNUSED_S)

    def _prepare_tts(self, tts: TTS) -> None:
        audio, plan = self._voice_audio(tts), self.plan
        greeting = greeting_of(plan) if plan.prewarm_first_message else ""
        if plan.respellings:
            greeting = respelled(greeting, plan.respellings).spoken
        self._tts = HeldScope(lambda: _greeting(tts, self.call, audio, greeting), UNUSED_S)

    def _prepare_engine(self, engine: Engine) -> None:
        plan = self.plan
        setup = self._setup = engine_setup(
            engine,
            plan,
            tools=offered_specs(plan, transfers=self.can.transfers),
            audio_in=self._heard_audio(engine),
            audio_out=self._voice_audio(engine),
        )
        greeting = says_greeting(engine, plan) if plan.prewarm_first_message else ""
        self._engine = HeldScope(
            lambda: _ready_engine(engine, self.call, setup, greeting), UNUSED_S
        )


def _usable(held: HeldScope[S] | None) -> HeldScope[S] | None:
    return held if held is not None and held.usable else None


@asynccontextmanager
async def _ready_engine(
    engine: Engine, call: CallContext, setup: EngineSetup, greeting: str
) -> AsyncIterator[ReadyEngine]:
    async with read_ahead(engine.open(call, setup)) as session:
        yield ReadyEngine(session, await session.say(greeting) if greeting else "")


@asynccontextmanager
async def _greeting(
    tts: TTS, call: CallContext, audio: AudioFormat, greeting: str
) -> AsyncIterator[TTSSession]:
    """A session of *tts* that speaks *greeting* already, to nobody yet."""
    async with tts.open(call, audio) as session, task_scope() as tasks:
        if not greeting:
            yield session
            return
        voice = GreetingVoice(session, greeting)
        voice.begin(tasks)
        try:
            yield voice
        finally:
            await voice.drop()


@attrs.define(eq=False)
class GreetingVoice:
    """*session*, which speaks *greeting* from `begin` on; the first `say` takes it, or drops it."""

    session: TTSSession
    greeting: str
    _speeches: Mailbox[Speech] = attrs.field(
        factory=lambda: Mailbox(PIECES, Full.REFUSE), init=False
    )
    _failure: Exception | None = attrs.field(default=None, init=False)
    _task: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Speak the greeting."""
        self._task = tasks.create_task(self._prepare(), name="greeting")

    async def say(self, text: AsyncIterator[str]) -> AsyncGenerator[Speech, None]:
        """Speak *text*; if it is the greeting, it is spoken already."""
        first = await anext(text, None)
        if first == self.greeting and self._task is not None:
            async with aclosing(self._spoken()) as speeches:
                async for speech in speeches:
                    yield speech
            first = await anext(text, None)
        await self.drop()
        if first is not None:
            stream: Any = self.session.say(_after(first, text))
            async with aclosing(stream) as speeches:
                async for speech in speeches:
                    yield speech

    async def drop(self) -> None:
        """Stop speaking what nobody wants; one `say` at a time."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,), timeout=DROP_S)

    async def _spoken(self) -> AsyncGenerator[Speech, None]:
        try:
            async for speech in self._speeches:
                yield speech
        finally:
            await self.drop()
        if self._failure is not None:
            raise self._failure

    async def _prepare(self) -> None:
        """What fails is raised where it is said."""
        stream: Any = self.session.say(_after(self.greeting))
        try:
            async with aclosing(stream) as speeches:
                async for speech in speeches:
                    if not self._speeches.put(speech):
                        return
        except Exception as failed:
            self._failure = failed
        finally:
            self._speeches.close()


async def _after(first: str, rest: AsyncIterator[str] | None = None) -> AsyncIterator[str]:
    yield first
    if rest is not None:
        async for each in rest:
            yield each
