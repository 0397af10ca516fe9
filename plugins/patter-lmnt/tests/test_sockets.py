"""What becomes of a socket: a reply that is cut off on it, its end, and the end of a call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest

from patter.errors import PatterError
from patter.providers.tts import Speech
from patter_lmnt.double import LMNTDouble
from patter_lmnt.double.sessions import SessionTraits
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.fast_clock import fast
from patter_testing.talking import begin, eventually, letters_of, say, sentences

from .talking import LONG, kinds, voice

# --- being interrupted


async def test_a_reply_that_is_cut_off_is_reset_and_the_socket_speaks_on() -> None:
    async with LMNTDouble(pace=4).running() as double, voice(double) as session:
        speech = await begin(session, LONG, LONG)
        async with asyncio.timeout(1):
            await speech.aclose()
            await eventually(lambda: "reset" in kinds(double))
        assert letters_of(await say(session, "two")) == "two"
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
        assert letters_of(await say(session, "two")) == "two"
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
            await eventually(lambda: "reset" in kinds(double))
            assert kinds(double)[-1] == "reset"
        assert letters_of(reply.result()) == "two"
    assert kinds(double) == ["init", "text", "flush", "reset", "text", "flush"]


async def test_a_reply_that_is_complete_resets_nothing() -> None:
    async with LMNTDouble().running() as double, voice(double) as session:
        speech = session.say(sentences("one"))
        assert [piece async for piece in speech]
        await speech.aclose()
    assert "reset" not in kinds(double)


async def test_a_vendor_that_confirms_late_is_left_for_another_socket() -> None:
    """LMNT may speak to its end before it comes to a reset: its socket is not waited for."""
    traits = SessionTraits(reset="end")
    async with LMNTDouble(pace=1, traits=traits).running() as double, voice(double) as session:
        speech = await begin(session, LONG)
        async with asyncio.timeout(1):
            await speech.aclose()
            await eventually(lambda: double.sockets == 2)
        assert letters_of(await say(session, "two")) == "two"
    assert double.sockets == 2


async def test_a_vendor_that_confirms_in_time_after_its_end_is_kept() -> None:
    traits = SessionTraits(reset="end")
    async with LMNTDouble(pace=40, traits=traits).running() as double, voice(double) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        assert letters_of(await say(session, "two")) == "two"
    assert double.sockets == 1


async def test_a_vendor_that_speaks_on_after_a_reset_is_left_and_never_reset_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    traits = SessionTraits(reset="on")
    async with LMNTDouble(pace=1, traits=traits).running() as double, voice(double) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        await eventually(lambda: double.sockets == 2)
        assert double.spoken == [], "its audio is enough to know that it speaks on"
        speech = await begin(session, LONG)
        await speech.aclose()
        await eventually(lambda: double.sockets == 3)
        assert letters_of(await say(session, "two")) == "two"
    assert kinds(double).count("reset") == 1
    assert "went on with a reply" in caplog.text


async def test_two_replies_that_are_mixed_are_a_failure_that_passes() -> None:
    """The next reply is asked for before the vendor is seen to speak on."""
    # A piece every 200 ms: the next reply is sent between two of them.
    traits = SessionTraits(reset="on")
    async with LMNTDouble(pace=0.5, traits=traits).running() as double, voice(double) as session:
        speech = await begin(session, "one two")
        await speech.aclose()
        with pytest.raises(PatterError, match="mixed two replies") as mixed:
            await say(session, "two")
        assert mixed.value.passing
        double.pace = 0.0
        assert letters_of(await say(session, "three")) == "three"
    assert double.sockets == 2


async def test_a_vendor_that_does_not_confirm_a_reset_is_left() -> None:
    double = LMNTDouble(pace=8, faults=VendorFaults(stalls=True, after=3))
    async with double.running(), voice(double, fast()) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        await eventually(lambda: double.sockets == 2)


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
        assert letters_of(await say(session, "two")) == "two"
    assert double.sockets == 2


async def test_a_call_that_ends_while_a_socket_is_opened_is_not_kept_waiting() -> None:
    double = LMNTDouble(pace=4, faults=VendorFaults(stalls=True, after=3))
    async with double.running(), asyncio.timeout(2), voice(double, fast()) as session:
        speech = await begin(session, LONG)
        double.faults = VendorFaults(silent=True)
        await speech.aclose()
        await eventually(lambda: len(double.requests) == 2)


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


async def test_who_listens_when_a_call_ends_is_told() -> None:
    async def endless() -> AsyncIterator[str]:
        yield LONG
        await asyncio.get_running_loop().create_future()

    async with LMNTDouble().running() as double, asyncio.TaskGroup() as tasks:
        async with voice(double) as session:
            pieces: list[Speech] = []

            async def listen() -> None:
                async for piece in session.say(endless()):
                    pieces.append(piece)

            listener = tasks.create_task(raised(listen()))
            await eventually(lambda: letters_of(pieces) == LONG)
        async with asyncio.timeout(1):
            assert "has ended" in str(await listener)


async def raised(work: Awaitable[None]) -> PatterError | None:
    """What *work* raises."""
    try:
        await work
    except PatterError as error:
        return error
    return None


# --- sockets that end


async def test_a_socket_that_ends_while_nobody_speaks_is_replaced_unheard() -> None:
    traits = SessionTraits(idle_s=0.1)
    async with LMNTDouble(traits=traits).running() as double, voice(double) as session:
        await say(session, "one")
        await asyncio.sleep(0.2)
        assert double.sockets == 1, "a socket that lived for so short is not replaced ahead"
        assert letters_of(await say(session, "two")) == "two"
    assert double.sockets == 2


async def test_a_socket_that_has_lived_is_replaced_before_it_is_needed() -> None:
    traits = SessionTraits(idle_s=0.2)
    call = fast(100)
    async with (
        LMNTDouble(traits=traits).running() as double,
        voice(double, call, timeout_ms=60_000) as session,
    ):
        await say(session, "one")
        await eventually(lambda: double.sockets == 2)
        assert letters_of(await say(session, "two")) == "two"
    assert double.sockets == 2


async def test_a_key_that_is_withdrawn_is_not_tried_again_ahead() -> None:
    over = '{"type": "error", "error": {"message": "-", "type": "authentication_error"}}'
    double = LMNTDouble()
    async with double.running(), voice(double, fast(1_000), timeout_ms=60_000) as session:
        await asyncio.sleep(0.01)
        line = session.line
        assert line is not None
        with pytest.raises(PatterError) as raised:
            session.take(line, over)
        session._lose(line, raised.value)
        await asyncio.sleep(0.02)
        assert double.sockets == 1 and session.line is None


async def test_a_session_speaks_again_after_a_failure() -> None:
    double = LMNTDouble(faults=VendorFaults(close_code=1011, after=4))
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, LONG)
        assert raised.value.passing
        double.faults = VendorFaults()
        assert letters_of(await say(session, "two")) == "two"


async def test_a_session_that_is_over_says_so() -> None:
    async with LMNTDouble().running() as double:
        async with voice(double) as session:
            pass
        with pytest.raises(PatterError, match="has ended"):
            await session.ready()
