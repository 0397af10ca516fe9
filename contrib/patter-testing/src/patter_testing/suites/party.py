"""The far end of `CarrierSuite` where the vendor has a double: its stream, one step at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import attrs

from patter.aio import task_scope
from patter.audio.formats import MULAW_8K, AudioFormat
from patter_testing.doubles.harness import until
from patter_testing.doubles.stream import CarrierFrames, Ended, Stream
from patter_testing.fakes.carrier import FakeLeg
from patter_testing.suites.carrier import Broken
from patter_testing.switchboard import FakeSwitchboard


@attrs.define(eq=False)
class BadFrames:
    """The *frames* of a stream, whose keys may be *nonsense* that the vendor would never say."""

    frames: CarrierFrames
    nonsense: Mapping[Broken, str]

    def __getattr__(self, name: str) -> object:
        return getattr(self.frames, name)

    def digit(self, digit: str) -> str:
        """A key, or the nonsense of that name."""
        if digit in Broken.__members__:
            return self.nonsense[Broken[digit]]
        return self.frames.digit(digit)


@attrs.define(eq=False, kw_only=True)
class DoubleParty:
    """A `RemoteParty` over a double's `Stream`; subclasses say how a call rings, and its frames.

    *vendor* is the running double, *name* the carrier's, as in its routes.
    """

    vendor: Any
    switchboard: FakeSwitchboard
    tasks: asyncio.TaskGroup
    name: str
    nonsense: Mapping[Broken, str]
    audio: AudioFormat = MULAW_8K
    stream: Stream | None = None
    _running: asyncio.Task[Ended] | None = None

    @classmethod
    @asynccontextmanager
    async def present(cls, **fields: Any) -> AsyncIterator[Self]:
        """One with the fields *given*, while inside; on leaving, its stream is dropped."""
        async with task_scope() as tasks:
            party = cls(tasks=tasks, **fields)
            try:
                yield party
            finally:
                if party.stream is not None:
                    party.leg.drop()

    @property
    def leg(self) -> FakeLeg:
        assert self.stream is not None, "connect first"
        return self.stream.leg

    async def ring(self) -> str:
        raise NotImplementedError("override 'ring' in your subclass")

    def frames(self) -> CarrierFrames:
        """The vendor's side of a new stream of the call."""
        raise NotImplementedError("override 'frames' in your subclass")

    async def connect(self, token: str) -> None:
        rude: Any = BadFrames(self.frames(), self.nonsense)
        self.stream = Stream(FakeLeg(self.audio), rude)
        hosts, refusals, held = (
            self.vendor.runtime.hosts,
            self.switchboard.refusals,
            self.switchboard.held,
        )
        url = hosts.socket(f"wss://{hosts.public_host}/media/{self.name}/{token}")
        running = self.stream.run(self.vendor.runtime.http, url)
        self._running = self.tasks.create_task(running, name="double-party")
        await until(lambda: self.switchboard.refusals > refusals or self.switchboard.held > held)
        if self.switchboard.refusals > refusals:
            await self._running
            raise ConnectionError("refused")

    async def speak(self, audio: bytes) -> None:
        if self.leg.closed:
            raise ConnectionError("closed")
        self.leg.speak(audio)

    async def heard(self, size: int) -> bytes:
        await until(lambda: len(self.leg.heard()) >= size)
        return self.leg.heard()

    async def cleared(self) -> None:
        await until(lambda: bool(self.leg.clears))

    async def press(self, digit: str) -> None:
        self.leg.press(digit)

    async def hang_up(self) -> None:
        self.leg.hang_up()

    async def drop(self) -> None:
        self.leg.drop()

    async def send_broken(self, how: Broken) -> bool:
        if how in self.nonsense:
            self.leg.press(how.name)
        return how in self.nonsense

    async def closed(self) -> None:
        assert self._running is not None, "connect first"
        await self._running
