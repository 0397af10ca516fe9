"""A caller's pauses, each of which is answered in its time, whatever a recogniser does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs

from patter.clock import Clock
from patter.providers.stt import STTEvent, Transcript
from patter.vendors.events import SessionEvents
from patter.vendors.sockets import VendorSocket

HURRY_MS = 1_000.0
"""How long a final may take that was asked for; vendors take a quarter to a third of it."""

MUTE_PAUSES = 3
"""After so many pauses in a row without any message the recogniser is gone, however open its
socket: answering in its place for ever would keep the call from reconnecting."""


class PauseHearing(Protocol):
    """What a recogniser's messages mean (pure); *owed* pauses wait for their final."""

    @property
    def owed(self) -> int: ...

    def paused(self) -> str | None:
        """The caller has paused: what to send, if anything."""
        ...

    def hurry(self) -> str | None:
        """The final did not come in time: what to send, if anything helps."""
        ...

    def overdue(self) -> list[STTEvent]:
        """It still did not come: what to say in the vendor's place. Then none is owed."""
        ...


@attrs.define(eq=False)
class PauseWatch:
    """Answers the pauses of a session. Each message of the vendor's sets *mute* to 0."""

    _hearing: PauseHearing
    _socket: VendorSocket
    _events: SessionEvents[STTEvent]
    _clock: Clock
    _hurry_ms: float = HURRY_MS
    _mute_pauses: int = MUTE_PAUSES
    mute: int = attrs.field(default=0, init=False)
    _heard_bytes: int = attrs.field(default=0, init=False)
    _due_ms: float = attrs.field(default=0.0, init=False)
    _hurried: bool = attrs.field(default=False, init=False)
    _pause: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    async def pause(self, heard_bytes: int, within_ms: float) -> None:
        """The caller has paused after *heard_bytes*; the vendor may take *within_ms*.

        If nothing was heard since the last pause, an empty final comes at once. Raises
        PatterError when the session is over.
        """
        self._events.check_open()
        if heard_bytes == self._heard_bytes and not self._hearing.owed:
            self._events.put(Transcript("", True))
            return
        self._heard_bytes, self._hurried = heard_bytes, False
        message = self._hearing.paused()
        self._due_ms = self._clock.ms() + within_ms
        self._pause.set()
        if message is not None:
            await self._socket.send(message)

    async def run(self) -> None:
        """Answer in the vendor's place what it leaves unanswered. Raises PatterError in the end."""
        while True:
            await self._pause.wait()
            self._pause.clear()
            await self._wait()
            while not self._hurried and (message := self._hearing.hurry()):
                self._hurried = True
                await self._socket.send(message)
                self._due_ms = self._clock.ms() + self._hurry_ms
                await self._wait()
            if answers := self._hearing.overdue():
                self.mute += 1
                if self.mute >= self._mute_pauses:
                    raise self._socket.errors.late()
                self._events.put(*answers)

    async def _wait(self) -> None:
        """Let the time pass that the vendor has for the latest pause."""
        while self._hearing.owed and (left_ms := self._due_ms - self._clock.ms()) > 0:
            await self._clock.sleep(left_ms)


async def keep_alive(
    clock: Clock, every_ms: float, sent: Callable[[], int], act: Callable[[], Awaitable[None]]
) -> None:
    """Do *act* after each *every_ms* in which *sent*, the bytes so far, has not grown."""
    before = 0
    while True:
        await clock.sleep(every_ms)
        if sent() == before:
            await act()
        before = sent()
