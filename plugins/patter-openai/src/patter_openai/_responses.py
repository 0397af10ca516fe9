"""The Responses protocol as pure functions: rows and tools as items, events as values.

No sockets, no clocks. The whole conversation is sent each time, as Patter keeps it: what a caller
did not hear, because they spoke, is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from patter.providers.llm import (
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
    ToolSpec,
    UsageChunk,
)
from patter.vendors.chat_wire import clean
from patter.vendors.error_bodies import error_in, reported
from patter.vendors.reply_stream import StreamedReply, text_of

_REASONS = {"max_output_tokens": "length"}


def request_body(request: LLMRequest, model: str) -> dict[str, Any]:
    """The JSON body that asks *model* for a streamed response."""
    items = [item for message in request.messages for item in _items(message)]
    body: dict[str, Any] = {"model": model, "input": items, "stream": True}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    return body


def text_format(response_format: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Chat's ``response_format`` as this protocol has it: a schema is not nested.

    >>> text_format({"type": "json_schema", "json_schema": {"name": "a", "schema": {}}})
    {'type': 'json_schema', 'name': 'a', 'schema': {}}
    """
    if response_format is None:
        return None
    nested = response_format.get("json_schema")
    flat = {name: each for name, each in response_format.items() if name != "json_schema"}
    return {**flat, **nested} if isinstance(nested, Mapping) else flat


def tool_choice(choice: str | Mapping[str, Any]) -> str | dict[str, Any]:
    """Chat's ``tool_choice`` as this protocol has it.

    >>> tool_choice({"type": "function", "function": {"name": "book"}})
    {'type': 'function', 'name': 'book'}
    """
    if isinstance(choice, str):
        return choice
    nested = choice.get("function")
    flat = {name: each for name, each in choice.items() if name != "function"}
    return {**flat, **nested} if isinstance(nested, Mapping) else flat


def _items(message: Message) -> Iterator[dict[str, Any]]:
    text = clean(message.text)
    if message.role == "tool":
        yield {"type": "function_call_output", "call_id": message.tool_call_id, "output": text}
        return
    if text or not message.tool_calls:
        yield {"role": message.role, "content": text}
    for call in message.tool_calls:
        yield {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": clean(call.arguments) or "{}",
        }


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
        # This protocol makes tools strict unless told otherwise, and then refuses most schemas.
        "strict": tool.strict,
    }


@attrs.define
class ResponsesReply(StreamedReply):
    """One response, event by event."""

    _calls: dict[int, int] = attrs.field(factory=dict, init=False)

    def read(self, event: Any) -> Iterator[LLMChunk]:
        match event.get("type"):
            case "response.output_text.delta" | "response.refusal.delta":
                yield TextChunk(text_of(event["delta"]))
            case "response.output_item.added" if event["item"]["type"] == "function_call":
                yield self._begun(event["output_index"], event["item"])
            case "response.function_call_arguments.delta":
                index = self._calls[event["output_index"]]
                yield ToolCallChunk(index, arguments=text_of(event["delta"]))
            case "response.completed" | "response.incomplete":
                self._end(event["response"])
            case "response.failed":
                raise reported(self.errors, error_in(event["response"]), secret=self.secret)
            case "error":
                raise reported(self.errors, error_in(event), secret=self.secret)
            case None:
                raise KeyError("type")

    def _begun(self, output_index: int, item: Mapping[str, Any]) -> ToolCallChunk:
        index = self._calls[output_index] = len(self._calls)
        return ToolCallChunk(
            index, text_of(item["call_id"]), text_of(item["name"]), text_of(item["arguments"])
        )

    def _end(self, response: Mapping[str, Any]) -> None:
        details = response.get("incomplete_details") or {}
        reason = str(details.get("reason") or "stop")
        called = self._calls and reason == "stop"
        self.reason = "tool_calls" if called else _REASONS.get(reason, reason)
        if usage := response.get("usage"):
            self.usage = _usage(usage)


def _usage(usage: Mapping[str, Any]) -> UsageChunk:
    details = usage.get("input_tokens_details") or {}
    cached, written = (int(details.get(f"cache{each}_tokens") or 0) for each in ("d", "_write"))
    return UsageChunk(
        input_tokens=max(0, int(usage["input_tokens"]) - cached - written),
        output_tokens=int(usage["output_tokens"]),
        cache_read_tokens=cached,
        cache_write_tokens=written,
    )
