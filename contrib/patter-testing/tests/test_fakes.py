"""What the fakes promise to people who test agents with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import MULAW_8K, PCM16_16K, AudioFormat
from patter.errors import PatterConnectionError, PatterTimeoutError
from patter.plugins.spec import ProviderSpec
from patter.providers.carrier import Dtmf, Hangup, MarkPlayed
from patter.providers.context import CallContext
from patter.providers.stt import Transcript
from patter_testing import (
    Caller,
    FakeLeg,
    FakeSTT,
    FakeTTS,
    FakeVAD,
    read_back,
    run_virtual,
    spoken,
)
from patter_testing import strategies as ours
from patter_testing.fakes.stt import EVERY_FORMAT

CALL = CallContext(call_id="c1")
words = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)


@given(words, st.sampled_from(EVERY_FORMAT))
def test_what_a_fake_voice_said_can_be_read(text: str, audio: AudioFormat) -> None:
    assert read_back(spoken(text, audio), audio) == text


@given(st.data())
def test_a_fake_detector_minds_no_cuts(data: st.DataObject) -> None:
    line = MULAW_8K.silence * 2_000 + spoken("hey", MULAW_8K) + MULAW_8K.silence * 2_000
    cuts = data.draw(ours.chunkings(line))
    session = FakeVAD().start(MULAW_8K)
    events = [session.feed(piece) for piece in [*cuts, b"", b""]]
    assert [event.at_ms for event in events if event] == [250, 430]


@pytest.mark.virtual_time
async def test_a_leg_plays_in_real_time() -> None:
    leg = FakeLeg()
    await leg.send(b"\1" * 8_000)
    await leg.mark("said")
    await asyncio.sleep(0.25)
    assert len(leg.heard()) == 2_000
    events = aiter(leg)
    assert await anext(events) == MarkPlayed("said")
    assert leg.now_ms == pytest.approx(1_000)
    assert leg.heard() == b"\1" * 8_000


@pytest.mark.virtual_time
async def test_a_clear_cuts_at_the_sample_and_answers_marks_in_order() -> None:
    leg = FakeLeg()
    for number in "12":
        await leg.send(b"\1" * 8_000)
        await leg.mark(number)
    await asyncio.sleep(0.1)
    await leg.clear()
    events = aiter(leg)
    assert [await anext(events), await anext(events)] == [MarkPlayed("1"), MarkPlayed("2")]
    await asyncio.sleep(5)
    assert len(leg.heard()) == 800
    await leg.send(b"\2" * 80)
    await asyncio.sleep(1)
    assert [each.at_ms for each in leg.played] == pytest.approx([0, 5_100])
    assert len(leg.recording()) == pytest.approx(MULAW_8K.bytes_in(6_100), abs=8)


@pytest.mark.virtual_time
async def test_a_lost_leg_ends_without_hangup_and_a_caller_who_leaves_with_one() -> None:
    lost, left = FakeLeg(), FakeLeg()
    lost.press("5")
    lost.drop()
    left.hang_up("done")
    assert [event async for event in lost] == [Dtmf("5")]
    assert [event async for event in left] == [Hangup("done")]
    with pytest.raises(PatterConnectionError):
        await lost.send(b"\1")
    await lost.close()


@pytest.mark.virtual_time
async def test_a_recogniser_may_take_its_time_over_what_is_final() -> None:
    loop = asyncio.get_running_loop()
    async with FakeSTT(final_ms=250).open(CallContext(call_id="c"), MULAW_8K) as session:
        session.hear("he", final=False)
        session.hear("hello")
        heard = aiter(session)
        assert (await anext(heard), loop.time()) == (Transcript("he", False, end_ms=0), 0.0)
        assert (await anext(heard), loop.time()) == (Transcript("hello", True, end_ms=0), 0.25)


@pytest.mark.virtual_time
async def test_a_recogniser_hears_on_demand_and_loses_its_connection_on_demand() -> None:
    stt = FakeSTT()
    async with stt.open(CALL, PCM16_16K) as session:
        await session.send(b"\0" * 32_000)
        session.hear("hel", final=False)
        await session.finalize()
        session.fail()
        heard = []
        with pytest.raises(PatterConnectionError):
            async for event in session:
                assert isinstance(event, Transcript)
                heard.append((event.text, event.final, event.end_ms))
    assert heard == [("hel", False, 1_000), ("hel", True, 1_000)]


async def _conversation() -> tuple[list[str], list[tuple[float, bytes]]]:
    """A caller and an agent of three lines who speaks in FakeTTS, interrupted once."""
    leg, replies = FakeLeg(), []
    caller = Caller(leg)

    async def agent(text: str) -> None:
        async with FakeTTS().open(CALL, leg.audio) as voice:
            async for piece in voice.say(_one(text)):
                await leg.send(piece.audio)

    await agent("Hello.")
    replies.append(await caller.hears_the_agent_out())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(agent("One two three four."))
        await caller.hears_the_agent_begin()
        await caller.waits(300)
        await leg.clear()
    replies.append(await caller.hears_the_agent_out())
    await caller.presses("12#")
    await leg.close()
    await caller.hears_the_agent_hang_up()
    return replies, [(each.at_ms, each.audio) for each in leg.played]


async def _one(text: str) -> AsyncIterator[str]:
    yield text


def test_a_conversation_is_the_same_twice() -> None:
    first, second = run_virtual(_conversation()), run_virtual(_conversation())
    assert first == second
    assert first[0][0] == "Hello."
    assert "One two three four.".startswith(first[0][1])
    assert len(first[0][1]) < 8


@pytest.mark.virtual_time
async def test_a_caller_does_not_wait_for_ever() -> None:
    with pytest.raises(PatterTimeoutError, match="begin to speak"):
        await Caller(FakeLeg(), patience_ms=2_000).hears_the_agent_begin()


@given(ours.specs())
def test_drawn_specs_can_be_written_and_read(spec: ProviderSpec) -> None:
    assert ProviderSpec.parse(str(spec)) == spec


@given(st.data(), st.binary(max_size=200))
def test_drawn_cuts_join_to_the_whole(data: st.DataObject, whole: bytes) -> None:
    assert b"".join(data.draw(ours.chunkings(whole))) == whole


@given(ours.transcripts(), ours.e164_numbers(), ours.pcm(), ours.frames(MULAW_8K))
def test_drawn_values_keep_their_shape(
    transcript: Transcript, number: str, pcm: bytes, frames: list[bytes]
) -> None:
    assert [word.end_ms for word in transcript.words] == sorted(w.end_ms for w in transcript.words)
    assert 8 <= len(number) <= 16
    assert len(pcm) % 2 == 0
    assert all(len(frame) == 160 for frame in frames)


def test_every_public_name_can_be_imported() -> None:
    import patter_testing

    assert all(getattr(patter_testing, name) for name in patter_testing.__all__)
    with pytest.raises(AttributeError):
        _ = patter_testing.Nonsense
