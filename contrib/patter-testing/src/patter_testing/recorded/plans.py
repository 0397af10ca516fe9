"""The agent of a replay: as the record tells of the one of then, or as its module has it today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import attrs

from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.turn.codec import rules_from_data
from patter.errors import InputError
from patter.observe.events import CallEvent, Row, Started
from patter.plugins.registry import PluginRegistry
from patter.providers.carrier import CarrierCapabilities
from patter.providers.context import CallContext
from patter.providers.guardrail import GuardrailVerdict
from patter.tools.tool import Tool
from patter_testing.fakes.carrier import FakeCarrier
from patter_testing.fakes.llm import FakeLLM
from patter_testing.fakes.tts import FakeTTS
from patter_testing.recorded.answers import (
    RecordedLLM,
    answered,
    as_recorded,
    recorded_tools,
)
from patter_testing.recorded.engine import RecordedEngine
from patter_testing.recorded.engine_script import EngineScript, Refusal
from patter_testing.recorded.off_loop import OffLoop, OffLoopLLM, off_loop_tool
from patter_testing.recorded.script import has_own_voice, led_by_engine, of_type
from patter_testing.recorded.senses import RecordedSTT, RecordedVAD

LINE: Mapping[str, Any] = MappingProxyType(
    {
        "carrier": FakeCarrier(can=CarrierCapabilities(marks=True)),
        "tunnel": None,
        "turn_detector": None,
        "audio_filter": None,
    }
)
SENSES: Mapping[str, Any] = MappingProxyType(
    {"stt": RecordedSTT(), "tts": FakeTTS(), "vad": RecordedVAD()}
)


class Plans(Protocol):
    """An agent as users describe it."""

    def plan(self, registry: PluginRegistry) -> CallPlan: ...


@attrs.frozen
class Subject:
    """The *agent* to replay a call with, whose parts *registry* finds: the phone's own."""

    agent: Plans
    registry: PluginRegistry = attrs.field(factory=PluginRegistry.from_environment)


@attrs.frozen
class RecordedGuardrail:
    """Stops the sentence that the guardrail *name* stopped then, and says *replacement* instead."""

    name: str
    sentence: str
    replacement: str

    def blocks(self, text: str) -> bool:
        """Is *text* what was stopped?"""
        return text.strip() == self.sentence

    async def check(self, text: str, speaker: str, call: CallContext) -> GuardrailVerdict:  # noqa: ARG002
        """Let everything else pass: what was stopped is never spoken as a sentence."""
        return GuardrailVerdict(not self.blocks(text), self.replacement, "refused in the record")


def stand_ins(events: Sequence[CallEvent]) -> Mapping[str, Any]:
    """What the agent is made with that will have the call of *events* again."""
    if not led_by_engine(events):
        return {**LINE, **SENSES}
    own_voice = {"tts": FakeTTS()} if has_own_voice(events) else {}
    return {**LINE, **_engine_parts(events), **own_voice}


def _engine_parts(events: Sequence[CallEvent]) -> Mapping[str, Any]:
    hears_voice = any(bool(each.rules.get("vad")) for each in of_type(events, Started))
    engine = RecordedEngine.of(EngineScript(), hears_voice=hears_voice)
    return {"engine": engine, "vad": None}


def recorded_plan(
    started: Started, events: Sequence[CallEvent], script: EngineScript | None
) -> CallPlan:
    """An agent that is what the record tells of the one of then; *script* is its engine's."""
    turns = answered(events)
    plan = CallPlan(
        agent=started.agent,
        language=started.language or "en",
        tools=recorded_tools(turns),
        rules=rules_from_data(started.rules),
        phrases=_phrases(events),
    )
    if script is None:
        return attrs.evolve(plan, mind=ModelMind(RecordedLLM(turns)))
    return attrs.evolve(
        plan,
        engine=RecordedEngine(),
        tts=FakeTTS() if has_own_voice(events) else None,
        guardrails=tuple(map(_guardrail, script.refusals)),
    )


def _guardrail(refusal: Refusal) -> RecordedGuardrail:
    return RecordedGuardrail(refusal.guardrail, refusal.sentence, refusal.replacement)


def plan_of(subject: Subject, events: Sequence[CallEvent], off: OffLoop) -> CallPlan:
    """The plan of *subject*, which asks nobody in vain and does nothing twice.

    Raises InputError when it has an engine and the call had none, or the other way round.
    """
    engine, turns = led_by_engine(events), answered(events)
    parts = {**LINE, "tts": FakeTTS(), **(_engine_parts(events) if engine else SENSES)}
    plan = subject.agent.plan(subject.registry.overriding(parts))
    if (plan.engine is not None) != engine:
        led = "an engine" if engine else "stt, llm and tts"
        raise InputError(f"this call was led by {led}", fix=f"replay it with an agent of {led}")
    mind = plan.mind
    # What answers by itself may do so in virtual time; whoever may need a network cannot.
    if isinstance(mind, ModelMind) and not isinstance(mind.llm, RecordedLLM | FakeLLM):
        mind = attrs.evolve(mind, llm=OffLoopLLM(mind.llm, off))
    runs = [run for turn in turns.values() for run in turn.runs]
    tools = tuple(
        _done_then(tool, [run for run in runs if run.name == tool.name], off) for tool in plan.tools
    )
    return attrs.evolve(plan, mind=mind, tools=tools)


def recorded_llm(events: Sequence[CallEvent]) -> RecordedLLM:
    """The model of a record: it says what it said then."""
    return RecordedLLM(answered(events))


def _done_then(tool: Tool, runs: Sequence[Any], off: OffLoop) -> Tool:
    """*tool* as a replay may run it: what may be done ``once`` was done then."""
    if tool.effect != "once":
        return off_loop_tool(tool, off)
    return attrs.evolve(tool, parameters=dict(tool.parameters), handler=as_recorded(runs))


def _phrases(events: Sequence[CallEvent]) -> Phrases:
    """What the agent said without its model."""
    sentences: dict[str, list[str]] = {}
    for row in of_type(events, Row):
        if row.role == "agent" and row.kind:
            whole = " ".join(filter(None, (row.text, row.unheard)))
            sentences.setdefault(row.kind, []).append(whole)
    first = {kind: texts[0] for kind, texts in sentences.items()}
    default = Phrases()
    return Phrases(
        greeting=first.get("greeting", ""),
        filler=first.get("filler", default.filler),
        reprompts=tuple(sentences.get("reprompt", default.reprompts)),
        apology=first.get("apology", default.apology),
        voicemail=first.get("voicemail", ""),
        goodbyes={"": first.get("goodbye", "")},
    )
