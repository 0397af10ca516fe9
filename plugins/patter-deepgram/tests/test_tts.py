"""Speaking with Aura and Flux, against a Deepgram of our own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from patter import ErrorCode, PatterError
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.tts import Speech
from patter.vendors.sockets import VendorSocket
from patter_deepgram import DeepgramFluxTTS, DeepgramTTS
from patter_deepgram.double import DeepgramDouble
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.doubles.vendor_sound import read_back
from patter_testing.fast_clock import FastClock
from patter_testing.talking import CALL, sentences, sound_of

from .talking import LeapingClock

VOICES: tuple[Any, ...] = (DeepgramTTS, DeepgramFluxTTS)
both = pytest.mark.parametrize("cls", VOICES, ids=lambda cls: cls.__name__)
FAST = CallContext(call_id="fast", clock=FastClock())
LONG = "one two three four five six seven eight nine ten"


def voice(cls: Any, double: DeepgramDouble, **options: Any) -> Any:
    return double.pointed(cls(api_key="k", **options))


async def say(session: Any, *texts: str) -> list[Speech]:
    async with asyncio.timeout(5):
        return [piece async for piece in session.say(sentences(*texts))]


async def begin(session: Any, *texts: str) -> Any:
    """A reply whose first audio has come."""
    speech = session.say(sentences(*texts))
    async with asyncio.timeout(5):
        await anext(speech)
    return speech


# --- what is said


@both
async def test_every_sentence_is_spoken_in_order_and_says_where_it_begins(cls: Any) -> None:
    async with (
        DeepgramDouble().running() as double,
        voice(cls, double).open(CALL, MULAW_8K) as session,
    ):
        pieces = await say(session, "one.", "two.", "three.")
    assert [piece.text for piece in pieces if piece.text] == ["one.", "two.", "three."]
    assert read_back(sound_of(pieces), MULAW_8K) == "one.two.three."
    assert double.spoken == ["one.", "two.", "three."]


@both
async def test_one_socket_speaks_for_a_whole_call(cls: Any) -> None:
    async with (
        DeepgramDouble().running() as double,
        voice(cls, double).open(CALL, MULAW_8K) as session,
    ):
        for text in ("one", "two", "three"):
            assert read_back(sound_of(await say(session, text)), MULAW_8K) == text
    assert double.sockets == 1
    assert double.commands[-1] == "Close"


@both
async def test_what_cannot_be_said_is_not_missed(cls: Any) -> None:
    async with (
        DeepgramDouble().running() as double,
        voice(cls, double).open(CALL, MULAW_8K) as session,
    ):
        pieces = await say(session, "...", "one", "  ", "-")
        assert read_back(sound_of(pieces), MULAW_8K) == "one"


async def test_a_text_longer_than_deepgram_takes_is_said_in_parts() -> None:
    text = " ".join(["word"] * 500)
    async with (
        DeepgramDouble().running() as double,
        voice(DeepgramFluxTTS, double).open(CALL, MULAW_8K) as session,
    ):
        await say(session, text)
    assert " ".join(double.spoken) == text and len(double.spoken) == 2


@both
async def test_who_writes_the_reply_may_fail(cls: Any) -> None:
    async def broken() -> AsyncIterator[str]:
        yield "one"
        raise ZeroDivisionError

    async with (
        DeepgramDouble().running() as double,
        voice(cls, double).open(CALL, MULAW_8K) as session,
    ):
        with pytest.raises(ZeroDivisionError):
            async for _ in session.say(broken()):
                pass
        assert read_back(sound_of(await say(session, "two")), MULAW_8K).endswith("two")


# --- being interrupted


async def test_aura_is_cleared_and_speaks_on_on_the_same_socket() -> None:
    async with (
        DeepgramDouble(pace=4).running() as double,
        voice(DeepgramTTS, double).open(CALL, MULAW_8K) as session,
    ):
        speech = await begin(session, LONG, LONG)
        await speech.aclose()
        assert read_back(sound_of(await say(session, "two")), MULAW_8K) == "two"
    assert double.sockets == 1
    assert double.spoken == ["two"] and "Clear" in double.commands


async def test_flux_is_interrupted_and_speaks_on_on_the_same_socket() -> None:
    async with (
        DeepgramDouble(pace=4).running() as double,
        voice(DeepgramFluxTTS, double).open(CALL, MULAW_8K) as session,
    ):
        speech = await begin(session, LONG)
        await speech.aclose()
        assert read_back(sound_of(await say(session, "two")), MULAW_8K) == "two"
    assert double.sockets == 1
    assert double.spoken == ["two"] and "Interrupt" in double.commands


async def test_flux_with_sentences_waiting_is_left_for_another_socket_at_once() -> None:
    async with (
        DeepgramDouble(pace=4).running() as double,
        voice(DeepgramFluxTTS, double).open(CALL, MULAW_8K) as session,
    ):
        speech = await begin(session, LONG, LONG)
        await asyncio.sleep(0.05)
        await speech.aclose()
        async with asyncio.timeout(1):
            while double.sockets < 2:
                await asyncio.sleep(0.01)
        assert read_back(sound_of(await say(session, "two")), MULAW_8K) == "two"
    assert double.spoken == ["two"] and "Interrupt" not in double.commands


@both
async def test_what_is_interrupted_before_its_first_audio_is_not_heard_later(cls: Any) -> None:
    async with (
        DeepgramDouble(latency=Latency(p50_ms=80)).running() as double,
        voice(cls, double).open(CALL, MULAW_8K) as session,
    ):
        speech = session.say(sentences(LONG))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await anext(speech)
        await speech.aclose()
        assert read_back(sound_of(await say(session, "two")), MULAW_8K) == "two"


async def test_deepgram_that_does_not_confirm_a_clear_is_left() -> None:
    double = DeepgramDouble(pace=8, faults=VendorFaults(stalls=True, after=2))
    async with double.running(), voice(DeepgramTTS, double).open(FAST, MULAW_8K) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        async with asyncio.timeout(1):
            while double.sockets < 2:
                await asyncio.sleep(0.01)


@both
async def test_a_reply_that_is_complete_clears_nothing(cls: Any) -> None:
    async with (
        DeepgramDouble().running() as double,
        voice(cls, double).open(CALL, MULAW_8K) as session,
    ):
        speech = session.say(sentences("one"))
        assert [piece async for piece in speech]
        await speech.aclose()
    assert set(double.commands) == {"Speak", "Flush", "Close"}


async def test_the_next_reply_waits_until_the_last_one_is_cleared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[str] = []
    send = VendorSocket.send

    async def noted(socket: VendorSocket, message: str | bytes) -> None:
        sent.append(json.loads(message)["type"])
        await send(socket, message)

    monkeypatch.setattr(VendorSocket, "send", noted)
    async with (
        DeepgramDouble(pace=4, latency=Latency(p50_ms=80)).running() as double,
        voice(DeepgramTTS, double).open(CALL, MULAW_8K) as session,
    ):
        speech = await begin(session, LONG)
        await speech.aclose()
        async with asyncio.TaskGroup() as tasks:
            reply = tasks.create_task(say(session, "two"))
            await asyncio.sleep(0.03)
            assert sent == ["Speak", "Flush", "Clear"]
        assert read_back(sound_of(reply.result()), MULAW_8K) == "two"


async def test_a_turn_that_was_over_when_it_was_interrupted_needs_no_other_socket() -> None:
    over = '{"type": "Warning", "code": "NO_ACTIVE_SPEECH", "description": "none"}'
    double = DeepgramDouble(pace=8, faults=VendorFaults(garbage=over, after=4))
    call = CallContext(call_id="c", clock=FastClock(times=4))
    async with double.running(), voice(DeepgramFluxTTS, double).open(call, MULAW_8K) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        await asyncio.sleep(0.25)
    assert double.sockets == 1 and "Interrupt" in double.commands


async def test_a_call_that_ends_while_a_socket_is_opened_is_not_kept_waiting() -> None:
    async with (
        DeepgramDouble(pace=4).running() as double,
        asyncio.timeout(2),
        voice(DeepgramFluxTTS, double).open(CALL, MULAW_8K) as session,
    ):
        speech = await begin(session, LONG, LONG)
        await asyncio.sleep(0.05)
        double.faults = VendorFaults(silent=True)
        await speech.aclose()
        await asyncio.sleep(0.05)


# --- a long call


async def test_a_socket_that_deepgram_closed_meanwhile_is_replaced_unheard() -> None:
    async with (
        DeepgramDouble(voice_age_s=0.15).running() as double,
        voice(DeepgramTTS, double).open(CALL, MULAW_8K) as session,
    ):
        await say(session, "one")
        await asyncio.sleep(0.25)
        assert read_back(sound_of(await say(session, "two")), MULAW_8K) == "two"
    assert double.sockets == 2


async def test_flux_is_kept_open_by_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_deepgram._socket.HEARTBEAT_S", 0.05)
    async with (
        DeepgramDouble(flux_idle_s=0.15).running() as double,
        voice(DeepgramFluxTTS, double).open(CALL, MULAW_8K) as session,
    ):
        await asyncio.sleep(0.4)
        await say(session, "one")
    assert double.sockets == 1


@pytest.mark.parametrize("texts", [["a."] * 45, ["words " * 60] * 8])
async def test_the_limits_of_aura_are_never_met(texts: list[str]) -> None:
    async with (
        DeepgramDouble().running() as double,
        voice(DeepgramTTS, double).open(CALL, MULAW_8K) as session,
    ):
        pieces = await say(session, *texts)
    assert [piece.text for piece in pieces if piece.text] == [text.strip() for text in texts]
    assert double.spoken == [text.strip() for text in texts]
    assert double.sockets >= 2


async def test_an_hour_is_longer_than_a_socket_lives() -> None:
    clock = LeapingClock()
    async with (
        DeepgramDouble().running() as double,
        voice(DeepgramTTS, double).open(CallContext(call_id="c", clock=clock), MULAW_8K) as session,
    ):
        await say(session, "one")
        clock.ahead_ms = 54 * 60_000
        await say(session, "two")
        assert double.sockets == 1
        clock.ahead_ms = 56 * 60_000
        await say(session, "three")
    assert double.sockets == 2


# --- what goes wrong


@both
@pytest.mark.parametrize("after", [1, 3])
async def test_audio_that_stops_or_never_comes_is_a_failure_in_time(cls: Any, after: int) -> None:
    double = DeepgramDouble(faults=VendorFaults(stalls=True, after=after))
    async with (
        double.running(),
        voice(cls, double, timeout_ms=80).open(CALL, MULAW_8K) as session,
    ):
        with pytest.raises(PatterTimeoutError):
            await say(session, LONG)


@both
async def test_audio_that_comes_late_is_heard(cls: Any) -> None:
    async with (
        DeepgramDouble(latency=Latency(p50_ms=100)).running() as double,
        voice(cls, double, timeout_ms=1_000).open(CALL, MULAW_8K) as session,
    ):
        assert read_back(sound_of(await say(session, "one", "two")), MULAW_8K) == "onetwo"


@both
async def test_audio_that_keeps_coming_is_in_time(cls: Any) -> None:
    async with (
        DeepgramDouble(pace=2).running() as double,
        voice(cls, double, timeout_ms=250).open(CALL, MULAW_8K) as session,
    ):
        assert read_back(sound_of(await say(session, "one two three four")), MULAW_8K)


@both
async def test_who_writes_slowly_owes_nothing(cls: Any) -> None:
    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(0.2)
        yield "two"

    async with (
        DeepgramDouble().running() as double,
        voice(cls, double, timeout_ms=80).open(CALL, MULAW_8K) as session,
    ):
        pieces = [piece async for piece in session.say(slowly())]
    assert read_back(sound_of(pieces), MULAW_8K) == "onetwo"


@both
async def test_a_session_speaks_again_after_a_failure(cls: Any) -> None:
    double = DeepgramDouble(faults=VendorFaults(close_code=1011, after=2))
    async with double.running(), voice(cls, double).open(CALL, MULAW_8K) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, LONG)
        assert raised.value.passing
        double.faults = VendorFaults()
        assert read_back(sound_of(await say(session, "two")), MULAW_8K) == "two"


@both
async def test_silence_for_a_sentence_is_a_failure(cls: Any) -> None:
    ended = '{"type": "Flushed", "sequence_id": 0}'
    if cls is DeepgramFluxTTS:
        ended = '{"type": "SpeechMetadata", "speech_id": "x"}'
    double = DeepgramDouble(faults=VendorFaults(garbage=ended, after=1))
    async with double.running(), voice(cls, double).open(CALL, MULAW_8K) as session:
        with pytest.raises(PatterError, match="no audio") as raised:
            await say(session, "one")
        assert raised.value.passing


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("NET-0000", ErrorCode.CONNECTION),
        ("NET-0004", ErrorCode.CONNECTION),
        ("DATA-0001", ErrorCode.RATE_LIMIT),
        ("DATA-0002", ErrorCode.PROVIDER_ERROR),
        ("BIG-0000", ErrorCode.PROVIDER_ERROR),
    ],
)
async def test_an_error_has_its_meaning(code: str, expected: ErrorCode) -> None:
    body = f'{{"type": "Error", "code": "{code}", "description": "words"}}'
    double = DeepgramDouble(faults=VendorFaults(garbage=body, after=1))
    async with double.running(), voice(DeepgramFluxTTS, double).open(CALL, MULAW_8K) as session:
        with pytest.raises(PatterError, match=code) as raised:
            await say(session, "one")
    assert raised.value.code is expected


async def test_a_warning_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    async with (
        DeepgramDouble().running() as double,
        voice(DeepgramFluxTTS, double).open(CALL, MULAW_8K) as session,
    ):
        await say(session, "...", "one")
    assert "NO_SYNTHESIZABLE_TEXT" in caplog.text


@both
async def test_samples_stay_whole(cls: Any) -> None:
    async with (
        DeepgramDouble().running() as double,
        voice(cls, double).open(CALL, PCM16_16K) as session,
    ):
        pieces = await say(session, "one")
    assert read_back(sound_of(pieces), PCM16_16K) == "one"


@both
async def test_a_refused_key_is_known_before_anything_is_said(cls: Any) -> None:
    async with DeepgramDouble(faults=VendorFaults(status=401)).running() as double:
        with pytest.raises(PatterError) as raised:
            async with voice(cls, double).open(CALL, MULAW_8K):
                pytest.fail("it opened")
    assert raised.value.code is ErrorCode.AUTH


@pytest.mark.parametrize("cls", [DeepgramTTS, DeepgramFluxTTS])
async def test_a_call_may_end_while_a_reply_is_being_written(cls: Any) -> None:
    async def endless() -> AsyncIterator[str]:
        yield "one two three"
        await asyncio.get_running_loop().create_future()

    async with DeepgramDouble().running() as vendor, asyncio.timeout(3):
        async with vendor.pointed(cls(api_key="k")).open(CALL, MULAW_8K) as session:
            reply = session.say(endless())
            await anext(reply)
        await reply.aclose()
