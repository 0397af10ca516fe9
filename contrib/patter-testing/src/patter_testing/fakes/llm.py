"""A language model with scripted replies, delays and failures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

import attrs

from patter.errors import PatterError
from patter.providers.llm import (
    LLM,
    DoneChunk,
    LLMChunk,
    LLMRequest,
    TextChunk,
    ToolCallChunk,
    ToolRequest,
    UsageChunk,
)


@attrs.frozen(kw_only=True)
class Reply:
    """What one request is answered with.

    The first chunk comes after *first_ms*, each further one *gap_ms* later. With *fails*, that
    is raised after *fails_after* chunks. A *silent* reply never comes. *garbage* are chunks
    sent as they are, in place of text and tools.
    """

    text: str = ""
    tools: tuple[ToolRequest, ...] = ()
    first_ms: float = 0.0
    gap_ms: float = 0.0
    fails: PatterError | None = None
    fails_after: int = 0
    silent: bool = False
    garbage: tuple[LLMChunk, ...] = ()
    reason: str = "stop"

    def chunks(self) -> Iterator[LLMChunk]:
        """Everything before the DoneChunk: words, then tool calls in two pieces each."""
        yield from self.garbage
        for piece in re.findall(r"\s*\S+|\s+$", self.text):
            yield TextChunk(piece)
        for index, tool in enumerate(self.tools):
            half = len(tool.arguments) // 2
            yield ToolCallChunk(index, tool.id, tool.name, tool.arguments[:half])
            yield ToolCallChunk(index, arguments=tool.arguments[half:])
        yield UsageChunk(input_tokens=1, output_tokens=len(self.text.split()))


@attrs.frozen(kw_only=True)
class FakeLLM:
    """Answers the requests of a call with *replies*, one after the other, then repeats the last.

    With *answer*, that function decides instead. *requests* keeps what it was asked.
    """

    replies: tuple[Reply | str, ...] = ("Yes.",)
    answer: Callable[[LLMRequest], Reply | str] | None = None
    model: str = "fake"
    requests: list[LLMRequest] = attrs.field(factory=list, init=False, repr=False, eq=False)

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        reply = self._choose(request)
        if reply.silent:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(reply.first_ms / 1_000)
        for sent, chunk in enumerate(reply.chunks()):
            if reply.fails is not None and sent >= reply.fails_after:
                raise reply.fails
            if sent:
                await asyncio.sleep(reply.gap_ms / 1_000)
            yield chunk
        if reply.fails is not None:
            raise reply.fails
        yield DoneChunk("tool_calls" if reply.tools else reply.reason)

    def _choose(self, request: LLMRequest) -> Reply:
        count = sum(1 for each in self.requests if each.call.call_id == request.call.call_id)
        self.requests.append(request)
        chosen = self.answer(request) if self.answer else self.replies[count:] or self.replies[-1:]
        if isinstance(chosen, tuple):
            chosen = chosen[0]
        return Reply(text=chosen) if isinstance(chosen, str) else chosen


if TYPE_CHECKING:
    _: type[LLM] = FakeLLM
