"""What an engine's session must know when it opens: pure, so that it can be compared.

A session that was opened while the phone rang is the call's if it was told the same.
"""

from __future__ import annotations

import attrs

from patter.audio.formats import AudioFormat
from patter.call.plan import CallPlan
from patter.call.turn.events import UtteranceKind
from patter.providers.engine import Engine, EngineSession, EngineSetup, Verbatim
from patter.providers.llm import Message, ToolSpec


@attrs.frozen(eq=False)
class ReadyEngine:
    """An open session of an engine, and the id of the greeting it was asked to say, if it was."""

    session: EngineSession
    greeting_id: str = ""


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
        instructions=plan.system_prompt + _greeted(plan, history),
        history=history,
        tools=tools if can.setup_tools else (),
        greeting=greeting_of(plan) if greets else "",
        language=plan.language,
        audio_in=audio_in,
        audio_out=audio_out,
        resume=handle if can.resumption else "",
        text_only=answers_in_text(engine, plan),
    )


def answers_in_text(engine: Engine, plan: CallPlan) -> bool:
    """Does the agent's own voice speak what the engine thinks?"""
    return plan.tts is not None and engine.can.text_out


def greeting_of(plan: CallPlan) -> str:
    """What the caller hears first; empty if the caller speaks first."""
    return plan.phrases.text(UtteranceKind.GREETING) if plan.rules.greeting else ""


def says_greeting(engine: Engine, plan: CallPlan) -> str:
    """The greeting, if the engine must be asked to say it."""
    needs_request = engine.can.verbatim is not Verbatim.GREETING and plan.tts is None
    return greeting_of(plan) if needs_request else ""


def _greeted(plan: CallPlan, history: tuple[Message, ...]) -> str:
    """What a vendor must be told that does not hear the agent's own voice."""
    greeting = greeting_of(plan)
    if plan.tts is None or history or not greeting:
        return ""
    return f"\n\nYou have greeted the caller with these words: {greeting}"
