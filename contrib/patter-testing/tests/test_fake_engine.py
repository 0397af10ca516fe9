"""FakeEngine is late, silent, stops in the middle and dies exactly as it was set to."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import attrs
import pytest

from patter.audio.formats import MULAW_8K
from patter.errors import InputError, PatterConnectionError
from patter.providers.context import CallContext
from patter.providers.engine import (
    EngineCapabilities,
    EngineSession,
    EngineSetup,
    EngineTurns,
    EngineUpdate,
    Truncation,
)
from patter.providers.engine_events import (
    EngineEvent,
    ResponseAudio,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseTruncated,
    VendorInterrupted,
)
from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter_testing import FakeEngine, read_back
from patter_testing.fakes.engine import FakeEngineSession

SETUP = EngineSetup(instructions="Be brief.", audio_in=MULAW_8K, audio_out=MULAW_8K)


def opened(
    engine: FakeEngine, setup: EngineSetup = SETUP
) -> AbstractAsyncContextManager[EngineSession]:
    return engine.open(CallContext(call_id="c"), setup)


async def until_done(session: EngineSession) -> list[EngineEvent]:
    events: list[EngineEvent] = []
    async for event in session:
        events.append(event)
        if isinstance(event, ResponseDone):
            break
    return events


def audio_of(events: list[EngineEvent]) -> bytes:
    return b"".join(event.audio for event in events if isinstance(event, ResponseAudio))


async def test_text_alone_has_no_audio_and_history_keeps_the_words_heard() -> None:
    engine = FakeEngine(replies=("We open at five.",))
    async with opened(engine, attrs.evolve(SETUP, text_only=True)) as session:
        assert isinstance(session, FakeEngineSession)
        response_id = await session.respond()
        events = await until_done(session)
        await session.interrupt_text(response_id, "We open")
        assert session.unread[-1] == ResponseTruncated(response_id, text="We open")
    assert audio_of(events) == b"" and any(isinstance(event, ResponseText) for event in events)
    assert engine.sessions[0].rows == [Message("assistant", "We open")]


async def test_a_session_that_speaks_takes_no_words_for_what_was_heard() -> None:
    async with opened(FakeEngine()) as session:
        assert isinstance(session, FakeEngineSession)
        with pytest.raises(InputError):
            await session.interrupt_text(await session.respond(), "Y")


async def test_an_engine_that_always_speaks_refuses_text_alone() -> None:
    engine = FakeEngine(can=EngineCapabilities())
    with pytest.raises(InputError, match="text alone"):
        async with opened(engine, attrs.evolve(SETUP, text_only=True)):
            pytest.fail("it opened")


async def test_replies_are_said_in_turn_and_the_last_again() -> None:
    engine = FakeEngine(replies=("one", "two"))
    spoken = []
    async with opened(engine) as session:
        for _ in range(3):
            await session.respond()
            spoken.append(read_back(audio_of(await until_done(session)), MULAW_8K))
    assert spoken == ["one", "two", "two"]


@pytest.mark.virtual_time
async def test_the_first_audio_is_as_late_as_it_was_set() -> None:
    engine = FakeEngine(open_ms=700, first_ms=900)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with opened(engine) as session:
        assert loop.time() - begun == pytest.approx(0.7)
        await session.respond()
        await until_done(session)
    assert loop.time() - begun == pytest.approx(1.6)


async def test_one_that_stalls_stops_in_the_middle_until_it_is_interrupted() -> None:
    engine = FakeEngine(replies=("hello there",), stalls_at_ms=300)
    async with opened(engine) as session:
        response_id = await session.respond()
        events = aiter(session)
        heard = [await anext(events) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert not engine.sessions[0].unread, "it went on"
        await session.interrupt(response_id, 120)
        done = await anext(events)
    assert len(audio_of(heard)) == MULAW_8K.bytes_in(300)
    assert isinstance(done, ResponseDone) and done.status is ResponseStatus.CANCELLED
    assert engine.sessions[0].rows == [Message("assistant", "he")]


async def test_one_that_fails_loses_the_connection_in_the_middle() -> None:
    engine = FakeEngine(replies=("hello there",), fails_at_ms=200)
    async with opened(engine) as session:
        await session.respond()
        events: list[EngineEvent] = []
        with pytest.raises(PatterConnectionError):
            async for event in session:
                events.append(event)
        with pytest.raises(PatterConnectionError):
            await session.respond()
    assert len(audio_of(events)) == MULAW_8K.bytes_in(200)
    assert not any(isinstance(event, ResponseDone) for event in events)


async def test_a_mute_one_begins_nothing_before_it_is_interrupted() -> None:
    async with opened(FakeEngine(mute=True)) as session:
        response_id = await session.respond()
        await asyncio.sleep(0.02)
        await session.interrupt(response_id, 0)
        first, last = await until_done(session)
    assert isinstance(first, ResponseStarted)
    assert isinstance(last, ResponseDone) and last.status is ResponseStatus.CANCELLED


async def test_the_caller_interrupts_a_response_only_where_the_setup_lets_the_vendor() -> None:
    engine = FakeEngine(replies=("hello there",))
    for interrupts in (True, False):
        turns = EngineTurns(interrupts=interrupts)
        setup = EngineSetup(instructions="", audio_in=MULAW_8K, audio_out=MULAW_8K, turns=turns)
        async with opened(engine, setup) as session:
            engine.sessions[-1].lingering = True
            response_id = await session.respond()
            await anext(aiter(session))
            engine.sessions[-1].hear("stop")
            if not interrupts:
                await session.interrupt(response_id, 0)
            events = await until_done(session)
        assert (VendorInterrupted(response_id) in events) == interrupts


async def test_truncating_cuts_the_response_it_names_and_no_other_of_the_same_words() -> None:
    engine = FakeEngine(replies=("hello",))
    async with opened(engine) as session:
        ids = []
        for _ in range(2):
            ids.append(await session.respond())
            await until_done(session)
        await session.interrupt(ids[1], 2 * engine.ms_per_letter)
    assert [row.text for row in engine.sessions[0].rows] == ["hello", "he"]


async def test_a_vendor_that_estimates_says_which_words_it_kept() -> None:
    engine = FakeEngine(
        replies=("hello",), can=EngineCapabilities(truncation=Truncation.VENDOR), ms_per_letter=50
    )
    async with opened(engine) as session:
        response_id = await session.respond()
        await until_done(session)
        await session.interrupt(response_id, 150)
        truncated = await anext(aiter(session))
    assert truncated == ResponseTruncated(response_id, text="hel")


async def test_words_that_need_not_be_exact_are_changed() -> None:
    async with opened(FakeEngine(can=EngineCapabilities())) as session:
        await session.say("Goodbye.")
        events = await until_done(session)
    assert [each.text for each in events if isinstance(each, ResponseText)] != ["Goodbye."]


async def test_an_update_that_asks_for_too_much_changes_nothing() -> None:
    tool = ToolSpec("book", "", {"type": "object"})
    engine = FakeEngine(can=EngineCapabilities(update_tools=True))
    async with opened(engine) as session:
        with pytest.raises(InputError, match="change its voice in mid-call"):
            await session.update(EngineUpdate(tools=(tool,), voice="ada"))
    assert engine.sessions[0].tools == ()


async def test_a_failed_result_is_marked_as_such() -> None:
    engine = FakeEngine()
    async with opened(engine) as session:
        engine.sessions[0].want(ToolRequest("t1", "book", "{}"))
        await until_done(session)
        await session.tool_result("t1", "no table", failed=True, respond=False)
    assert engine.sessions[0].results == {"t1": "no table"}
    assert engine.sessions[0].failures == {"t1"}
