"""A call with a sound behind it: the silence is filled, and everything else is as without it."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path
from random import Random
from typing import Any

import pytest

from patter import tool
from patter.audio.background import AudioConfig, BackgroundAudioPlayer
from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K
from patter.audio.mix import level_db
from patter.call.plan import Phrases
from patter.call.turn.events import MachineDetected
from patter.call.turn.rules import TurnRules
from patter.observe.events import ErrorEvent, Row, Turn, Wire
from patter.providers.llm import ToolRequest
from patter_testing import FakeCarrier, FakeEngine, FakeLLM, LabCall, Reply, lab
from patter_testing.fakes.carrier import FakeLeg

from .plans import plan

pytestmark = pytest.mark.virtual_time
KEEP = ("background_audio",)
HUM_DB = -24.0
"""The level of the sound in the file; at the default volume it is 20 dB below."""
GREETING = "AAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAA"
SAYS = Phrases(greeting=GREETING)


@pytest.fixture
def hum(tmp_path: Path) -> BackgroundAudioPlayer:
    path = tmp_path / "hum.wav"
    height = round(32_768 * 10 ** (HUM_DB / 20))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        up, down = (each.to_bytes(2, "little", signed=True) for each in (height, -height))
        file.writeframes((up * 40 + down * 40) * 20)
    return BackgroundAudioPlayer(str(path), loop=True)


def played(leg: FakeLeg, from_ms: float, until_ms: float) -> bytes:
    """What the caller heard in that time, as PCM16."""
    line = leg.recording()[MULAW_8K.bytes_in(from_ms) : MULAW_8K.bytes_in(until_ms)]
    return convert(line, MULAW_8K, PCM16_8K)


def gap_ms(leg: FakeLeg, from_ms: float = 100) -> float:
    """The longest silence the caller heard, in milliseconds."""
    line = leg.recording()[MULAW_8K.bytes_in(from_ms) :]
    return max(map(len, line.translate(bytes(256 - 1) + b"\1").split(b"\0"))) / 8


async def test_an_idle_line_is_filled_at_the_level_that_was_chosen(hum: Any) -> None:
    async with lab(plan(background_audio=hum), keep=KEEP) as call:
        await call.caller.waits(3_000)
        assert gap_ms(call.leg) < 1
        assert level_db(played(call.leg, 500, 2_500)) == pytest.approx(HUM_DB - 20, abs=1)
        assert call.leg.busy_until_ms - call.leg.now_ms <= 60


async def test_thinking_and_tools_are_not_silent(hum: Any) -> None:
    @tool
    async def look() -> str:
        """Look it up."""
        await asyncio.sleep(2)
        return "nothing"

    answers = FakeLLM(replies=(Reply(tools=(ToolRequest("1", "look", "{}"),)), Reply(text="No.")))
    async with lab(plan(answers, background_audio=hum, tools=(look,)), keep=KEEP) as call:
        await call.caller.says("is there")
        await call.caller.waits(6_000)
        assert gap_ms(call.leg) < 1
        assert call.utterances[-1].endswith("No.")


async def test_a_barge_in_takes_the_words_and_leaves_the_sound(hum: Any) -> None:
    rules = TurnRules(idle_ms=(), barge_in_mode="cancel")
    agent = plan(phrases=SAYS, rules=rules, background_audio=hum)
    async with lab(agent, keep=KEEP) as call:
        await call.caller.waits(800)
        call.leg.press("1")
        await call.caller.waits(2_000)
        (cleared_ms,) = call.leg.clears
        after = played(call.leg, cleared_ms + 50, cleared_ms + 1_500)
        assert level_db(after) == pytest.approx(HUM_DB - 20, abs=1)
        assert gap_ms(call.leg) <= 20
        assert "A" * 20 not in "".join(call.utterances)


def figures(call: LabCall) -> list[Any]:
    """Rows, marks and what the caller heard when, without the times of the wire."""
    rows = [(each.role, each.text, each.turn, each.heard_ms) for each in call.of(Row)]
    marks = [each.name for each in call.of(Wire) if each.what in ("mark", "played")]
    return [rows, marks, call.utterances]


async def conversed(background: Any) -> LabCall:
    agent = plan(
        FakeLLM(replies=(Reply(text="It is nine o'clock."),)),
        phrases=SAYS,
        background_audio=background,
    )
    async with lab(agent, keep=KEEP) as call:
        await call.caller.waits(3_500)
        await call.caller.says("what time is it")
        await call.caller.waits(4_000)
    return call


async def test_rows_marks_and_history_are_those_of_a_call_without_it(hum: Any) -> None:
    assert figures(await conversed(hum)) == figures(await conversed(None))


async def test_an_answer_comes_at_most_the_reserve_later(hum: Any) -> None:
    (one,), (other,) = [
        [turn.gap_ms or 0 for turn in call.of(Turn)]
        for call in (await conversed(hum), await conversed(None))
    ]
    assert 0 <= one - other <= 60


async def test_it_is_silent_while_somebody_else_has_the_caller(hum: Any) -> None:
    async with lab(plan(background_audio=hum), keep=KEEP) as call:
        await call.caller.waits(1_000)
        await call.session.control.transfer("+15550188000")
        await call.caller.waits(500)
        away_ms = call.leg.now_ms
        await call.caller.waits(1_000)
        assert call.leg.heard(away_ms) == b""


class Slow(FakeCarrier):
    """Takes two seconds to hang up."""

    async def hangup(self, carrier_call_id: str) -> None:
        await asyncio.sleep(2)


async def test_it_ends_with_the_message_on_a_machine(hum: Any) -> None:
    rules = TurnRules(idle_ms=(), voicemail="message")
    agent = plan(rules=rules, phrases=Phrases(voicemail="BBBBBBBBBB"), background_audio=hum)
    async with lab(agent, keep=KEEP, carrier=Slow()) as call:
        await call.caller.waits(500)
        call.session.post(MachineDetected(call.session.now_ms(), beep=True))
        await call.caller.hears_the_agent_hang_up()
    heard = convert(call.leg.recording(), MULAW_8K, PCM16_8K)
    frames = [heard[at : at + 320] for at in range(0, len(heard), 320)]
    last = max(at for at, frame in enumerate(frames) if level_db(frame) > HUM_DB - 10)
    assert len(frames) - last > 80
    assert not any(map(any, frames[last + 10 :]))


async def test_engines_have_it_too(hum: Any) -> None:
    engine = FakeEngine()
    agent = plan(engine=engine, stt=None, tts=None, mind=None, vad=None, background_audio=hum)
    async with lab(agent, keep=KEEP) as call:
        await call.caller.waits(1_000)
        assert gap_ms(call.leg) < 1


async def test_a_sound_that_is_gone_ends_no_call(tmp_path: Path) -> None:
    player = BackgroundAudioPlayer(tmp_path / "gone.wav")
    async with lab(plan(background_audio=player, phrases=SAYS), keep=KEEP) as call:
        await call.caller.waits(4_000)
        assert call.utterances == [GREETING]
        assert [each.where for each in call.of(ErrorEvent)] == ["background_audio"]


async def test_the_lab_leaves_it_out_unless_asked(hum: Any) -> None:
    async with lab(plan(background_audio=hum)) as call:
        await call.caller.waits(500)
        assert call.leg.heard() == b""


async def test_by_chance_a_call_has_none(hum: BackgroundAudioPlayer) -> None:
    rare = [AudioConfig(hum.source[0].source, probability=0.0)]
    async with lab(plan(background_audio=BackgroundAudioPlayer(rare)), keep=KEEP) as call:
        await call.caller.waits(500)
        assert call.leg.heard() == b""
    assert BackgroundAudioPlayer(rare).choose(Random(1)) is None
