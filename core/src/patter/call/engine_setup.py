"""What an engine's session must know when it opens: pure, so that it can be compared.

A session that was opened while the phone rang is the call's if it was told the same.
"""

from __future__ import annotations

from patter.audio.formats import AudioFormat
from patter.call.plan import CallPlan
from patter.call.turn.events import UtteranceKind
from patter.providers.engine import Engine, EngineSetup, Verbatim
from patter.providers.llm import Message, ToolSpec


def engine_setup(
    engine: Engine,
    plan: CallPlan,
    *,
    tools: tuple[ToolSpec, ...],
    history: tuple[Message, ...] = (),
    audio_in: AudioFormat,
    audio_out: AudioFormat,
    handle: str = "",
) -> EngineSetup:
    """The setup of a session that goes on after *history*."""
    can = engine.can
    greets = can.verbatim is Verbatim.GREETING and not history and plan.tts is None
    return EngineSetup(
        instructions=plan.system_prompt,
        history=history,
        tools=tools if can.setup_tools else (),
        greeting=greeting_of(plan) if greets else "",
        language=plan.language,
        audio_in=audio_in,
        audio_out=audio_out,
        resume=handle if can.resumption else "",
    )


def greeting_of(plan: CallPlan) -> str:
    """What the caller hears first; empty if the caller speaks first."""
    return plan.phrases.text(UtteranceKind.GREETING) if plan.rules.greeting else ""


def says_greeting(engine: Engine, plan: CallPlan) -> str:
    """The greeting, if the engine must be asked to say it."""
    asked = engine.can.verbatim is not Verbatim.GREETING and plan.tts is None
    return greeting_of(plan) if asked else ""
