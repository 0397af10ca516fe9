"""What the tests share: a call, a voice of a double, what is said and heard, and clocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import attrs

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.providers.context import CallContext
from patter.providers.tts import Speech
from patter_lmnt import LMNTTTS, LMNTRestTTS
from patter_lmnt._session import LMNTSpeechSession
from patter_lmnt.double import LMNTDouble
from patter_testing.doubles.vendor_sound import read_back

T = TypeVar("T")
CALL = CallContext(call_id="c1")
LONG = "one two three four five six seven eight nine ten"


@asynccontextmanager
async def voice(
    double: LMNTDouble, call: CallContext = CALL, audio: AudioFormat = MULAW_8K, **options: Any
) -> AsyncIterator[LMNTSpeechSession]:
    """A session of the voice with *options*, whose vendor is *double*."""
    settings = LMNTTTS(base_url=double.url, api_key=double.key, **options)
    async with settings.open(call, audio) as session:
        yield session


@asynccontextmanager
async def rest_voice(
    double: LMNTDouble, audio: AudioFormat = MULAW_8K, **options: Any
) -> AsyncIterator[Any]:
    """As `voice`, over HTTP."""
    settings = LMNTRestTTS(base_url=double.url, api_key=double.key, **options)
    async with settings.open(CALL, audio) as session:
        yield session


async def sentences(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def say(session: Any, *texts: str) -> list[Speech]:
    async with asyncio.timeout(5):
        return [piece async for piece in session.say(sentences(*texts))]


async def begin(session: Any, *texts: str) -> Any:
    """A reply whose first audio has come."""
    speech = session.say(sentences(*texts))
    async with asyncio.timeout(5):
        await anext(speech)
    return speech


def heard(pieces: Iterable[Speech], audio: AudioFormat = MULAW_8K) -> str:
    """The letters that can be heard."""
    return read_back(b"".join(piece.audio for piece in pieces), audio)


def kinds(double: LMNTDouble) -> list[str]:
    """The types of what clients sent."""
    return [body.get("type", "init") for body in double.log]


async def until(holds: Callable[[], T], within_s: float = 2.0) -> T:
    """Wait until *holds*, and return what it gives."""
    async with asyncio.timeout(within_s):
        while not (value := holds()):
            await asyncio.sleep(0.002)
    return value


@attrs.frozen
class FastClock:
    """A clock on which every wait of a session is *times* as short."""

    times: float = 40.0

    def ms(self) -> float:
        return asyncio.get_running_loop().time() * 1_000 * self.times

    def wall(self) -> float:
        return 0.0

    def at(self, ms: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_at(ms / 1_000 / self.times, callback)

    async def sleep(self, ms: float) -> None:
        await asyncio.sleep(ms / 1_000 / self.times)


def fast(times: float = 40.0) -> CallContext:
    """A call whose time is *times* as fast."""
    return CallContext(call_id="fast", clock=FastClock(times))
