"""One streamed reply, piece by piece: text, function calls and tokens as chunks.

Pure. Thoughts are never spoken; parts of other kinds are no news.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any
from uuid import uuid4

import attrs

from patter.errors import PatterConnectionError, PatterError, ProviderError
from patter.providers.llm import LLMChunk, TextChunk, ToolCallChunk, UsageChunk
from patter.vendors.reply_stream import StreamedReply, text_of
from patter_google._errors import refused
from patter_google._wire import OUR_ID

REFUSALS = frozenset(
    {
        "BLOCKLIST",
        "ESCALATION",
        "LANGUAGE",
        "MODEL_ARMOR",
        "OTHER",
        "PROHIBITED_CONTENT",
        "PUP_LIMITED_DISABLED",
        "RECITATION",
        "SAFETY",
        "SPII",
    }
)
"""Why a model does not say what it would have."""

BROKEN = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }
)
"""Why a reply is of no use; the next one may be."""


@attrs.define
class GeminiReply(StreamedReply):
    """A reply as it comes. *signatures* is told the id of each call, and what it is signed with."""

    signatures: MutableMapping[str, str] = attrs.field(factory=dict, repr=False)
    _message: str = attrs.field(default="", init=False)
    _calls: int = attrs.field(default=0, init=False)
    _spoke: bool = attrs.field(default=False, init=False)

    def failure(self) -> PatterError | None:
        """PatterConnectionError for a broken reply, ProviderError for a refused one."""
        detail = f" ({self.reason}{': ' + self._message[:100] if self._message else ''})"
        if self.reason == "MISSING_THOUGHT_SIGNATURE":
            return ProviderError(
                f"the model misses the signature of a function call{detail}",
                fix="begin a new call, or use a Gemini 2.5 model",
            )
        if self.reason in BROKEN:
            return PatterConnectionError(
                f"the model's reply was broken{detail}",
                fix="nothing to set: it is tried again; fewer tools, or simpler ones, help",
            )
        if self.reason in REFUSALS and not self._spoke:
            return ProviderError(
                f"the model refused to answer{detail}",
                fix="change what the prompt asks for, set safety, or name a second model",
            )
        return None

    def read(self, event: Any) -> Iterator[LLMChunk]:
        if "error" in event:
            raise refused(200, event, secret=self.secret)
        if usage := event.get("usageMetadata"):
            self.usage = _usage(usage)
        if blocked := (event.get("promptFeedback") or {}).get("blockReason"):
            raise ProviderError(
                f"Google blocked the prompt ({text_of(blocked)})",
                fix="change the prompt, set safety, or name a second model",
            )
        for candidate in (event.get("candidates") or ())[:1]:
            for part in (candidate.get("content") or {}).get("parts") or ():
                yield from self._part(part)
            if reason := candidate.get("finishReason"):
                self.reason = text_of(reason)
                self._message = text_of(candidate.get("finishMessage") or "")

    def _part(self, part: Mapping[str, Any]) -> Iterator[LLMChunk]:
        if call := part.get("functionCall"):
            yield self._called(call, text_of(part.get("thoughtSignature") or ""))
        elif not part.get("thought") and (text := text_of(part.get("text") or "")):
            self._spoke = True
            yield TextChunk(text)

    def _called(self, call: Mapping[str, Any], signature: str) -> ToolCallChunk:
        """A call, which comes whole; one without an id is given one, so that it is told apart."""
        theirs = text_of(call.get("id") or "")
        name = theirs or f"{OUR_ID}{uuid4().hex}"
        if theirs or signature:
            self.signatures[name] = signature
        index, self._calls, self._spoke = self._calls, self._calls + 1, True
        arguments = json.dumps(call.get("args") or {}, ensure_ascii=False)
        return ToolCallChunk(index, name, text_of(call["name"]), arguments)


def _usage(usage: Mapping[str, Any]) -> UsageChunk:
    """Tokens as we count them: what was read from a cache is not in the input, thoughts are in
    the output."""
    names = ("promptTokenCount", "toolUsePromptTokenCount", "cachedContentTokenCount")
    prompt, tools, cached = (int(usage.get(name) or 0) for name in names)
    written, thought = (int(usage.get(f"{n}TokenCount") or 0) for n in ("candidates", "thoughts"))
    return UsageChunk(max(0, prompt + tools - cached), written + thought, cached)
