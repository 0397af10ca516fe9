"""However a call ends, and whatever fails on the way: once, with a record, leaving nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import attrs
import pytest

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan, Phrases
from patter.call.session import CallSession
from patter.call.turn.events import CallerHungUp, DrainRequested, EndRequested
from patter.call.turn.rules import TurnRules
from patter.observe.events import CallEvent, Ended, ErrorEvent, Started, Turn
from patter.providers.context import CallContext
from patter.providers.llm import ToolRequest
from patter.providers.tts import Speech
from patter.tools.tool import Tool
from patter_testing import FakeCarrier, FakeLLM, FakeSTT, FakeTTS, FakeVAD, LabCall, Reply, lab
from patter_testing.fakes.tts import FakeTTSSession

pytestmark = pytest.mark.virtual_time
GREETING = "Good evening, this is Rosa's, how may I help you today?"


def plan(llm: FakeLLM | None = None, **changes: Any) -> CallPlan:
    made = CallPlan(
        stt=FakeSTT(),
        tts=FakeTTS(),
        vad=FakeVAD(),
        mind=ModelMind(llm or FakeLLM()),
        phrases=Phrases(greeting=GREETING),
    )
    return attrs.evolve(made, **changes)


E = TypeVar("E", bound=CallEvent)


def once(events: list[CallEvent], kind: type[E]) -> E:
    [event] = [event for event in events if isinstance(event, kind)]
    return event


def expect_a_record(call: LabCall) -> None:
    once(call.events, Started)
    once(call.events, Ended)
    assert all(event.fix for event in call.of(ErrorEvent))


@attrs.define(eq=False)
class Bare:
    """A session without anything around it."""

    plan: CallPlan
    carrier: FakeCarrier = attrs.field(factory=FakeCarrier)
    events: list[CallEvent] = attrs.field(factory=list)

    def session(self, **options: Any) -> CallSession:
        return CallSession(
            plan=self.plan,
            call=CallContext(call_id="bare"),
            carrier=self.carrier,
            listeners=(self.events.append,),
            **options,
        )


async def test_a_session_that_is_cancelled_leaves_a_record_and_nothing_else() -> None:
    before = asyncio.all_tasks()
    bare = Bare(plan())
    session, leg = bare.session(), bare.carrier.leg()
    async with task_scope() as tasks:
        run = asyncio.ensure_future(session.run())
        tasks.create_task(session.attach(leg))
        await asyncio.sleep(2)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert asyncio.all_tasks() == before
    ended = once(bare.events, Ended)
    assert (ended.outcome, ended.reason) == ("failed", "stopped")
    assert ended is bare.events[-1]


@pytest.mark.parametrize("event", [EndRequested(0, "agent"), CallerHungUp(0)])
async def test_a_call_that_ends_before_its_media_is_over(
    event: EndRequested | CallerHungUp,
) -> None:
    bare = Bare(plan())
    session = bare.session()
    async with task_scope() as tasks:
        run = tasks.create_task(session.run())
        await asyncio.sleep(0)
        session.post(event)
        async with asyncio.timeout(60):
            await run
    assert once(bare.events, Started).audio == {}
    assert once(bare.events, Ended) is bare.events[-1]


async def test_a_drain_while_it_rings_does_not_break_the_call() -> None:
    bare = Bare(plan())
    session, leg = bare.session(), bare.carrier.leg()
    session.post(DrainRequested(0, 3_000))
    async with task_scope() as tasks:
        run = tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        async with asyncio.timeout(60):
            assert (await run).reason == "drain"
    once(bare.events, Ended)


class NoModel:
    """A detector whose model file is missing."""

    accepts, tail_ms = FakeVAD().accepts, 100

    def start(self, audio: object) -> FakeVAD:
        raise FileNotFoundError("silero.onnx")


async def test_a_call_that_cannot_begin_is_hung_up_at_the_carrier() -> None:
    bare = Bare(plan(vad=NoModel()))
    session, leg = bare.session(), bare.carrier.leg()
    async with task_scope() as tasks:
        run = tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        summary = await run
    assert (summary.outcome, summary.reason) == ("failed", "internal")
    assert [order.deed for order in bare.carrier.orders] == ["hangup"]
    assert once(bare.events, ErrorEvent).fix
    assert once(bare.events, Started) is bare.events[0]


async def test_an_extension_that_raises_keeps_no_leg_waiting() -> None:
    class Extensions:
        def call_listeners(self, call: object) -> dict[str, object]:
            raise RuntimeError("the extension is broken")

    bare = Bare(plan())
    session, leg = bare.session(extensions=Extensions()), bare.carrier.leg()
    async with asyncio.timeout(60), task_scope() as tasks:
        run = tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
    assert run.result().reason == "internal"


async def test_a_caller_who_hangs_up_at_any_moment_ends_the_call_in_time() -> None:
    booking = Tool(name="book", handler=lambda: "R-17")
    llm = FakeLLM(
        replies=(
            Reply(text="One moment.", tools=(ToolRequest("t", "book", "{}"),), first_ms=400),
            Reply(text="Goodbye then.", tools=(ToolRequest("e", "end_call", "{}"),), first_ms=400),
        )
    )
    for at_ms in range(0, 9_000, 190):
        async with lab(plan(llm, tools=(booking,))) as call:
            try:
                async with asyncio.timeout(at_ms / 1_000 + 0.001):
                    await call.listens()
                    await call.says("book it please")
                    await call.caller.waits(20_000)
            except TimeoutError:
                pass
            began = call.session.now_ms()
            await call.hangs_up()
        assert call.session.now_ms() - began < 1_500, at_ms
        expect_a_record(call)
        assert call.summary is not None and call.summary.outcome == "completed"


async def test_the_caller_is_let_go_while_a_tool_comes_to_its_end() -> None:
    made: list[str] = []

    async def book(call: CallContext) -> str:
        await call.clock.sleep(6_000)
        made.append("R-17")
        return "R-17"

    llm = FakeLLM(replies=(Reply(tools=(ToolRequest("t", "book", "{}"),)),))
    async with lab(plan(llm, tools=(Tool(name="book", handler=book),))) as call:
        await call.listens()
        await call.caller.says("book it please")
        await call.caller.waits(600)
        before = call.session.now_ms()
        call.session.post(CallerHungUp(before))
        await asyncio.sleep(0.5)
        assert call.leg.closed and not made
    assert made == ["R-17"]
    assert call.summary is not None and call.summary.duration_ms == before
    expect_a_record(call)


@attrs.frozen(kw_only=True)
class ClingingTTS(FakeTTS):
    """A voice that does not stop when it is told to, the first time."""

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        async with FakeTTS.open(self, call, audio) as session:
            yield session if len(self.sessions) > 1 else Clinging(session)


@attrs.frozen
class Clinging:
    session: FakeTTSSession

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        try:
            async for speech in self.session.say(text):
                yield speech
        finally:
            await asyncio.get_running_loop().create_future()


async def test_a_voice_that_does_not_stop_is_left_after_a_second() -> None:
    llm = FakeLLM(replies=("Yes, I am here.",))
    async with lab(plan(llm), tts=ClingingTTS(first_ms=100)) as call:
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(500)
        await call.caller.says("hello are you there")
        await call.caller.waits(4_000)
        assert call.caller.heard_text().endswith("Yes, I am here.")
    [turn] = call.of(Turn)
    assert turn.gap_ms is not None and turn.gap_ms < 2_500
    expect_a_record(call)


async def test_digits_nobody_presses_before_the_end_are_none() -> None:
    async with lab(plan(rules=TurnRules(idle_ms=()))) as call:
        await call.listens()
        asked = asyncio.ensure_future(call.session.control.collect_digits(4, wait_ms=60_000))
        await asyncio.sleep(1)
    async with asyncio.timeout(1):
        assert await asked == ""
        assert await call.session.control.collect_digits(4) == ""


async def test_a_performer_that_raises_ends_the_call_with_a_record() -> None:
    async with lab(plan()) as call:
        await call.listens()
        call.session.history.rows = None  # type: ignore[assignment]
        await call.caller.says("hello hello hello")
        await call.caller.waits(2_000)
        assert call.leg.closed
    assert call.summary is not None and call.summary.reason == "internal"
    expect_a_record(call)
