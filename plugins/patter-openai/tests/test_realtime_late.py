"""What of a conversation comes late, stops in the middle or never comes; and before a call."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter import ErrorCode, PatterError
from patter.providers.context import CallContext
from patter.providers.engine_events import (
    ResponseAudio,
    ResponseStatus,
    SessionEnding,
)
from patter_openai import OpenAIRealtime
from patter_openai.double import OpenAIDouble
from patter_openai.double.realtime_script import RealtimeScript
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.engine_vendor import EventReader, setup_for

from .realtime_harness import CALL, talking

# --- late, silent, gone


async def test_a_response_of_which_nothing_comes_has_failed() -> None:
    faults = VendorFaults(stalls=True, after=2)
    async with talking(faults=faults, settings={"response_s": 0.1}) as talk:
        done = await talk.events.until_done(await talk.session.respond())
    assert done.status is ResponseStatus.FAILED
    assert done.error is not None and done.error.code is ErrorCode.TIMEOUT


async def test_a_response_that_stops_in_the_middle_has_failed_too() -> None:
    faults = VendorFaults(stalls=True, after=9)
    async with talking(faults=faults, settings={"response_s": 0.1}) as talk:
        own = await talk.session.respond()
        done = await talk.events.until_done(own)
    assert talk.events.audio(own)
    assert done.error is not None and done.error.code is ErrorCode.TIMEOUT


async def test_a_slow_response_is_not_a_silent_one() -> None:
    script = RealtimeScript(replies=("One, two, three, four, five, six.",), pace_ms=50)
    async with talking(script, settings={"response_s": 0.2}) as talk:
        done = await talk.events.until_done(await talk.session.respond())
    assert done.status is ResponseStatus.COMPLETED


async def test_the_vendor_that_does_not_end_an_interrupted_response_is_not_waited_for() -> None:
    faults = VendorFaults(stalls=True, after=9)
    async with talking(faults=faults) as talk:
        own = await talk.session.respond()
        await talk.one(ResponseAudio)
        await talk.session.interrupt(own, 20)
        async with asyncio.timeout(1):
            done = await talk.events.until_done(own)
    assert done.status is ResponseStatus.CANCELLED


async def test_the_end_of_a_session_is_told_before_it_comes() -> None:
    async with talking(RealtimeScript(session_s=60.2)) as talk:
        ending = await talk.one(SessionEnding)
    assert ending == SessionEnding(60_000)


async def test_the_end_of_a_session_may_pass() -> None:
    with pytest.raises(PatterError) as raised:
        async with talking(RealtimeScript(session_s=0.1)) as talk:
            async for _ in talk.session:
                pass
    assert raised.value.passing and "maximum duration" in raised.value.message


async def test_a_vendor_that_hangs_up_in_order_ends_the_events() -> None:
    async with talking() as talk:
        await talk.script.session.socket.close()  # type: ignore[attr-defined]
        assert [event async for event in talk.session] == []


@pytest.mark.parametrize(
    ("code", "reason", "meaning"),
    [
        (4000, "invalid_request_error.model_not_found", ErrorCode.CONFIG),
        (4000, "invalid_request_error.session_expired", ErrorCode.CONNECTION),
        (1011, "keepalive ping timeout", ErrorCode.CONNECTION),
        (1001, "", ErrorCode.CONNECTION),
    ],
)
async def test_a_vendor_that_hangs_up_out_of_order_says_why(
    code: int, reason: str, meaning: ErrorCode
) -> None:
    async with talking() as talk:
        socket = talk.script.session.socket  # type: ignore[attr-defined]
        await socket.close(code=code, message=reason.encode())
        with pytest.raises(PatterError) as raised:
            async for _ in talk.session:
                pass
        with pytest.raises(PatterError) as again:
            await talk.session.respond()
    assert raised.value.code is meaning
    assert again.value is raised.value, "whoever asks later is told the same"


@pytest.mark.parametrize(
    ("model", "code"), [("gpt-9", ErrorCode.CONFIG), ("", ErrorCode.PROVIDER_ERROR)]
)
async def test_a_model_that_is_not_there_is_said_so(model: str, code: ErrorCode) -> None:
    with pytest.raises(PatterError) as raised:
        async with talking(settings={"model": model}):
            pytest.fail("it opened")
    assert raised.value.code is code


async def test_a_setting_that_the_vendor_refuses_is_said_so() -> None:
    with pytest.raises(PatterError, match=r"session\.audio\.output\.voice|alloy"):
        async with talking(settings={"voice": "nobody"}):
            pytest.fail("it opened")


# --- before a call


async def test_a_check_asks_for_the_model_and_the_time() -> None:
    async with OpenAIDouble().running() as double:
        engine = double.pointed(OpenAIRealtime(api_key="k"))
        report = await engine.check()
        assert report.text == "gpt-realtime-mini" and report.wall is not None
        with pytest.raises(PatterError) as raised:
            await attrs.evolve(engine, model="gpt-9").check()
        assert raised.value.code is ErrorCode.CONFIG
        with pytest.raises(PatterError) as raised:
            await attrs.evolve(engine, api_key="another").check()
        assert raised.value.code is ErrorCode.AUTH


async def test_a_warm_engine_opens_on_the_connection_it_has() -> None:
    from patter.client_pool import client_pool

    async with OpenAIDouble().running() as double, client_pool() as pool:
        engine = double.pointed(OpenAIRealtime(api_key="k"))
        await engine.warm()
        connector: Any = pool.http.connector
        idle = sum(map(len, connector._conns.values()))
        async with engine.open(CALL, setup_for(engine)) as session:
            assert sum(map(len, connector._conns.values())) == idle - 1 == 0
            await EventReader(session).until_done(await session.respond())


async def test_a_call_has_its_own_clock() -> None:
    call = CallContext(call_id="c")
    async with OpenAIDouble().running() as double:
        engine = double.pointed(OpenAIRealtime(api_key="k"))
        async with engine.open(call, setup_for(engine)) as session:
            assert session.expires_at is not None
            assert 3_500 < session.expires_at - call.clock.wall() <= 3_600
