"""What every language model has to keep."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import attrs
import pytest

from patter.errors import ErrorCode, PatterError
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
    STALL_S,
    cancelled,
    has_fix,
    nothing_left,
    within,
)
from patter_testing.suites.vendor import VendorSuite, half_of

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

CANCEL = attrs.evolve(BOOK, name="cancel_table", description="Cancel a table.")
_TAIL_BYTES = 16
"""Held back of an answer; so much is the least that says that it has ended."""


class LLMSuite(VendorSuite):
    """Subclass, and return the model from ``provider``.

    Give the fixture ``tool_request`` a request that makes it call a tool, if it can, and
    ``tools_request`` one that makes it call two at once.
    """

    async def use(self, provider: LLM, call: CallContext) -> None:
        """Ask for a few words."""
        await _chunks_of(provider, _greeting(call))

    @pytest.fixture
    def request_(self, call: CallContext) -> LLMRequest:
        """A request it answers with a few words."""
        return _greeting(call)

    @pytest.fixture
    def tool_request(self, request_: LLMRequest) -> LLMRequest:
        """A request it answers with a tool call."""
        question = (Message("user", "Book a table for two."),)
        return attrs.evolve(request_, messages=request_.messages[:1] + question, tools=(BOOK,))

    @pytest.fixture
    def tools_request(self, request_: LLMRequest) -> LLMRequest:
        """A request it answers with two tool calls at once."""
        question = Message("user", "Book a table for two, and cancel the table for three.")
        return attrs.evolve(
            request_, messages=(*request_.messages[:1], question), tools=(BOOK, CANCEL)
        )

    async def test_a_reply_ends_with_exactly_one_done(
        self, provider: LLM, request_: LLMRequest
    ) -> None:
        """Text comes in chunks, then one DoneChunk, then nothing.

        If this fails: yield DoneChunk once, from the vendor's finish reason.
        """
        chunks = await _chunks_of(provider, request_)
        done = [at for at, chunk in enumerate(chunks) if isinstance(chunk, DoneChunk)]
        assert done == [len(chunks) - 1], f"DoneChunk at {done} of {len(chunks)} chunks"
        assert _text(chunks).strip(), "the reply has no text"
        done_chunk: Any = chunks[-1]
        assert done_chunk.reason, "the DoneChunk has no reason"

    async def test_every_chunk_is_of_a_known_kind(
        self, provider: LLM, request_: LLMRequest
    ) -> None:
        """Only text, tool call, usage and done chunks come.

        If this fails: drop what the vendor says besides, or turn it into text.
        """
        chunk_types = (TextChunk, ToolCallChunk, UsageChunk, DoneChunk)
        assert all(isinstance(chunk, chunk_types) for chunk in await _chunks_of(provider, request_))

    async def test_a_tool_call_adds_up(self, provider: LLM, tool_request: LLMRequest) -> None:
        """The pieces of a tool call have one index, a name and an id first, JSON together.

        If this fails: carry the vendor's index through, and the name with the first piece.
        """
        calls = _calls(await _chunks_of(provider, tool_request))
        if not calls:
            pytest.skip("it called no tool; override 'tool_request' if it can")
        _check_calls(calls, tool_request)

    async def test_two_tool_calls_are_kept_apart(
        self, provider: LLM, tools_request: LLMRequest
    ) -> None:
        """Tool calls made at once have an index, an id and arguments each.

        If this fails: carry the vendor's index and id through; where it gives none, count the
        calls of this reply and make an id of each.
        """
        calls = _calls(await _chunks_of(provider, tools_request))
        names = [piece.name for each in calls.values() for piece in each if piece.name]
        if len(names) > 1:
            assert len(calls) > 1, f"{' and '.join(names)} were called with one index"
        _check_calls(calls, tools_request)
        if len(calls) < 2:
            pytest.skip("it called no two tools; override 'tools_request' if it can")
        ids = [each[0].id for each in calls.values()]
        assert len(ids) == len(set(ids)), f"tool calls share an id: {ids}"

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
        chunks = await _chunks_of(
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
            replies = [tasks.create_task(_chunks_of(provider, each)) for each in (request_, other)]
        assert all(_text(each.result()).strip() for each in replies)
        assert all(isinstance(each.result()[-1], DoneChunk) for each in replies)

    async def test_a_refusal_says_what_to_do(self, refused: LLM, request_: LLMRequest) -> None:
        """A key that is refused is an AUTH error with a fix: trying again would not help.

        If this fails: raise AuthenticationError, and no PatterConnectionError, for a refused key.
        """
        error = await _failure(refused, request_)
        assert error.code == ErrorCode.AUTH, f"{error.code}, not AUTH"

    async def test_a_vendor_that_hangs_up_raises(self, cut_off: LLM, request_: LLMRequest) -> None:
        """A reply cut off in the middle raises: nobody may take it for complete.

        If this fails: raise PatterConnectionError when the body ends without a finish reason.
        """
        await _failure(cut_off, request_)

    async def test_tokens_are_told_once(self, provider: LLM, request_: LLMRequest) -> None:
        """A vendor's reply tells its tokens, and each of them once: chunks are added up.

        If this fails: ask the vendor for usage (some stream none unless asked), and where it
        counts on with every message, yield what came last.
        """
        chunks = await _chunks_of(provider, request_)
        used = [chunk for chunk in chunks if isinstance(chunk, UsageChunk)]
        if not used:
            self.address(provider)
            pytest.fail("no tokens were told", pytrace=False)
        for field in attrs.fields(UsageChunk):
            amounts = [getattr(chunk, field.name) for chunk in used]
            assert min(amounts) >= 0, f"{field.name} is {min(amounts)}"
            assert sum(amount > 0 for amount in amounts) <= 1, f"{field.name} is told as {amounts}"
        assert any(chunk.output_tokens for chunk in used), "the reply took no tokens"

    async def test_a_lost_connection_raises(self, provider: LLM, request_: LLMRequest) -> None:
        """A line that breaks, at once or in the middle, is an error that may pass, and no end.

        If this fails: yield DoneChunk for the vendor's finish reason only, never because the
        body has ended; raise PatterConnectionError then.
        """
        size = await self._size(provider, request_)
        for keep_bytes in (0, size // 2):
            async with (
                self.line(provider, keep_bytes=keep_bytes, cuts=True) as (broken, _),
                nothing_left(),
            ):
                with pytest.raises(PatterError) as raised:
                    await _chunks_of(broken, request_)
            has_fix(raised.value)
            assert raised.value.passing, f"{raised.value.code} is not tried again"

    async def test_half_a_reply_is_no_reply(self, provider: LLM, call: CallContext) -> None:
        """A stream that ends as it should, but in the middle, raises: the line was fine.

        If this fails: yield DoneChunk for the vendor's finish reason only, and raise
        PatterConnectionError when the stream ends without one.
        """
        async with half_of(self.address(provider)) as address:
            await self._failure(self.relocate(provider, address), call)

    async def test_text_does_not_wait_for_the_end(
        self, provider: LLM, request_: LLMRequest
    ) -> None:
        """Text that has arrived is yielded; a vendor that then stalls is left within a second.

        If this fails: ask the vendor for a stream, and read it piece by piece.
        """
        size = await self._size(provider, request_)
        keep_bytes = max(0, size - _TAIL_BYTES)
        async with self.line(provider, keep_bytes=keep_bytes) as (stalling, _):

            async def answer(begun: asyncio.Event) -> None:
                async for chunk in stalling.stream(request_):
                    if isinstance(chunk, TextChunk) and chunk.text:
                        asyncio.get_running_loop().call_later(STALL_S, begun.set)

            async with nothing_left(), cancelled(answer, "text before the end of the reply"):
                pass

    async def test_how_the_answer_arrives_changes_nothing(
        self, provider: LLM, request_: LLMRequest
    ) -> None:
        """The network cuts where it likes, in the middle of a line or a letter.

        If this fails: keep what is not a whole line for the next piece, as bytes.
        """
        whole = _text(await _chunks_of(provider, request_))
        async with self.line(provider, piece_bytes=7) as (cut, _):
            assert _text(await _chunks_of(cut, request_)) == whole

    async def _size(self, provider: LLM, request: LLMRequest) -> int:
        """How many bytes the vendor sends in answer to *request*."""
        async with self.line(provider) as (direct, between):
            await _chunks_of(direct, request)
            return between.arrived_bytes

    async def test_garbage_hangs_nobody(self, garbage: LLM, request_: LLMRequest) -> None:
        """A body that makes no sense raises a PatterError or is skipped, and never hangs.

        If this fails: let ``_wire.decode`` raise ProviderError for what it cannot read.
        """
        async with nothing_left():
            try:
                await _chunks_of(garbage, request_)
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


async def _chunks_of(provider: LLM, request: LLMRequest) -> list[LLMChunk]:
    async with within(ANSWER_S, "a reply"):
        return [chunk async for chunk in provider.stream(request)]


async def _failure(provider: LLM, request: LLMRequest) -> PatterError:
    async with nothing_left():
        with pytest.raises(PatterError) as raised:
            await _chunks_of(provider, request)
    has_fix(raised.value)
    return raised.value


def _greeting(call: CallContext) -> LLMRequest:
    messages = (Message("system", "Be brief."), Message("user", "Say hello."))
    return LLMRequest(messages=messages, call=call)


def _calls(chunks: list[LLMChunk]) -> dict[int, list[ToolCallChunk]]:
    """The pieces of each tool call, by index."""
    calls: dict[int, list[ToolCallChunk]] = {}
    for chunk in chunks:
        if isinstance(chunk, ToolCallChunk):
            calls.setdefault(chunk.index, []).append(chunk)
    return calls


def _check_calls(calls: dict[int, list[ToolCallChunk]], request: LLMRequest) -> None:
    """Fail unless every call is whole: a tool that was offered, one id, arguments in JSON."""
    offered = {tool.name for tool in request.tools}
    for index, pieces in calls.items():
        assert pieces[0].name, "the first piece has no name"
        assert pieces[0].name in offered, f"{pieces[0].name!r} was not offered"
        assert pieces[0].id, "the first piece has no id"
        ids = {piece.id for piece in pieces if piece.id}
        assert len(ids) == 1, f"the pieces of index {index} have the ids {sorted(ids)}"
        text = "".join(piece.arguments for piece in pieces)
        try:
            arguments = json.loads(text)
        except ValueError:
            pytest.fail(f"the arguments of {pieces[0].name} are not JSON: {text!r}")
        assert isinstance(arguments, dict), f"the arguments of {pieces[0].name}: {text!r}"


def _text(chunks: list[LLMChunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextChunk))
