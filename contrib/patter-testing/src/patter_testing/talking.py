"""What the tests of a recogniser or a voice say to its session, and hear from it.

Every wait ends: a session that says nothing fails its test within five seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

import pytest

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter.providers.tts import Speech
from patter_testing.doubles.vendor_sound import read_back

T = TypeVar("T")
CALL = CallContext(call_id="c1")
WITHIN_S = 5.0


def silence(ms: float) -> bytes:
    """This much silence of a telephone, in mu-law."""
    return MULAW_8K.silence * MULAW_8K.bytes_in(ms)


async def until(events: AsyncIterator[STTEvent], last: type[Any]) -> list[STTEvent]:
    """Events to the first that is a *last*; of words, a final."""
    seen: list[STTEvent] = []
    async with asyncio.timeout(WITHIN_S):
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


async def sentences(*texts: str) -> AsyncIterator[str]:
    """The sentences of an answer."""
    for text in texts:
        yield text


async def say(session: Any, *texts: str) -> list[Speech]:
    """Have a voice's *session* speak, to the end."""
    async with asyncio.timeout(WITHIN_S):
        return [piece async for piece in session.say(sentences(*texts))]


async def begin(session: Any, *texts: str) -> Any:
    """What a voice's *session* speaks, once its first audio has come."""
    speech = session.say(sentences(*texts))
    async with asyncio.timeout(WITHIN_S):
        while not (await anext(speech)).audio:
            continue
    return speech


def sound_of(pieces: Iterable[Speech]) -> bytes:
    """The audio of *pieces*."""
    return b"".join(piece.audio for piece in pieces)


def letters_of(pieces: Iterable[Speech], audio: AudioFormat = MULAW_8K) -> str:
    """The letters that can be heard, where the vendor is a double."""
    return read_back(sound_of(pieces), audio)


async def failure(work: Awaitable[Any]) -> Any:
    """The PatterError that *work* raises."""
    with pytest.raises(PatterError) as raised:
        await work
    return raised.value


async def eventually(holds: Callable[[], T], within_s: float = WITHIN_S) -> T:
    """Wait until *holds*, and return what it gives."""
    async with asyncio.timeout(within_s):
        while not (value := holds()):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    return value
