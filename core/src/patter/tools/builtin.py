"""The tools every agent has: ending the call and handing it over."""

from __future__ import annotations

from typing import Any, Protocol

from patter.errors import PatterError
from patter.providers.llm import ToolSpec
from patter.tools.tool import Tool

SUMMARY = "What the person should know, in at most 400 characters."
END_CALL = ToolSpec(
    "end_call",
    "End the phone call. Say goodbye in the same reply.",
    {
        "type": "object",
        "properties": {"reason": {"type": "string", "description": "Why, in a few words."}},
    },
)
TRANSFER_CALL = ToolSpec(
    "transfer_call",
    "Transfer the caller to a person. Tell the caller in the same reply.",
    {
        "type": "object",
        "properties": {
            "number": {"type": "string", "description": "E.164 number or SIP address."},
            "mode": {"type": "string", "enum": ["cold", "warm"]},
            "summary": {"type": "string", "description": SUMMARY},
        },
        "required": ["number"],
    },
)


class Controls(Protocol):
    """What the built-in tools may do with a call."""

    async def hangup(self, reason: str = "agent") -> None: ...

    async def transfer(self, target: str, *, mode: str = "cold", summary: str = "") -> None: ...


def builtin_specs(*, transfers: bool) -> tuple[ToolSpec, ...]:
    """What a model is shown of them; *transfers*: this line can hand a caller over."""
    return (END_CALL, TRANSFER_CALL) if transfers else (END_CALL,)


def builtin_tools(controls: Controls, *, transfers: bool) -> tuple[Tool, ...]:
    """The tools of `builtin_specs`, which act on *controls*."""
    end_call = end_call_tool(controls)
    return (end_call, transfer_call_tool(controls)) if transfers else (end_call,)


def end_call_tool(controls: Controls) -> Tool:
    """End the call once everything said so far was heard."""

    async def end_call(reason: str = "agent") -> str:
        await controls.hangup(reason)
        return "The call ends as soon as the caller has heard you. Say goodbye if you have not."

    return _tool(END_CALL, end_call)


def transfer_call_tool(controls: Controls) -> Tool:
    """Hand the caller to somebody else once everything said so far was heard."""

    async def transfer_call(number: str, mode: str = "cold", summary: str = "") -> str:
        try:
            await controls.transfer(number, mode=mode, summary=summary)
        except PatterError as refused:
            return f"Not transferred: {refused.message}."
        return "The caller is being transferred."

    return _tool(TRANSFER_CALL, transfer_call)


def _tool(spec: ToolSpec, handler: Any) -> Tool:
    return Tool(
        name=spec.name,
        description=spec.description,
        parameters=spec.parameters,
        handler=handler,
        effect="idempotent",
    )
