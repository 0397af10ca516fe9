"""A request of the vendor as the rows and tools that the double's model is shown (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from patter.providers.llm import Message, ToolRequest, ToolSpec


def rows_of(body: Mapping[str, Any]) -> list[Message]:
    """The conversation, a row for each block."""
    system = [Message("system", each["text"]) for each in _blocks(body.get("system") or [])]
    rows = [row for turn in body["messages"] for row in _rows(turn)]
    return [*system, *rows]


def tools_of(body: Mapping[str, Any]) -> list[ToolSpec]:
    """The tools that are offered."""
    return [
        ToolSpec(each["name"], each.get("description", ""), each["input_schema"])
        for each in body.get("tools") or ()
    ]


def _rows(turn: Mapping[str, Any]) -> Iterator[Message]:
    for block in _blocks(turn["content"]):
        match block["type"]:
            case "text":
                yield Message(turn["role"], block["text"])
            case "tool_use":
                call = ToolRequest(block["id"], block["name"], json.dumps(block["input"]))
                yield Message("assistant", tool_calls=(call,))
            case "tool_result":
                text = " ".join(each["text"] for each in _blocks(block.get("content") or ""))
                yield Message("tool", text, tool_call_id=block["tool_use_id"])


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
