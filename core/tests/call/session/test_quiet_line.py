"""Media that stops is not a voice that goes on: lines that send nothing in silence are quiet."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.call.turn.rules import TurnRules
from patter.observe.events import EngineStep, ErrorEvent
from patter.providers.stt import Transcript
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, LabCall, lab
from patter_testing.fakes.stt import At
from patter_testing.fakes.tts import spoken

from .plans import plan

pytestmark = pytest.mark.virtual_time
WORDS = "are you open on sunday"
FRAME_MS = 20


async def speaks(call: LabCall, text: str = WORDS, *, told: bool = True) -> float:
    """The caller says *text* on a line that sends frames only while somebody speaks."""
    await call.caller.sounds(spoken(text, call.leg.audio))
    ended_ms = call.leg.now_ms
    if told:
        call.heard(text)
    return ended_ms


async def answered(call: LabCall, ended_ms: float, within_ms: float = 5_000) -> float:
    """How long after *ended_ms* the answer begins; no frame is sent meanwhile."""
    while call.leg.now_ms < ended_ms + within_ms:
        await asyncio.sleep(0.01)
        if begun := [each.at_ms for each in call.leg.played if each.at_ms > ended_ms]:
            return begun[0] - ended_ms
    raise AssertionError(f"no answer within {within_ms:g} ms")


def inputs(call: LabCall, name: str) -> list[dict[str, Any]]:
    steps = [step.input for step in call.of(EngineStep)]
    return [dict(step["fields"]) for step in steps if step["name"] == name]


async def test_frames_that_stop_with_the_last_word_end_the_turn_as_silence_does() -> None:
    waits = []
    for sends_silence in (True, False):
        async with lab(plan()) as call:
            await call.caller.waits(300)
            ended_ms = await speaks(call)
            if sends_silence:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(call.caller.waits(2_000))
                    waits.append(await answered(call, ended_ms))
            else:
                waits.append(await answered(call, ended_ms))
    assert waits[1] == pytest.approx(waits[0], abs=60)
    assert waits[1] < 1_000


async def test_a_whole_conversation_on_a_line_without_silence() -> None:
    llm = FakeLLM(replies=("Yes, we are.", "At eight.", "Goodbye then."))
    async with lab(plan(llm)) as call:
        for text in (WORDS, "and when do you close", "thank you very much"):
            await asyncio.sleep(2.5)
            assert await answered(call, await speaks(call, text)) < 1_000
        await asyncio.sleep(3)
    assert call.utterances == ["Yes, we are.", "At eight.", "Goodbye then."]
    assert not call.of(ErrorEvent)


async def test_the_recogniser_gets_the_silence_it_needs_to_be_sure() -> None:
    end_ms = len(WORDS) * 60
    sure = At(100 + end_ms + 200, Transcript(WORDS, True, end_ms=100 + end_ms))
    stt = FakeSTT(script=(sure,), deaf=True)
    async with lab(plan(), stt=stt) as call:
        await asyncio.sleep(0.09)
        ended_ms = await speaks(call, told=False)
        assert await answered(call, ended_ms) < 1_000
    assert stt.sessions[0].finalized


@pytest.mark.parametrize(
    ("changes", "least_ms", "most_ms"),
    [
        ({}, 350, 700),
        ({"rules": TurnRules(idle_ms=(), wait_for_turn_end=True)}, 2_500, 3_500),
        ({"vad": None}, 2_500, 3_500),
    ],
    ids=["detector", "recogniser that endpoints", "no detector"],
)
async def test_silence_that_is_put_in_is_bounded(
    changes: dict[str, Any], least_ms: float, most_ms: float
) -> None:
    async with lab(plan(**changes), keep=("vad",)) as call:
        await speaks(call)
        await asyncio.sleep(60)
        silent_ms = call.stt.sessions[0].position_ms - len(WORDS) * 60
    assert least_ms <= silent_ms <= most_ms


async def test_a_pause_shorter_than_a_turn_end_is_one_turn_still() -> None:
    async with lab(plan()) as call:
        await call.caller.waits(300)
        await speaks(call, "are you open", told=False)
        await asyncio.sleep(0.35)
        ended_ms = await speaks(call, "on sunday evening", told=False)
        call.heard("are you open on sunday evening")
        await answered(call, ended_ms)
        await asyncio.sleep(2)
    callers = [row.text for row in call.session.history.rows if row.role == "caller"]
    assert callers == ["are you open on sunday evening"]


@pytest.mark.parametrize("stall_ms", [60, 140, 300, 440])
async def test_a_burst_after_jitter_is_the_same_turn_in_the_same_place(stall_ms: int) -> None:
    """The network holds frames up in mid-sentence, and then delivers them all at once."""
    async with lab(plan()) as call:
        frames = spoken(WORDS, call.leg.audio)
        size = call.leg.audio.bytes_in(FRAME_MS)
        held = int(600 // FRAME_MS) * size
        kept = held + int(stall_ms // FRAME_MS) * size
        await call.caller.waits(300)
        began_ms = call.leg.now_ms
        await call.caller.sounds(frames[:held])
        await asyncio.sleep(stall_ms / 1_000)
        for at in range(held, kept, size):
            call.leg.speak(frames[at : at + size])
        await call.caller.sounds(frames[kept:])
        ended_ms = call.leg.now_ms
        assert ended_ms - began_ms == pytest.approx(len(WORDS) * 60, abs=2)
        call.heard(WORDS)
        assert await answered(call, ended_ms) < 1_000
        await asyncio.sleep(1)
    (words,) = [each for each in inputs(call, "CallerWords") if each.get("text")]
    stops = inputs(call, "VoiceStopped")
    assert stops[-1]["ended_ms"] == pytest.approx(ended_ms, abs=30)
    assert words["end_ms"] == pytest.approx(ended_ms, abs=30)
    assert [row.text for row in call.session.history.rows if row.role == "caller"] == [WORDS]


async def test_positions_after_many_gaps_are_those_of_the_call() -> None:
    async with lab(plan(FakeLLM(replies=("Yes.",) * 5))) as call:
        for gap_s in (0.5, 1.7, 4.2, 11.0):
            await asyncio.sleep(gap_s)
            ended_ms = await speaks(call)
            await asyncio.sleep(0)
            await answered(call, ended_ms)
            stop = inputs(call, "VoiceStopped")[-1]
            assert stop["ended_ms"] == pytest.approx(ended_ms, abs=30)


async def test_a_leg_lost_in_mid_word_leaves_no_voice_behind() -> None:
    carrier = FakeCarrier(can=attrs.evolve(FakeCarrier().can, reconnect=True))
    async with lab(plan(rules=TurnRules(idle_ms=())), carrier=carrier) as call:
        await call.caller.waits(200)
        await call.caller.sounds(spoken("are you op", call.leg.audio))
        lost_ms = call.leg.now_ms
        call.leg.drop()
        await asyncio.sleep(1)
        (stop,) = inputs(call, "VoiceStopped")
    assert stop["ended_ms"] == pytest.approx(lost_ms, abs=30)


async def test_nothing_is_put_in_once_the_call_is_over() -> None:
    async with lab(plan()) as call:
        await speaks(call)
        call.leg.hang_up("caller")
        await asyncio.sleep(0.05)
        assert call.session.pipe is not None
        link = call.session.pipe.stt_link
        fed = link._fed_bytes
        await asyncio.sleep(5)
    assert link._fed_bytes == fed


async def test_a_line_that_never_brings_anything_is_left_alone() -> None:
    async with lab(plan()) as call:
        await asyncio.sleep(5)
        assert call.stt.sessions[0].position_ms == 0
