"""A request of the vendor as the rows and tools that the double's model is shown (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from patter.providers.llm import Message, ToolRequest, ToolSpec


def rows_of(body: Mapping[str, Any]) -> list[Message]:
    """The conversation, a row for each part."""
    parts = (body.get("systemInstruction") or {}).get("parts") or ()
    system = [Message("system", each.get("text", "")) for each in parts]
    return [*system, *(row for turn in body["contents"] for row in _rows(turn))]


def tools_of(body: Mapping[str, Any]) -> list[ToolSpec]:
    """The functions that may be called, whose schemas are JSON's again."""
    choice = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if choice.get("mode") == "NONE":
        return []
    return [
        ToolSpec(each["name"], each.get("description", ""), _schema(each.get("parameters") or {}))
        for tool in body.get("tools") or ()
        for each in tool.get("functionDeclarations") or ()
    ]


def _rows(turn: Mapping[str, Any]) -> Iterator[Message]:
    for part in turn["parts"]:
        if call := part.get("functionCall"):
            request = ToolRequest(call.get("id", ""), call["name"], json.dumps(call.get("args")))
            yield Message("assistant", tool_calls=(request,))
        elif response := part.get("functionResponse"):
            result = response.get("response") or {}
            yield Message("tool", str(result.get("output", json.dumps(result))))
        else:
            yield Message("assistant" if turn.get("role") == "model" else "user", part["text"])


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """*schema* with types as JSON schemas have them."""
    properties = {name: _schema(each) for name, each in (schema.get("properties") or {}).items()}
    kind = str(schema.get("type", "string")).lower()
    return {**schema, "type": kind, **({"properties": properties} if properties else {})}
