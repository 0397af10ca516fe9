"""Calls of tools in a session of the double: issued, answered, or taken back (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import attrs

from patter.providers.llm import Message, ToolRequest
from patter_google.double.live_rules import BAD_ARGUMENT, LiveRefusal, waits_for


@attrs.define(eq=False)
class LiveCalls:
    """Those of a session with *setup* at *model*; in the cloud, results may have no id."""

    setup: dict[str, Any]
    model: str
    vertexai: bool
    _waiting: dict[str, ToolRequest] = attrs.field(factory=dict, init=False)
    _issued: set[str] = attrs.field(factory=set, init=False)
    _ids: Iterator[int] = attrs.field(factory=lambda: count(1), init=False)

    def issue(self, call: ToolRequest, *, keep: bool) -> ToolRequest:
        """*call* with an id of the vendor's, or with its own to *keep*."""
        made = (
            call
            if keep
            else ToolRequest(f"function-call-{next(self._ids)}", call.name, call.arguments)
        )
        self._waiting[made.id] = made
        self._issued.add(made.id)
        return made

    @property
    def waiting(self) -> bool:
        """Is any result missing?"""
        return bool(self._waiting)

    @property
    def blocking(self) -> list[str]:
        """The ids of calls that the model waits for."""
        return [call.id for call in self._waiting.values() if self.blocks(call)]

    def blocks(self, call: ToolRequest) -> bool:
        """Does the model wait for the result of *call*?"""
        return call.id in self._waiting and waits_for(self._function(call.name), self.model)

    def cancel(self) -> list[str]:
        """Take back what the model waits for; returns the ids."""
        cancelled = self.blocking
        for call_id in cancelled:
            del self._waiting[call_id]
        return cancelled

    def take(self, result: Mapping[str, Any]) -> tuple[Message, bool] | None:
        """The row of a ``functionResponse``, and whether the model answers it.

        None for a call that was taken back. Raises LiveRefusal.
        """
        name, call_id = result.get("name"), result.get("id")
        response = result.get("response")
        if call_id is None and self.vertexai:
            call_id = next((i for i, each in self._waiting.items() if each.name == name), None)
        if call_id is None or call_id not in self._issued or not isinstance(response, dict):
            raise LiveRefusal(BAD_ARGUMENT)
        if (call := self._waiting.pop(call_id, None)) is None:
            return None
        blocking = waits_for(self._function(call.name), self.model)
        text = response.get("output", response.get("error", json.dumps(response)))
        row = Message("tool", str(text), tool_call_id=call.id, name=call.name)
        return row, blocking or result.get("scheduling") != "SILENT"

    def _function(self, name: str) -> Mapping[str, Any]:
        functions = (
            function
            for tool in self.setup.get("tools") or ()
            for function in tool.get("functionDeclarations") or ()
        )
        return next((each for each in functions if each["name"] == name), {})
