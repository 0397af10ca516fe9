"""What the agent of a bad day answers."""

from __future__ import annotations

from patter.providers.llm import Message, ToolRequest
from patter_testing import Reply

HUMAN = "+15550100200"


def reply_to(last: Message) -> Reply:
    """Do what the caller says."""
    if last.role == "user" and last.text.startswith("bye"):
        return Reply(text="Bye.", tools=(ToolRequest("t", "end_call", "{}"),))
    if last.role == "user" and last.text in ("cold", "warm"):
        wish = f'{{"number": "{HUMAN}", "mode": "{last.text}", "summary": "A refund."}}'
        return Reply(text="Wait.", tools=(ToolRequest("t", "transfer_call", wish),))
    return Reply(text="Yes." if last.role == "user" else "")
