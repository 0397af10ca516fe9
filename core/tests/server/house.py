"""A call session and a media leg that do what a test says, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import attrs

from patter.audio.formats import MULAW_8K, AudioFormat
from patter.call.turn.events import CallerHungUp, EndRequested, TurnEvent
from patter.observe.summary import CallSummary
from patter.providers.carrier import Incoming, LegEvent, MediaLeg, Ticket
from patter.providers.context import CallContext
from patter.server.calls import CallEntry
from patter.server.live_session import Session
from patter.server.switchboard import LocalSwitchboard
from patter_testing import FakeCarrier


@attrs.define(eq=False)
class Leg:
    """Media without audio; counts how often it was closed."""

    audio: AudioFormat = MULAW_8K
    closed: int = 0

    async def __aiter__(self) -> AsyncIterator[LegEvent]:
        return
        yield b""

    async def send(self, audio: bytes) -> None: ...

    async def mark(self, name: str) -> None: ...

    async def clear(self) -> None: ...

    async def close(self) -> None:
        self.closed += 1


@attrs.define(eq=False)
class FakeSession:
    """Lives until it is told that it is over; a leg stays until `lost`, or the end, or for ever."""

    call: CallContext
    fails: bool = False
    keeps: bool = False
    events: list[TurnEvent] = attrs.field(factory=list)
    legs: list[MediaLeg] = attrs.field(factory=list)
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

    async def attach(self, leg: MediaLeg) -> None:
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

    def post(self, event: TurnEvent) -> None:
        self.events.append(event)
        if isinstance(event, EndRequested | CallerHungUp):
            self.over.set()

    def now_ms(self) -> int:
        return 1_000


@attrs.define(eq=False)
class House:
    """A switchboard whose sessions and endings can be looked at, and the only line it has."""

    sessions: dict[str, FakeSession] = attrs.field(factory=dict)
    ended: list[CallEntry] = attrs.field(factory=list)
    detected: list[tuple[CallEntry, str]] = attrs.field(factory=list)
    wanted: Callable[[CallContext], FakeSession] = FakeSession
    line: FakeCarrier = attrs.field(factory=lambda: FakeCarrier(name="tin", account="A"))

    def start(self, call: CallContext) -> Session:
        session = self.sessions[call.call_id] = self.wanted(call)
        return session

    async def on_call_end(self, entry: CallEntry) -> None:
        self.ended.append(entry)

    async def on_detected(self, entry: CallEntry, raw: str) -> None:
        self.detected.append((entry, raw))

    def switchboard(self, **settings: Any) -> LocalSwitchboard:
        defaults: dict[str, Any] = {
            "on_call_end": self.on_call_end,
            "on_detected": self.on_detected,
            "lines": {"tin": self.line},
        }
        return LocalSwitchboard(start=self.start, **(defaults | settings))

    async def answered(
        self, switchboard: LocalSwitchboard, tasks: asyncio.TaskGroup, carrier_call_id: str = "CA1"
    ) -> tuple[Ticket, FakeSession, asyncio.Task[None]]:
        """A call whose media has come, its session, and the socket's task."""
        ticket = await switchboard.register(
            Incoming(carrier="tin", carrier_call_id=carrier_call_id, account="A")
        )
        socket = tasks.create_task(switchboard.attach(ticket.token, Leg()))
        session = await self.session(ticket)
        await session.attached.wait()
        return ticket, session, socket

    async def session(self, ticket: Ticket) -> FakeSession:
        """The session of *ticket*'s call, once it has begun."""
        while ticket.call_id not in self.sessions:
            await asyncio.sleep(0)
        return self.sessions[ticket.call_id]

    async def all_ended(self, count: int = 1) -> None:
        """Return when so many calls are over."""
        while len(self.ended) < count:
            await asyncio.sleep(0.001)

    @property
    def outcomes(self) -> list[str]:
        return [each.summary.outcome for each in self.ended if each.summary]

    @property
    def reasons(self) -> list[str]:
        return [each.summary.reason for each in self.ended if each.summary]

    @property
    def deeds(self) -> list[tuple[str, str]]:
        """What the line was asked to do, to which call."""
        return [(each.deed, each.carrier_call_id) for each in self.line.orders]
