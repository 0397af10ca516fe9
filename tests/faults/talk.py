"""What the agent of a bad day answers, and everything that it may say."""

from __future__ import annotations

import attrs

from patter.call.plan import Phrases
from patter.providers.llm import Message, ToolRequest
from patter_testing import Reply

HUMAN = "+15550100200"
GREETING, MESSAGE = "Good evening.", "Please call us back."


def reply_to(last: Message) -> Reply:
    """Do what the caller says, and call them by the name they said."""
    if last.role != "user":
        return Reply(text="")
    wish, _, name = last.text.partition(" ")
    if wish == "bye":
        return Reply(text=f"Bye {name}.", tools=(ToolRequest("t", "end_call", "{}"),))
    if wish in ("cold", "warm"):
        order = f'{{"number": "{HUMAN}", "mode": "{wish}", "summary": "A refund."}}'
        return Reply(text=f"Wait {name}.", tools=(ToolRequest("t", "transfer_call", order),))
    return Reply(text=f"Yes {name}.")


def phrases() -> tuple[str, ...]:
    """All that the agent says of its own accord, and before a name."""
    core = Phrases()
    single = [each for each in attrs.astuple(core, recurse=False) if isinstance(each, str)]
    several = (*core.reprompts, *core.goodbyes.values())
    return (GREETING, MESSAGE, "Yes Bye Wait .", *single, *several)
