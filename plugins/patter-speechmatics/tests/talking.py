"""What the tests share: a call, what is said on it, and clocks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs
import pytest

from patter import PatterError
from patter.audio.formats import MULAW_8K
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter_speechmatics import SpeechmaticsSTT
from patter_speechmatics.double import SpeechmaticsDouble
from patter_testing.doubles.vendor_sound import sounded

CALL = CallContext(call_id="c1")
BEGUN = 3
"""So many messages are sent until a session has begun."""
VOICE = sounded("any words", MULAW_8K)
VOICE_MS = 540


def silence(ms: float) -> bytes:
    return MULAW_8K.silence * MULAW_8K.bytes_in(ms)


def ears(double: SpeechmaticsDouble, **options: Any) -> SpeechmaticsSTT:
    return double.pointed(SpeechmaticsSTT(api_key="k", **options))


def said_by(double: SpeechmaticsDouble, kind: str) -> list[dict[str, Any]]:
    """What clients said in messages of a *kind*."""
    return [body for body in double.received if body["message"] == kind]


async def steadily(session: Any, ms: float) -> None:
    """Silence, as a telephone sends it."""
    for _ in range(int(ms / 20)):
        await session.send(silence(20))


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


async def failure(work: Any) -> PatterError:
    with pytest.raises(PatterError) as raised:
        await work
    return raised.value


@attrs.frozen
class FastClock:
    """A clock on which a minute is a second or so: every wait of a session is *times* as short."""

    times: float = 40.0

    def ms(self) -> float:
        return asyncio.get_running_loop().time() * 1_000 * self.times

    def wall(self) -> float:
        return 0.0

    def at(self, ms: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_at(ms / 1_000 / self.times, callback)

    async def sleep(self, ms: float) -> None:
        await asyncio.sleep(ms / 1_000 / self.times)
