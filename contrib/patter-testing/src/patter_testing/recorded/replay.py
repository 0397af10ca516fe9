"""Replays a recorded call in virtual time, and says what is another now.

Without an agent, Patter's own part is replayed: turn-taking with the rules of then, and a model and
tools that answer as they did. With one, its model, prompt, tools, guardrails and settings are its
own; what it does ``once`` is not done again. An engine is never asked: it says what it said then,
for as long as the caller and the agent leave it the same to answer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import attrs

from patter.aio import task_scope
from patter.call.plan import CallPlan
from patter.call.session import CallSession
from patter.errors import InputError
from patter.observe.events import CallEvent, Ended, Row, Started, Turn
from patter.providers.context import CallContext, Direction
from patter_testing.clock import VirtualClock, run_virtual
from patter_testing.fakes.carrier import FakeCarrier
from patter_testing.fakes.tts import FakeTTS
from patter_testing.recorded.differences import (
    Finding,
    Unfit,
    differences,
    engine_differences,
    lived,
)
from patter_testing.recorded.engine import RecordedEngine
from patter_testing.recorded.engine_record import engine_script
from patter_testing.recorded.engine_script import EngineScript
from patter_testing.recorded.off_loop import OffLoop
from patter_testing.recorded.plans import Subject, plan_of, recorded_llm, recorded_plan, stand_ins
from patter_testing.recorded.player import Player
from patter_testing.recorded.script import Act, led_by_engine, of_type, script_of
from patter_testing.recorded.senses import RecordedSTT, RecordedVAD

__all__ = ["Replay", "Subject", "recorded_llm", "replayed", "stand_ins"]

PATIENCE_S = 600.0
AFTER_MS = 30_000.0
"""How long the caller listens when it was the agent who ended the call."""
ENDS_ELSEWHERE = ("transferred", "record_unfinished")
"""Ends after which a record tells nothing of what was said to the caller."""


@attrs.frozen
class Replay:
    """How it went: the *events* of the new call, and its *differences* from the old one."""

    events: Sequence[CallEvent]
    differences: Sequence[Finding]
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


@attrs.frozen
class _Again:
    """The *events* of the call that was had again; *unfit* says where the engine's words ended."""

    events: list[CallEvent]
    unfit: Unfit | None = None
    unsaid: int | None = None


def replayed(events: Sequence[CallEvent], subject: Subject | None = None) -> Replay:
    """The call of *events* once more. Raises InputError for one that cannot be replayed."""
    started = next(iter(of_type(events, Started)), None)
    if started is None or not started.rules:
        raise InputError("this call had no conversation", fix="replay one that was answered")
    began = time.monotonic()
    script = engine_script(events) if led_by_engine(events) else None
    with ExitStack() as stack:
        if subject is None:
            plan = recorded_plan(started, events, script)
        else:
            plan = plan_of(subject, events, stack.enter_context(OffLoop()))
        again = run_virtual(_conversation(plan, started, events, script), patience_s=PATIENCE_S)
    new = again.events
    if script is None:
        changes = differences(events, new)
    else:
        changes = engine_differences(events, new, again.unfit, again.unsaid)
    return Replay(
        events=new,
        differences=changes,
        lasted_ms=new[-1].at_ms if new else 0,
        took_s=time.monotonic() - began,
    )


async def _conversation(
    plan: CallPlan, started: Started, old: Sequence[CallEvent], script: EngineScript | None
) -> _Again:
    carrier, vad, acts = FakeCarrier(), RecordedVAD(), script_of(old)
    ears = _ears(plan, script)
    new: list[CallEvent] = []
    session = CallSession(
        plan=_with_senses(plan, ears, vad, old),
        call=_context(started),
        carrier=carrier,
        listeners=(new.append,),
    )
    # Strategies decide anew; without any it was the vendor who stopped.
    player = Player(
        carrier.leg(), ears, vad, session.now_ms, vendor_interrupts=not plan.barge_in_strategies
    )
    session.events.subscribe(player)
    async with task_scope() as tasks:
        run = tasks.create_task(session.run(), name="replay")
        tasks.create_task(session.attach(player.leg), name="replay-leg")
        await player.play(acts)
        await player.rests(_rest_ms(old, acts))
        if not player.leg.closed:
            player.leg.hang_up("caller")
        await run
    if isinstance(ears, RecordedEngine) and player.lost_track:
        return _Again(new, Unfit(player.turn, player.lost_track), ears.tape.unsaid_turn)
    return _Again(new)


def _ears(plan: CallPlan, script: EngineScript | None) -> RecordedSTT | RecordedEngine:
    if script is None:
        return RecordedSTT()
    return RecordedEngine.of(script, hears_voice=plan.rules.vad)


def _with_senses(
    plan: CallPlan, ears: RecordedSTT | RecordedEngine, vad: RecordedVAD, old: Sequence[CallEvent]
) -> CallPlan:
    """*plan*, which hears by *ears*, and speaks at the pace of then."""
    voice = FakeTTS(ms_per_letter=_pace(old), first_ms=_first_ms(old))
    senses: dict[str, Any] = {"stt": ears, "tts": voice, "stt_fallbacks": ()}
    if isinstance(ears, RecordedEngine):
        own = voice if plan.tts is not None else None
        senses = {"engine": ears, "tts": own, "engine_fallbacks": ()}
    return attrs.evolve(
        plan,
        **senses,
        vad=vad,
        tts_fallbacks=(),
        turn_detector=None,
        audio_filter=None,
        echo_gate=False,
    )


def _rest_ms(old: Sequence[CallEvent], acts: Sequence[Act]) -> float:
    """How long the caller listens after the last of *acts*."""
    ended = of_type(old, Ended)
    if ended and ended[-1].reason not in ENDS_ELSEWHERE:
        return AFTER_MS
    last = acts[-1] if acts else Act(0, ())
    over_ms = last.began_ms + max((cue.after_ms for cue in last.cues), default=0)
    times_ms = [event.at_ms for event in old if not isinstance(event, Ended)]
    return float(max(0, max(times_ms, default=0) - over_ms))


def _context(started: Started) -> CallContext:
    outbound = started.direction == Direction.OUTBOUND.value
    return CallContext(
        call_id="replay",
        caller=started.caller,
        callee=started.callee,
        direction=Direction.OUTBOUND if outbound else Direction.INBOUND,
        clock=VirtualClock(),
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
