"""What every speech-to-speech engine has to keep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from patter.errors import ErrorCode, PatterError
from patter.providers.context import CallContext
from patter.providers.engine import (
    DELIVER_S,
    OPEN_S,
    Engine,
    EngineCapabilities,
    EngineSession,
    EngineTurns,
    EngineUpdate,
    TurnDetection,
)
from patter.providers.engine_events import (
    EngineProblem,
)
from patter_testing.suites.engine_conversation import ConversationRules
from patter_testing.suites.engine_responses import ResponseRules
from patter_testing.suites.engine_vendor import (
    EngineVendor,
    conversation,
    is_refused,
    setup_for,
)
from patter_testing.suites.rules import (
    ANSWER_S,
    CLOSE_S,
    cancelled,
    has_fix,
    nothing_left,
    within,
)
from patter_testing.suites.stt import silence


class EngineSuite(ResponseRules, ConversationRules):
    """Subclass, return the engine from ``provider`` and its vendor's simulator from ``vendor``."""

    @pytest.fixture
    def vendor(self) -> EngineVendor:
        """The double that ``provider`` talks to."""
        raise NotImplementedError("override the fixture 'vendor' in your subclass")

    async def use(self, provider: Engine, call: CallContext) -> None:
        """Open a session, which waits until the vendor is ready."""
        async with conversation(provider, call):
            pass

    async def test_every_declared_format_is_accepted(
        self, provider: Engine, call: CallContext
    ) -> None:
        """A session opens and takes audio in every pair of `accepts` and `produces`.

        If this fails: take the format out, or tell the vendor of it in ``open``.
        """
        for heard in provider.accepts:
            for spoken in provider.produces:
                limit = within(ANSWER_S, f"a session from {heard} to {spoken}")
                opening = conversation(provider, call, audio_in=heard, audio_out=spoken)
                async with limit, opening as (session, _):
                    await session.send(silence(heard, 100))

    async def test_what_is_not_declared_is_refused(
        self, provider: Engine, call: CallContext
    ) -> None:
        """A method that needs what `can` does not have raises a PatterError with a fix.

        If this fails: raise ``patter.providers.engine.unsupported``.
        """
        async with conversation(provider, call) as (session, _), within(ANSWER_S, "refusals"):
            for request in _undeclared(provider.can, session):
                await is_refused(request())
        for changes in _undeclared_setups(provider.can):
            with pytest.raises(PatterError) as raised:
                async with conversation(provider, call, **changes):
                    pass
            has_fix(raised.value)

    async def test_an_error_that_passes_ends_nothing(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """It is reported as EngineProblem, and the session goes on.

        If this fails: raise only for errors after which the vendor closes the connection.
        """
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "a response"),
        ):
            await vendor.warn()
            problem = await events.until(lambda event: isinstance(event, EngineProblem))
            await events.until_done(await session.respond())
        assert isinstance(problem, EngineProblem)
        has_fix(problem.error)

    async def test_a_closed_session_leaves_nothing(
        self, provider: Engine, call: CallContext
    ) -> None:
        """No task and no socket outlives the ``async with``.

        If this fails: own every task with ``task_scope`` and close the socket in ``open``.
        """
        async with nothing_left(), conversation(provider, call) as (session, _):
            await session.send(silence(provider.accepts[0], 100))

    async def test_a_closed_session_refuses_more(self, provider: Engine, call: CallContext) -> None:
        """Whoever holds on to a session that is over is told, and not kept waiting.

        If this fails: raise PatterConnectionError when the socket is closed.
        """
        async with conversation(provider, call) as (session, _):
            pass
        async with within(DELIVER_S, "a request to a closed session"):
            await is_refused(session.respond())

    async def test_the_end_of_a_session_ends_its_events(
        self, provider: Engine, call: CallContext
    ) -> None:
        """Whoever reads events is let go when the session closes.

        If this fails: close the queue of events in the ``finally`` of ``open``.
        """
        async with conversation(provider, call) as (session, _):
            events = aiter(session)
        async with within(CLOSE_S, "the end of iteration"):
            while await anext(events, None) is not None:
                pass

    async def test_cancelling_closes_within_a_second(
        self, provider: Engine, call: CallContext
    ) -> None:
        """A call that ends in the middle of a word is not kept waiting.

        If this fails: bound what ``open`` does after its ``yield``.
        """

        async def talk(begun: asyncio.Event) -> None:
            async with conversation(provider, call) as (session, _):
                await session.respond()
                begun.set()
                async for _ in session:
                    pass
                await asyncio.get_running_loop().create_future()

        async with nothing_left(), cancelled(talk):
            pass

    async def test_two_calls_do_not_mix(self, provider: Engine, call: CallContext) -> None:
        """Each session delivers its own response.

        If this fails: keep state in the session, never in the provider.
        """
        async with (
            within(ANSWER_S, "two responses"),
            conversation(provider, call) as (one, one_events),
            conversation(provider, call) as (other, other_events),
        ):
            first, second = await one.respond(), await other.respond()
            await other_events.until_done(second)
            await one_events.until_done(first)
        assert one_events.audio(first) and other_events.audio(second)
        assert len(one_events.started()) == len(other_events.started()) == 1

    async def test_a_refusal_says_what_to_do(self, refused: Engine, call: CallContext) -> None:
        """A key that is refused is an AUTH error with a fix: trying again would not help.

        If this fails: raise AuthenticationError, and no PatterConnectionError, for a refused key.
        """
        async with within(OPEN_S, "being refused"), nothing_left():
            with pytest.raises(PatterError) as raised:
                await self.use(refused, call)
        has_fix(raised.value)
        assert raised.value.code == ErrorCode.AUTH, f"{raised.value.code}, not AUTH"

    async def test_a_vendor_that_hangs_up_ends_the_events(
        self, cut_off: Engine, call: CallContext
    ) -> None:
        """Nobody waits for a closed connection.

        If this fails: end or fail the queue of events when the reader returns.
        """
        await _read_to_the_end(cut_off, call)

    async def test_garbage_hangs_nobody(self, garbage: Engine, call: CallContext) -> None:
        """Frames that make no sense are skipped or raise a PatterError, and never hang.

        If this fails: let ``_wire.decode`` raise ProviderError for what it cannot read.
        """
        await _read_to_the_end(garbage, call)

    async def test_opening_is_bounded(self, mute: Engine, call: CallContext) -> None:
        """With a silent vendor, `open` yields or raises a PatterError within `OPEN_S`.

        If this fails: put a timeout around the wait for the vendor's first message.
        """
        async with within(OPEN_S, "opening a session"):
            try:
                async with conversation(mute, call):
                    pass
            except PatterError as error:
                has_fix(error)

    async def test_a_vendor_that_says_nothing_can_be_left(
        self, mute: Engine, call: CallContext
    ) -> None:
        """A session whose vendor is silent closes as fast as any other.

        If this fails: do not wait for the vendor's answer to a goodbye for over a second.
        """

        async def talk(begun: asyncio.Event) -> None:
            begun.set()
            async with conversation(mute, call) as (session, events):
                await events.until_done(await session.respond())

        async with nothing_left(), cancelled(talk):
            pass


def _undeclared(
    can: EngineCapabilities, session: EngineSession
) -> list[Callable[[], Awaitable[None]]]:
    """One request for each thing that *can* does not have."""
    tools, prompt, voice = (
        EngineUpdate(tools=()),
        EngineUpdate(instructions="Sing."),
        EngineUpdate(voice="ada"),
    )
    requests: list[tuple[bool, Callable[[], Awaitable[None]]]] = [
        (can.text_in, lambda: session.send_text("hello")),
        (can.text_in, lambda: session.send_keys("1")),
        (TurnDetection.MANUAL in can.turn_detection, session.commit),
        (can.update_tools, lambda: session.update(tools)),
        (can.update_instructions, lambda: session.update(prompt)),
        (can.update_voice, lambda: session.update(voice)),
        (can.quiet_tool_results, lambda: session.tool_result("none", "", respond=False)),
    ]
    return [request for able, request in requests if not able]


def _undeclared_setups(can: EngineCapabilities) -> list[dict[str, Any]]:
    """Changes of a setup, each of which needs what *can* does not have."""
    detections = [each for each in TurnDetection if each not in can.turn_detection]
    setups: list[dict[str, Any]] = [{"turns": EngineTurns(detection=each)} for each in detections]
    if not can.text_out:
        setups.append({"text_only": True})
    return setups if can.resumption else [*setups, {"resume": "handle"}]


async def _read_to_the_end(provider: Engine, call: CallContext) -> None:
    async with within(ANSWER_S, "an engine in trouble"), nothing_left():
        try:
            async with provider.open(call, setup_for(provider)) as session:
                await session.send(silence(provider.accepts[0], 1_000))
                await session.respond()
                async for _ in session:
                    pass
        except Exception as error:
            has_fix(error)
