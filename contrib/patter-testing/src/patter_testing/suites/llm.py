"""What every language model has to keep."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.llm import (
    LLM,
    DoneChunk,
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolRequest,
    ToolSpec,
    UsageChunk,
)
from patter_testing.suites.rules import (
    ANSWER_S,
    CLOSE_S,
    ProviderSuite,
    cancelled,
    has_fix,
    nothing_left,
    within,
)

BOOK = ToolSpec(
    "book_table",
    "Book a table.",
    {
        "type": "object",
        "properties": {"people": {"type": "integer"}},
        "required": ["people"],
        "additionalProperties": False,
    },
)


class LLMSuite(ProviderSuite):
    """Subclass, and return the model from ``provider``.

    Give the fixture ``tool_request`` a request that makes it call a tool, if it can.
    """

    @pytest.fixture
    def request_(self, call: CallContext) -> LLMRequest:
        """A request it answers with a few words."""
        messages = (Message("system", "Be brief."), Message("user", "Say hello."))
        return LLMRequest(messages=messages, call=call)

    @pytest.fixture
    def tool_request(self, request_: LLMRequest) -> LLMRequest:
        """A request it answers with a tool call."""
        question = (Message("user", "Book a table for two."),)
        return attrs.evolve(request_, messages=request_.messages[:1] + question, tools=(BOOK,))

    async def test_a_reply_ends_with_exactly_one_done(
        self, provider: LLM, request_: LLMRequest
    ) -> None:
        """Text comes in chunks, then one DoneChunk, then nothing.

        If this fails: yield DoneChunk once, from the vendor's finish reason.
        """
        chunks = await _asked(provider, request_)
        done = [at for at, chunk in enumerate(chunks) if isinstance(chunk, DoneChunk)]
        assert done == [len(chunks) - 1], f"DoneChunk at {done} of {len(chunks)} chunks"
        assert _text(chunks).strip(), "the reply has no text"

    async def test_every_chunk_is_of_a_known_kind(
        self, provider: LLM, request_: LLMRequest
    ) -> None:
        """Only text, tool call, usage and done chunks come.

        If this fails: drop what the vendor says besides, or turn it into text.
        """
        chunk_types = (TextChunk, ToolCallChunk, UsageChunk, DoneChunk)
        assert all(isinstance(chunk, chunk_types) for chunk in await _asked(provider, request_))

    async def test_a_tool_call_adds_up(self, provider: LLM, tool_request: LLMRequest) -> None:
        """The pieces of a tool call have one index, a name and an id first, JSON together.

        If this fails: carry the vendor's index through, and the name with the first piece.
        """
        from orjson import loads

        calls: dict[int, list[ToolCallChunk]] = {}
        for chunk in await _asked(provider, tool_request):
            if isinstance(chunk, ToolCallChunk):
                calls.setdefault(chunk.index, []).append(chunk)
        if not calls:
            pytest.skip("it called no tool; override 'tool_request' if it can")
        for pieces in calls.values():
            assert pieces[0].name, "the first piece has no name"
            assert pieces[0].id, "the first piece has no id"
            assert isinstance(loads("".join(each.arguments for each in pieces)), dict)

    async def test_the_answer_of_a_tool_can_be_sent_back(
        self, provider: LLM, tool_request: LLMRequest
    ) -> None:
        """A history with a tool call and its result is understood.

        If this fails: send tool rows with the vendor's name for ``tool_call_id``.
        """
        wanted = ToolRequest("call-1", BOOK.name, '{"people":2}')
        rows = (
            Message("assistant", tool_calls=(wanted,)),
            Message("tool", '{"ok":true}', tool_call_id="call-1", name=BOOK.name),
        )
        chunks = await _asked(
            provider, attrs.evolve(tool_request, messages=tool_request.messages + rows)
        )
        assert isinstance(chunks[-1], DoneChunk)

    async def test_a_closed_reply_is_over_within_a_second(
        self, provider: LLM, request_: LLMRequest
    ) -> None:
        """Closing the iterator aborts the request and leaves nothing.

        If this fails: hold the response in an ``async with`` inside the generator.
        """
        async with nothing_left():
            stream: Any = provider.stream(request_)
            assert hasattr(stream, "aclose"), "stream() must be an async generator"
            async with within(ANSWER_S, "the first chunk"):
                await anext(stream)
            async with within(CLOSE_S, "closing the reply"):
                await stream.aclose()

    async def test_cancelling_closes_within_a_second(
        self, provider: LLM, request_: LLMRequest
    ) -> None:
        """An interrupted reply is not waited for.

        If this fails: do not catch CancelledError, and bound what follows it.
        """

        async def answer(begun: asyncio.Event) -> None:
            async for _ in provider.stream(request_):
                begun.set()
                await asyncio.get_running_loop().create_future()

        async with nothing_left(), cancelled(answer):
            pass

    async def test_two_calls_do_not_mix(self, provider: LLM, request_: LLMRequest) -> None:
        """Two requests at once are both answered in full.

        If this fails: keep state in the generator, never in the provider.
        """
        other = attrs.evolve(request_, call=CallContext(call_id="suite-2"))
        async with asyncio.TaskGroup() as tasks:
            replies = [tasks.create_task(_asked(provider, each)) for each in (request_, other)]
        assert all(_text(each.result()).strip() for each in replies)
        assert all(isinstance(each.result()[-1], DoneChunk) for each in replies)

    async def test_a_refusal_says_what_to_do(self, refused: LLM, request_: LLMRequest) -> None:
        """A vendor that says no makes a PatterError with a fix.

        If this fails: map the vendor's status to AUTH, RATE_LIMIT, CONNECTION or TIMEOUT.
        """
        await _fails(refused, request_)

    async def test_a_vendor_that_hangs_up_raises(self, cut_off: LLM, request_: LLMRequest) -> None:
        """A reply cut off in the middle raises: nobody may take it for complete.

        If this fails: raise PatterConnectionError when the body ends without a finish reason.
        """
        await _fails(cut_off, request_)

    async def test_garbage_hangs_nobody(self, garbage: LLM, request_: LLMRequest) -> None:
        """A body that makes no sense raises a PatterError or is skipped, and never hangs.

        If this fails: let ``_wire.decode`` raise ProviderError for what it cannot read.
        """
        async with nothing_left():
            try:
                await _asked(garbage, request_)
            except Exception as error:
                has_fix(error)

    async def test_a_vendor_that_says_nothing_can_be_left(
        self, mute: LLM, request_: LLMRequest
    ) -> None:
        """A reply that never begins can be cancelled like any other.

        If this fails: do not shield the wait for the vendor's first byte.
        """

        async def answer(begun: asyncio.Event) -> None:
            begun.set()
            async for _ in mute.stream(request_):
                pass

        async with nothing_left(), cancelled(answer):
            pass


async def _asked(provider: LLM, request: LLMRequest) -> list[LLMChunk]:
    async with within(ANSWER_S, "a reply"):
        return [chunk async for chunk in provider.stream(request)]


async def _fails(provider: LLM, request: LLMRequest) -> None:
    async with nothing_left():
        with pytest.raises(PatterError) as raised:
            await _asked(provider, request)
    has_fix(raised.value)


def _text(chunks: list[LLMChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
