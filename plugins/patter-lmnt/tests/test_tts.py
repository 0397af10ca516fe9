"""Speaking in a session: what goes up, what is heard, and what becomes of a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterError, PatterTimeoutError
from patter_lmnt import LMNTTTS
from patter_lmnt.double import LMNTDouble
from patter_lmnt.double.sessions import SessionTraits
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.fast_clock import fast
from patter_testing.talking import CALL, begin, eventually, letters_of, say, sentences

from .talking import LONG, kinds, voice

# --- what is said


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K], ids=str)
async def test_every_sentence_is_spoken_in_order_and_says_where_it_begins(
    audio: AudioFormat,
) -> None:
    async with LMNTDouble().running() as double, voice(double, audio=audio) as session:
        pieces = await say(session, "one.", "two.", "three.")
    assert [piece.text for piece in pieces if piece.text] == ["one.", "two.", "three."]
    assert letters_of(pieces, audio) == "one.two.three."
    assert double.spoken == ["one.", "two.", "three."]
    assert all(len(piece.audio) % audio.sample_bytes == 0 for piece in pieces)


async def test_one_socket_speaks_for_a_whole_call() -> None:
    async with LMNTDouble().running() as double, voice(double) as session:
        for text in ("one", "two", "three"):
            assert letters_of(await say(session, text)) == text
    assert double.sockets == 1
    assert kinds(double) == ["init", *["text", "flush"] * 3]


async def test_the_first_message_says_everything_and_the_rest_is_text() -> None:
    async with (
        LMNTDouble().running() as double,
        voice(double, voice="ava", language="de") as session,
    ):
        await say(session, " Guten Tag. ")
    assert double.log[0] == {
        "type": "init",
        "X-API-Key": "***",
        "lmnt-version": "1.2",
        "voice": "ava",
        "format": "ulaw",
        "sample_rate": 8_000,
        "language": "de",
        "return_timestamps": True,
    }
    assert double.log[1:] == [
        {"type": "text", "text": "Guten Tag."},
        {"type": "flush", "nonce": 1},
    ]
    (socket,) = double.requests
    assert not socket.query and double.key not in str(socket.headers)


async def test_each_sentence_is_flushed_when_it_comes() -> None:
    more = asyncio.Event()

    async def slowly() -> AsyncIterator[str]:
        yield "one."
        await more.wait()
        yield "two."

    async with (
        LMNTDouble().running() as double,
        voice(double) as session,
        aclosing(session.say(slowly())) as speech,
    ):
        assert (await anext(speech)).text == "one."
        assert kinds(double) == ["init", "text", "flush"]
        more.set()
        assert [piece.text async for piece in speech if piece.text] == ["two."]


async def test_what_cannot_be_said_is_not_asked_for() -> None:
    async with LMNTDouble().running() as double, voice(double) as session:
        assert letters_of(await say(session, "...", "one", "  ", "-")) == "one"
        assert await say(session, "...") == []
    assert double.spoken == ["one"]


async def test_a_text_longer_than_lmnt_takes_is_said_in_parts() -> None:
    text = " ".join(["word"] * 1_010)
    async with LMNTDouble().running() as double, voice(double) as session:
        await say(session, text)
    assert " ".join(double.spoken) == text and len(double.spoken) == 2


async def test_who_writes_the_reply_may_fail() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "one"
        raise ZeroDivisionError

    async with LMNTDouble().running() as double, voice(double) as session:
        with pytest.raises(ZeroDivisionError):
            async for _ in session.say(broken()):
                pass
        assert letters_of(await say(session, "two")) == "two"


# --- headers and times


@pytest.mark.parametrize("header", ["session", "flush", "never"])
async def test_a_header_is_never_heard(header: str) -> None:
    traits = SessionTraits(header=header)
    async with LMNTDouble(traits=traits, pace=20).running() as double, voice(double) as session:
        first = await say(session, "one.", "two.")
        speech = await begin(session, LONG)
        await speech.aclose()
        second = await say(session, "three.")
    assert (letters_of(first), letters_of(second)) == ("one.two.", "three.")
    sound = b"".join(piece.audio for piece in [*first, *second])
    assert b"RIFF" not in sound and b"data" not in sound
    assert len(b"".join(piece.audio for piece in first)) == 8 * 60 * 8


@pytest.mark.parametrize("times", ["before", "after"])
async def test_words_are_timed_from_the_first_audio_of_the_reply(times: str) -> None:
    double = LMNTDouble(traits=SessionTraits(times=times))
    async with double.running(), voice(double) as session:
        for _ in range(2):
            pieces = await say(session, "Good day.", "It's 9, bye!")
            words = [(word.text, word.end_ms) for piece in pieces for word in piece.words]
            assert words == [
                ("Good", 240),
                ("day.", 480),
                ("It's", 540 + 240),
                ("9,", 540 + 360),
                ("bye!", 540 + 660),
            ]


async def test_times_that_were_not_asked_for_do_not_come() -> None:
    async with (
        LMNTDouble().running() as double,
        voice(double, return_timestamps=False) as session,
    ):
        pieces = await say(session, "Good day.")
    assert not [word for piece in pieces for word in piece.words]
    assert double.log[0]["return_timestamps"] is False
    assert not [body for body in double.sent if body["type"] == "timestamps"]


# --- what goes wrong


@pytest.mark.parametrize("after", [1, 3])
async def test_audio_that_stops_or_never_comes_is_a_failure_in_time(after: int) -> None:
    double = LMNTDouble(faults=VendorFaults(stalls=True, after=after))
    async with double.running(), voice(double, timeout_ms=80) as session:
        with pytest.raises(PatterTimeoutError):
            await say(session, LONG)
        double.faults = VendorFaults()
        async with asyncio.timeout(0.4):
            assert letters_of(await say(session, "two")) == "two"
    assert double.sockets == 2 and "reset" not in kinds(double)


async def test_more_text_gives_no_more_time() -> None:
    async def endless() -> AsyncIterator[str]:
        while True:
            yield "one"
            await asyncio.sleep(0.02)

    double = LMNTDouble(faults=VendorFaults(stalls=True, after=1))
    async with double.running(), voice(double, timeout_ms=80) as session:
        with pytest.raises(PatterTimeoutError):
            async with asyncio.timeout(1):
                [piece async for piece in session.say(endless())]


async def test_audio_that_comes_two_seconds_late_is_heard() -> None:
    late = Latency(p50_ms=200)
    async with LMNTDouble(latency=late).running() as double, voice(double, fast(10)) as session:
        assert letters_of(await say(session, "one", "two")) == "onetwo"


async def test_audio_that_keeps_coming_is_in_time() -> None:
    async with LMNTDouble(pace=2).running() as double, voice(double, timeout_ms=250) as session:
        assert letters_of(await say(session, "one two three four"))


async def test_who_writes_slowly_owes_nothing() -> None:
    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(0.2)
        yield "two"

    async with LMNTDouble().running() as double, voice(double, timeout_ms=80) as session:
        assert letters_of([piece async for piece in session.say(slowly())]) == "onetwo"


async def test_silence_for_a_sentence_is_a_failure() -> None:
    double = LMNTDouble(
        faults=VendorFaults(garbage='{"type": "flush_complete", "nonce": 1}', after=1)
    )
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError, match="no audio") as raised:
            await say(session, "one")
        assert raised.value.passing


async def test_audio_that_nobody_reads_ends_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter.vendors.speech_session.MOST_UNREAD", 3)
    async with LMNTDouble().running() as double, voice(double) as session:
        speech = session.say(sentences(LONG))
        await anext(speech)
        await eventually(lambda: double.spoken)
        with pytest.raises(PatterError, match="nobody takes"):
            [piece async for piece in speech]


async def test_a_message_that_is_not_known_is_no_failure() -> None:
    double = LMNTDouble(faults=VendorFaults(garbage='{"type": "news"}', after=1))
    async with double.running(), voice(double, timeout_ms=100) as session:
        with pytest.raises(PatterTimeoutError):
            await say(session, "one")


async def test_a_socket_that_never_says_it_is_ready_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("patter_lmnt._line.CONNECT_S", 0.1)
    async with LMNTDouble(faults=VendorFaults(stalls=True)).running() as double:
        with pytest.raises(PatterTimeoutError):
            async with asyncio.timeout(1), voice(double):
                pytest.fail("it opened")


@pytest.mark.parametrize("first", ["{]", b"sound", "[1]"])
async def test_a_socket_that_begins_with_garbage_is_left(first: str | bytes) -> None:
    async with LMNTDouble(faults=VendorFaults(garbage=first)).running() as double:
        with pytest.raises(PatterError) as raised:
            async with voice(double):
                pytest.fail("it opened")
    assert raised.value.code is ErrorCode.PROVIDER_ERROR


@pytest.mark.parametrize(
    ("vendor", "options", "code"),
    [
        ({}, {"voice": "nobody"}, ErrorCode.CONFIG),
        ({"voices": {"leah": "training"}}, {}, ErrorCode.CONFIG),
        ({"key": "another"}, {}, ErrorCode.AUTH),
    ],
)
async def test_a_refusal_is_known_before_anything_is_said(
    vendor: dict[str, Any], options: dict[str, Any], code: ErrorCode
) -> None:
    async with LMNTDouble(**vendor).running() as double:
        settings = LMNTTTS(base_url=double.url, api_key="double-key", **options)
        with pytest.raises(PatterError) as raised:
            async with settings.open(CALL, MULAW_8K):
                pytest.fail("it opened")
    assert raised.value.code is code
    assert raised.value.fix


async def test_an_account_without_characters_says_so_in_the_middle_of_a_call() -> None:
    async with LMNTDouble(quota=5).running() as double, voice(double) as session:
        assert letters_of(await say(session, "one")) == "one"
        with pytest.raises(PatterError, match="paid") as raised:
            await say(session, "four")
    assert raised.value.code is ErrorCode.AUTH and "LMNT_API_KEY" in raised.value.fix


async def test_a_session_that_lmnt_ends_is_opened_again() -> None:
    double = LMNTDouble(faults=VendorFaults(over=True, after=4))
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError, match="LMNT failed") as raised:
            await say(session, LONG)
        assert raised.value.code is ErrorCode.CONNECTION
        double.faults = VendorFaults()
        assert letters_of(await say(session, "two")) == "two"


@pytest.mark.parametrize(
    ("close", "code"),
    [
        (1002, ErrorCode.PROVIDER_ERROR),
        (1008, ErrorCode.PROVIDER_ERROR),
        (1000, ErrorCode.CONNECTION),
        (1011, ErrorCode.CONNECTION),
    ],
)
async def test_a_close_is_what_its_code_means(close: int, code: ErrorCode) -> None:
    double = LMNTDouble(faults=VendorFaults(close_code=close, after=1))
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, "one")
    assert raised.value.code is code


async def test_a_dead_line_is_found_out_by_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_lmnt._line.HEARTBEAT_S", 0.1)
    double = LMNTDouble(faults=VendorFaults(trickle_ms=1), answers_pings=False)
    async with double.running(), voice(double) as session:
        await eventually(lambda: session.line is None)
