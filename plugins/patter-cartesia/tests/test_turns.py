"""Listening with Ink's turns: they are the call's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter import ErrorCode
from patter.audio.formats import MULAW_8K
from patter.errors import CallStateError, PatterConfigError
from patter.providers.stt import SpeechEnded, SpeechStarted, Transcript, TurnEnded
from patter_cartesia import CartesiaTurnsSTT
from patter_cartesia.double import CartesiaDouble
from patter_cartesia.double.turns import TurnsSession
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.fast_clock import fast
from patter_testing.talking import CALL, eventually, failure, final, silence, until

from .talking import VOICE, shape


def ears(double: CartesiaDouble, **options: Any) -> CartesiaTurnsSTT:
    return double.pointed(CartesiaTurnsSTT(api_key="k", **options))


async def test_a_turn_that_ink_ends_is_final_words_and_its_end() -> None:
    async with (
        CartesiaDouble(lines=["yes please"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(400))
        seen = await until(aiter(session), TurnEnded)
    assert shape(seen) == [
        "SpeechStarted", "yes", "yes please", "SpeechEnded", "yes please", "TurnEnded",
    ]  # fmt: skip
    assert seen[-2] == Transcript("yes please", True)


async def test_an_early_end_is_a_pause_and_taken_back_when_the_voice_goes_on() -> None:
    async with (
        CartesiaDouble(lines=["yes", "but no"], sure_ms=500).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(200) + VOICE + silence(600))
        seen = await until(aiter(session), TurnEnded)
    assert shape(seen) == [
        "SpeechStarted", "yes", "SpeechEnded", "SpeechStarted", "yes but", "yes but no",
        "SpeechEnded", "yes but no", "TurnEnded",
    ]  # fmt: skip


async def test_a_pause_that_ink_judges_itself_is_answered_once() -> None:
    async with (
        CartesiaDouble(lines=["yes"]).running() as double,
        ears(double, finalize_ms=150).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        await session.send(silence(400))
        assert shape(await until(aiter(session), TurnEnded))[-2:] == ["yes", "TurnEnded"]
        await asyncio.sleep(0.25)
        assert len(session._events._events) == 0


async def test_a_pause_that_ink_does_not_judge_gets_its_words_and_no_judgement() -> None:
    async with (
        CartesiaDouble(lines=["yes but", "no"], sure_ms=500).running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(200))
        await session.finalize()
        seen = await until(aiter(session), Transcript)
        assert shape(seen)[-1] == "yes but" and "TurnEnded" not in shape(seen)
        await session.send(VOICE + silence(600))
        seen = await until(aiter(session), TurnEnded)
    assert shape(seen) == ["SpeechStarted", "no", "SpeechEnded", "no", "TurnEnded"]


async def test_a_judgement_after_the_words_is_a_judgement_alone() -> None:
    async with (
        CartesiaDouble(lines=["yes"], sure_ms=500).running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(200))
        await session.finalize()
        assert (await final(aiter(session))).text == "yes"
        await session.send(silence(500))
        assert shape(await until(aiter(session), TurnEnded)) == ["TurnEnded"]


async def test_a_pause_without_a_turn_is_answered() -> None:
    async with (
        CartesiaDouble().running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        await session.send(silence(200))
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
    assert double.texts == ['{"type":"close"}'], "nothing but a farewell is said to it"


async def test_turns_two_seconds_late_come_once() -> None:
    late = Latency(p50_ms=200)  # two seconds, in time that goes ten times faster
    async with (
        CartesiaDouble(lines=["yes"], latency=late).running() as double,
        ears(double).open(fast(10), MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(400))
        await session.finalize()
        seen = await until(aiter(session), TurnEnded)
    finals = [event.text for event in seen if isinstance(event, Transcript) and event.final]
    assert finals in (["yes"], ["", "yes"])


async def test_thresholds_change_in_mid_call() -> None:
    async with CartesiaDouble(lines=["yes"]).running() as double:
        settings = ears(double, turn_eager_end_threshold=0.5)
        async with settings.open(CALL, MULAW_8K):
            (ear,) = double.sessions
            assert isinstance(ear, TurnsSession)
            await settings.configure("c1", turn_start_threshold=0.9, turn_end_timeout_ms=900)
            await eventually(lambda: ear.thresholds["turn_end_timeout_ms"] == 900)
            assert ear.thresholds == {
                "turn_start_threshold": 0.9, "turn_eager_end_threshold": 0.5,
                "turn_end_threshold": 0.2, "turn_end_timeout_ms": 900,
            }  # fmt: skip
            for bad in ({"turn_end_threshold": 0.5}, {"turn_start_threshold": 2.0}):
                with pytest.raises(PatterConfigError):
                    await settings.configure("c1", **bad)
        with pytest.raises(CallStateError):
            await settings.configure("c1", turn_start_threshold=0.9)


async def test_it_stays_open_while_nobody_speaks() -> None:
    async with (
        CartesiaDouble(lines=["yes"], idle_s=45 / 40).running() as double,
        ears(double).open(fast(), MULAW_8K) as session,
    ):
        await asyncio.sleep(1.8)
        await session.send(VOICE + silence(400))
        assert shape(await until(aiter(session), TurnEnded))[-1] == "TurnEnded"


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        (VendorFaults(close_code=1011, after=2), ErrorCode.CONNECTION),
        (VendorFaults(over=True, after=1), ErrorCode.CONNECTION),
        (VendorFaults(garbage='{"type": "turn.end"}'), ErrorCode.PROVIDER_ERROR),
        (VendorFaults(garbage='{"type": "turn.update", "transcript": 7}'), "PROVIDER_ERROR"),
        (VendorFaults(garbage='{"type": "error", "status_code": 402}'), ErrorCode.AUTH),
    ],
)
async def test_what_ends_a_session_says_how(faults: VendorFaults, code: str) -> None:
    async with (
        CartesiaDouble(faults=faults).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        error = await failure(until(aiter(session), SpeechEnded))
        assert error.code == code and error.fix


async def test_a_vendor_that_stops_in_mid_turn_is_answered_for_and_then_lost() -> None:
    double = CartesiaDouble(lines=["yes"], faults=VendorFaults(stalls=True, after=3))
    async with double.running(), ears(double).open(fast(), MULAW_8K) as session:
        await session.send(VOICE)
        assert shape(await until(aiter(session), SpeechStarted)) == ["SpeechStarted"]
        finals = []
        for _ in range(2):
            await session.finalize()
            finals.append((await final(aiter(session))).text)
            await session.send(silence(20))
        await session.finalize()
        assert (await failure(final(aiter(session)))).code is ErrorCode.TIMEOUT
    assert finals == ["yes", ""]
