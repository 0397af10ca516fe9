"""What stands in for vendors in virtual time: they take as long as is assumed. No network."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from patter.agent import Agent
from patter.providers.llm import LLMRequest
from patter.testing import FakeLLM, FakeSTT, FakeTTS, Reply

TOKEN_MS: Final = 20.0
"""From one word of the model to the next."""
HELLO, GOODBYE = "caller: good morning", "caller: thank you, goodbye\nhangup"


def model(first_ms: float) -> FakeLLM:
    """Repeats what it hears, and calls the tools whose names are said, *first_ms* late."""
    kit: Any = import_module("patter_testing.doubles.scripted_model")
    scripted = kit.ScriptedModel()

    def answer(request: LLMRequest) -> Reply:
        reply = scripted.answer(request.messages, request.tools)
        return Reply(text=reply.text, tools=reply.tools, first_ms=first_ms, gap_ms=TOKEN_MS)

    return FakeLLM(answer=answer)


def ears_and_voice(assumed: Mapping[str, float]) -> dict[str, Any]:
    """A recogniser and a voice that take the milliseconds *assumed* of ``stt`` and ``tts``."""
    return {
        "stt": FakeSTT(final_ms=assumed["stt"]),
        "tts": FakeTTS(first_ms=assumed["tts"]),
    }


def usual(agent: Agent) -> str:
    """A script that greets, asks for each tool that only reads, and says goodbye."""
    tools = [tool.name for tool in agent.tools if tool.effect == "read"]
    asks = [f"caller: {name.replace('_', ' ')} please" for name in tools]
    return "\n".join([HELLO, *asks, GOODBYE])
