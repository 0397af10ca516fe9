"""A carrier in memory, and a leg that plays audio as a telephone does: in order, in real time.

The leg's `played` is the truth about what the caller heard and when, to the sample.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
from aiohttp import web

from patter.aio import Mailbox
from patter.audio.formats import MULAW_8K, AudioFormat
from patter.clock import Clock, LoopClock, Timer
from patter.errors import PatterConnectionError
from patter.providers.carrier import (
    Carrier,
    CarrierCapabilities,
    CarrierLine,
    DialRequest,
    Dtmf,
    Hangup,
    LegEvent,
    MarkPlayed,
    MediaLeg,
    NumberSettings,
    PausableRecording,
    StreamError,
    Switchboard,
    TransferRequest,
    TypedText,
)

ABLE = CarrierCapabilities(
    marks=True,
    latency_ms=0,
    outbound=True,
    cold_transfer=True,
    sip_transfer=True,
    warm_transfer=True,
    dtmf_in=True,
    dtmf_out=True,
    machine_detection=True,
    recording=True,
    recording_pause=True,
    price=True,
)


@attrs.frozen
class Played:
    """*audio* reached the caller's ear from *at_ms* on, counted from the leg's beginning."""

    at_ms: float
    audio: bytes = attrs.field(repr=False)


@attrs.define(eq=False)
class FakeLeg:
    """One call's media: the agent uses it as a MediaLeg, the test plays the caller.

    With *marks* False it never answers a mark, as some carriers do. *paced*: what the caller says
    is sent by a simulator's stream, in its time and with silence between.
    """

    audio: AudioFormat = MULAW_8K
    marks: bool = True
    clock: Clock = attrs.field(factory=LoopClock, repr=False)
    paced: bool = attrs.field(default=False, init=False)
    closed: bool = attrs.field(default=False, init=False)
    clears: list[float] = attrs.field(factory=list, init=False)
    _opened_ms: float = attrs.field(init=False)
    _segments: list[Played] = attrs.field(factory=list, init=False, repr=False)
    _free_ms: float = attrs.field(default=0.0, init=False)
    _marks: dict[str, Timer] = attrs.field(factory=dict, init=False, repr=False)
    _events: Mailbox[LegEvent] = attrs.field(factory=lambda: Mailbox(100_000), init=False)
    _changed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._opened_ms = self.clock.ms()

    async def __aiter__(self) -> AsyncIterator[LegEvent]:
        async for event in self._events:
            yield event

    async def send(self, audio: bytes) -> None:
        self._check_open()
        begins = max(self.now_ms, self._free_ms)
        self._segments.append(Played(begins, bytes(audio)))
        self._free_ms = begins + self.audio.ms_in(len(audio))
        self._notify()

    async def mark(self, name: str) -> None:
        self._check_open()
        if self.marks:
            due = self._opened_ms + max(self.now_ms, self._free_ms)
            self._marks[name] = self.clock.at(due, lambda: self._answer(name))

    async def clear(self) -> None:
        self._check_open()
        self.clears.append(self.now_ms)
        self._segments = list(self._heard_by(self.now_ms))
        self._free_ms = min(self._free_ms, self.now_ms)
        for name in list(self._marks):
            self._answer(name)
        self._notify()

    async def close(self) -> None:
        """The agent's side hangs up; the caller hears nothing more."""
        self.drop()

    @property
    def now_ms(self) -> float:
        """Milliseconds since the leg began."""
        return self.clock.ms() - self._opened_ms

    @property
    def busy_until_ms(self) -> float:
        """When everything sent so far will have been played."""
        return self._free_ms

    @property
    def played(self) -> tuple[Played, ...]:
        """What the caller has heard until now, silence left out."""
        return tuple(self._heard_by(self.now_ms))

    def heard(self, since_ms: float = 0.0) -> bytes:
        """The agent's audio heard from *since_ms* until now, without the silence between."""
        return b"".join(each.audio for each in self.played if each.at_ms >= since_ms)

    def recording(self) -> bytes:
        """The agent's side from the beginning until now, silence filled in."""
        line = bytearray()
        size = self.audio.sample_bytes
        for each in self.played:
            gap = self.audio.bytes_in(each.at_ms) - len(line)
            line += self.audio.silence * (max(0, gap) // size) + each.audio
        rest = self.audio.bytes_in(self.now_ms) - len(line)
        return bytes(line + self.audio.silence * (max(0, rest) // size))

    def speak(self, audio: bytes) -> None:
        """The caller's next audio."""
        self._events.put(audio)

    def press(self, digit: str) -> None:
        self._events.put(Dtmf(digit))

    def type(self, text: str) -> None:
        self._events.put(TypedText(text))

    def complain(self, code: str, text: str = "") -> None:
        """The carrier complains of the stream, which goes on."""
        self._events.put(StreamError(code, text))

    def hang_up(self, reason: str = "") -> None:
        self._events.put(Hangup(reason))
        self.drop()

    def drop(self) -> None:
        """Lose the connection: what was not played never will be, and iteration ends."""
        if self.closed:
            return
        self._segments = list(self._heard_by(self.now_ms))
        self._free_ms = min(self._free_ms, self.now_ms)
        for timer in self._marks.values():
            timer.cancel()
        self._marks.clear()
        self.closed = True
        self._events.close()
        self._notify()

    async def changed(self) -> None:
        """Return when audio was sent or cleared, or the leg closed."""
        await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _answer(self, name: str) -> None:
        self._marks.pop(name).cancel()
        self._events.put(MarkPlayed(name))

    def _heard_by(self, now_ms: float) -> Iterable[Played]:
        for each in self._segments:
            size = self.audio.bytes_in(max(0.0, now_ms - each.at_ms) + 1e-6)
            if size and each.audio:
                yield Played(each.at_ms, each.audio[:size])

    def _check_open(self) -> None:
        if self.closed:
            raise PatterConnectionError("the fake leg is closed", fix="stop sending after Hangup")


@attrs.frozen
class Order:
    """A command to the carrier: *deed* to the call, and how."""

    deed: str
    carrier_call_id: str
    detail: str = ""


@attrs.frozen(kw_only=True)
class FakeCarrier:
    """Settings and line in one. It brings no calls by itself.

    *orders* keeps what it was asked, *dialed* whom to ring, *boards* whom it was opened for.
    """

    name: str = "fake"
    account: str = ""
    formats: tuple[AudioFormat, ...] = (MULAW_8K,)
    can: CarrierCapabilities = ABLE
    orders: list[Order] = attrs.field(factory=list, init=False, repr=False, eq=False)
    dialed: list[DialRequest] = attrs.field(factory=list, init=False, repr=False, eq=False)

    boards: list[Switchboard] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @asynccontextmanager
    async def open(self, switchboard: Switchboard) -> AsyncIterator[FakeCarrier]:
        self.boards.append(switchboard)
        yield self

    def leg(self) -> FakeLeg:
        """A leg in the first of *formats*, answering marks if this carrier can."""
        return FakeLeg(self.formats[0], self.can.marks)

    def routes(self) -> Iterable[web.RouteDef]:
        return ()

    async def dial(self, request: DialRequest) -> str:
        self.dialed.append(request)
        return f"FAKE{len(self.dialed)}"

    async def configure(self, number: str) -> None:
        host = self.boards[-1].public_host if self.boards else ""
        self.orders.append(Order("configure", "", f"{number} {host}"))

    async def look_up(self, number: str) -> NumberSettings:
        return NumberSettings(number=number)

    async def hangup(self, carrier_call_id: str) -> None:
        self.orders.append(Order("hangup", carrier_call_id))

    async def transfer(self, carrier_call_id: str, request: TransferRequest) -> None:
        self.orders.append(Order("transfer", carrier_call_id, request.target))

    async def send_dtmf(self, carrier_call_id: str, digits: str) -> None:
        self.orders.append(Order("send_dtmf", carrier_call_id, digits))

    async def start_recording(self, carrier_call_id: str) -> None:
        self.orders.append(Order("start_recording", carrier_call_id))

    async def pause_recording(self, carrier_call_id: str) -> None:
        self.orders.append(Order("pause_recording", carrier_call_id))

    async def resume_recording(self, carrier_call_id: str) -> None:
        self.orders.append(Order("resume_recording", carrier_call_id))

    async def price(self, carrier_call_id: str) -> float | None:  # noqa: ARG002
        return 0.0


if TYPE_CHECKING:
    _: type[Carrier] = FakeCarrier
    __: type[CarrierLine] = FakeCarrier
    ___: type[MediaLeg] = FakeLeg
    ____: type[PausableRecording] = FakeCarrier
