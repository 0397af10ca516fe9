"""What tests of agents share: an engine, and a double that is quick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from pydantic import BaseModel

from patter.providers.context import CallContext
from patter.providers.engine import EngineSession
from patter_elevenlabs.double import ElevenLabsDouble
from patter_elevenlabs.double.convai import HostedAgent
from patter_elevenlabs.engine import ElevenLabsConvAI
from patter_testing.doubles.scripted_model import Answer, ScriptedModel
from patter_testing.doubles.vendor_double import VendorFaults
from patter_testing.suites.engine_vendor import EventReader, conversation

MS_PER_LETTER = 5
CALL = CallContext(call_id="c1", caller="+15550100001", callee="+15550100002")


def quick(
    faults: VendorFaults | None = None, script: tuple[str | Answer, ...] = (), **agent: Any
) -> ElevenLabsDouble:
    """A double whose agent says *script*, then "Yes, we are open.", in a tenth of a second."""
    hosted = HostedAgent(
        **{"ms_per_letter": MS_PER_LETTER, "pause_ms": 100, "agent_id": "a1", **agent}
    )
    model = ScriptedModel(script, otherwise=lambda rows, tools: Answer("Yes, we are open."))
    return ElevenLabsDouble(agent=hosted, faults=faults or VendorFaults(), model=model)


def engine(double: ElevenLabsDouble, **options: Any) -> ElevenLabsConvAI:
    """The engine whose agent is that of *double*, and who does not wait long."""
    named = {"agent_id": double.agent.agent_id, "quiet_s": 0.05, "answer_s": 2.0}
    return double.pointed(ElevenLabsConvAI(api_key="k", **{**named, **options}))


def without_extras(model: Any, body: Any) -> Any:
    """*body* as *model* of the vendor's client, in which no field is one it does not know."""
    value = model.model_validate(body)
    _check_extras(value)
    return value


def _check_extras(value: Any) -> None:
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{type(value).__name__} has no {sorted(value.model_extra)}"
        for name in type(value).model_fields:
            _check_extras(getattr(value, name))
    elif isinstance(value, list | tuple):
        for each in value:
            _check_extras(each)
    elif isinstance(value, dict):
        for each in value.values():
            _check_extras(each)


def talking(
    double: ElevenLabsDouble, options: Mapping[str, Any] | None = None, **changes: Any
) -> AbstractAsyncContextManager[tuple[EngineSession, EventReader]]:
    """A conversation with *double*: *options* of the engine, *changes* of the setup."""
    return conversation(engine(double, **(options or {})), CALL, **changes)


async def until(happened: Callable[[], bool]) -> None:
    """Wait for what comes over a socket."""
    async with asyncio.timeout(3):
        while not happened():
            await asyncio.sleep(0.002)
