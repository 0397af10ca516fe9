"""While a phone rings its connections are opened and its greeting is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import attrs
import pytest

from patter.agent import Agent
from patter.aio import task_scope
from patter.audio.formats import MULAW_8K, PCM16_16K, AudioFormat
from patter.call.plan import CallPlan, Phrases
from patter.call.prepared import UNUSED_S, PreparedCall
from patter.call.session import CallSession
from patter.call.turn.rules import TurnRules
from patter.errors import PatterConnectionError
from patter.observe.events import CallEvent, Link, Row
from patter.providers.context import CallContext
from patter.providers.engine import Verbatim
from patter.providers.tts import TTSSession
from patter.text.lexicon import Lexicon
from patter_testing import Caller, FakeCarrier, FakeEngine, FakeSTT, FakeTTS
from patter_testing.fakes.engine import ABLE

from .plans import plan

pytestmark = pytest.mark.virtual_time
GREETING = "Good evening."


def greeting_plan(**changes: Any) -> CallPlan:
    rules = TurnRules(idle_ms=())
    return plan(phrases=Phrases(greeting=GREETING), rules=rules, **changes)


@attrs.define(eq=False)
class Ringing:
    prepared: PreparedCall
    session: CallSession
    caller: Caller
    events: list[CallEvent]


@asynccontextmanager
async def ringing(
    expected: CallPlan, actual: CallPlan | None = None, ring_s: float = 3.0
) -> AsyncIterator[Ringing]:
    """A call that has rung for *ring_s* and is answered now."""
    context = CallContext(call_id="ring")
    carrier, events = FakeCarrier(), list[CallEvent]()
    prepared = PreparedCall(expected, context, MULAW_8K, carrier.can)
    async with task_scope() as tasks:
        tasks.create_task(prepared.run(), name="prepared")
        await asyncio.sleep(ring_s)
        session = CallSession(
            plan=actual or expected,
            call=context,
            carrier=carrier,
            listeners=(events.append,),
            prepared=prepared,
        )
        leg = carrier.leg()
        run = tasks.create_task(session.run(), name="call")
        tasks.create_task(session.attach(leg), name="leg")
        caller = Caller(leg)
        yield Ringing(prepared, session, caller, events)
        if not leg.closed:
            caller.hangs_up()
        await run
        prepared.abandon()


async def test_the_greeting_goes_out_with_the_first_frame_and_is_said_once() -> None:
    tts = FakeTTS(first_ms=800)
    async with ringing(greeting_plan(tts=tts)) as call:
        began = call.caller.leg.now_ms
        await call.caller.hears_the_agent_begin()
        assert call.caller.leg.played[0].at_ms - began <= 40
        assert await call.caller.hears_the_agent_out() == GREETING
    assert len(tts.sessions) == 1
    assert tts.sessions[0].sentences == [GREETING]
    assert [row.text for row in call.events if isinstance(row, Row)] == [GREETING]


async def test_the_greeting_is_made_as_it_is_pronounced() -> None:
    tts = FakeTTS(first_ms=800)
    made = greeting_plan(tts=tts, respellings=(Lexicon({"evening": "eevning"}),))
    async with ringing(made) as call:
        began = call.caller.leg.now_ms
        assert await call.caller.hears_the_agent_out() == "Good eevning."
        assert call.caller.leg.played[0].at_ms - began <= 40
    assert tts.sessions[0].sentences == ["Good eevning."]
    assert [row.text for row in call.events if isinstance(row, Row)] == [GREETING]


async def test_a_greeting_that_is_not_to_be_made_before_is_said_by_the_open_voice() -> None:
    tts = FakeTTS(first_ms=800)
    async with ringing(greeting_plan(tts=tts, prewarm_first_message=False)) as call:
        await asyncio.sleep(0)
        assert not tts.sessions[0].sentences
        await call.caller.hears_the_agent_begin()
        assert call.caller.leg.played[0].at_ms >= 700
    assert len(tts.sessions) == 1


async def test_what_was_opened_is_used_and_closed_with_the_call() -> None:
    stt, tts = FakeSTT(), FakeTTS()
    async with ringing(greeting_plan(stt=stt, tts=tts)) as call:
        await call.caller.hears_the_agent_out()
        call.caller.on_speech = stt.sessions[0].hear
        await call.caller.says("when are you open")
        assert await call.caller.hears_the_agent_out() == "Yes."
    assert (len(stt.sessions), len(tts.sessions)) == (1, 1)
    assert not [each for each in call.events if isinstance(each, Link)]


@pytest.mark.parametrize(
    "changes",
    [
        {"tts": FakeTTS(), "stt": FakeSTT()},
        {"phrases": Phrases(greeting="Hello.")},
    ],
    ids=["other providers", "other words"],
)
async def test_a_hook_that_chooses_otherwise_has_its_way(changes: dict[str, Any]) -> None:
    expected = greeting_plan(tts=FakeTTS(), stt=FakeSTT())
    actual = attrs.evolve(expected, **changes)
    async with ringing(expected, actual) as call:
        said = await call.caller.hears_the_agent_out()
    assert said == actual.phrases.greeting


async def test_a_greeting_that_is_not_wanted_is_cancelled_before_another_is_said() -> None:
    tts = FakeTTS(stalls_at_ms=300)
    expected = greeting_plan(tts=tts)
    async with ringing(expected, attrs.evolve(expected, phrases=Phrases(greeting="Hi."))) as call:
        await call.caller.waits(300)
        assert tts.sessions[0].cancelled == 1


async def test_a_line_that_speaks_otherwise_is_served_all_the_same() -> None:
    stt = FakeSTT(accepts=(PCM16_16K,))
    async with ringing(greeting_plan(stt=stt)) as call:
        assert await call.caller.hears_the_agent_out() == GREETING


async def test_a_greeting_that_breaks_is_said_by_another_session() -> None:
    tts = FakeTTS(fails_at_ms=300)
    async with ringing(greeting_plan(tts=tts)) as call:
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(3_000)
    assert len(tts.sessions) > 1


@attrs.frozen(eq=False)
class RefusesOnce:
    """A voice that cannot be reached the first time."""

    voice: FakeTTS = attrs.field(factory=FakeTTS)
    opened: list[bool] = attrs.field(factory=list)

    @property
    def produces(self) -> tuple[AudioFormat, ...]:
        return self.voice.produces

    def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AbstractAsyncContextManager[TTSSession]:
        self.opened.append(bool(self.opened))
        return self._opened(call, audio)

    @asynccontextmanager
    async def _opened(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[TTSSession]:
        if self.opened == [False]:
            raise PatterConnectionError("not yet", fix="try again")
        async with self.voice.open(call, audio) as session:
            yield session


async def test_a_voice_that_refuses_while_it_rings_is_tried_again() -> None:
    tts = RefusesOnce()
    async with ringing(greeting_plan(tts=tts)) as call:
        assert await call.caller.hears_the_agent_out() == GREETING
    assert tts.opened == [False, True]


async def test_a_greeting_that_nobody_hears_out_is_cancelled_at_the_vendor() -> None:
    tts = FakeTTS(stalls_at_ms=300)
    async with ringing(greeting_plan(tts=tts), ring_s=0.1) as call:
        await call.caller.hears_the_agent_begin()
        await call.caller.waits(200)
    assert tts.sessions[0].cancelled == 1


async def test_a_call_that_never_comes_is_let_go() -> None:
    stt, tts = FakeSTT(), FakeTTS()
    prepared = PreparedCall(greeting_plan(stt=stt, tts=tts), CallContext(call_id="x"), MULAW_8K)
    async with asyncio.timeout(UNUSED_S + 1):
        await prepared.run()
    assert stt.sessions[0]._over
    again = PreparedCall(greeting_plan(stt=stt, tts=tts), CallContext(call_id="y"), MULAW_8K)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(again.run())
        await asyncio.sleep(1)
        again.abandon()
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 0.1


@pytest.mark.parametrize("ring_s", [0.0, 1.0])
async def test_a_caller_who_hangs_up_while_it_is_opened_leaves_nothing_behind(
    ring_s: float,
) -> None:
    class OpensSlowly(FakeSTT):
        @asynccontextmanager
        async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
            await asyncio.sleep(60)
            async with super().open(call, audio) as session:
                yield session

    async with ringing(greeting_plan(stt=OpensSlowly(), tts=FakeTTS()), ring_s=ring_s) as call:
        await call.caller.waits(100)
        call.caller.hangs_up()
    assert asyncio.get_running_loop().time() < ring_s + 5


@attrs.frozen(kw_only=True)
class BreaksOnceSTT(FakeSTT):
    """A task of its first session fails after 3 s; with *told*, the session says so before."""

    told: bool

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[Any]:
        async with FakeSTT.open(self, call, audio) as session, task_scope() as tasks:
            if len(self.sessions) == 1:
                tasks.create_task(self._break(session))
            yield session

    async def _break(self, session: Any) -> None:
        lost = PatterConnectionError("the vendor went away", fix="wait a moment")
        await asyncio.sleep(3)
        if self.told:
            session.fail(lost)
        raise lost


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("rings", [False, True])
async def test_a_recogniser_whose_own_task_fails_is_connected_again(
    rings: bool, told: bool
) -> None:
    stt = BreaksOnceSTT(told=told)
    changed = greeting_plan(stt=stt)
    async with ringing(changed if rings else greeting_plan(), changed, ring_s=0.5) as call:
        await call.caller.hears_the_agent_out()
        await call.caller.waits(4_000)
        call.caller.on_speech = stt.sessions[-1].hear
        await call.caller.says("when are you open")
        assert await call.caller.hears_the_agent_out() == "Yes."
    assert len(stt.sessions) == 2
    assert [each.what for each in call.events if isinstance(each, Link)] == ["lost", "back"]


def engine_plan(fake: FakeEngine, **changes: Any) -> CallPlan:
    rules = Agent(system_prompt="", idle_ms=()).rules(vad=True, endpoints=True, engine=True)
    rules = attrs.evolve(rules, greeting=True)
    made = CallPlan(engine=fake, rules=rules, phrases=Phrases(greeting=GREETING))
    return attrs.evolve(made, **changes)


@pytest.mark.parametrize("verbatim", list(Verbatim))
async def test_an_engine_greets_with_the_first_frame(verbatim: Verbatim) -> None:
    fake = FakeEngine(
        replies=("From five.",),
        listens=True,
        open_ms=600,
        first_ms=700,
        can=attrs.evolve(ABLE, verbatim=verbatim),
    )
    async with ringing(engine_plan(fake)) as call:
        call.caller.on_speech = lambda text: fake.sessions[0].hear(text)
        began = call.caller.leg.now_ms
        await call.caller.hears_the_agent_begin()
        assert call.caller.leg.played[0].at_ms - began <= 40
        assert (await call.caller.hears_the_agent_out()).endswith(GREETING)
        await call.caller.says("when are you open")
        assert await call.caller.hears_the_agent_out() == "From five."
    assert len(fake.sessions) == 1
    assert len(fake.sessions[0].responses) == 2


async def test_an_engine_that_was_told_otherwise_is_opened_anew() -> None:
    fake = FakeEngine(replies=("From five.",), listens=True)
    expected = engine_plan(fake)
    async with ringing(expected, attrs.evolve(expected, system_prompt="Be brief.")) as call:
        assert await call.caller.hears_the_agent_out() == GREETING
    assert [each.instructions for each in fake.sessions] == ["", "Be brief."]


async def test_an_engine_that_breaks_while_it_rings_is_opened_again() -> None:
    fake = FakeEngine(replies=("From five.",), listens=True)
    async with ringing(engine_plan(fake), ring_s=0.5) as call:
        fake.sessions[0].fail()
        assert await call.caller.hears_the_agent_out() == GREETING
    assert len(fake.sessions) == 2
