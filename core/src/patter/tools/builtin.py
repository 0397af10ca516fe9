"""The tools every agent has: ending the call and handing it over."""

from __future__ import annotations

from typing import Protocol

from patter.errors import PatterError
from patter.tools.tool import Tool

SUMMARY = "What the person should know, in at most 400 characters."


class Controls(Protocol):
    """What the built-in tools may do with a call."""

    async def hangup(self, reason: str = "agent") -> None: ...

    async def transfer(self, target: str, *, mode: str = "cold", summary: str = "") -> None: ...


def end_call_tool(controls: Controls) -> Tool:
    """End the call once everything said so far was heard."""

    async def end_call(reason: str = "agent") -> str:
        await controls.hangup(reason)
        return "The call ends as soon as the caller has heard you. Say goodbye if you have not."

    return Tool(
        name="end_call",
        description="End the phone call. Say goodbye in the same reply.",
        parameters={
            "type": "object",
            "properties": {"reason": {"type": "string", "description": "Why, in a few words."}},
        },
        handler=end_call,
        effect="idempotent",
    )


def transfer_call_tool(controls: Controls) -> Tool:
    """Hand the caller to somebody else once everything said so far was heard."""

    async def transfer_call(number: str, mode: str = "cold", summary: str = "") -> str:
        try:
            await controls.transfer(number, mode=mode, summary=summary)
        except PatterError as refused:
            return f"Not transferred: {refused.message}."
        return "The caller is being transferred."

    return Tool(
        name="transfer_call",
        description="Transfer the caller to a person. Tell the caller in the same reply.",
        parameters={
            "type": "object",
            "properties": {
                "number": {"type": "string", "description": "E.164 number or SIP address."},
                "mode": {"type": "string", "enum": ["cold", "warm"]},
                "summary": {"type": "string", "description": SUMMARY},
            },
            "required": ["number"],
        },
        handler=transfer_call,
        effect="idempotent",
    )
