"""What comes late, stops in the middle or never comes, in time that goes faster."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter.errors import ErrorCode, PatterError
from patter.providers.stt import Transcript
from patter_elevenlabs.double import ElevenLabsDouble
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.fast_clock import fast
from patter_testing.talking import final, letters_of, say

from .harness import SILENCE, VOICE, ear, voice

LATE = Latency(p50_ms=200)
"""Two seconds, in time that goes ten times faster."""


async def test_a_voice_that_comes_two_seconds_late_is_heard() -> None:
    async with (
        ElevenLabsDouble(latency=LATE).running() as double,
        voice(double, fast(10), timeout_s=10) as session,
    ):
        assert letters_of(await say(session, "Late.", "But here.")) == "Late. But here. "


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_a_voice_that_stops_is_left_in_time(after: int) -> None:
    double = ElevenLabsDouble(faults=VendorFaults(stalls=True, after=after))
    async with double.running(), voice(double, timeout_s=0.1) as session:
        heard = []
        with pytest.raises(PatterError) as raised:
            async with asyncio.timeout(1):
                async for speech in session.say(_one("Good morning to you all.")):
                    heard.append(speech)
    assert raised.value.code is ErrorCode.TIMEOUT
    assert len(heard) == after


async def test_nothing_is_owed_while_the_text_is_not_there() -> None:
    async def slowly() -> Any:
        yield "One."
        await asyncio.sleep(0.3)
        yield "Two."

    async with ElevenLabsDouble().running() as double, voice(double, timeout_s=0.1) as session:
        speeches = [speech async for speech in session.say(slowly())]
    assert letters_of(speeches) == "One. Two. "


async def test_what_was_sent_is_owed_though_more_text_may_come() -> None:
    async def endless() -> Any:
        yield "Good morning."
        await asyncio.get_running_loop().create_future()

    double = ElevenLabsDouble(faults=VendorFaults(stalls=True))
    async with double.running(), voice(double, timeout_s=0.1) as session:
        with pytest.raises(PatterError) as raised:
            async with asyncio.timeout(1):
                [speech async for speech in session.say(endless())]
    assert raised.value.code is ErrorCode.TIMEOUT


async def test_a_text_that_never_comes_is_waited_for() -> None:
    async with ElevenLabsDouble().running() as double, voice(double, timeout_s=0.05) as session:
        speech = session.say(_never())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(speech)


async def test_audio_after_the_end_of_its_reply_is_not_heard() -> None:
    double = ElevenLabsDouble(faults=VendorFaults(trickle_ms=3))
    async with double.running(), voice(double) as session:
        speech = session.say(_one("Something that goes on and on and on and on."))
        await anext(speech)
        await speech.aclose()
        assert letters_of(await say(session, "Yes?")) == "Yes? "


async def test_words_that_come_two_seconds_late_are_heard_once() -> None:
    """What is known after a second is final then, and the rest of it when it comes."""
    words = "a table for two please"
    double = ElevenLabsDouble(latency=LATE, lines=[words])
    async with double.running(), ear(double, fast(10), answer_s=1) as session:
        for _ in range(40):
            await session.send(VOICE)
        await session.finalize()
        events, finals = aiter(session), list[str]()
        while " ".join(filter(None, finals)) != words:
            finals.append((await final(events)).text)
    assert len(finals) == 2


async def test_a_recogniser_that_stops_is_answered_for() -> None:
    double = ElevenLabsDouble(faults=VendorFaults(stalls=True, after=1))
    async with double.running(), ear(double, answer_s=0.1) as session:
        for _ in range(40):
            await session.send(SILENCE)
        await session.finalize()
        async with asyncio.timeout(1):
            assert await final(aiter(session)) == Transcript("", True)


async def test_interims_of_a_recogniser_that_stops_become_final() -> None:
    double = ElevenLabsDouble(
        lines=["a table for two please"], faults=VendorFaults(stalls=True, after=3)
    )
    async with double.running(), ear(double, answer_s=0.1) as session:
        for _ in range(40):
            await session.send(VOICE)
        await session.finalize()
        async with asyncio.timeout(1):
            assert await final(aiter(session)) == Transcript("a table", True)


async def test_a_final_whose_times_do_not_come_is_final_without_them() -> None:
    async with (
        ElevenLabsDouble(timed=False).running() as double,
        ear(double, fast(5), answer_s=10) as session,
    ):
        for _ in range(40):
            await session.send(VOICE)
        await session.finalize()
        heard = await final(aiter(session))
    assert heard == Transcript("800 ms", True)


async def _one(text: str) -> Any:
    yield text


async def _never() -> Any:
    await asyncio.get_running_loop().create_future()
    yield ""
