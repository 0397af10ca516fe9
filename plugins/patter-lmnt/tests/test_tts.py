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
from patter_lmnt.double.sessions import SessionHabits
from patter_testing.doubles.vendor_double import Latency, VendorFaults

from .talking import CALL, LONG, begin, fast, heard, kinds, say, sentences, until, voice

# --- what is said


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K], ids=str)
async def test_every_sentence_is_spoken_in_order_and_says_where_it_begins(
    audio: AudioFormat,
) -> None:
    async with LMNTDouble().running() as double, voice(double, audio=audio) as session:
        pieces = await say(session, "one.", "two.", "three.")
    assert [piece.text for piece in pieces if piece.text] == ["one.", "two.", "three."]
    assert heard(pieces, audio) == "one.two.three."
    assert double.spoken == ["one.", "two.", "three."]
    assert all(len(piece.audio) % audio.sample_bytes == 0 for piece in pieces)


async def test_one_socket_speaks_for_a_whole_call() -> None:
    async with LMNTDouble().running() as double, voice(double) as session:
        for text in ("one", "two", "three"):
            assert heard(await say(session, text)) == text
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
        assert heard(await say(session, "...", "one", "  ", "-")) == "one"
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
        assert heard(await say(session, "two")) == "two"


# --- headers and times


@pytest.mark.parametrize("header", ["session", "flush", "never"])
async def test_a_header_is_never_heard(header: str) -> None:
    habits = SessionHabits(header=header)
    async with LMNTDouble(habits=habits, pace=20).running() as double, voice(double) as session:
        first = await say(session, "one.", "two.")
        speech = await begin(session, LONG)
        await speech.aclose()
        second = await say(session, "three.")
    assert (heard(first), heard(second)) == ("one.two.", "three.")
    sound = b"".join(piece.audio for piece in [*first, *second])
    assert b"RIFF" not in sound and b"data" not in sound
    assert len(b"".join(piece.audio for piece in first)) == 8 * 60 * 8


@pytest.mark.parametrize("times", ["before", "after"])
async def test_words_are_timed_from_the_first_audio_of_the_reply(times: str) -> None:
    double = LMNTDouble(habits=SessionHabits(times=times))
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


# --- being interrupted


async def test_a_reply_that_is_cut_off_is_reset_and_the_socket_speaks_on() -> None:
    async with LMNTDouble(pace=4).running() as double, voice(double) as session:
        speech = await begin(session, LONG, LONG)
        async with asyncio.timeout(1):
            await speech.aclose()
            await until(lambda: "reset" in kinds(double))
        assert heard(await say(session, "two")) == "two"
    assert double.sockets == 1
    assert double.spoken == ["two"]


async def test_times_begin_anew_after_a_reset() -> None:
    async with LMNTDouble(pace=4).running() as double, voice(double) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        pieces = await say(session, "Good day.")
    ends = [(word.text, word.end_ms) for piece in pieces for word in piece.words]
    assert ends == [("Good", 240), ("day.", 480)]


async def test_what_is_cut_off_before_its_first_audio_is_not_heard_later() -> None:
    async with (
        LMNTDouble(latency=Latency(p50_ms=80)).running() as double,
        voice(double) as session,
    ):
        speech = session.say(sentences(LONG))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await anext(speech)
        await speech.aclose()
        assert heard(await say(session, "two")) == "two"
    assert double.sockets == 1


async def test_the_next_reply_waits_until_the_last_one_is_forgotten() -> None:
    async with (
        LMNTDouble(pace=4, latency=Latency(p50_ms=80)).running() as double,
        voice(double) as session,
    ):
        speech = await begin(session, LONG)
        await speech.aclose()
        async with asyncio.TaskGroup() as tasks:
            reply = tasks.create_task(say(session, "two"))
            await until(lambda: "reset" in kinds(double))
            assert kinds(double)[-1] == "reset"
        assert heard(reply.result()) == "two"
    assert kinds(double) == ["init", "text", "flush", "reset", "text", "flush"]


async def test_a_reply_that_is_complete_resets_nothing() -> None:
    async with LMNTDouble().running() as double, voice(double) as session:
        speech = session.say(sentences("one"))
        assert [piece async for piece in speech]
        await speech.aclose()
    assert "reset" not in kinds(double)


async def test_a_vendor_that_confirms_late_is_left_for_another_socket() -> None:
    """LMNT may speak to its end before it comes to a reset: its socket is not waited for."""
    habits = SessionHabits(reset="end")
    async with LMNTDouble(pace=1, habits=habits).running() as double, voice(double) as session:
        speech = await begin(session, LONG)
        async with asyncio.timeout(1):
            await speech.aclose()
            await until(lambda: double.sockets == 2)
        assert heard(await say(session, "two")) == "two"
    assert double.sockets == 2


async def test_a_vendor_that_confirms_in_time_after_its_end_is_kept() -> None:
    habits = SessionHabits(reset="end")
    async with LMNTDouble(pace=40, habits=habits).running() as double, voice(double) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        assert heard(await say(session, "two")) == "two"
    assert double.sockets == 1


async def test_a_vendor_that_speaks_on_after_a_reset_is_left_and_never_reset_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    habits = SessionHabits(reset="on")
    async with LMNTDouble(pace=4, habits=habits).running() as double, voice(double) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        await until(lambda: double.sockets == 2)
        speech = await begin(session, LONG)
        await speech.aclose()
        await until(lambda: double.sockets == 3)
        assert heard(await say(session, "two")) == "two"
    assert kinds(double).count("reset") == 1
    assert "went on with a reply" in caplog.text


async def test_two_replies_that_are_mixed_are_a_failure_that_passes() -> None:
    """The next reply is asked for before the vendor is seen to speak on."""
    habits = SessionHabits(reset="on")
    async with LMNTDouble(pace=20, habits=habits).running() as double, voice(double) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        with pytest.raises(PatterError, match="mixed two replies") as raised:
            await say(session, "two")
        assert raised.value.passing
        assert heard(await say(session, "three")) == "three"


async def test_a_vendor_that_does_not_confirm_a_reset_is_left() -> None:
    double = LMNTDouble(pace=8, faults=VendorFaults(stalls=True, after=3))
    async with double.running(), voice(double, fast()) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        await until(lambda: double.sockets == 2)


async def test_a_line_that_takes_nothing_does_not_hold_up_an_interruption(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with LMNTDouble(pace=4).running() as double, voice(double) as session:
        speech = await begin(session, LONG)

        async def stuck(*_: object) -> None:
            await asyncio.get_running_loop().create_future()

        monkeypatch.setattr("patter.vendors.sockets.VendorSocket.send", stuck)
        async with asyncio.timeout(1):
            await speech.aclose()
        monkeypatch.undo()
        assert heard(await say(session, "two")) == "two"
    assert double.sockets == 2


async def test_a_call_that_ends_while_a_socket_is_opened_is_not_kept_waiting() -> None:
    double = LMNTDouble(pace=4, faults=VendorFaults(stalls=True, after=3))
    async with double.running(), asyncio.timeout(2), voice(double, fast()) as session:
        speech = await begin(session, LONG)
        double.faults = VendorFaults(silent=True)
        await speech.aclose()
        await until(lambda: len(double.requests) == 2)


async def test_a_call_that_ends_waits_for_no_text() -> None:
    async def endless() -> AsyncIterator[str]:
        yield LONG
        await asyncio.get_running_loop().create_future()

    async with LMNTDouble().running() as double, asyncio.timeout(2):
        async with voice(double) as session:
            speech = session.say(endless())
            await anext(speech)
        # Nobody closed the reply: whoever listened is gone.
        await speech.aclose()


# --- sockets that end


async def test_a_socket_that_ends_while_nobody_speaks_is_replaced_unheard() -> None:
    habits = SessionHabits(idle_s=0.1)
    async with LMNTDouble(habits=habits).running() as double, voice(double) as session:
        await say(session, "one")
        await asyncio.sleep(0.2)
        assert double.sockets == 1, "a socket that lived for so short is not replaced ahead"
        assert heard(await say(session, "two")) == "two"
    assert double.sockets == 2


async def test_a_socket_that_has_lived_is_replaced_before_it_is_needed() -> None:
    habits = SessionHabits(idle_s=0.2)
    call = fast(100)
    async with (
        LMNTDouble(habits=habits).running() as double,
        voice(double, call, timeout_ms=60_000) as session,
    ):
        await say(session, "one")
        await until(lambda: double.sockets == 2)
        assert heard(await say(session, "two")) == "two"
    assert double.sockets == 2


async def test_a_key_that_is_withdrawn_is_not_tried_again_ahead() -> None:
    over = '{"type": "error", "error": {"message": "-", "type": "authentication_error"}}'
    double = LMNTDouble()
    async with double.running(), voice(double, fast(1_000), timeout_ms=60_000) as session:
        await asyncio.sleep(0.01)
        line = session._line
        assert line is not None
        with pytest.raises(PatterError) as raised:
            session._take(line, over)
        session._lose(line, raised.value)
        await asyncio.sleep(0.02)
        assert double.sockets == 1 and session._line is None


async def test_a_session_speaks_again_after_a_failure() -> None:
    double = LMNTDouble(faults=VendorFaults(close_code=1011, after=4))
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, LONG)
        assert raised.value.passing
        double.faults = VendorFaults()
        assert heard(await say(session, "two")) == "two"


async def test_a_session_that_is_over_says_so() -> None:
    async with LMNTDouble().running() as double:
        async with voice(double) as session:
            pass
        with pytest.raises(PatterError, match="has ended"):
            await session.ready()


# --- what goes wrong


@pytest.mark.parametrize("after", [1, 3])
async def test_audio_that_stops_or_never_comes_is_a_failure_in_time(after: int) -> None:
    double = LMNTDouble(faults=VendorFaults(stalls=True, after=after))
    async with double.running(), voice(double, timeout_ms=80) as session:
        with pytest.raises(PatterTimeoutError):
            await say(session, LONG)
        double.faults = VendorFaults()
        async with asyncio.timeout(0.4):
            assert heard(await say(session, "two")) == "two"
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
        assert heard(await say(session, "one", "two")) == "onetwo"


async def test_audio_that_keeps_coming_is_in_time() -> None:
    async with LMNTDouble(pace=2).running() as double, voice(double, timeout_ms=250) as session:
        assert heard(await say(session, "one two three four"))


async def test_who_writes_slowly_owes_nothing() -> None:
    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(0.2)
        yield "two"

    async with LMNTDouble().running() as double, voice(double, timeout_ms=80) as session:
        assert heard([piece async for piece in session.say(slowly())]) == "onetwo"


async def test_silence_for_a_sentence_is_a_failure() -> None:
    double = LMNTDouble(
        faults=VendorFaults(garbage='{"type": "flush_complete", "nonce": 1}', after=1)
    )
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError, match="no audio") as raised:
            await say(session, "one")
        assert raised.value.passing


async def test_audio_that_nobody_reads_ends_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_lmnt._reply.CHUNKS", 3)
    async with LMNTDouble().running() as double, voice(double) as session:
        speech = session.say(sentences(LONG))
        await anext(speech)
        await until(lambda: double.spoken)
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
        assert heard(await say(session, "one")) == "one"
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
        assert heard(await say(session, "two")) == "two"


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
        await until(lambda: session._line is None)
