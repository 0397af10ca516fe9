"""Everybody who is called, and the house that calls them: a desk, its switchboard, its line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest

from patter import Agent, PluginRegistry
from patter.phone.callbacks import Callbacks
from patter.phone.outbound import Dialler, OutboundCall, outbound_call
from patter.phone.results import CallResult
from patter.phone.serving import ServeContext
from patter.providers.carrier import CarrierCall, DialRequest
from patter.server.admission import Admission
from patter.server.switchboard import LocalSwitchboard
from patter_testing import Caller, FakeCarrier, FakeLeg, FakeLLM, FakeSTT, FakeTTS, FakeVAD

virtual = pytest.mark.virtual_time
ABLE = FakeCarrier()
OURS, ADA, BOB = "+15550001234", "+15550107788", "+15550107799"


@attrs.define(eq=False)
class Mind:
    """An agent of fakes, and its own ears."""

    says: str
    name: str = "served"
    stt: FakeSTT = attrs.field(factory=FakeSTT)
    more: dict[str, Any] = attrs.field(factory=dict)

    @property
    def agent(self) -> Agent:
        return Agent(
            **{
                "system_prompt": "You call {who}.",
                "name": self.name,
                "stt": self.stt,
                "llm": FakeLLM(replies=(self.says,) * 9),
                "tts": FakeTTS(),
                "vad": FakeVAD(),
                "first_message": f"This is {self.name}.",
                **self.more,
            }
        )


@attrs.define(eq=False)
class House:
    """A desk, its switchboard and its line; the test is everybody who is called."""

    mind: Mind = attrs.field(factory=lambda: Mind("From five."))
    carrier: FakeCarrier = attrs.field(factory=FakeCarrier)
    events: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)
    context: ServeContext = attrs.field(init=False)
    board: LocalSwitchboard = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        registry = PluginRegistry.from_environment({}, source=[])
        agent = self.mind.agent
        self.context = ServeContext(
            agent=agent,
            parts=agent.gather(registry, carrier=self.carrier),
            registry=registry,
            carrier=self.carrier,
            line=self.carrier,
            callbacks=Callbacks(on_call_start=self.hears("start"), on_call_end=self.hears("end")),
        )
        self.board = LocalSwitchboard(
            start=self.context.answer,
            admission=Admission(),
            on_call_end=self.context.ended,
            on_detected=self.context.pending_calls.detected,
        )

    def hears(self, what: str) -> Callable[[dict[str, Any]], Coroutine[Any, Any, None]]:
        async def callback(data: dict[str, Any]) -> None:
            self.events.append((what, data))

        return callback

    def of(self, what: str) -> list[dict[str, Any]]:
        return [data for kind, data in self.events if kind == what]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Dialler]:
        async with self.carrier.open(self.board) as line, self.board.running():
            self.board.lines[line.name] = line
            yield Dialler(context=self.context, switchboard=self.board, line=line)

    async def dialled(self, to: str) -> DialRequest:
        """What the carrier was asked when *to* was called."""
        while True:
            for request in self.carrier.dialed:
                if request.to == to:
                    return request
            await asyncio.sleep(0.001)

    def named(self, request: DialRequest) -> CarrierCall:
        place = self.carrier.dialed.index(request) + 1
        return CarrierCall("fake", f"FAKE{place}")

    async def answers(self, to: str, mind: Mind | None = None, *, asks: bool = True) -> str:
        """Take the call to *to*, hear the greeting, ask once, hang up; the greeting."""
        request = await self.dialled(to)
        leg, ears = FakeLeg(), (mind or self.mind).stt
        caller = Caller(leg, on_speech=lambda text: ears.sessions[-1].hear(text))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.board.attach(request.ticket.token, leg))
            greeting = await caller.hears_the_agent_out()
            if asks:
                await caller.says("when are you open")
                await caller.hears_the_agent_out()
            caller.hangs_up()
        return greeting


def outbound(to: str = ADA, **fields: Any) -> OutboundCall:
    blank = {
        "from_number": OURS,
        "agent": None,
        "first_message": "",
        "voicemail_message": "",
        "ring_timeout": None,
        "machine_detection": False,
        "on_machine": None,
        "variables": None,
    }
    return outbound_call(fields.pop("carrier", ABLE), to=to, **{**blank, **fields})


async def called(house: House, request: OutboundCall, mind: Mind | None = None) -> CallResult:
    """The result of a call that is answered and ends by itself."""
    async with house.running() as dialler, asyncio.TaskGroup() as tasks:
        placing = tasks.create_task(dialler.place(request, wait=True))
        tasks.create_task(house.answers(request.to, mind))
    result = placing.result()
    assert result is not None
    return result
