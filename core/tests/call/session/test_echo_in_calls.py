"""A call in which what the caller is played comes back, with an echo gate or with a filter."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K
from patter.call.plan import Phrases
from patter.call.turn.rules import TurnRules
from patter_testing import FakeAudioFilter, FakeSTT, FakeVAD, lab
from patter_testing.fakes.carrier import FakeLeg

from .plans import plan

pytestmark = pytest.mark.virtual_time
GREETING = "AAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAA"
"""Loud letters: 2.4 seconds."""
RULES = TurnRules(idle_ms=(), barge_in_mode="cancel")
SOFT, LOUD = b"\x70", b"\x30"
"""Samples 25 dB below the agent's letters, and above them."""


def described(**changes: Any) -> Any:
    changes = {"rules": RULES, "phrases": Phrases(greeting=GREETING), "vad": FakeVAD(), **changes}
    return plan(**changes)


async def hears(agent: Any, sample: bytes, ms: float = 1_500) -> list[float]:
    """When the agent was cut; *sample* comes back all the time."""
    async with lab(agent, keep=("vad",)) as call:
        await talk(call.leg, sample, ms)
        return list(call.leg.clears)


async def talk(leg: FakeLeg, sample: bytes, ms: float) -> None:
    while leg.now_ms < ms:
        leg.speak(sample * 160)
        await leg.clock.sleep(20)


async def test_what_is_soft_beside_the_agent_is_no_voice() -> None:
    assert await hears(described(), SOFT) == []


async def test_what_is_loud_is_one() -> None:
    assert await hears(described(), LOUD)


async def test_the_gate_can_be_left_out() -> None:
    assert await hears(described(echo_gate=False), SOFT)


async def test_while_the_agent_is_silent_the_softest_voice_is_heard() -> None:
    agent = described(phrases=Phrases())
    async with lab(agent, keep=("vad",)) as call:
        await talk(call.leg, SOFT, 500)
        call.heard("hello")
        await talk(call.leg, MULAW_8K.silence, 1_500)
    assert call.utterances == ["Yes."]


async def test_the_recogniser_hears_what_the_gate_keeps_from_the_detector() -> None:
    stt = FakeSTT()
    async with lab(described(), keep=("vad",), stt=stt) as call:
        await talk(call.leg, SOFT, 1_000)
    assert stt.sessions[0].sent.count(SOFT) >= 7_000


async def test_a_filter_is_shown_what_the_caller_is_played_when_it_is() -> None:
    listening = FakeAudioFilter(echo_ms=0)
    async with lab(described(audio_filter=listening)) as call:
        await talk(call.leg, MULAW_8K.silence, 4_000)
        played = call.leg.recording()
    (session,) = listening.sessions
    shown = bytes(session.played)
    assert shown.count(b"A") > 15_000
    assert shown.index(b"A") == pytest.approx(played.index(b"A"), abs=MULAW_8K.bytes_in(20))
    assert shown.strip(MULAW_8K.silence) == played.strip(MULAW_8K.silence)


async def test_the_far_end_stops_where_the_agent_was_cut() -> None:
    listening = FakeAudioFilter(echo_ms=0)
    async with lab(described(audio_filter=listening)) as call:
        await talk(call.leg, MULAW_8K.silence, 500)
        call.leg.press("1")
        await talk(call.leg, MULAW_8K.silence, 2_000)
        heard = call.leg.heard()
    (session,) = listening.sessions
    assert len(heard) < 12_000
    shown = session.played.count(b"A") + session.played.count(b" ")
    assert shown == pytest.approx(len(heard), abs=MULAW_8K.bytes_in(20))


async def test_the_far_end_comes_in_the_filters_own_format() -> None:
    listening = FakeAudioFilter(echo_ms=0, accepts=(PCM16_16K,))
    async with lab(described(audio_filter=listening)) as call:
        await talk(call.leg, MULAW_8K.silence, 1_000)
    (session,) = listening.sessions
    assert len(session.played) == pytest.approx(32_000, abs=1_000)
    assert height(session.played[-2:]) == pytest.approx(
        height(convert(b"A", MULAW_8K, PCM16_8K)), rel=0.2
    )


def height(sample: bytes | bytearray) -> int:
    return abs(int.from_bytes(sample, "little", signed=True))


async def test_a_filter_that_takes_no_far_end_is_asked_as_before() -> None:
    @attrs.frozen
    class Plain:
        accepts = (MULAW_8K,)
        pieces: list[bytes] = attrs.field(factory=list)

        def start(self, audio: Any) -> Any:
            del audio
            return self

        def process(self, audio: bytes) -> bytes:
            self.pieces.append(audio)
            return audio

    plain = Plain()
    async with lab(described(audio_filter=plain)) as call:
        await talk(call.leg, SOFT, 1_000)
    assert b"".join(plain.pieces) == SOFT * 8_000
