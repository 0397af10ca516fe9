"""What a Live session knows of the conversation so far, how it ends, and what it costs."""

from __future__ import annotations

import pytest

from patter.errors import ErrorCode
from patter.providers.engine_events import (
    EngineProblem,
    ResponseAudio,
    ResponseStatus,
    SessionEnding,
    SessionHandle,
)
from patter.providers.llm import Message
from patter_google.double import GoogleDouble, LiveScript
from patter_testing.suites.engine_vendor import EventReader, setup_for

from .live_lab import CALL, OLD, engine, talking

HISTORY = (
    Message("assistant", "Good evening."),
    Message("user", "I am Rosalind."),
    Message("tool", "table 7", name="book", tool_call_id="c"),
    Message("assistant", "Welcome."),
)


# --- history, and the end of a connection


async def test_rows_come_before_the_conversation_and_are_not_answered() -> None:
    async with talking(history=HISTORY) as talk:
        await talk.events.until_done(await talk.session.respond())
        first, request = talk.sent("clientContent")
        assert talk.setup["historyConfig"] == {"initialHistoryInClientContent": True}
    assert first["turnComplete"] is True
    assert [(each["role"], [p["text"] for p in each["parts"]]) for each in first["turns"]] == [
        ("user", ["(call connected)"]),
        ("model", ["Good evening."]),
        ("user", ["I am Rosalind.", "(book gave: table 7)"]),
        ("model", ["Welcome."]),
    ]
    assert len(talk.events.started()) == 1 and request["turns"][0]["role"] == "user"


async def test_models_that_do_not_recall_rows_have_them_in_the_prompt() -> None:
    async with talking(settings={"model": OLD}, history=HISTORY) as talk:
        assert talk.sent("clientContent") == [] and "historyConfig" not in talk.setup
        told = talk.script.instructions
    assert told.startswith("Be brief.\n\n")
    assert told.endswith("Caller: I am Rosalind.\nTool result: table 7\nYou: Welcome.")


async def test_the_vendor_says_that_it_goes_and_the_next_session_goes_on() -> None:
    script = LiveScript(connection_s=0.2, warning_s=0.1)
    async with talking(script) as talk:
        await talk.events.until_done(await talk.session.respond("I am Rosalind."))
        handle = await talk.one(SessionHandle)
        assert await talk.one(SessionEnding) == SessionEnding(100)
        async for _ in talk.session:
            pass  # it ends in order
        provider = engine(talk.double)
        resumed = setup_for(provider, resume=handle.handle, history=HISTORY)
        script.connection_s = 60
        async with provider.open(CALL, resumed) as session:
            await EventReader(session).until_done(await session.respond())
            rows = [row.text for row in script.rows]
        assert talk.sent("setup")[1]["sessionResumption"] == {"handle": handle.handle}
        assert rows[0] == "I am Rosalind." and "Welcome." not in rows
    assert handle.handle not in repr(handle)


async def test_a_handle_that_is_too_old_is_done_without() -> None:
    async with GoogleDouble(live=LiveScript()).running() as double:
        provider = engine(double)
        stale = setup_for(provider, resume="long-gone", history=HISTORY)
        async with provider.open(CALL, stale) as session:
            await EventReader(session).until_done(await session.respond())
            assert "Welcome." in [row.text for row in double.live.rows]
        setups = [content for kind, content in double.log if kind == "setup"]
    assert [each["sessionResumption"] for each in setups] == [{"handle": "long-gone"}, {}]


async def test_a_connection_is_left_before_its_time_is_over() -> None:
    async with talking(settings={"connection_s": 1}) as talk:
        assert await talk.one(SessionEnding) == SessionEnding(1_000)
    async with talking(settings={"connection_s": "none"}) as talk:
        await talk.events.until_done(await talk.session.respond())
        assert not any(isinstance(each, SessionEnding) for each in talk.events.log)


# --- what it costs, and what goes wrong


async def test_usage_tells_text_from_audio_and_counts_thoughts() -> None:
    async with talking(LiveScript(thought="Let me see, what do they want?")) as talk:
        own = await talk.session.respond()
        done = await talk.events.until_done(own)
    assert done.usage is not None
    assert done.usage.input_text_tokens > 0 and done.usage.output_text_tokens == 8
    assert done.usage.output_audio_tokens == 16  # 10 letters of 60 ms, 25 tokens a second, 1
    assert talk.events.text(own) == "Of course.", "a thought is never spoken"


async def test_what_an_interrupted_response_cost_is_in_the_bill_of_the_next() -> None:
    script = LiveScript(lingers=True)
    async with talking(script) as talk:
        first = await talk.session.respond()
        await talk.one(ResponseAudio)
        await talk.session.interrupt(first, 0)
        script.lingers = False
        both = await talk.events.until_done(await talk.session.respond())
        alone = await talk.events.until_done(await talk.session.respond())
    assert both.usage is not None and alone.usage is not None
    assert both.usage.output_audio_tokens == 2 * alone.usage.output_audio_tokens


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        ("MALFORMED_FUNCTION_CALL", ResponseStatus.FAILED, ErrorCode.CONNECTION),
        ("RESPONSE_REJECTED", ResponseStatus.FAILED, ErrorCode.PROVIDER_ERROR),
        ("NEED_MORE_INPUT", ResponseStatus.INCOMPLETE, None),
    ],
)
async def test_a_turn_of_which_nothing_came_says_why(
    reason: str, status: ResponseStatus, code: ErrorCode | None
) -> None:
    async with talking(LiveScript(reasons=[reason])) as talk:
        done = await talk.events.until_done(await talk.session.respond())
        again = await talk.events.until_done(await talk.session.respond())
    assert (done.status, done.reason) == (status, reason)
    assert (done.error.code if done.error else None) == code
    assert again.status is ResponseStatus.COMPLETED


async def test_a_turn_that_nobody_waits_for_and_that_failed_is_a_problem_that_passes() -> None:
    async with talking() as talk:
        await talk.script.warn()
        problem = await talk.one(EngineProblem)
    assert problem.error.code is ErrorCode.PROVIDER_ERROR and problem.error.fix
