"""One streamed reply, event by event: text, tool calls and tokens as chunks.

Pure. Thinking is never spoken; events and blocks that are not known are no news, as the vendor
says they may be added at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import orjson

from patter.errors import PatterError, ProviderError
from patter.providers.llm import LLMChunk, TextChunk, ToolCallChunk, UsageChunk
from patter.vendors.reply_stream import StreamedReply, text_of
from patter_anthropic._errors import refused

_TOKENS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}
"""The vendor's counts by ours. Its input leaves out what was read from a cache, as ours does."""


@attrs.define
class MessagesReply(StreamedReply):
    """A reply as it comes."""

    _refusal: str = attrs.field(default="", init=False)
    _spoke: bool = attrs.field(default=False, init=False)
    _calls: dict[int, _Call] = attrs.field(factory=dict, init=False)
    _used: dict[str, int] = attrs.field(factory=dict, init=False)

    def failure(self) -> PatterError | None:
        """ProviderError when the model refused to give any reply."""
        if self.reason != "refusal" or self._spoke:
            return None
        return ProviderError(
            f"the model refused to answer{self._refusal}",
            fix="change what the prompt asks for, or name a second model",
        )

    def read(self, event: Any) -> Iterator[LLMChunk]:
        match event.get("type"):
            case "message_start":
                yield from self._added(event["message"].get("usage"))
            case "content_block_start":
                yield from self._begin(event["index"], event["content_block"])
            case "content_block_delta":
                yield from self._add(event["index"], event["delta"])
            case "content_block_stop" if call := self._calls.get(event["index"]):
                # A tool without arguments sends none, and that is no JSON.
                yield from call.rest()
            case "message_delta":
                self._stop(event["delta"])
                yield from self._added(event.get("usage"))
            case "error":
                raise refused(200, event, secret=self.secret)
            case None:
                raise KeyError("type")

    def _begin(self, index: int, block: Mapping[str, Any]) -> Iterator[LLMChunk]:
        match block["type"]:
            case "text":
                yield from self._say(block.get("text") or "")
            case "tool_use":
                self._spoke = True
                call = self._calls[index] = _Call(len(self._calls), block.get("input") or {})
                yield ToolCallChunk(call.index, text_of(block["id"]), text_of(block["name"]))

    def _add(self, index: int, delta: Mapping[str, Any]) -> Iterator[LLMChunk]:
        match delta["type"]:
            case "text_delta":
                yield from self._say(delta["text"])
            case "input_json_delta" if call := self._calls.get(index):
                yield from call.add(text_of(delta["partial_json"]))

    def _say(self, text: object) -> Iterator[LLMChunk]:
        if text_of(text):
            self._spoke = True
            yield TextChunk(text_of(text))

    def _stop(self, delta: Mapping[str, Any]) -> None:
        self.reason = text_of(delta.get("stop_reason") or self.reason)
        details = delta.get("stop_details") or {}
        if why := details.get("category") or details.get("explanation"):
            self._refusal = f" ({text_of(why)[:100]})"

    def _added(self, usage: Mapping[str, Any] | None) -> Iterator[LLMChunk]:
        """What *usage* adds to what was told before: the vendor counts on.

        What was read is told at once, for it is paid for even when the caller interrupts.
        """
        added: dict[str, int] = {}
        for theirs, ours in _TOKENS.items():
            count = int((usage or {}).get(theirs) or 0)
            if theirs == "output_tokens" and not self.finished:
                continue
            added[ours] = max(0, count - self._used.get(ours, 0))
            self._used[ours] = self._used.get(ours, 0) + added[ours]
        if any(added.values()):
            yield UsageChunk(**added)


@attrs.define
class _Call:
    """A tool call: its place among the calls, and its arguments if they came with the name."""

    index: int
    whole: Mapping[str, Any]
    _came: bool = attrs.field(default=False, init=False)

    def add(self, piece: str) -> Iterator[LLMChunk]:
        if piece:
            self._came = True
            yield ToolCallChunk(self.index, arguments=piece)

    def rest(self) -> Iterator[LLMChunk]:
        if not self._came:
            yield from self.add(orjson.dumps(self.whole).decode())
