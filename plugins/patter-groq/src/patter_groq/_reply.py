"""One streamed reply of Groq: chat completions, with what Groq tells in fields of its own (pure).

Tokens come in ``x_groq.usage`` of the last chunk, whether asked for or not; an error may be a
text in ``x_groq.error``, or an object with the status that it would have had.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from patter.providers.llm import LLMChunk
from patter.vendors.chat_wire import ChatReply
from patter_groq._errors import refused

STOPPED_EARLY = 500
"""What an error without a status is: Groq had begun, so it is not the request that is wrong."""


@attrs.define
class GroqReply(ChatReply):
    """One reply of *model*, event by event."""

    model: str = ""

    def read(self, chunk: Any) -> Iterator[LLMChunk]:
        """What *chunk* adds. Raises PatterError, `ToolUseFailed` for a tool call that is none."""
        own = chunk.get("x_groq") or {}
        if error := chunk.get("error") or own.get("error"):
            status, body = _status_of(chunk, error), {"error": error}
            raise refused(status, body, model=self.model, secret=self.secret)
        if own.get("usage") and not chunk.get("usage"):
            chunk = {**chunk, "usage": own["usage"]}
        yield from ChatReply.read(self, chunk)


def _status_of(event: Mapping[str, Any], error: object) -> int:
    """The status that *error* says it has."""
    inner = error.get("status_code") if isinstance(error, Mapping) else None
    for status in (inner, event.get("status_code")):
        if type(status) is int and 400 <= status < 600:
            return status
    named = isinstance(error, Mapping) and (error.get("code") or error.get("type"))
    return 400 if named else STOPPED_EARLY
