"""What is emitted between the evidence and the carrier's clear reaches listeners after it."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter.aio import task_scope
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.playout.gate import Playout
from patter.call.playout.sender import SEND_S, PlayoutSender
from patter.call.session import CallSession
from patter.call.turn.codec import event_to_data
from patter.call.turn.events import TurnEvent
from patter.clock import CallClock, LoopClock
from patter.observe.events import BargeIn, CallEvent, Ended, EngineStep, Row, Turn, Wire
from patter.providers.context import CallContext
from patter_testing import FakeLLM, FakeSTT, FakeTTS, FakeVAD, lab
from patter_testing.fakes.carrier import FakeCarrier, FakeLeg
from patter_testing.lab_call import LabCall

pytestmark = pytest.mark.virtual_time
GREETING = "Good evening, this is Rosa's, how may I help you today?"
INTERRUPTION = "just the opening hours please"


def plan() -> CallPlan:
    script = Phrases(greeting=GREETING)
    return CallPlan(
        stt=FakeSTT(), tts=FakeTTS(), vad=FakeVAD(), mind=ModelMind(FakeLLM()), phrases=script
    )


@attrs.define(eq=False)
class HangingLeg(FakeLeg):
    """Takes the clear and never comes back from it."""

    asked_ms: float = attrs.field(default=0.0, init=False)

    async def clear(self) -> None:
        self.asked_ms = self.now_ms
        await asyncio.Event().wait()


@attrs.define(eq=False)
class RaisingLeg(FakeLeg):
    """Its socket is gone when the clear is written."""

    async def clear(self) -> None:
        raise ConnectionResetError("gone")


@attrs.define(eq=False)
class SlowLeg(FakeLeg):
    """Needs 40 ms to be cleared."""

    async def clear(self) -> None:
        await asyncio.sleep(0.04)
        await FakeLeg.clear(self)


@attrs.define(eq=False)
class PromptFake(FakeLeg):
    """Clears at once, unless it *refuses* or *raises*; `send` takes *slow_s*."""

    refuses: bool = attrs.field(default=False, kw_only=True)
    raises: bool = attrs.field(default=False, kw_only=True)
    slow_s: float = attrs.field(default=0.0, kw_only=True)

    def clear_now(self) -> bool:
        if self.raises:
            raise ConnectionResetError("gone")
        if self.refuses:
            return False
        with pytest.raises(StopIteration):
            self.clear().send(None)
        return True

    async def send(self, audio: bytes) -> None:
        await asyncio.sleep(self.slow_s)
        await FakeLeg.send(self, audio)


@attrs.define(eq=False)
class Arrivals:
    """When each event reached a listener, and whether the leg was clear by then."""

    call: LabCall
    seen: list[tuple[CallEvent, float, int]] = attrs.field(factory=list)

    def __call__(self, event: CallEvent) -> None:
        self.seen.append((event, self.call.session.now_ms(), len(self.call.leg.clears)))

    def of_the_cut(self) -> list[tuple[CallEvent, float, int]]:
        """What the first barge-in emitted on its way to the clear."""
        return [each for each in self.seen if _is_of_the_cut(each[0])]


def _is_of_the_cut(event: CallEvent) -> bool:
    match event:
        case EngineStep():
            return any(effect["name"] == "Cut" for effect in event.effects)
        case BargeIn():
            return True
        case Row():
            return bool(event.interrupted)
    return False


def watched(call: LabCall) -> Arrivals:
    arrivals = Arrivals(call)
    call.session.events.subscribe(arrivals)
    return arrivals


def expect_whole(call: LabCall) -> None:
    """Every event is there, once, in its order, at a time that never goes back."""
    assert [event.seq for event in call.events] == [*range(1, len(call.events) + 1)]
    assert isinstance(call.events[-1], Ended)


@pytest.mark.parametrize("leg", [FakeLeg, SlowLeg, PromptFake])
async def test_listeners_are_called_when_the_leg_is_clear(leg: type[FakeLeg]) -> None:
    async with lab(plan(), leg=leg()) as call:
        arrivals = watched(call)
        await call.interrupts(INTERRUPTION, after_ms=900)
    kinds = [type(event) for event, _, _ in arrivals.of_the_cut()]
    assert kinds[:3] == [EngineStep, BargeIn, Row]
    assert all(clears == 1 for _, _, clears in arrivals.of_the_cut()[:3])
    expect_whole(call)


async def test_the_order_and_the_times_are_those_of_the_moment() -> None:
    async with lab(plan(), leg=SlowLeg()) as call:
        arrivals = watched(call)
        await call.interrupts(INTERRUPTION, after_ms=900)
    [barge_in] = call.of(BargeIn)
    [late] = [now for event, now, _ in arrivals.seen if event is barge_in]
    clear = next(event for event in call.of(Wire) if event.what == "clear")
    assert barge_in.at_ms == barge_in.cut_ms
    assert late - barge_in.at_ms >= 40
    assert clear.seq > barge_in.seq and clear.at_ms >= barge_in.at_ms + 40


async def test_a_leg_that_hangs_holds_events_no_longer_than_a_send_may_take() -> None:
    leg = HangingLeg()
    async with lab(plan(), leg=leg, carrier=FakeCarrier()) as call:
        arrivals = watched(call)
        await call.caller.interrupts(INTERRUPTION, after_ms=900)
        await call.caller.waits(2_000 * SEND_S)
    assert leg.asked_ms
    assert [type(event) for event, _, _ in arrivals.of_the_cut()][:3] == [EngineStep, BargeIn, Row]
    waited = [now - event.at_ms for event, now, _ in arrivals.of_the_cut()[:3]]
    assert all(0 < each <= SEND_S * 1_000 + 50 for each in waited)
    expect_whole(call)


async def test_a_leg_that_cannot_be_cleared_holds_nothing_up() -> None:
    async with lab(plan(), leg=RaisingLeg()) as call:
        arrivals = watched(call)
        await call.caller.interrupts(INTERRUPTION, after_ms=900)
        await call.caller.waits(500)
        assert [type(each) for each, _, _ in arrivals.of_the_cut()][:2] == [EngineStep, BargeIn]
    lost = [event for event in call.of(Wire) if event.what == "leg_lost"]
    [barge_in] = call.of(BargeIn)
    assert lost and lost[0].seq > barge_in.seq
    expect_whole(call)


async def test_a_call_that_ends_while_events_are_held_loses_none() -> None:
    async with lab(plan(), leg=HangingLeg()) as call:
        arrivals = watched(call)
        await call.caller.interrupts(INTERRUPTION, after_ms=900)
        assert not arrivals.of_the_cut()
        await call.hangs_up()
    assert [type(event) for event, _, _ in arrivals.of_the_cut()][:3] == [EngineStep, BargeIn, Row]
    assert call.summary is not None
    assert call.summary.heard_ms == sum(row.heard_ms or 0 for row in call.of(Row))
    expect_whole(call)


def sender(cleared: list[str]) -> PlayoutSender:
    return PlayoutSender(
        playout=Playout(),
        clock=CallClock.start(LoopClock()),
        post=lambda event: None,
        on_first_heard=lambda epoch, at_ms: None,
        on_cleared=lambda: cleared.append("cleared"),
    )


async def test_a_cut_without_a_leg_waits_for_no_clear() -> None:
    cleared: list[str] = []
    sender(cleared).cut(1)
    assert cleared == ["cleared"]


async def test_a_cut_whose_leg_is_lost_waits_for_no_clear() -> None:
    cleared: list[str] = []
    outlet = sender(cleared)
    outlet.connect(FakeLeg())
    outlet.cut(1)
    assert not cleared
    outlet.disconnect()
    assert cleared == ["cleared"]


async def test_a_second_cut_waits_for_its_own_clear() -> None:
    cleared: list[str] = []
    outlet, leg = sender(cleared), SlowLeg()
    outlet.connect(leg)
    async with task_scope() as tasks:
        running = tasks.create_task(outlet.run())
        outlet.cut(1)
        await asyncio.sleep(0.02)
        outlet.cut(2)
        await asyncio.sleep(0.03)
        assert len(leg.clears) == 1 and not cleared
        await asyncio.sleep(0.05)
        assert len(leg.clears) == 2 and cleared
        running.cancel()


async def test_a_leg_that_can_is_clear_before_anything_is_reckoned() -> None:
    cleared: list[str] = []
    outlet, leg = sender(cleared), PromptFake()
    outlet.connect(leg)
    async with task_scope() as tasks:
        running = tasks.create_task(outlet.run())
        await asyncio.sleep(0.02)
        outlet.cut(1)
        assert len(leg.clears) == 1 and not cleared
        await asyncio.sleep(0.02)
        assert len(leg.clears) == 1 and cleared == ["cleared"]
        running.cancel()


@pytest.mark.parametrize("fault", ["refuses", "raises"])
async def test_a_leg_that_cannot_clear_at_once_is_cleared_by_the_task(fault: str) -> None:
    cleared: list[str] = []
    outlet, leg = sender(cleared), PromptFake(refuses=fault == "refuses", raises=fault == "raises")
    outlet.connect(leg)
    async with task_scope() as tasks:
        running = tasks.create_task(outlet.run())
        await asyncio.sleep(0.02)
        outlet.cut(1)
        assert not leg.clears and not cleared
        await asyncio.sleep(0.02)
        assert len(leg.clears) == 1 and cleared == ["cleared"]
        running.cancel()


async def test_no_clear_overtakes_what_is_being_sent() -> None:
    cleared: list[str] = []
    outlet, leg = sender(cleared), PromptFake(slow_s=0.05)
    outlet.connect(leg)
    async with task_scope() as tasks:
        running = tasks.create_task(outlet.run())
        outlet.open(1)
        outlet.say(1, "Hello.")
        assert await outlet.put(1, bytes(8_000))
        await asyncio.sleep(0.02)
        outlet.cut(2)
        assert not leg.clears
        await asyncio.sleep(0.2)
        assert len(leg.clears) == 1 and cleared == ["cleared"]
        running.cancel()


class OnlyTurns:
    event_types = (Turn,)

    def __call__(self, event: CallEvent) -> None:
        assert isinstance(event, Turn)


@pytest.mark.parametrize(("listeners", "built"), [((), 0), ((OnlyTurns(),), 0), ((print,), 1)])
async def test_a_step_nobody_wants_is_not_built(
    listeners: tuple[Any, ...], built: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[object] = []

    def counted(event: TurnEvent) -> dict[str, Any]:
        steps.append(event)
        return event_to_data(event)

    monkeypatch.setattr("patter.call.turn_driver.event_to_data", counted)
    carrier = FakeCarrier()
    context, leg = CallContext(call_id="bare"), carrier.leg()
    session = CallSession(plan=plan(), call=context, carrier=carrier, listeners=listeners)
    async with task_scope() as tasks:
        run = tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        await asyncio.sleep(2)
        leg.hang_up()
        await run
    assert bool(steps) == bool(built)
