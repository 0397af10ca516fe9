"""What the tests share: a call, a voice of the double, and what was said and heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import attrs

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.providers.context import CallContext
from patter.providers.tts import Speech, SpokenWord
from patter_rime import RimeRestTTS, RimeTTS
from patter_rime.double import RimeDouble
from patter_testing.doubles.vendor_sound import read_back, sounded

T = TypeVar("T")
CALL = CallContext(call_id="c1")
LONG = "one two three four five six seven eight nine ten"
sounded(LONG, MULAW_8K)  # the first voice of a process takes its time


def voice(
    double: RimeDouble, audio: AudioFormat = MULAW_8K, call: CallContext = CALL, **options: Any
) -> AbstractAsyncContextManager[Any]:
    """A session of the voice with *options*, whose vendor is *double*."""
    return double.pointed(RimeTTS(api_key="k", **options)).open(call, audio)


def rest(
    double: RimeDouble, audio: AudioFormat = MULAW_8K, **options: Any
) -> AbstractAsyncContextManager[Any]:
    """The same over HTTP."""
    return double.pointed(RimeRestTTS(api_key="k", **options)).open(CALL, audio)


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
        while not (await anext(speech)).audio:
            pass
    return speech


def heard(pieces: list[Speech], audio: AudioFormat = MULAW_8K) -> str:
    """The letters that can be heard."""
    return read_back(b"".join(piece.audio for piece in pieces), audio)


def words_of(pieces: list[Speech]) -> list[SpokenWord]:
    return [word for piece in pieces for word in piece.words]


def operations(double: RimeDouble) -> list[str]:
    """What clients sent, in short: a text, or the name of an operation."""
    return [str(each.get("operation") or each.get("text")) for each in double.messages]


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
