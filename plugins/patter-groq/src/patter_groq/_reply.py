"""One streamed reply of Groq: chat completions, with what Groq tells in fields of its own (pure).

Tokens come in ``x_groq.usage`` of the last chunk, whether asked for or not; an error may be a
text in ``x_groq.error``, or an object with the status that it would have had.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.providers.llm import LLMChunk
from patter.vendors.chat_wire import ChatReply
from patter_groq._errors import ERRORS, refused

STOPPED_EARLY = 500
"""What an error without a status is: Groq had begun, so it is not the request that is wrong."""


@attrs.define
class GroqReply:
    """Reads one reply of *model*, event by event. *secret* is kept out of the errors it raises."""

    model: str = ""
    secret: str = attrs.field(default="", repr=False)
    _chat: ChatReply = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._chat = ChatReply(ERRORS, self.secret)

    @property
    def finished(self) -> bool:
        """Has Groq told why it stopped?"""
        return self._chat.finished

    def take(self, event: object) -> list[LLMChunk]:
        """What *event* adds. Raises PatterError, `ToolUseFailed` for a tool call that is none."""
        if isinstance(event, Mapping):
            own = event.get("x_groq")
            own = own if isinstance(own, Mapping) else {}
            if error := event.get("error") or own.get("error"):
                status, body = _status_of(event, error), {"error": error}
                raise refused(status, body, model=self.model, secret=self.secret)
            if own.get("usage") and not event.get("usage"):
                event = {**event, "usage": own["usage"]}
        return self._chat.take(event)

    def end(self) -> list[LLMChunk]:
        """What is said last. Raises PatterError when the reply is not complete."""
        return self._chat.end()


def _status_of(event: Mapping[str, Any], error: object) -> int:
    """The status that *error* says it has."""
    inner = error.get("status_code") if isinstance(error, Mapping) else None
    for status in (inner, event.get("status_code")):
        if type(status) is int and 400 <= status < 600:
            return status
    named = isinstance(error, Mapping) and (error.get("code") or error.get("type"))
    return 400 if named else STOPPED_EARLY
