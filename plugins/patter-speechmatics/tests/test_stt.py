"""Listening, against a Speechmatics of our own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter import ErrorCode
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import CallStateError, PatterConfigError
from patter.providers.stt import STTEvent, Transcript, TurnEnded
from patter_speechmatics.double import SpeechmaticsDouble
from patter_speechmatics.double.session import Limits
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.talking import CALL, failure, final, silence, until

from .talking import VOICE, VOICE_MS, ears, said_by, steadily

# --- what is heard


async def test_words_come_while_they_are_said_and_once_when_they_were() -> None:
    async with (
        SpeechmaticsDouble(lines=["a table for two."]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        seen = await until(aiter(session), Transcript)
    interims = [event.text for event in seen if isinstance(event, Transcript) and not event.final]
    assert interims == ["a", "a table"]
    heard = seen[-1]
    assert isinstance(heard, Transcript)
    assert (heard.text, heard.end_ms, heard.confidence) == ("a table for two.", VOICE_MS, 0.98)
    assert [(word.text, word.end_ms) for word in heard.words][-1] == ("two.", VOICE_MS)


async def test_long_speech_is_final_in_slices_that_are_each_new() -> None:
    line = "one two three four five six seven eight"
    async with (
        SpeechmaticsDouble(lines=[line]).running() as double,
        ears(double, max_delay=0.7).open(CALL, MULAW_8K) as session,
    ):
        sound = sounded("a long story, at length, of a table for two", MULAW_8K)
        for at in range(0, len(sound), 160):
            await session.send(sound[at : at + 160])
        await session.finalize()
        finals: list[Transcript] = []
        while " ".join(each.text for each in finals) != line:
            finals.append(await final(aiter(session)))
    assert len(finals) > 2
    marks = [
        mark for each in finals for word in each.words for mark in (word.start_ms, word.end_ms)
    ]
    assert marks == sorted(marks)


async def test_only_who_is_in_focus_is_heard() -> None:
    async with (
        SpeechmaticsDouble(
            lines=["S1: a table", "S2: the news", "S1: for two"]
        ).running() as double,
        ears(double, enable_diarization=True, focus_speakers="S1").open(CALL, MULAW_8K) as session,
    ):
        heard = []
        for _ in range(3):
            await session.send(VOICE)
            await session.finalize()
            heard.append((await final(aiter(session))).text)
    assert heard == ["a table", "", "for two"]


async def test_a_language_without_blanks_has_none() -> None:
    options = {"language": "ja", "enable_diarization": True, "focus_speakers": "S1"}
    async with (
        SpeechmaticsDouble(lines=["S1: 今日 は。"]).running() as double,
        ears(double, **options).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).text == "今日は。"


async def test_without_partials_there_are_none() -> None:
    async with (
        SpeechmaticsDouble(lines=["yes please"]).running() as double,
        ears(double, include_partials=False).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert len(await until(aiter(session), Transcript)) == 1


async def test_wide_audio_goes_as_it_is() -> None:
    async with (
        SpeechmaticsDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, PCM16_16K) as session,
    ):
        await session.send(sounded("any words", PCM16_16K))
        await session.finalize()
        heard = await final(aiter(session))
    assert (heard.text, heard.end_ms) == ("yes", VOICE_MS)


async def test_a_session_that_counts_anew_is_counted_on() -> None:
    sound = sounded("a table for two, please", MULAW_8K) + silence(2_000)
    heard_ms = MULAW_8K.ms_in(len(sound))
    options = {"turn_detection_mode": "external", "max_delay": 4}
    async with (
        SpeechmaticsDouble(lines=["one", "two", "three"]).running() as double,
        ears(double, **options).open(CALL, MULAW_8K) as session,
    ):
        ends = []
        for _ in range(3):
            await session.send(sound)
            await session.finalize()
            ends.append((await final(aiter(session))).end_ms or 0)
            if len(ends) == 1:
                double.sessions[0].restart()
    assert ends[0] == heard_ms - 2_000
    assert heard_ms < ends[1] <= 2 * heard_ms < ends[2] <= 3 * heard_ms
    times = [body["timestamp"] for body in said_by(double, "ForceEndOfUtterance")]
    assert times[2] < 3 * heard_ms / 1_000, "asked for in its own time"


# --- turns


async def turn(session: Any, sound: bytes, silent_ms: float) -> list[STTEvent]:
    """What is heard of *sound* and the silence behind it, to the end of the turn."""
    await session.send(sound)
    await steadily(session, silent_ms)
    return await until(aiter(session), TurnEnded)


async def test_fixed_a_silence_ends_the_turn() -> None:
    async with (
        SpeechmaticsDouble(lines=["a table"]).running() as double,
        ears(double, turn_detection_mode="fixed").open(CALL, MULAW_8K) as session,
    ):
        seen = await turn(session, VOICE, 600)
    assert [each.text for each in seen if isinstance(each, Transcript) and each.final] == [
        "a table"
    ]
    (start,) = said_by(double, "StartRecognition")
    assert start["transcription_config"]["conversation_config"] == {
        "end_of_utterance_silence_trigger": 0.5
    }


@pytest.mark.parametrize(("line", "least_ms"), [("yes.", 500), ("a table", 1_000)])
async def test_adaptive_the_words_decide_how_long_a_pause_lasts(line: str, least_ms: int) -> None:
    async with (
        SpeechmaticsDouble(lines=[line]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(200))
        await session.finalize()
        assert (await final(aiter(session))).text == line
        await asyncio.sleep(0.05)
        await steadily(session, least_ms - 240)
        await session.send(silence(20))
        assert len(session._events._events) == 0, "too early"
        await steadily(session, 40)
        assert isinstance(await anext(aiter(session)), TurnEnded)


async def test_adaptive_works_without_a_detector_of_voices() -> None:
    async with (
        SpeechmaticsDouble(lines=["a table"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await steadily(session, 700)
        await final(aiter(session))
        await asyncio.sleep(0.05)
        await steadily(session, 400)
        await until(aiter(session), TurnEnded)


async def test_external_sends_no_trigger_and_ends_no_turn() -> None:
    async with (
        SpeechmaticsDouble(lines=["yes."]).running() as double,
        ears(double, turn_detection_mode="external").open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        await final(aiter(session))
        await steadily(session, 3_000)
        await asyncio.sleep(0.05)
        assert len(session._events._events) == 0
    (start,) = said_by(double, "StartRecognition")
    assert "conversation_config" not in start["transcription_config"]


# --- beginning and ending


async def test_it_leaves_with_the_number_of_its_frames() -> None:
    async with (
        SpeechmaticsDouble().running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(b"")
        for _ in range(3):
            await session.send(silence(20))
    assert double.received[-1] == {"message": "EndOfStream", "last_seq_no": 3}


async def test_what_nobody_has_read_when_the_call_ends_is_not_heard() -> None:
    async with (
        SpeechmaticsDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        await asyncio.sleep(0.1)
        assert len(session._events._events) >= 1
    assert [event async for event in session] == []


async def test_a_session_that_never_begins_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_speechmatics._socket.START_S", 0.05)
    async with SpeechmaticsDouble(faults=VendorFaults(stalls=True)).running() as double:
        for work in (ears(double).open(CALL, MULAW_8K).__aenter__(), ears(double).check()):
            assert (await failure(work)).code is ErrorCode.TIMEOUT


async def test_pings_keep_a_silent_session_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_speechmatics._socket.HEARTBEAT_S", 0.05)
    async with (
        SpeechmaticsDouble(lines=["yes"], limits=Limits(mute_s=0.2)).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await asyncio.sleep(0.5)
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).text == "yes"


# --- configuring a call that is up


async def test_a_call_that_is_up_may_be_told_to_listen_otherwise() -> None:
    async with SpeechmaticsDouble(lines=["yes"]).running() as double:
        settings = ears(double)
        async with settings.open(CALL, MULAW_8K) as session:
            await settings.configure(
                "c1",
                max_delay=2,
                max_delay_mode="fixed",
                include_partials=False,
                volume_threshold=3,
                end_of_utterance_silence_trigger=0.8,
            )
            await session.send(VOICE + silence(300))
            await session.finalize()
            assert len(await until(aiter(session), Transcript)) == 1
            await asyncio.sleep(0.05)
            await steadily(session, 1_240)
            assert len(session._events._events) == 0, "1.6 s after words that are not over"
            await steadily(session, 100)
            assert isinstance(await anext(aiter(session)), TurnEnded)
        with pytest.raises(CallStateError):
            await settings.configure("c1", max_delay=2)
    assert said_by(double, "SetRecognitionConfig") == [
        {
            "message": "SetRecognitionConfig",
            "transcription_config": {
                "language": "en",
                "max_delay": 2,
                "max_delay_mode": "fixed",
                "enable_partials": False,
                "audio_filtering_config": {"volume_threshold": 3},
                "conversation_config": {"end_of_utterance_silence_trigger": 0.8},
            },
        }
    ]


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ({}, {"max_delay": 5}),
        ({}, {"max_delay_mode": "never"}),
        ({}, {"end_of_utterance_silence_trigger": 1}),
        ({"turn_detection_mode": "external"}, {"end_of_utterance_silence_trigger": 0.3}),
    ],
)
async def test_what_speechmatics_would_end_the_session_for_is_not_sent(
    options: dict[str, Any], change: dict[str, Any]
) -> None:
    async with SpeechmaticsDouble().running() as double:
        settings = ears(double, **options)
        async with settings.open(CALL, MULAW_8K):
            with pytest.raises(PatterConfigError):
                await settings.configure("c1", **change)
    assert said_by(double, "SetRecognitionConfig") == []
