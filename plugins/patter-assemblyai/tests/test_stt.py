"""Listening, against an AssemblyAI of our own."""

from __future__ import annotations

import asyncio

import pytest

from patter import ErrorCode
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.stt import SpeechEnded, SpeechStarted, Transcript, TurnEnded
from patter_assemblyai import _listening
from patter_assemblyai.double import AssemblyAIDouble
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.fast_clock import FastClock
from patter_testing.talking import CALL, eventually, failure, final, silence, until

from .talking import VOICE, ears, shape

FAST = CallContext(call_id="fast", clock=FastClock())


# --- what is heard


async def test_words_come_while_they_are_said_and_a_turn_ends_when_it_was() -> None:
    async with (
        AssemblyAIDouble(lines=["a table for two"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(500))
        seen = await until(aiter(session), TurnEnded)
    assert shape(seen) == [
        "SpeechStarted", "a", "a table", "SpeechEnded", "a table for two|", "TurnEnded",
    ]  # fmt: skip
    heard = seen[-2]
    assert isinstance(heard, Transcript)
    assert (heard.end_ms, heard.words[-1].end_ms, heard.confidence) == (540, 540, 0.98)
    assert (seen[0], seen[3]) == (SpeechStarted(0), SpeechEnded(540))
    assert double.commands == ["Terminate"]


async def test_a_voice_begins_where_assemblyai_does_not_say_so() -> None:
    async with (
        AssemblyAIDouble(lines=["yes please"], tells_voice=False).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(silence(200) + VOICE + silence(500))
        seen = await until(aiter(session), TurnEnded)
    assert shape(seen) == [
        "SpeechStarted", "yes", "yes please", "SpeechEnded", "yes please|", "TurnEnded",
    ]  # fmt: skip
    assert seen[0] == SpeechStarted(200)


async def test_words_that_sound_incomplete_go_on() -> None:
    async with (
        AssemblyAIDouble(lines=["a table,", "for two"]).running() as double,
        ears(double, min_turn_silence=100, max_turn_silence=2_000).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(460) + VOICE + silence(200))
        seen = await until(aiter(session), TurnEnded)
    assert shape(seen)[-2:] == ["a table, for two|", "TurnEnded"]
    last = seen[-2]
    assert isinstance(last, Transcript) and last.end_ms == 540 + 460 + 540


async def test_another_format_is_heard_as_well() -> None:
    async with (
        AssemblyAIDouble(lines=["yes"]).running() as double,
        ears(double, model="u3-rt-pro").open(CALL, PCM16_16K) as session,
    ):
        await session.send(sounded("any words", PCM16_16K))
        await session.finalize()
        heard = await final(aiter(session))
    assert (heard.text, heard.end_ms) == ("Yes.", 540)
    assert double.requests[-1].query["encoding"] == "pcm_s16le"


async def test_punctuation_is_waited_for_and_comes_once() -> None:
    async with (
        AssemblyAIDouble(lines=["yes please", "no"]).running() as double,
        ears(double, format_turns=True).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(500))
        seen = await until(aiter(session), TurnEnded)
        assert shape(seen)[-2:] == ["Yes please.|", "TurnEnded"]
        await session.send(VOICE + silence(500))
        assert shape(await until(aiter(session), TurnEnded))[-2:] == ["No.|", "TurnEnded"]


async def test_punctuation_that_does_not_come_is_not_waited_for_long() -> None:
    # Begin, SpeechStarted, two interims, the end; then nothing more.
    double = AssemblyAIDouble(lines=["yes please"], faults=VendorFaults(stalls=True, after=5))
    async with double.running(), ears(double, format_turns=True).open(FAST, MULAW_8K) as session:
        await session.send(VOICE + silence(500))
        assert shape(await until(aiter(session), TurnEnded))[-2:] == ["yes please|", "TurnEnded"]


async def test_a_noise_without_words_ends_its_voice() -> None:
    # Begin and SpeechStarted come, and no words.
    double = AssemblyAIDouble(lines=["yes"], faults=VendorFaults(stalls=True, after=2))
    async with double.running(), ears(double).open(CALL, MULAW_8K) as session:
        await session.send(VOICE)
        assert await until(aiter(session), SpeechStarted) == [SpeechStarted(0)]
        await session.send(silence(2_000))
        assert shape(await until(aiter(session), SpeechEnded)) == ["SpeechEnded"]


# --- pauses


async def test_a_pause_that_assemblyai_judges_itself_is_not_forced() -> None:
    async with (
        AssemblyAIDouble(lines=["yes"]).running() as double,
        ears(double, finalize_ms=400).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        await session.send(silence(500))
        assert shape(await until(aiter(session), TurnEnded))[-2:] == ["yes|", "TurnEnded"]
        await asyncio.sleep(0.5)
        assert "ForceEndpoint" not in double.commands


async def test_a_pause_that_it_does_not_judge_gets_its_words_and_no_judgement() -> None:
    async with (
        AssemblyAIDouble(lines=["yes but", "no"]).running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).text == "yes but"
        assert double.commands == ["ForceEndpoint"]
        await session.send(VOICE + silence(500))
        seen = await until(aiter(session), TurnEnded)
        assert shape(seen).count("TurnEnded") == 1 and shape(seen)[-2] == "no|"


async def test_a_call_that_judges_itself_asks_at_once() -> None:
    async with (
        AssemblyAIDouble(lines=["yes"]).running() as double,
        ears(double, turn_detection=False, finalize_ms=5_000).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        begun = asyncio.get_running_loop().time()
        await session.finalize()
        assert (await final(aiter(session))).text == "yes"
        assert asyncio.get_running_loop().time() - begun < 1
        assert double.commands == ["ForceEndpoint"]


@pytest.mark.parametrize("answers", [True, False])
async def test_a_pause_without_words_is_answered(answers: bool) -> None:
    async with (
        AssemblyAIDouble(answers_empty=answers).running() as double,
        ears(double, turn_detection=False, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        await session.send(silence(200))
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
        await session.send(silence(200))
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
        await asyncio.sleep(0.1)
        assert len(session._events._events) == 0


async def test_a_pause_without_audio_since_the_last_one_asks_nobody() -> None:
    async with (
        AssemblyAIDouble(lines=["yes"]).running() as double,
        ears(double, turn_detection=False).open(CALL, MULAW_8K) as session,
    ):
        await session.finalize()
        assert await anext(aiter(session)) == Transcript("", True)
        assert double.commands == []


async def test_words_that_come_after_the_bound_come_once() -> None:
    async with (
        AssemblyAIDouble(lines=["yes"], latency=Latency(p50_ms=60)).running() as double,
        ears(double, finalize_ms=20).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(500))
        await session.finalize()
        finals = [await final(aiter(session)) for _ in range(2)]
    assert [heard.text for heard in finals] == ["", "yes"]


async def test_words_that_come_two_seconds_late_are_heard() -> None:
    async with (
        AssemblyAIDouble(lines=["yes"], latency=Latency(p50_ms=600)).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        finals = [await final(aiter(session))]
        await session.send(silence(500))
        finals.append(await final(aiter(session)))
    assert [heard.text for heard in finals] == ["", "yes"]


async def test_a_second_pause_waits_its_own_time() -> None:
    async with (
        AssemblyAIDouble().running() as double,
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


async def test_a_turn_that_is_not_ended_when_asked_is_a_lost_recogniser() -> None:
    # Begin, SpeechStarted and an interim; then nothing, in the middle of a turn.
    double = AssemblyAIDouble(lines=["yes please"], faults=VendorFaults(stalls=True, after=3))
    async with double.running(), ears(double).open(FAST, MULAW_8K) as session:
        await session.send(VOICE)
        await until(aiter(session), SpeechStarted)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
        assert double.commands == ["ForceEndpoint"]
        await session.send(silence(100))
        await session.finalize()
        with pytest.raises(PatterTimeoutError):
            await final(aiter(session))
        with pytest.raises(PatterTimeoutError):
            await session.send(silence(20))


async def test_a_recogniser_that_says_nothing_any_more_is_lost() -> None:
    double = AssemblyAIDouble(faults=VendorFaults(stalls=True, after=1))
    async with double.running(), ears(double, finalize_ms=20).open(CALL, MULAW_8K) as session:
        finals = []
        with pytest.raises(PatterTimeoutError):
            for _ in range(_listening.MUTE_PAUSES):
                await session.send(silence(100))
                await session.finalize()
                finals.append(await final(aiter(session)))
        assert len(finals) == _listening.MUTE_PAUSES - 1


async def test_a_recogniser_that_says_anything_is_not_lost() -> None:
    async with (
        AssemblyAIDouble().running() as double,
        ears(double, finalize_ms=20, session_heartbeat=True).open(CALL, MULAW_8K) as session,
    ):
        for _ in range(_listening.MUTE_PAUSES + 2):
            await session.send(silence(1_100))
            await asyncio.sleep(0.02)
            await session.finalize()
            assert await final(aiter(session)) == Transcript("", True)


async def test_what_nobody_has_read_when_the_call_ends_is_not_heard() -> None:
    async with (
        AssemblyAIDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(500))
        await eventually(lambda: len(session._events._events) > 1)
    assert [event async for event in session] == []


# --- audio, and staying open


async def test_small_pieces_go_together_and_large_ones_apart() -> None:
    async with (
        AssemblyAIDouble().running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        for _ in range(4):
            await session.send(silence(20))
        await session.send(silence(2_080))
        await eventually(lambda: sum(double.sessions[0].frames_ms) == 2_160)
        assert double.sessions[0].frames_ms == [60.0, 1_000.0, 1_000.0, 100.0]


async def test_an_inactive_call_keeps_its_session() -> None:
    async with (
        AssemblyAIDouble(lines=["yes"], second_s=1 / 40).running() as double,
        ears(double, inactivity_timeout=24).open(FAST, MULAW_8K) as session,
    ):
        await asyncio.sleep(1.5)
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).text == "yes"
    assert double.commands.count("KeepAlive") >= 3


async def test_who_sends_audio_sends_no_keep_alive() -> None:
    async with (
        AssemblyAIDouble().running() as double,
        ears(double, inactivity_timeout=60).open(FAST, MULAW_8K) as session,
    ):
        for _ in range(40):
            await session.send(silence(60))
            await asyncio.sleep(0.03)
        assert "KeepAlive" not in double.commands


async def test_nothing_is_kept_alive_that_does_not_time_out() -> None:
    async with (
        AssemblyAIDouble().running() as double,
        ears(double).open(FAST, MULAW_8K),
    ):
        await asyncio.sleep(0.3)
        assert double.commands == []


async def test_a_session_that_is_too_old_can_be_opened_again() -> None:
    async with (
        AssemblyAIDouble(lines=["yes"], age_s=0.1).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        error = await failure(until(aiter(session), TurnEnded))
    assert error.code is ErrorCode.CONNECTION and error.passing
    assert "3008" in error.message
