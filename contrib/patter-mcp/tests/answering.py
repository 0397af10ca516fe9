"""A module as a user has it: a phone, whose calls somebody takes and hangs up, and an agent."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs

from patter import Patter
from patter.env import read
from patter.providers.carrier import CarrierCapabilities, DialRequest
from patter_testing import FakeCarrier, FakeLeg, FakeLLM, FakeSTT, FakeTTS, FakeVAD

print("who prints here must not disturb the protocol")


@attrs.define(eq=False)
class Answering(FakeCarrier):
    """Everybody who is called listens to the greeting and hangs up; +...99 never hangs up."""

    callees: set[asyncio.Task[None]] = attrs.field(factory=set)

    async def dial(self, request: DialRequest) -> str:
        made = await super().dial(request)
        self.callees.add(asyncio.get_running_loop().create_task(self._answer(request)))
        return made

    async def _answer(self, request: DialRequest) -> None:
        leg = FakeLeg()
        board: Any = self.boards[-1]
        attached = asyncio.get_running_loop().create_task(board.attach(request.ticket.token, leg))
        while not leg.heard() and not leg.closed:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        if not request.to.endswith("99"):
            leg.hang_up()
        await attached


phone = Patter(
    carrier=Answering(can=CarrierCapabilities(marks=True, outbound=True)),
    phone_number="+15550001234",
    webhook_url="a.example.com",
    persist=read("DESK_LOG") or False,
)
agent = phone.agent(
    "Be brief.",
    first_message="Good evening, I call from +15550100009.",
    stt=FakeSTT(),
    llm=FakeLLM(),
    tts=FakeTTS(ms_per_letter=1),
    vad=FakeVAD(),
)
