"""Pauses: each has one answer, whatever a Speechmatics of our own does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter import ErrorCode
from patter.audio.formats import MULAW_8K
from patter.errors import PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.stt import Transcript, TurnEnded
from patter_speechmatics.double import SpeechmaticsDouble
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.fast_clock import FastClock
from patter_testing.talking import CALL, failure, final, silence, until

from .talking import BEGUN, VOICE, ears, said_by

FAST = CallContext(call_id="fast", clock=FastClock())
BRISK = CallContext(call_id="brisk", clock=FastClock(10))
"""Its 5 s are half a second, which a busy machine does not take for a step."""


# --- pauses


async def test_a_pause_asks_for_the_words_up_to_it() -> None:
    async with (
        SpeechmaticsDouble(lines=["yes"]).running() as double,
        ears(double, turn_detection_mode="external").open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(200))
        await session.finalize()
        await final(aiter(session))
    assert said_by(double, "ForceEndOfUtterance")[0]["timestamp"] == 0.74


async def test_a_pause_without_audio_since_the_last_one_asks_nobody() -> None:
    async with (
        SpeechmaticsDouble().running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.finalize()
        assert await anext(aiter(session)) == Transcript("", True)
    assert said_by(double, "ForceEndOfUtterance") == []


@pytest.mark.parametrize("mode", ["external", "fixed", "adaptive"])
@pytest.mark.parametrize("deaf", [{"answers_silence": False}, {"obeys_force": False}])
async def test_a_pause_that_is_not_answered_is_answered_here(
    mode: str, deaf: dict[str, Any]
) -> None:
    options = {"turn_detection_mode": mode, "end_of_utterance_silence_trigger": 0.05}
    async with (
        SpeechmaticsDouble(**deaf).running() as double,
        ears(double, finalize_ms=50, **options).open(CALL, MULAW_8K) as session,
    ):
        await session.send(silence(100))
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)


async def test_fixed_speechmatics_is_not_asked_before_its_silence_has_passed() -> None:
    options = {"turn_detection_mode": "fixed", "end_of_utterance_silence_trigger": 0.6}
    async with (
        SpeechmaticsDouble().running() as double,
        ears(double, finalize_ms=50, **options).open(CALL, MULAW_8K) as session,
    ):
        await session.send(silence(100))
        await session.finalize()
        await asyncio.sleep(0.3)
        assert said_by(double, "ForceEndOfUtterance") == []
        assert await final(aiter(session)) == Transcript("", True)
    assert len(said_by(double, "ForceEndOfUtterance")) == 1


async def test_fixed_what_is_asked_for_has_its_own_time_to_come() -> None:
    options = {"turn_detection_mode": "fixed", "end_of_utterance_silence_trigger": 0.1}
    async with (
        SpeechmaticsDouble(lines=["yes"], latency=Latency(p50_ms=100)).running() as double,
        ears(double, finalize_ms=400, **options).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).text == "yes"
    assert len(said_by(double, "ForceEndOfUtterance")) == 1


async def test_words_that_come_after_the_bound_come_once() -> None:
    async with (
        SpeechmaticsDouble(lines=["yes", "no"], latency=Latency(p50_ms=120)).running() as double,
        ears(double, finalize_ms=40, include_partials=False).open(CALL, MULAW_8K) as session,
    ):
        for word in ("yes", "no"):
            await session.send(VOICE)
            await session.finalize()
            assert [(await final(aiter(session))).text for _ in range(2)] == ["", word]


async def test_a_second_pause_waits_its_own_time() -> None:
    async with (
        SpeechmaticsDouble(answers_silence=False).running() as double,
        ears(double, finalize_ms=200).open(CALL, MULAW_8K) as session,
    ):
        loop = asyncio.get_running_loop()
        await session.send(silence(100))
        await session.finalize()
        await asyncio.sleep(0.1)
        begun = loop.time()
        await session.send(silence(100))
        await session.finalize()
        await final(aiter(session))
        assert loop.time() - begun > 0.15


async def test_a_recogniser_that_answers_nothing_any_more_is_lost() -> None:
    # It confirms audio all the while: a front whose recogniser is gone.
    async with (
        SpeechmaticsDouble(answers_silence=False).running() as double,
        ears(double, finalize_ms=30).open(CALL, MULAW_8K) as session,
    ):
        finals = []
        with pytest.raises(PatterTimeoutError):
            for _ in range(3):
                await session.send(silence(100))
                await session.finalize()
                finals.append(await final(aiter(session)))
        assert finals == [Transcript("", True)] * 2
        with pytest.raises(PatterTimeoutError):
            await session.send(silence(20))


async def test_a_recogniser_that_says_anything_is_not_lost() -> None:
    async with (
        SpeechmaticsDouble(lines=["a", "b"], answers_silence=False).running() as double,
        ears(double, finalize_ms=30).open(CALL, MULAW_8K) as session,
    ):
        heard = []
        for sound in (silence(100), silence(100), VOICE, silence(100), silence(100), VOICE):
            await session.send(sound)
            await session.finalize()
            heard.append((await final(aiter(session))).text)
    assert heard == ["", "", "a", "", "", "b"]


async def test_audio_that_is_not_read_any_more_is_a_lost_connection() -> None:
    async with (
        SpeechmaticsDouble(confirms=False).running() as double,
        ears(double).open(FAST, MULAW_8K) as session,
    ):
        await session.send(silence(20))
        error = await failure(until(aiter(session), TurnEnded))
        assert error.code is ErrorCode.TIMEOUT


async def test_who_sends_nothing_waits_for_no_confirmation() -> None:
    # Each message takes 1.5 s by that clock.
    faults = VendorFaults(trickle_ms=150, after=BEGUN)
    async with (
        SpeechmaticsDouble(faults=faults).running() as double,
        ears(double).open(BRISK, MULAW_8K) as session,
    ):
        for _ in range(2):
            await session.send(silence(20))
            await asyncio.sleep(0.8)
        await session.send(silence(20))


async def test_confirmations_that_come_slowly_are_no_lost_connection() -> None:
    faults = VendorFaults(trickle_ms=25, after=BEGUN)
    async with (
        SpeechmaticsDouble(faults=faults).running() as double,
        ears(double).open(BRISK, MULAW_8K) as session,
    ):
        for _ in range(40):
            await session.send(silence(20))
            await asyncio.sleep(0.02)
        assert 0 < session._hearing.confirmed < session._frames, "some always wait"
