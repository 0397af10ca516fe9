"""Agents that are late, stop in the middle, never answer, refuse, or break off."""

from __future__ import annotations

from typing import Any

import pytest

from patter.audio.formats import MULAW_8K
from patter.errors import (
    ErrorCode,
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
)
from patter.providers.engine_events import (
    EngineProblem,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
)
from patter.providers.llm import Message
from patter_elevenlabs.double import convai_events as events
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.engine_vendor import conversation

from .convai_lab import CALL, MS_PER_LETTER, engine, quick, talking


async def opened(double: Any, **options: Any) -> Any:
    """The error that opening a conversation raises."""
    with pytest.raises(PatterError) as caught:
        async with conversation(engine(double, **options), CALL):
            pytest.fail("it opened")
    assert caught.value.fix
    return caught.value


async def test_an_agent_that_never_answers_has_failed_the_request() -> None:
    double = quick(VendorFaults(after=2, stalls=True))
    async with double.running(), talking(double, {"answer_s": 0.1}) as (session, read):
        done = await read.until_done(await session.respond())
        assert done.status is ResponseStatus.FAILED
        assert done.error is not None and done.error.code is ErrorCode.TIMEOUT
        # The session goes on.
        assert (await read.until_done(await session.respond())).status is ResponseStatus.FAILED


async def test_an_agent_that_stops_in_the_middle_ends_its_response() -> None:
    double = quick(VendorFaults(after=4, stalls=True), piece_ms=20)
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        done = await read.until_done(name)
    assert done.status is ResponseStatus.COMPLETED
    assert 0 < len(read.audio(name)) < len("Yes, we are open.") * MULAW_8K.bytes_in(MS_PER_LETTER)


async def test_a_silent_agent_can_be_interrupted_before_it_says_anything() -> None:
    double = quick(VendorFaults(after=2, stalls=True))
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        await session.interrupt(name, 0)
        done = await read.until_done(name)
    assert done.status is ResponseStatus.CANCELLED
    assert read.of(name)[0] == ResponseStarted(name, ResponseCause.REQUEST)


async def test_an_agent_that_begins_late_is_a_timeout() -> None:
    double = quick(VendorFaults(trickle_ms=5_000))
    async with double.running():
        error = await opened(double, open_s=0.1)
    assert isinstance(error, PatterTimeoutError)


async def test_a_request_that_stands_in_line_is_answered_after_the_one_before() -> None:
    double = quick(script=("One.", "Two.", "Three."))
    async with double.running(), talking(double) as (session, read):
        names = [await session.respond(str(number)) for number in range(3)]
        await read.until_done(names[-1])
    assert [read.text(name) for name in names] == ["One.", "Two.", "Three."]
    assert not [e for e in double.agent.latest.sent if e["type"] == "interruption"]


# What goes wrong.


async def test_an_override_that_is_not_allowed_says_where_to_allow_it() -> None:
    double = quick(allowed=frozenset())
    async with double.running():
        error = await opened(double)
    assert error.code is ErrorCode.CONFIG and "'prompt'" in error.message
    assert "Security" in error.fix


async def test_a_variable_that_is_missing_is_named() -> None:
    double = quick(required=frozenset({"name"}))
    async with double.running():
        error = await opened(double)
    assert error.code is ErrorCode.CONFIG and "name" in error.message
    assert "dynamic_variables" in error.fix


@pytest.mark.parametrize("options", [{"agent_id": "nobody"}, {"branch_id": "none"}])
async def test_an_agent_that_is_not_there_is_a_config_error(options: dict[str, Any]) -> None:
    double = quick()
    async with double.running():
        error = await opened(double, **options)
    assert error.code is ErrorCode.CONFIG and "agent_id" in error.fix


async def test_an_error_event_is_raised_with_its_meaning() -> None:
    double = quick()
    async with double.running(), talking(double) as (session, read):
        refusal = events.error(1002, "http_exception", "This request exceeds your quota.")
        await double.agent.latest.send(refusal)
        with pytest.raises(PatterConnectionError):
            await read.until(lambda event: False)
        with pytest.raises(PatterConnectionError):
            await session.respond()


@pytest.mark.parametrize(("code", "error"), [(1011, PatterConnectionError), (1008, PatterError)])
async def test_a_close_in_the_middle_is_raised(code: int, error: type[PatterError]) -> None:
    double = quick(VendorFaults(after=3, close_code=code))
    async with double.running(), talking(double) as (session, read):
        name = await session.respond()
        with pytest.raises(error) as caught:
            await read.until_done(name)
        assert str(code) in str(caught.value) or caught.value.fix


@pytest.mark.parametrize("faults", [{"over": True}, {"close_code": 1000}])
async def test_a_conversation_that_is_over_ends_the_events(faults: dict[str, Any]) -> None:
    double = quick(VendorFaults(after=3, **faults))
    async with double.running(), talking(double) as (session, _):
        await session.respond()
        async for _event in session:
            pass
        with pytest.raises(PatterConnectionError):
            await session.send(b"\xff" * 160)


async def test_a_message_that_is_too_long_is_raised() -> None:
    double = quick(VendorFaults(after=3, oversize=17 << 20))
    async with double.running(), talking(double) as (session, read):
        await session.respond()
        with pytest.raises(PatterError):
            await read.until(lambda event: False)


async def test_an_error_that_passes_has_a_fix() -> None:
    double = quick()
    async with double.running(), talking(double) as (_, read):
        await double.agent.warn()
        problem = await read.until(lambda event: isinstance(event, EngineProblem))
    assert isinstance(problem, EngineProblem) and problem.error.passing


@pytest.mark.parametrize("text", ["", "abc", "system__"])
async def test_odd_words_are_sent_as_they_are(text: str) -> None:
    double = quick()
    async with double.running(), talking(double) as (session, read):
        await session.send_text(text)
        await read.until(lambda event: isinstance(event, ResponseDone))
        assert double.agent.rows[0] == Message("user", text)
