"""What the tests of all kinds share: a call, and what is heard and said on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import attrs
import pytest

from patter.audio.formats import MULAW_8K
from patter.clock import Clock, LoopClock, Timer
from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter.providers.tts import Speech
from patter_testing.doubles.vendor_sound import sounded

T = TypeVar("T")
CALL = CallContext(call_id="c1")
VOICE = sounded("any words", MULAW_8K)


def silence(ms: float) -> bytes:
    return MULAW_8K.silence * MULAW_8K.bytes_in(ms)


async def until(events: AsyncIterator[STTEvent], last: type[Any]) -> list[STTEvent]:
    """Events to the first that is a *last*; of words, a final."""
    seen: list[STTEvent] = []
    async with asyncio.timeout(5):
        async for event in events:
            seen.append(event)
            if isinstance(event, last) and getattr(event, "final", True):
                return seen
    raise AssertionError(f"only {seen}")


async def final(events: AsyncIterator[STTEvent]) -> Transcript:
    """The next final."""
    heard = (await until(events, Transcript))[-1]
    assert isinstance(heard, Transcript)
    return heard


def shape(events: list[STTEvent]) -> list[str]:
    """The events by their names; words by their text."""
    return [
        event.text if isinstance(event, Transcript) else type(event).__name__ for event in events
    ]


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


def sound_of(pieces: list[Speech]) -> bytes:
    return b"".join(piece.audio for piece in pieces)


async def eventually(holds: Callable[[], T]) -> T:
    """Wait until *holds*, and return what it gives."""
    async with asyncio.timeout(2):
        while not (value := holds()):
            await asyncio.sleep(0.002)
    return value


async def failure(work: Any) -> PatterError:
    with pytest.raises(PatterError) as raised:
        await work
    return raised.value


@attrs.frozen
class FastClock:
    """A clock on which a minute is a second or so: every wait of a session is *times* as short."""

    times: float = 40.0
    real: Clock = attrs.field(factory=LoopClock)

    def ms(self) -> float:
        return self.real.ms() * self.times

    def wall(self) -> float:
        return self.real.wall()

    def at(self, ms: float, callback: Callable[[], object]) -> Timer:
        return self.real.at(ms / self.times, callback)

    async def sleep(self, ms: float) -> None:
        await self.real.sleep(ms / self.times)


def fast(times: float = 40.0) -> CallContext:
    """A call whose time is *times* faster."""
    return CallContext(call_id="fast", clock=FastClock(times))
