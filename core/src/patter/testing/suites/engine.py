"""What every speech-to-speech engine has to keep."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.engine import (
    Engine,
    EngineAudio,
    EngineBrief,
    EngineDone,
    EngineSession,
    EngineText,
)
from patter.testing.suites.rules import (
    ANSWER_S,
    CLOSE_S,
    ProviderSuite,
    cancelled,
    has_fix,
    nothing_left,
    within,
)
from patter.testing.suites.stt import silence

BRIEF = EngineBrief(system_prompt="Be brief.", first_message="Hello.")


class EngineSuite(ProviderSuite):
    """Subclass, and return the engine from ``provider``."""

    async def test_every_declared_format_is_accepted(
        self, provider: Engine, call: CallContext
    ) -> None:
        """A session opens and takes audio in every pair of `accepts` and `produces`.

        If this fails: take the format out, or tell the vendor of it in ``open``.
        """
        for heard in provider.accepts:
            for said in provider.produces:
                limit = within(ANSWER_S, f"a session from {heard} to {said}")
                async with limit, provider.open(call, BRIEF, heard, said) as session:
                    await session.send(silence(heard, 100))

    async def test_a_response_comes_whole_under_its_id(
        self, provider: Engine, call: CallContext
    ) -> None:
        """Audio and text of a response carry its id, and EngineDone ends it.

        If this fails: return the id that the vendor's events will carry.
        """
        async with _open(provider, call) as session, within(ANSWER_S, "a response"):
            response_id = await session.respond("Say hello.")
            audio, text = await _response(session, response_id)
        assert audio, "the response has no audio"
        assert text.strip(), "the response has no text"

    async def test_a_cancelled_response_is_followed_by_the_next(
        self, provider: Engine, call: CallContext
    ) -> None:
        """After a cancel the session responds again, under another id.

        If this fails: send the vendor's cancel and truncate, and go on reading.
        """
        async with _open(provider, call) as session, within(ANSWER_S, "two responses"):
            first = await session.respond()
            await session.cancel(first, 100)
            second = await session.respond()
            assert first != second, "two responses have one id"
            audio, _ = await _response(session, second)
        assert audio, "after a cancel there is no audio"

    async def test_a_closed_session_leaves_nothing(
        self, provider: Engine, call: CallContext
    ) -> None:
        """No task and no socket outlives the ``async with``.

        If this fails: own every task with ``task_scope`` and close the socket in ``open``.
        """
        async with nothing_left(), _open(provider, call) as session:
            await session.send(silence(provider.accepts[0], 100))

    async def test_the_end_of_a_session_ends_its_events(
        self, provider: Engine, call: CallContext
    ) -> None:
        """Whoever reads events is let go when the session closes.

        If this fails: close the queue of events in the ``finally`` of ``open``.
        """
        async with _open(provider, call) as session:
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
            async with _open(provider, call) as session:
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
            _open(provider, call) as one,
            _open(provider, call) as other,
        ):
            first, second = await one.respond(), await other.respond()
            assert (await _response(other, second))[0]
            assert (await _response(one, first))[0]

    async def test_a_refusal_says_what_to_do(self, refused: Engine, call: CallContext) -> None:
        """A vendor that says no makes `open` raise a PatterError with a fix.

        If this fails: map the vendor's status to AUTH, RATE_LIMIT, CONNECTION or TIMEOUT.
        """
        async with within(ANSWER_S, "being refused"), nothing_left():
            with pytest.raises(PatterError) as raised:
                async with _open(refused, call) as session:
                    await _response(session, await session.respond())
        has_fix(raised.value)

    async def test_a_vendor_that_hangs_up_ends_the_events(
        self, cut_off: Engine, call: CallContext
    ) -> None:
        """Nobody waits for a closed connection.

        If this fails: end or fail the queue of events when the reader returns.
        """
        await _talk_out(cut_off, call)

    async def test_garbage_hangs_nobody(self, babbling: Engine, call: CallContext) -> None:
        """Frames that make no sense are skipped or raise a PatterError, and never hang.

        If this fails: let ``_wire.decode`` raise ProviderError for what it cannot read.
        """
        await _talk_out(babbling, call)

    async def test_a_vendor_that_says_nothing_can_be_left(
        self, mute: Engine, call: CallContext
    ) -> None:
        """A session whose vendor is silent closes as fast as any other.

        If this fails: do not wait for the vendor's answer to a goodbye for over a second.
        """

        async def talk(begun: asyncio.Event) -> None:
            begun.set()
            async with _open(mute, call) as session:
                await _response(session, await session.respond())

        async with nothing_left(), cancelled(talk):
            pass


def _open(provider: Engine, call: CallContext) -> AbstractAsyncContextManager[EngineSession]:
    return provider.open(call, BRIEF, provider.accepts[0], provider.produces[0])


async def _response(session: EngineSession, response_id: str) -> tuple[bytes, str]:
    audio, text = b"", ""
    async for event in session:
        if isinstance(event, EngineAudio) and event.response_id == response_id:
            audio += event.audio
        elif isinstance(event, EngineText) and event.response_id == response_id:
            text += event.text
        elif isinstance(event, EngineDone) and event.response_id == response_id:
            break
    return audio, text


async def _talk_out(provider: Engine, call: CallContext) -> None:
    async with within(ANSWER_S, "an engine in trouble"), nothing_left():
        try:
            async with _open(provider, call) as session:
                await session.send(silence(provider.accepts[0], 1_000))
                await _response(session, await session.respond())
        except Exception as error:
            has_fix(error)
