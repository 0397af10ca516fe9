"""Listening with Nova, against a Deepgram of our own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter import ErrorCode, PatterError
from patter.audio.formats import MULAW_8K
from patter.errors import CallStateError, PatterConfigError, PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.stt import SpeechEnded, SpeechStarted, Transcript
from patter_deepgram import DeepgramSTT
from patter_deepgram.double import DeepgramDouble
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.fast_clock import FastClock
from patter_testing.talking import CALL, final, silence, until

from .talking import VOICE

FAST = CallContext(call_id="fast", clock=FastClock())


def ears(double: DeepgramDouble, **options: Any) -> DeepgramSTT:
    return double.pointed(DeepgramSTT(api_key="k", **options))


# --- what is heard


async def test_words_come_while_they_are_said_and_once_when_they_were() -> None:
    async with (
        DeepgramDouble(lines=["a table for two"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(300))
        seen = await until(aiter(session), Transcript)
        seen += await until(aiter(session), SpeechEnded)
    assert isinstance(seen[0], SpeechStarted)
    interims = [event.text for event in seen if isinstance(event, Transcript) and not event.final]
    assert interims == ["a", "a table"]
    heard, ended = seen[-2:]
    assert isinstance(heard, Transcript)
    assert (heard.text, heard.end_ms, heard.confidence) == ("a table for two", 540, 0.98)
    assert [(word.text, word.end_ms) for word in heard.words][-1] == ("two", 540)
    assert ended == SpeechEnded(540)


async def test_an_utterance_may_come_in_several_finals() -> None:
    async with (
        DeepgramDouble(lines=["one two three"], final_words=2).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        parts = [await final(aiter(session)) for _ in range(2)]
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
    assert [part.text for part in parts] == ["one two", "three"]


async def test_silence_between_words_is_no_news() -> None:
    async with (
        DeepgramDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        for _ in range(40):
            await session.send(silence(100))
        await session.send(VOICE)
        assert isinstance(await anext(aiter(session)), SpeechStarted)


async def test_the_end_of_an_utterance_is_the_end_of_a_voice_where_noise_hides_it() -> None:
    async with (
        DeepgramDouble(lines=["yes"]).running() as double,
        ears(double, endpointing_ms=None).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        await session.send(silence(1_200))
        assert (await until(aiter(session), SpeechEnded))[-1] == SpeechEnded(540)


# --- pauses


async def test_a_pause_in_which_deepgram_has_nothing_to_say_is_answered_all_the_same() -> None:
    async with (
        DeepgramDouble(answers_empty=False).running() as double,
        ears(double, finalize_ms=50).open(CALL, MULAW_8K) as session,
    ):
        await session.send(silence(100))
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)


async def test_a_pause_without_audio_since_the_last_one_asks_nobody() -> None:
    async with (
        DeepgramDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.finalize()
        assert await anext(aiter(session)) == Transcript("", True)
        assert "Finalize" not in double.commands


async def test_words_that_come_after_the_bound_come_once() -> None:
    async with (
        DeepgramDouble(lines=["yes", "no"], latency=Latency(p50_ms=120)).running() as double,
        ears(double, finalize_ms=40, vad_events=False, interim_results=False,
             utterance_end_ms=None, endpointing_ms=None).open(CALL, MULAW_8K) as session,
    ):  # fmt: skip
        await session.send(VOICE)
        await session.finalize()
        assert [(await final(aiter(session))).text for _ in range(2)] == ["", "yes"]
        await session.send(VOICE)
        await session.finalize()
        assert [(await final(aiter(session))).text for _ in range(2)] == ["", "no"]


async def test_a_second_pause_waits_its_own_time() -> None:
    async with (
        DeepgramDouble(answers_empty=False).running() as double,
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
    double = DeepgramDouble(faults=VendorFaults(stalls=True))
    async with (
        double.running(),
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
        DeepgramDouble(answers_empty=False).running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        for _ in range(5):
            await session.send(silence(1_100))
            await session.finalize()
            assert await final(aiter(session)) == Transcript("", True)


async def test_what_nobody_has_read_when_the_call_ends_is_not_heard() -> None:
    async with (
        DeepgramDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        await asyncio.sleep(0.1)
        assert len(session._events._events) > 1
    assert [event async for event in session] == []


# --- staying open


async def test_it_stays_open_while_nobody_speaks() -> None:
    async with (
        DeepgramDouble(lines=["yes"], idle_s=10 / 40).running() as double,
        ears(double).open(FAST, MULAW_8K) as session,
    ):
        await session.send(silence(20))
        await asyncio.sleep(0.6)
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).text == "yes"
    assert double.commands.count("KeepAlive") >= 3


async def test_a_call_that_begins_without_audio_keeps_its_positions() -> None:
    async with (
        DeepgramDouble(lines=["yes"], idle_s=10 / 40).running() as double,
        ears(double).open(FAST, MULAW_8K) as session,
    ):
        await asyncio.sleep(0.15)
        assert double.sessions[0].ear.position_ms == 20
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).end_ms == 540


async def test_who_sends_audio_sends_no_keep_alive() -> None:
    async with (
        DeepgramDouble().running() as double,
        ears(double).open(FAST, MULAW_8K) as session,
    ):
        for _ in range(12):
            await session.send(silence(20))
            await asyncio.sleep(0.025)
        assert "KeepAlive" not in double.commands


async def test_it_leaves_with_a_farewell() -> None:
    async with (
        DeepgramDouble().running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(b"")
        await session.send(silence(20))
    assert double.commands == ["CloseStream"]


# --- configuring a call that is up


async def test_key_terms_are_replaced_in_mid_call() -> None:
    async with DeepgramDouble().running() as double:
        settings = ears(double, keyterms=["basil"])
        async with settings.open(CALL, MULAW_8K):
            assert double.sessions[0].keyterms == ["basil"]
            await settings.configure("c1", keyterms=["sea bass"], features={"numerals": True})
            assert double.sessions[0].keyterms == ["sea bass"]
        with pytest.raises(CallStateError):
            await settings.configure("c1", keyterms=[])


@pytest.mark.parametrize(
    ("options", "keyterms"), [({"model": "nova-2"}, ["basil"]), ({}, ["term"] * 501)]
)
async def test_what_is_refused_says_what_to_do(
    options: dict[str, Any], keyterms: list[str]
) -> None:
    async with DeepgramDouble().running() as double:
        settings = ears(double, **options)
        async with settings.open(CALL, MULAW_8K):
            with pytest.raises(PatterConfigError, match="CONFIGURE_KEYTERM") as raised:
                await settings.configure("c1", keyterms=keyterms)
            assert "nova-3" in raised.value.fix


async def test_a_configuration_that_waits_ends_with_its_session() -> None:
    async with DeepgramDouble(faults=VendorFaults(stalls=True)).running() as double:
        settings = ears(double)
        async with asyncio.TaskGroup() as tasks, settings.open(CALL, MULAW_8K):
            waiting = tasks.create_task(failure(settings.configure("c1", keyterms=["a"])))
            await asyncio.sleep(0.05)
        assert (await waiting).code is ErrorCode.CONNECTION


# --- what goes wrong


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(close_code=1000), ErrorCode.CONNECTION),
        (VendorFaults(close_code=1011), ErrorCode.CONNECTION),
        (VendorFaults(garbage="{"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage="[1]"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage=b"\x00"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage='{"type": "Results"}'), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(oversize=5 << 20), ErrorCode.CONNECTION),
        (
            VendorFaults(garbage='{"type": "Error", "variant": "X", "description": "no"}'),
            ErrorCode.PROVIDER_ERROR,
        ),
    ],
)
async def test_what_ends_a_session_says_how(faults: VendorFaults, code: ErrorCode) -> None:
    async with (
        DeepgramDouble(faults=faults).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        error = await failure(until(aiter(session), SpeechEnded))
        assert error.code is code
        assert (await failure(session.finalize())) is error


async def test_an_unknown_message_is_no_news() -> None:
    faults = VendorFaults(garbage='{"type": "Novelty"}')
    async with (
        DeepgramDouble(faults=faults).running() as double,
        ears(double, finalize_ms=50).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)


async def test_an_unknown_model_is_a_setting_to_change() -> None:
    async with DeepgramDouble().running() as double:
        with pytest.raises(PatterConfigError, match="No such model"):
            async with ears(double, model="parrot-1").open(CALL, MULAW_8K):
                pytest.fail("it opened")


async def test_a_limit_says_when_to_come_back() -> None:
    faults = VendorFaults(status=429, retry_after="2")
    async with DeepgramDouble(faults=faults).running() as double:
        error: Any = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
    assert (error.code, error.retry_after_ms) == (ErrorCode.RATE_LIMIT, 2_000)


async def failure(work: Any) -> PatterError:
    with pytest.raises(PatterError) as raised:
        await work
    return raised.value
