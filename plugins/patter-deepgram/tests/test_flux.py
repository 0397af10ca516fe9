"""Listening with Flux: its turns are the call's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter import ErrorCode, PatterError
from patter.audio.formats import MULAW_8K
from patter.errors import PatterConnectionError, ProviderError
from patter.providers.context import CallContext
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript, TurnEnded
from patter_deepgram import DeepgramFluxSTT
from patter_deepgram.double import DeepgramDouble
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.fast_clock import FastClock
from patter_testing.talking import CALL, final, silence, until

from .talking import VOICE


def ears(double: DeepgramDouble, **options: Any) -> DeepgramFluxSTT:
    return double.pointed(DeepgramFluxSTT(api_key="k", **options))


def shape(events: list[STTEvent]) -> list[str]:
    """The events by their names; interims by their words."""
    return [
        event.text if isinstance(event, Transcript) else type(event).__name__ for event in events
    ]


async def test_a_turn_that_flux_ends_is_final_words_and_its_end() -> None:
    async with (
        DeepgramDouble(lines=["yes please"]).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(400))
        seen = await until(aiter(session), TurnEnded)
    assert shape(seen) == [
        "SpeechStarted", "yes", "yes please", "SpeechEnded", "yes please", "TurnEnded",
    ]  # fmt: skip
    heard = seen[-2]
    assert isinstance(heard, Transcript) and heard.final
    assert (heard.end_ms, heard.words[-1].end_ms, heard.confidence) == (540, 540, 0.98)
    assert seen[0] == SpeechStarted(0)


async def test_an_early_end_is_a_pause_and_taken_back_when_the_voice_goes_on() -> None:
    async with (
        DeepgramDouble(lines=["yes", "but no"], sure_ms=500).running() as double,
        ears(double, eager_eot_threshold=0.5).open(CALL, MULAW_8K) as session,
    ):
        sound = VOICE + silence(200) + VOICE + silence(600)
        for at in range(0, len(sound), 160):
            await session.send(sound[at : at + 160])
        seen = await until(aiter(session), TurnEnded)
    assert shape(seen) == [
        "SpeechStarted", "yes", "SpeechEnded", "SpeechStarted", "yes but", "yes but no",
        "SpeechEnded", "yes but no", "TurnEnded",
    ]  # fmt: skip
    assert [event.final for event in seen if isinstance(event, Transcript)][-1]
    again = seen[3]
    assert isinstance(again, SpeechStarted) and again.at_ms is not None
    assert 540 + 200 < again.at_ms < 540 + 200 + 150


async def test_a_pause_that_flux_judges_itself_is_not_forced() -> None:
    async with (
        DeepgramDouble(lines=["yes"]).running() as double,
        ears(double, finalize_ms=150).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        await session.send(silence(400))
        assert shape(await until(aiter(session), TurnEnded))[-2:] == ["yes", "TurnEnded"]
        await asyncio.sleep(0.2)
        assert "ForceEndTurn" not in double.commands


async def test_a_pause_that_flux_does_not_judge_gets_its_words_and_no_judgement() -> None:
    async with (
        DeepgramDouble(lines=["yes but", "no"]).running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        await session.finalize()
        assert (await final(aiter(session))).text == "yes but"
        await session.send(VOICE + silence(400))
        seen = await until(aiter(session), TurnEnded)
        assert "TurnEnded" not in shape(seen)[:-1]
        last = seen[-2]
        assert isinstance(last, Transcript) and (last.text, last.final) == ("no", True)


async def test_a_pause_without_a_turn_is_answered() -> None:
    async with (
        DeepgramDouble().running() as double,
        ears(double, finalize_ms=40).open(CALL, MULAW_8K) as session,
    ):
        await session.send(silence(200))
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
        assert "ForceEndTurn" not in double.commands


async def test_flux_that_does_not_even_answer_force_is_answered_for() -> None:
    call = CallContext(call_id="c", clock=FastClock())
    double = DeepgramDouble(lines=["yes"], faults=VendorFaults(stalls=True, after=3))
    async with double.running(), ears(double).open(call, MULAW_8K) as session:
        await session.send(VOICE)
        await until(aiter(session), SpeechStarted)
        await session.finalize()
        assert await final(aiter(session)) == Transcript("", True)
        assert double.commands == ["ForceEndTurn"]


async def test_words_that_come_late_come_once() -> None:
    async with (
        DeepgramDouble(lines=["yes"], latency=Latency(p50_ms=60)).running() as double,
        ears(double, finalize_ms=20).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE + silence(400))
        await session.finalize()
        finals = [await final(aiter(session)) for _ in range(2)]
    assert [heard.text for heard in finals] == ["", "yes"]


async def test_thresholds_and_terms_change_in_mid_call() -> None:
    async with DeepgramDouble(lines=["yes"]).running() as double:
        settings = ears(double, keyterms=["basil"])
        async with settings.open(CALL, MULAW_8K):
            await settings.configure(
                "c1", keyterms=["bass"], language_hints=[], numerals=True,
                eot_threshold=0.9, eager_eot_threshold=0.4, eot_timeout_ms=900,
            )  # fmt: skip
            (ear,) = double.sessions
            assert ear.keyterms == ["bass"]
            assert getattr(ear, "thresholds", {}) == {
                "eot_threshold": 0.9, "eager_eot_threshold": 0.4, "eot_timeout_ms": 900,
            }  # fmt: skip
            with pytest.raises(ProviderError, match="INVALID_CONFIGURATION"):
                await settings.configure("c1", eot_threshold=2.0)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("INTERNAL_SERVER_ERROR", ErrorCode.CONNECTION),
        ("INACTIVE_CLIENT", ErrorCode.CONNECTION),
        ("UNPARSABLE_CLIENT_MESSAGE", ErrorCode.PROVIDER_ERROR),
    ],
)
async def test_an_error_of_flux_has_its_meaning(code: str, expected: ErrorCode) -> None:
    faults = VendorFaults(
        garbage=f'{{"type": "Error", "sequence_id": 1, "code": "{code}", "description": "words"}}'
    )
    async with (
        DeepgramDouble(faults=faults).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        with pytest.raises(PatterError, match="words") as raised:
            await until(aiter(session), TurnEnded)
    assert raised.value.code is expected


async def test_pings_keep_it_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter_deepgram._socket.HEARTBEAT_S", 0.05)
    async with (
        DeepgramDouble(lines=["yes"], flux_idle_s=0.15).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await asyncio.sleep(0.4)
        await session.send(VOICE + silence(400))
        assert shape(await until(aiter(session), TurnEnded))[-1] == "TurnEnded"


async def test_a_flux_that_hangs_up_is_a_lost_connection() -> None:
    async with (
        DeepgramDouble(faults=VendorFaults(close_code=1011, after=2)).running() as double,
        ears(double).open(CALL, MULAW_8K) as session,
    ):
        await session.send(VOICE)
        with pytest.raises(PatterConnectionError):
            await until(aiter(session), SpeechEnded)
