"""Listening with Ink, which is told of pauses, against a Cartesia of our own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter import ErrorCode
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import PatterConfigError, PatterTimeoutError
from patter.providers.stt import Transcript
from patter_cartesia import CartesiaSTT
from patter_cartesia.double import CartesiaDouble
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.doubles.vendor_sound import sounded
from patter_testing.fast_clock import fast
from patter_testing.talking import CALL, eventually, failure, final, silence, until

from .talking import VOICE, shape

FAST = fast()


def ears(double: CartesiaDouble, **options: Any) -> CartesiaSTT:
    return double.pointed(CartesiaSTT(api_key="k", **options))


# --- what is heard


@pytest.mark.parametrize("plain", [False, True])
async def test_words_come_while_they_are_said_and_once_when_they_were(plain: bool) -> None:
    async with (
        CartesiaDouble(lines=["a table for two"], plain=plain).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        seen = await until(aiter(session), Transcript)
    assert shape(seen) == ["a", "a table", "a table for two", "a table for two"]
    heard = seen[-1]
    assert isinstance(heard, Transcript)
    assert (heard.text, heard.final, heard.end_ms) == ("a table for two", True, 540)
    assert [(word.text, word.end_ms) for word in heard.words][-1] == ("two", 540)
    assert [event.end_ms for event in seen[:2] if isinstance(event, Transcript)] == [250, 500]


@pytest.mark.parametrize("letters", [1, 3, 5, 100])
async def test_a_final_may_come_in_pieces_that_end_in_mid_word(letters: int) -> None:
    async with (
        CartesiaDouble(lines=["one two", "three"], piece_letters=letters).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        finals = []
        for _ in range(2):
            await session.send(VOICE)
            await session.finalize()
            finals.append((await final(aiter(session))).text)
        await session.finalize()
        finals.append((await final(aiter(session))).text)
    assert finals == ["one two", "three", ""]


async def test_words_that_ink_makes_final_by_itself_are_final() -> None:
    async with (
        CartesiaDouble(lines=["one two"], piece_letters=5).running() as double,
        ears(double, max_silence_duration_secs=0.3).open(FAST, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(400))
        seen = await until(aiter(session), Transcript)
    assert isinstance(seen[-1], Transcript) and (seen[-1].text, seen[-1].final) == ("one two", True)
    assert [event.final for event in seen if isinstance(event, Transcript)].count(True) == 1
    assert double.texts == ["close"]


async def test_words_without_times_are_words() -> None:
    async with (
        CartesiaDouble(lines=["one two"], timed=False).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("one two", True)


async def test_any_format_of_a_call_is_sent_as_it_is() -> None:
    async with (
        CartesiaDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, PCM16_16K) as session,
    ):
        await session.send(sounded("any words", PCM16_16K))
        await session.finalize()
        assert (await final(aiter(session))).end_ms == 540
    query = double.requests[0].query
    assert (query["encoding"], query["sample_rate"]) == ("pcm_s16le", "16000")


# --- pauses


async def test_a_pause_without_words_is_answered_by_cartesia() -> None:
    async with (
        CartesiaDouble().running() as double,
        ears(double, finalize_ms=10_000).open(CALL, MULAW_8K) as session,
    ):
        await session.send(silence(100))
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
    assert double.texts == ["finalize", "close"]


async def test_a_pause_that_cartesia_leaves_unanswered_is_answered_all_the_same() -> None:
    async with (
        CartesiaDouble(lines=["yes"], acks=False).running() as double,
        ears(double, finalize_ms=50).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).text == "yes"


async def test_a_pause_without_audio_since_the_last_one_asks_nobody() -> None:
    async with (
        CartesiaDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.finalize()
        assert await anext(aiter(session)) == Transcript("", True)
        assert "finalize" not in double.texts


async def test_words_that_come_after_the_bound_come_once() -> None:
    async with (
        CartesiaDouble(lines=["yes", "no"], latency=Latency(p50_ms=120)).running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        for words in ("yes", "no"):
            heard = []
            await session.send(VOICE)
            await session.finalize()
            while words not in heard:
                heard.append((await final(aiter(session))).text)
            assert heard.count(words) == 1
        await session.send(silence(100))
        await session.finalize()
        assert (await final(aiter(session))).text == ""


async def test_words_two_seconds_late_come_once() -> None:
    late = Latency(p50_ms=200)  # two seconds, in time that goes ten times faster
    async with (
        CartesiaDouble(lines=["a table for two"], latency=late).running() as double,
        ears(double).open(fast(10), MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        heard = ""
        while heard.strip() != "a table for two":
            heard += " " + (await final(aiter(session))).text
        assert len(heard.split()) == 4


async def test_interims_of_a_recogniser_that_stops_are_what_is_known() -> None:
    faults = VendorFaults(stalls=True, after=2)
    async with (
        CartesiaDouble(lines=["a table for two"], faults=faults).running() as double,
        ears(double, finalize_ms=60).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("a table", True)


async def test_a_recogniser_that_answers_nothing_any_more_is_lost() -> None:
    double = CartesiaDouble(faults=VendorFaults(stalls=True))
    async with double.running(), ears(double, finalize_ms=30).open(CALL, MULAW_8K) as session:
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
        CartesiaDouble(otherwise=lambda _: "yes", acks=False).running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        for _ in range(5):
            await session.send(VOICE)
            await session.finalize()
            assert (await final(aiter(session))).text == "yes"


# --- staying open


async def test_it_stays_open_while_nobody_speaks_and_keeps_its_positions() -> None:
    async with (
        CartesiaDouble(lines=["yes"], idle_s=45 / 40).running() as double,
        ears(double).open(FAST, MULAW_8K) as session,
    ):
        await session.send(silence(20))
        await asyncio.sleep(1.8)
        sent_ms = double.sessions[0].ear.position_ms
        assert sent_ms >= 120
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).end_ms == 560
        assert double.sockets == 1


async def test_who_sends_audio_sends_no_silence() -> None:
    async with (
        CartesiaDouble().running() as double,
        ears(double).open(fast(400), MULAW_8K) as session,
    ):
        for _ in range(12):
            await session.send(silence(20))
            await asyncio.sleep(0.025)
        await eventually(lambda: double.sessions[0].ear.position_ms >= 240)
        assert double.sessions[0].ear.position_ms == 240


async def test_an_idle_socket_that_cartesia_closes_is_a_lost_connection() -> None:
    async with (
        CartesiaDouble(idle_s=0.05).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        assert (await failure(final(aiter(session)))).code is ErrorCode.CONNECTION


async def test_it_leaves_with_a_farewell_and_no_empty_frame() -> None:
    async with CartesiaDouble().running() as double, ears(double).open(CALL, MULAW_8K) as session:
        await session.send(b"")
        await session.send(silence(20))
    assert double.texts == ["close"]


# --- what goes wrong


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(close_code=1000), ErrorCode.CONNECTION),
        (VendorFaults(close_code=1011), ErrorCode.CONNECTION),
        (VendorFaults(over=True), ErrorCode.CONNECTION),
        (VendorFaults(garbage="{"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage="[1]"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage=b"\x00"), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage='{"type": "transcript"}'), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(oversize=5 << 20), ErrorCode.CONNECTION),
        (VendorFaults(garbage='{"type": "error", "status_code": 401}'), ErrorCode.AUTH),
        (VendorFaults(garbage='{"type": "error", "status_code": 402}'), ErrorCode.AUTH),
        (VendorFaults(garbage='{"type": "error", "status_code": 429}'), ErrorCode.RATE_LIMIT),
        (VendorFaults(garbage='{"type": "error", "status_code": 400}'), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage='{"type": "error"}'), ErrorCode.PROVIDER_ERROR),
    ],
)
async def test_what_ends_a_session_says_how(faults: VendorFaults, code: ErrorCode) -> None:
    async with (
        CartesiaDouble(faults=faults).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        error = await failure(final(aiter(session)))
        assert error.code is code and error.fix
        assert (await failure(session.finalize())) is error


async def test_an_unknown_message_is_no_news() -> None:
    faults = VendorFaults(garbage='{"type": "novelty"}')
    async with (
        CartesiaDouble(faults=faults).running() as double,
        ears(double, finalize_ms=50).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)


async def test_an_unknown_model_is_a_setting_to_change() -> None:
    async with (
        CartesiaDouble().running() as double,
        ears(double, model="parrot-1").open(CALL, MULAW_8K) as session,
    ):
        error = await failure(final(aiter(session)))
        assert isinstance(error, PatterConfigError) and "model_not_found" in error.message


async def test_a_limit_says_when_to_come_back() -> None:
    faults = VendorFaults(status=429, retry_after="2")
    async with CartesiaDouble(faults=faults).running() as double:
        error: Any = await failure(ears(double).open(CALL, MULAW_8K).__aenter__())
    assert (error.code, error.retry_after_ms) == (ErrorCode.RATE_LIMIT, 2_000)


async def test_what_nobody_has_read_when_the_call_ends_is_not_heard() -> None:
    async with (
        CartesiaDouble(lines=["yes"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        await eventually(lambda: len(session._events._events) > 1)
    assert [event async for event in session] == []
