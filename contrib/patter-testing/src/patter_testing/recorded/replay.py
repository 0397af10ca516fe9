"""Replays a recorded call in virtual time, and says what is another now.

Without an agent, Patter's own part is replayed: turn-taking with the rules of then, and a model and
tools that answer as they did. With one, its model, prompt, tools, guardrails and settings are its
own; what it does ``once`` is not done again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any, Protocol

import attrs

from patter.aio import task_scope
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.session import CallSession
from patter.call.turn.codec import rules_from_data
from patter.errors import InputError
from patter.observe.events import CallEvent, Row, Started, Turn
from patter.plugins.registry import PluginRegistry
from patter.providers.carrier import CarrierCapabilities
from patter.providers.context import CallContext, Direction
from patter.tools.tool import Tool
from patter_testing.clock import VirtualClock, run_virtual
from patter_testing.fakes.carrier import FakeCarrier
from patter_testing.fakes.llm import FakeLLM
from patter_testing.fakes.tts import FakeTTS
from patter_testing.recorded.answers import (
    Answered,
    RecordedLLM,
    answered,
    as_recorded,
    recorded_tools,
)
from patter_testing.recorded.differences import Difference, PaceChange, differences, lived
from patter_testing.recorded.off_loop import OffLoop, OffLoopLLM, off_loop_tool
from patter_testing.recorded.player import Player
from patter_testing.recorded.script import of_type, script_of
from patter_testing.recorded.senses import RecordedSTT, RecordedVAD

PATIENCE_S = 600.0
AFTER_MS = 30_000.0
"""How long the caller listens when it was the agent who ended the call."""
STAND_INS: Mapping[str, Any] = MappingProxyType(
    {
        "carrier": FakeCarrier(can=CarrierCapabilities(marks=True)),
        "tunnel": None,
        "stt": RecordedSTT(),
        "tts": FakeTTS(),
        "vad": RecordedVAD(),
        "turn_detector": None,
        "audio_filter": None,
    }
)
"""What an agent is made with that will be replayed."""


class Plans(Protocol):
    """An agent as users describe it."""

    def plan(self, registry: PluginRegistry) -> CallPlan: ...


@attrs.frozen
class Subject:
    """The *agent* to replay a call with, whose parts *registry* finds: the phone's own."""

    agent: Plans
    registry: PluginRegistry = attrs.field(factory=PluginRegistry.from_environment)


@attrs.frozen
class Replay:
    """How it went: the *events* of the new call, and its *differences* from the old one."""

    events: Sequence[CallEvent]
    differences: Sequence[Difference | PaceChange]
    lasted_ms: int
    took_s: float

    @property
    def turns(self) -> int:
        """How many turns the caller took."""
        return sum(1 for turn in lived(self.events) if turn.turn)

    @property
    def differs(self) -> bool:
        """Are words or deeds others than they were?"""
        return any(each.matters for each in self.differences)


def replayed(events: Sequence[CallEvent], subject: Subject | None = None) -> Replay:
    """The call of *events* once more. Raises InputError for one that cannot be replayed."""
    started = next(iter(of_type(events, Started)), None)
    if started is None or not started.rules:
        raise InputError("this call had no conversation", fix="replay one that was answered")
    if "engine" in started.providers:
        raise InputError(
            "an engine heard and answered in this call, and it cannot be asked again",
            fix="replay a call of an agent with stt, llm and tts",
        )
    began = time.monotonic()
    with ExitStack() as stack:
        turns = answered(events)
        if subject is None:
            plan = recorded_plan(started, events, turns)
        else:
            plan = _plan_of(subject, turns, stack.enter_context(OffLoop()))
        new = run_virtual(_conversation(plan, started, events), patience_s=PATIENCE_S)
    return Replay(
        events=new,
        differences=differences(events, new),
        lasted_ms=new[-1].at_ms if new else 0,
        took_s=time.monotonic() - began,
    )


def recorded_plan(
    started: Started, events: Sequence[CallEvent], turns: Mapping[int, Answered]
) -> CallPlan:
    """An agent that is what the record tells of the one of then."""
    return CallPlan(
        agent=started.agent,
        language=started.language or "en",
        mind=ModelMind(RecordedLLM(turns)),
        tools=recorded_tools(turns),
        rules=rules_from_data(started.rules),
        phrases=_phrases(events),
    )


async def _conversation(
    plan: CallPlan, started: Started, old: Sequence[CallEvent]
) -> list[CallEvent]:
    carrier, stt, vad = FakeCarrier(), RecordedSTT(), RecordedVAD()
    voice = FakeTTS(ms_per_letter=_pace(old), first_ms=_first_ms(old))
    new: list[CallEvent] = []
    senses: dict[str, Any] = {"stt": stt, "vad": vad, "tts": voice, "stt_fallbacks": ()}
    plan = attrs.evolve(
        plan, **senses, tts_fallbacks=(), turn_detector=None, audio_filter=None, echo_gate=False
    )
    session = CallSession(
        plan=plan, call=_context(started), carrier=carrier, listeners=(new.append,)
    )
    player = Player(carrier.leg(), stt, vad, session.now_ms)
    session.events.subscribe(player)
    async with task_scope() as tasks:
        run = tasks.create_task(session.run(), name="replay")
        tasks.create_task(session.attach(player.leg), name="replay-leg")
        await player.play(script_of(old))
        if not player.leg.closed:
            await player.rests(AFTER_MS)
        if not player.leg.closed:
            player.leg.hang_up("caller")
        await run
    return new


def _context(started: Started) -> CallContext:
    outbound = started.direction == Direction.OUTBOUND.value
    return CallContext(
        call_id="replay",
        caller=started.caller,
        callee=started.callee,
        direction=Direction.OUTBOUND if outbound else Direction.INBOUND,
        clock=VirtualClock(),
    )


def recorded_llm(events: Sequence[CallEvent]) -> RecordedLLM:
    """The model of a record: it says what it said then."""
    return RecordedLLM(answered(events))


def _plan_of(subject: Subject, turns: Mapping[int, Answered], off: OffLoop) -> CallPlan:
    plan = subject.agent.plan(subject.registry.overriding(dict(STAND_INS)))
    mind = plan.mind
    # What answers by itself may do so in virtual time; whoever may need a network cannot.
    if isinstance(mind, ModelMind) and not isinstance(mind.llm, RecordedLLM | FakeLLM):
        mind = attrs.evolve(mind, llm=OffLoopLLM(mind.llm, off))
    runs = [run for turn in turns.values() for run in turn.runs]
    tools = tuple(
        _done_then(tool, [run for run in runs if run.name == tool.name], off) for tool in plan.tools
    )
    return attrs.evolve(plan, mind=mind, tools=tools)


def _done_then(tool: Tool, runs: Sequence[Any], off: OffLoop) -> Tool:
    """*tool* as a replay may run it: what may be done ``once`` was done then."""
    if tool.effect != "once":
        return off_loop_tool(tool, off)
    return attrs.evolve(tool, parameters=dict(tool.parameters), handler=as_recorded(runs))


def _phrases(events: Sequence[CallEvent]) -> Phrases:
    """What the agent said without its model."""
    said: dict[str, list[str]] = {}
    for row in of_type(events, Row):
        if row.role == "agent" and row.kind:
            whole = " ".join(filter(None, (row.text, row.unheard)))
            said.setdefault(row.kind, []).append(whole)
    first = {kind: texts[0] for kind, texts in said.items()}
    default = Phrases()
    return Phrases(
        greeting=first.get("greeting", ""),
        filler=first.get("filler", default.filler),
        reprompts=tuple(said.get("reprompt", default.reprompts)),
        apology=first.get("apology", default.apology),
        voicemail=first.get("voicemail", ""),
        goodbyes={"": first.get("goodbye", "")},
    )


def _pace(events: Sequence[CallEvent]) -> int:
    """Milliseconds a letter, as the voice spoke then."""
    rows = [row for row in of_type(events, Row) if row.role == "agent" and row.heard_ms]
    letters = sum(len(row.text) for row in rows)
    heard_ms = sum(row.heard_ms or 0 for row in rows)
    return max(20, min(200, round(heard_ms / letters))) if letters else FakeTTS().ms_per_letter


def _first_ms(events: Sequence[CallEvent]) -> float:
    """How late the voice's first audio was: the median, so that it is the same now."""
    late = sorted(turn.stages.get("tts", 0) for turn in of_type(events, Turn))
    return float(late[len(late) // 2]) if late else 0.0
