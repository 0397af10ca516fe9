"""A request for a chat completion: what vendors refuse, and what a double's model reads (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter_testing.doubles.api_refusal import Refusal, check_fields, check_range

ROLES = ("developer", "system", "user", "assistant", "tool")


def check_chat(body: Mapping[str, Any], fields: Iterable[str]) -> None:
    """Raise Refusal for what every vendor would refuse; *fields* are those of this one."""
    check_fields(body, fields, ("model", "messages"))
    for name, low, high in (
        ("temperature", 0, 2),
        ("top_p", 0, 1),
        ("frequency_penalty", -2, 2),
        ("presence_penalty", -2, 2),
        ("max_completion_tokens", 1, 1 << 20),
    ):
        check_range(body, name, low, high)
    if body.get("stream_options") and not body.get("stream"):
        raise Refusal("'stream_options' needs 'stream' to be true.", param="stream_options")
    if not body.get("tools"):
        for name in ("tool_choice", "parallel_tool_calls"):
            if body.get(name) is not None:
                raise Refusal(f"'{name}' is only allowed when 'tools' are specified.", param=name)
    if len(body.get("stop") or ()) > 4 and isinstance(body["stop"], list):
        raise Refusal("'stop' has more than 4 items.", param="stop", code="array_above_max_length")
    check_rows(body["messages"])


def check_rows(rows: Any) -> None:
    """Raise Refusal for a role that there is not, and for a tool call that no row answers."""
    waiting: set[str] = set()
    for at, row in enumerate(rows):
        role = row.get("role") if isinstance(row, dict) else None
        if role not in ROLES:
            raise Refusal(f"Invalid value: '{role}'.", param=f"messages[{at}].role")
        if role == "tool":
            if row.get("tool_call_id") not in waiting:
                raise Refusal(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'.",
                    param=f"messages.[{at}].role",
                )
            waiting.discard(row["tool_call_id"])
        elif waiting:
            break
        waiting |= {call["id"] for call in row.get("tool_calls") or ()}
    if waiting:
        raise Refusal(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            f"to each 'tool_call_id'. No response for: {', '.join(sorted(waiting))}",
            param="messages",
        )


def rows_in(rows: Iterable[Mapping[str, Any]]) -> list[Message]:
    """The rows of a request, as the model reads them."""
    return [
        Message(
            "system" if row["role"] == "developer" else row["role"],
            text_in(row.get("content")),
            tuple(
                ToolRequest(call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in row.get("tool_calls") or ()
            ),
            row.get("tool_call_id", ""),
        )
        for row in rows
    ]


def text_in(content: Any) -> str:
    """The text of *content*, which may be in parts."""
    if content is None or isinstance(content, str):
        return content or ""
    return " ".join(part.get("text", "") for part in content)


def tools_in(body: Mapping[str, Any]) -> list[ToolSpec]:
    """The functions that may be called."""
    if body.get("tool_choice") == "none":
        return []
    functions = [tool["function"] for tool in body.get("tools") or ()]
    return [
        ToolSpec(each["name"], each.get("description", ""), each.get("parameters", {}))
        for each in functions
    ]


def prompt_tokens(rows: Iterable[Mapping[str, Any]]) -> int:
    """About as many tokens as *rows* have."""
    return sum(4 + len(str(row.get("content") or row.get("output") or "")) // 4 for row in rows)
