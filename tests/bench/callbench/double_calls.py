"""Calls through the double of a telephone company, its webhooks and its own media streams.

The double plays what it gets in real time, so it knows to the sample what a caller had heard
when the agent was cut.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
from aiohttp import ClientSession, TCPConnector

from callbench import script
from callbench.doors import Door, Logs, OnOver, Party
from callbench.person import Person
from callbench.stamps import CallLog, now_ns
from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter_testing.doubles.call import DoubleCall
from patter_testing.doubles.stream import Stream
from patter_testing.fakes.carrier import FakeLeg
from patter_twilio.double import TwilioAccountDouble, TwilioDouble


def _nobody() -> None:
    """Nobody wants to know."""


@attrs.define(eq=False)
class PersonLeg(FakeLeg):
    """The far end of a stream, with *person* on it; *on_drop* when it is gone."""

    person: Person = attrs.field(kw_only=True)
    on_drop: Callable[[], None] = attrs.field(default=_nobody, kw_only=True)

    async def send(self, audio: bytes) -> None:
        self.person.gets(len(audio), now_ns())
        await super().send(audio)

    async def clear(self) -> None:
        self.person.is_cleared(now_ns())
        await super().clear()

    def drop(self) -> None:
        gone = self.closed
        super().drop()
        if not gone:
            self.on_drop()

    def tick(self) -> None:
        """Say the next 20 ms."""
        self.speak(script.VOICE if self.person.speaks(now_ns()) else script.SILENCE)


class Subscriber:
    """A person on a call of *vendor* whose media is open."""

    def __init__(
        self, vendor: TwilioAccountDouble, call: DoubleCall, leg: PersonLeg, on_over: OnOver
    ) -> None:
        self.person, self.log = leg.person, leg.person.log
        self.tick = leg.tick
        self._vendor, self._call, self._on_over = vendor, call, on_over
        self._ending = False
        leg.on_drop = self._gone

    def hang_up(self) -> None:
        self._ending = True
        self._vendor.runtime.start(self._call.hangs_up())

    def _gone(self) -> None:
        """The media is gone: what was true of it is written down."""
        stream = self._call.streams[0]
        self.log.cuts_ms = _between_clears(stream)
        if stream.malformed:
            self.log.problem = stream.malformed[0]
        elif not self._ending:
            self.log.problem = f"the media went away; the call was {self._call.status}"
        self._on_over(self)


class ThroughTwilio:
    """Calls over the double of an account with Twilio."""

    def __init__(self, vendor: TwilioAccountDouble) -> None:
        self.api = vendor.runtime.url
        self._vendor = vendor
        self._persons: dict[str, Person] = {}
        vendor.runtime.legs = self._leg

    def leads_to(self, port: int) -> None:
        self._vendor.reaches(f"http://127.0.0.1:{port}")

    async def call(self, logs: Logs, on_over: OnOver) -> Party:
        call = self._vendor.rings()
        log = logs[call.call_id] = CallLog(call.call_id, len(logs))
        self._persons[call.call_id] = Person(log)
        leg = await call.up()
        assert isinstance(leg, PersonLeg)
        return Subscriber(self._vendor, call, leg, on_over)

    def _leg(self, call: DoubleCall, audio: AudioFormat, clock: Clock) -> FakeLeg:
        return PersonLeg(audio, clock=clock, person=self._persons[call.call_id])


@asynccontextmanager
async def through_twilio() -> AsyncIterator[ThroughTwilio]:
    """Every webhook has a connection of its own: none is left when connections are counted."""
    connector = TCPConnector(limit=0, force_close=True)
    async with (
        ClientSession(connector=connector) as http,
        TwilioDouble(paced=False).open() as vendor,
    ):
        vendor.runtime.http = vendor.runtime.sender.http = http
        yield ThroughTwilio(vendor)


def _between_clears(stream: Stream) -> list[float]:
    """Milliseconds heard between one clear and the next."""
    heard = [0.0, *(cut.heard_ms for cut in stream.cuts)]
    return [after - before for before, after in pairwise(heard)]


if TYPE_CHECKING:
    _: type[Door] = ThroughTwilio
    __: type[Party] = Subscriber
