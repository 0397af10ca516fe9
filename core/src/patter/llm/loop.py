"""One reply of a model: text as it comes, tool rounds in between, until no tool is requested.

The loop does not deal with audio. Cancelling it cancels the model and whatever tool its
runner allows to be cancelled.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

import attrs

from patter.aio import OutOfTime, in_time, task_scope
from patter.errors import PatterTimeoutError, ProviderError
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

# A model that keeps requesting tools leaves the caller in silence; useful chains have two to four.
MAX_ROUNDS = 10


@attrs.frozen
class ModelWaits:
    """How long one request may take until its first chunk, and from chunk to chunk, in ms."""

    first_ms: int = 15_000
    next_ms: int = 4_000


USUAL_WAITS = ModelWaits()


@attrs.frozen
class ToolRound:
    """The model's tool requests and their results, as rows for its history."""

    rows: tuple[Message, ...]


LoopItem: TypeAlias = str | ToolRound | UsageChunk
ToolRunner: TypeAlias = Callable[[ToolRequest], Awaitable[str]]


@attrs.define
class _Call:
    """A tool call as its pieces add up."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""

    def add(self, piece: ToolCallChunk) -> None:
        self.id = self.id or piece.id
        self.name = self.name or piece.name
        self.arguments += piece.arguments


@attrs.define
class _Round:
    """The chunks of one request so far."""

    text: list[str] = attrs.field(factory=list)
    calls: list[_Call] = attrs.field(factory=list)
    _latest: dict[int, _Call] = attrs.field(factory=dict)

    def take(self, piece: ToolCallChunk) -> None:
        """Add *piece* to its call: that of its index, unless its id is another's."""
        call = self._latest.get(piece.index)
        if call is None or (piece.id and call.id and piece.id != call.id):
            own = (each for each in self.calls if each.index == piece.index)
            call = next((each for each in own if piece.id and each.id == piece.id), None)
            if call is None:
                call = _Call(piece.index)
                self.calls.append(call)
            self._latest[piece.index] = call
        call.add(piece)

    def requests(self) -> tuple[ToolRequest, ...]:
        """The finished calls, in the model's order; an id is made where the vendor has none."""
        made: dict[str, ToolRequest] = {}
        for place, call in enumerate(sorted(self.calls, key=lambda each: each.index)):
            name = call.id or f"call_{place}"
            made.setdefault(name, ToolRequest(name, call.name, call.arguments))
        return tuple(made.values())


async def reply(
    llm: LLM,
    messages: Sequence[Message],
    tools: Sequence[ToolSpec],
    call: CallContext,
    run: ToolRunner,
    max_rounds: int = MAX_ROUNDS,
    waits: ModelWaits = USUAL_WAITS,
    in_order: Callable[[ToolRequest], bool] = lambda _: True,
) -> AsyncGenerator[LoopItem, None]:
    """Yield text, usage and finished tool rounds.

    The tools of one round run side by side, unless *in_order* says of any of them that it has to
    wait for the one before.

    Raises PatterError as the model's provider does, TIMEOUT when a request takes longer than
    *waits*, and PROVIDER_ERROR when the model still asks for tools after *max_rounds* rounds or
    ends without saying that it is done.
    """
    rows = list(messages)
    for _ in range(max_rounds):
        this = _Round()
        request = LLMRequest(messages=tuple(rows), tools=tuple(tools), call=call)
        async with aclosing(_one_round(llm, request, this, waits)) as items:
            async for item in items:
                yield item
        requests = this.requests()
        if not requests:
            return
        answered = await _answers(requests, run, in_order)
        added = (Message("assistant", "".join(this.text), tool_calls=requests), *answered)
        rows += added
        yield ToolRound(added)
    raise ProviderError(
        f"the model asked for tools {max_rounds} times in one reply",
        fix="make the tool results say what to do next, or use a stronger model",
    )


async def _one_round(
    llm: LLM, request: LLMRequest, this: _Round, waits: ModelWaits
) -> AsyncGenerator[LoopItem, None]:
    stream: Any = llm.stream(request)
    async with aclosing(stream) as chunks:
        chunk = await _next(chunks, waits.first_ms, "at all")
        while chunk is not None:
            match chunk:
                case TextChunk(text) if text:
                    this.text.append(text)
                    yield text
                case ToolCallChunk():
                    this.take(chunk)
                case UsageChunk():
                    yield chunk
                case DoneChunk():
                    return
            chunk = await _next(chunks, waits.next_ms, "more in the middle of a reply")
    raise ProviderError(
        "the model's stream ended in the middle of a reply",
        fix="nothing to set: the reply is retried or apologised for; see the provider's status",
    )


async def _next(chunks: AsyncIterator[LLMChunk], within_ms: int, missing: str) -> LLMChunk | None:
    """The next chunk, None after the last; in time, because whoever listens hears silence."""
    try:
        return await in_time(anext(chunks, None), within_ms / 1_000)
    except OutOfTime as late:
        raise PatterTimeoutError(
            f"the model sent nothing {missing} for {within_ms} ms",
            fix="check the provider's status, or name a second model to fall back to",
        ) from late


async def _answers(
    requests: Sequence[ToolRequest], run: ToolRunner, in_order: Callable[[ToolRequest], bool]
) -> list[Message]:
    if len(requests) == 1 or any(map(in_order, requests)):
        return [await _answer(each, run) for each in requests]
    async with task_scope() as tasks:
        running = [
            tasks.create_task(_answer(each, run), name=f"tool-round-{each.id}") for each in requests
        ]
    return [each.result() for each in running]


async def _answer(request: ToolRequest, run: ToolRunner) -> Message:
    text = await run(request)
    return Message("tool", text, tool_call_id=request.id, name=request.name)
