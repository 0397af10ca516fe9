"""A call session and a media leg that do what a test says, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
import pytest

from patter.audio.formats import MULAW_8K
from patter.call.cues import End, Event, HungUp
from patter.observe.summary import CallSummary
from patter.providers.carrier import Incoming, Ticket
from patter.providers.context import CallContext
from patter.server.calls import CallEntry
from patter.server.switchboard import LocalSwitchboard


@attrs.define(eq=False)
class Leg:
    """Media without audio; counts how often it was closed."""

    audio = MULAW_8K
    closed: int = 0

    async def __aiter__(self):
        return
        yield b""

    async def send(self, audio: bytes) -> None: ...

    async def mark(self, name: str) -> None: ...

    async def clear(self) -> None: ...

    async def close(self) -> None:
        self.closed += 1


@attrs.define(eq=False)
class Session:
    """Lives until it is told that it is over; a leg stays until `lost`, or the end, or for ever."""

    call: CallContext
    fails: bool = False
    keeps: bool = False
    told: list[Event] = attrs.field(factory=list)
    legs: list[Leg] = attrs.field(factory=list)
    over: asyncio.Event = attrs.field(factory=asyncio.Event)
    lost: asyncio.Event = attrs.field(factory=asyncio.Event)
    attached: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def run(self) -> CallSummary:
        try:
            await self.over.wait()
        finally:
            self.over.set()
        if self.fails:
            raise RuntimeError("a session that breaks its promise")
        return CallSummary(call_id=self.call.call_id, outcome="completed")

    async def attach(self, leg: Leg) -> None:
        self.legs.append(leg)
        self.attached.set()
        self.lost.clear()
        waits = [asyncio.create_task(each.wait()) for each in (self.over, self.lost)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        while self.keeps:
            await asyncio.Event().wait()

    def tell(self, cue: Event) -> None:
        self.told.append(cue)
        if isinstance(cue, End | HungUp):
            self.over.set()

    def now_ms(self) -> int:
        return 1_000


@attrs.define(eq=False)
class House:
    """A switchboard whose sessions and endings can be looked at."""

    sessions: dict[str, Session] = attrs.field(factory=dict)
    ended: list[CallEntry] = attrs.field(factory=list)
    wanted: Callable[[CallContext], Session] = Session

    def start(self, call: CallContext) -> Session:
        session = self.sessions[call.call_id] = self.wanted(call)
        return session

    async def on_call_end(self, entry: CallEntry) -> None:
        self.ended.append(entry)

    def switchboard(self, **settings: object) -> LocalSwitchboard:
        return LocalSwitchboard(start=self.start, on_call_end=self.on_call_end, **settings)

    async def answered(
        self, switchboard: LocalSwitchboard, tasks: asyncio.TaskGroup, carrier_call_id: str = "CA1"
    ) -> tuple[Ticket, Session, asyncio.Task[None]]:
        """A call whose media has come, its session, and the socket's task."""
        ticket = await switchboard.ring(Incoming(carrier="tin", carrier_call_id=carrier_call_id))
        socket = tasks.create_task(switchboard.attach(ticket.token, Leg()))
        while ticket.call_id not in self.sessions:
            await asyncio.sleep(0)
        session = self.sessions[ticket.call_id]
        await session.attached.wait()
        return ticket, session, socket

    @property
    def outcomes(self) -> list[str]:
        return [each.summary.outcome for each in self.ended if each.summary]


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def leg() -> type[Leg]:
    return Leg
