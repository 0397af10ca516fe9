"""The chat-completions protocol as pure functions: rows and tools as JSON, chunks as values.

Many vendors speak it, and few of them exactly: what they leave out or repeat is put right here,
so that it is testable without a network. No sockets, no clocks, no vendor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import orjson

from patter.providers.llm import (
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolSpec,
    UsageChunk,
)
from patter.vendors.error_bodies import error_in, reported
from patter.vendors.reply_stream import StreamedReply, text_of


def request_body(request: LLMRequest, model: str) -> dict[str, Any]:
    """The JSON body that asks *model* for a streamed reply, tokens told at its end."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [_row(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    return body


def clean(text: str) -> str:
    """*text* without halves of surrogates, which no vendor's JSON can carry.

    >>> clean("a\\ud800b")
    'a?b'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def _row(message: Message) -> dict[str, Any]:
    row: dict[str, Any] = {"role": message.role, "content": clean(message.text)}
    if message.tool_calls:
        row["content"] = row["content"] or None
        row["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": clean(call.arguments) or "{}"},
            }
            for call in message.tool_calls
        ]
    if message.role == "tool":
        row["tool_call_id"] = message.tool_call_id
    return row


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


@attrs.define
class ChatReply(StreamedReply):
    """One reply, chunk by chunk."""

    _calls: ToolCalls = attrs.field(factory=lambda: ToolCalls(), init=False)

    def read(self, chunk: Any) -> Iterator[LLMChunk]:
        if chunk.get("error"):
            raise reported(self.errors, error_in(chunk), secret=self.secret)
        if usage := chunk.get("usage"):
            # Some count on with every chunk; the last counts.
            self.usage = _usage(usage)
        for choice in (chunk.get("choices") or ())[:1]:
            yield from self._delta(choice.get("delta") or {})
            self.reason = str(choice.get("finish_reason") or self.reason)

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[LLMChunk]:
        for text in (delta.get("content"), delta.get("refusal")):
            if text:
                yield TextChunk(text_of(text))
        for piece in delta.get("tool_calls") or ():
            yield self._calls.take(piece)


@attrs.define
class ToolCalls:
    """The tool calls of one reply, numbered from 0 in the order in which they began."""

    _now: dict[object, tuple[int, str]] = attrs.field(factory=dict, init=False)
    _count: int = attrs.field(default=0, init=False)

    def take(self, piece: Mapping[str, Any]) -> ToolCallChunk:
        """The chunk for *piece* of a call, told apart by index, or by id where all have one.

        >>> calls = ToolCalls()
        >>> [calls.take({"index": 0, "id": each, "function": {}}).index for each in ("a", "", "b")]
        [0, 0, 1]
        """
        function = piece.get("function") or {}
        place, new_id = piece.get("index"), text_of(piece.get("id") or "")
        now = self._now.get(place)
        begins = now is None or bool(new_id and new_id != now[1])
        if begins:
            now = self._now[place] = (self._count, new_id or f"call_{self._count}")
            self._count += 1
        assert now is not None
        return ToolCallChunk(
            now[0],
            now[1] if begins else "",
            text_of(function.get("name") or ""),
            _arguments(function.get("arguments")),
        )


def _arguments(value: object) -> str:
    """Arguments are JSON text; some send the object itself."""
    if isinstance(value, Mapping):
        return orjson.dumps(dict(value)).decode()
    return text_of(value or "")


def _usage(usage: Mapping[str, Any]) -> UsageChunk:
    """Tokens of a request; those read from or written to a cache are among the prompt's."""
    details = usage.get("prompt_tokens_details") or {}
    cached = _count(details.get("cached_tokens"))
    written = _count(details.get("cache_write_tokens"))
    return UsageChunk(
        input_tokens=max(0, _count(usage.get("prompt_tokens")) - cached - written),
        output_tokens=_count(usage.get("completion_tokens")),
        cache_read_tokens=cached,
        cache_write_tokens=written,
    )


def _count(value: object) -> int:
    return max(0, int(value)) if isinstance(value, int | float) else 0
