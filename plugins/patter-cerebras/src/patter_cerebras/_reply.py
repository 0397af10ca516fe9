"""One streamed reply of Cerebras: chat completions, with what it leaves out put right (pure).

A tool call may have no index, a chunk no choices, and an error comes with its own status.
``reasoning`` and ``time_info`` are no part of what is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter.providers.llm import LLMChunk
from patter.vendors.chat_wire import ChatReply
from patter_cerebras._errors import ERRORS, refused


@attrs.define
class CerebrasReply:
    """Reads one reply, event by event. *secret* is kept out of the errors that it raises."""

    secret: str = attrs.field(default="", repr=False)
    _chat: ChatReply = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._chat = ChatReply(ERRORS, self.secret)

    @property
    def finished(self) -> bool:
        """Has Cerebras told why it stopped?"""
        return self._chat.finished

    def take(self, event: object) -> list[LLMChunk]:
        """What *event* adds. Raises PatterError."""
        if isinstance(event, Mapping):
            if event.get("error"):
                raise refused(_status_of(event), event, secret=self.secret)
            event = {**event, "choices": _numbered(event.get("choices"))}
        return self._chat.take(event)

    def end(self) -> list[LLMChunk]:
        """What is said last. Raises PatterError when the reply is not complete."""
        return self._chat.end()


def _status_of(event: Mapping[str, Any]) -> int:
    """The status that an error in a stream says it has; without one it is the vendor's fault."""
    status = event.get("status_code")
    return status if type(status) is int and 400 <= status < 600 else 500


def _numbered(choices: Any) -> Any:
    """*choices*, in which every tool call has an index: its place, unless it says another.

    >>> _numbered([{"delta": {"tool_calls": [{"id": "a"}, {"id": "b", "index": 1}]}}])
    [{'delta': {'tool_calls': [{'id': 'a', 'index': 0}, {'id': 'b', 'index': 1}]}}]
    """
    first = choices[0] if isinstance(choices, list) and choices else None
    delta = first.get("delta") if isinstance(first, Mapping) else None
    calls = delta.get("tool_calls") if isinstance(delta, Mapping) else None
    if not isinstance(calls, list) or not all(isinstance(call, Mapping) for call in calls):
        return choices
    numbered = [
        {**call, "index": at} if call.get("index") is None else call
        for at, call in enumerate(calls)
    ]
    assert first is not None and delta is not None
    return [{**first, "delta": {**delta, "tool_calls": numbered}}]
