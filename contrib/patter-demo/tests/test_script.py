"""The caller against agents that do not do their part: nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest

from patter.call.turn.events import TurnEvent
from patter.observe.summary import CallSummary
from patter.providers.carrier import Hangup, MediaLeg
from patter.providers.context import CallContext
from patter.server.app import Server
from patter_demo.script import GREETED_MS, Caller
from patter_softphone import Softphone, SoftphoneCall, SoftphoneCarrier

TONE = b"\x20" * 160


@attrs.define(eq=False)
class Agent:
    """Plays *greeting_ms* of a tone, then says nothing; hangs up at once if *rude*."""

    call: CallContext
    greeting_ms: int = 0
    rude: bool = False
    _over: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    async def run(self) -> CallSummary:
        await self._over.wait()
        return CallSummary(call_id=self.call.call_id, outcome="completed")

    async def attach(self, leg: MediaLeg) -> None:
        if not self.rude:
            await leg.send(TONE * (self.greeting_ms // 20))
            async for event in leg:
                if isinstance(event, Hangup):
                    break
        self._over.set()

    def post(self, event: TurnEvent) -> None:
        self._over.set()

    def now_ms(self) -> int:
        return 0


@asynccontextmanager
async def called(greeting_ms: int = 0, rude: bool = False) -> AsyncIterator[SoftphoneCall]:
    def start(call: CallContext) -> Agent:
        return Agent(call, greeting_ms, rude)

    server = Server(port=0, stall_ms=0, freeze_gc=False)
    async with (
        server.open(start, carriers=[SoftphoneCarrier(page=False)]) as serving,
        Softphone(url=serving.url).call() as call,
    ):
        yield call


async def test_a_caller_whom_nobody_greets_gives_up_and_says_why() -> None:
    async with called() as call:
        caller = Caller(call, patience_s=0.3)
        await caller.converse()
    assert caller.gave_up == "the caller waited 0.3 s for a greeting"
    assert caller.spoken == []


async def test_a_caller_who_is_hung_up_on_says_so() -> None:
    async with called(rude=True) as call:
        caller = Caller(call)
        await caller.converse()
    assert caller.gave_up == "the call ended too early"


async def test_the_caller_talks_over_the_greeting_and_waits_for_an_answer() -> None:
    async with called(greeting_ms=GREETED_MS + 600) as call:
        caller = Caller(call, patience_s=GREETED_MS / 1_000 + 0.5)
        await caller.converse()
    (line,) = caller.spoken
    assert line.text == "what are your opening hours"
    assert GREETED_MS <= line.began_ms < GREETED_MS + 400
    assert line.ended_ms - line.began_ms == pytest.approx(2_300, abs=40)
    assert "an answer to 'what are your opening hours'" in caller.gave_up
