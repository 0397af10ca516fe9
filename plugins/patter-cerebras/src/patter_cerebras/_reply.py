"""One streamed reply of Cerebras: chat completions, with what it leaves out put right (pure).

A tool call may have no index, a chunk no choices, and an error comes with its own status.
``reasoning`` and ``time_info`` are no part of what is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from patter.providers.llm import LLMChunk
from patter.vendors.chat_wire import ChatReply
from patter_cerebras._errors import refused


@attrs.define
class CerebrasReply(ChatReply):
    """One reply, event by event."""

    def read(self, chunk: Any) -> Iterator[LLMChunk]:
        """What *chunk* adds. Raises PatterError."""
        if chunk.get("error"):
            raise refused(_status_of(chunk), chunk, secret=self.secret)
        yield from ChatReply.read(self, {**chunk, "choices": _numbered(chunk.get("choices"))})


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
