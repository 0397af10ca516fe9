"""What the tests share: a double, a provider of it, and what was said or heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.clock import Clock, LoopClock, Timer
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter.providers.tts import Speech
from patter_elevenlabs import ElevenLabsScribeSTT, ElevenLabsWebSocketTTS
from patter_elevenlabs.double import ElevenLabsDouble
from patter_elevenlabs.stt import ElevenLabsScribeSession
from patter_elevenlabs.tts import ElevenLabsVoiceSession
from patter_testing.doubles.vendor_sound import read_back

T = TypeVar("T")
CALL = CallContext(call_id="c1")
VOICE = b"\x10\x90" * 80
"""20 ms of a voice, in mu-law."""

SILENCE = MULAW_8K.silence * 160


@asynccontextmanager
async def voice(
    double: ElevenLabsDouble,
    call: CallContext = CALL,
    audio: AudioFormat = MULAW_8K,
    **options: Any,
) -> AsyncIterator[ElevenLabsVoiceSession]:
    """A session of the voice with *options*, whose vendor is *double*."""
    settings = ElevenLabsWebSocketTTS(base_url=double.url, api_key=double.key, **options)
    async with settings.open(call, audio) as session:
        yield session


@asynccontextmanager
async def ear(
    double: ElevenLabsDouble,
    call: CallContext = CALL,
    audio: AudioFormat = MULAW_8K,
    **options: Any,
) -> AsyncIterator[ElevenLabsScribeSession]:
    """A session of Scribe with *options*, whose vendor is *double*."""
    settings = ElevenLabsScribeSTT(base_url=double.url, api_key=double.key, **options)
    async with settings.open(call, audio) as session:
        yield session


async def sentences(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def said(session: Any, *texts: str) -> list[Speech]:
    return [speech async for speech in session.say(sentences(*texts))]


def spoken(speeches: Iterable[Speech], audio: AudioFormat = MULAW_8K) -> str:
    """The letters that can be heard."""
    return read_back(b"".join(speech.audio for speech in speeches), audio)


async def final(events: AsyncIterator[STTEvent]) -> Transcript:
    """The next final."""
    async for event in events:
        if isinstance(event, Transcript) and event.final:
            return event
    raise AssertionError("no final came")


async def until(holds: Callable[[], T], within_s: float = 2.0) -> T:
    """Wait until *holds*, and return what it gives."""
    async with asyncio.timeout(within_s):
        while not (value := holds()):
            await asyncio.sleep(0.002)
    return value


class FastClock:
    """A clock by which everything takes *times* less."""

    def __init__(self, times: float) -> None:
        self.times, self.real = times, LoopClock()

    def ms(self) -> float:
        return self.real.ms() * self.times

    def wall(self) -> float:
        return self.real.wall()

    def at(self, ms: float, callback: Callable[[], object]) -> Timer:
        return self.real.at(ms / self.times, callback)

    async def sleep(self, ms: float) -> None:
        await self.real.sleep(ms / self.times)


def fast(times: float) -> CallContext:
    """A call whose time is *times* faster."""
    clock: Clock = FastClock(times)
    return CallContext(call_id="c1", clock=clock)
