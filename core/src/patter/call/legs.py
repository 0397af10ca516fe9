"""One call's media, leg after leg: read while it lasts, waited for while it may come back.

What the end of a leg means is not decided here alone: while the caller is handed over, the
carrier's word counts and not its sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from patter.aio import Full, Mailbox
from patter.call.inbound_pace import InboundPace
from patter.call.link import as_patter_error
from patter.call.playout.sender import SEND_S, PlayoutSender
from patter.call.transfer import TransferState
from patter.call.turn.events import CallerHungUp, TransferFailed, TurnEvent
from patter.clock import Clock, Timer
from patter.errors import (
    PatterConnectionError,
    PatterError,
    PatterTimeoutError,
    WebhookVerificationError,
)
from patter.observe.call_events import CallEvents
from patter.observe.events import Note, Wire
from patter.providers.carrier import AbortableLeg, LegEvent, MediaLeg

# A socket that does not close must not keep the call from its end.
CLOSE_S = 10.0
ABORT_S = 2.0
# What a caller did last may lie unread before the end of a connection that takes no audio.
UNREAD_MS = 500
RETURNED_MS = 2_000
"""If media returns during a transfer and no result comes within this time, it has failed.

Carriers do not always report the end of a transfer.
"""
WAITING = 4
TURN = 8
"""Events that are read at most before others have their turn."""
EXCESS_MS = 20.0
"""How long reading waits after what a line brought too much."""


@attrs.frozen(eq=False)
class AttachedLeg:
    """A leg, and the promise to say when the call is done with it."""

    leg: MediaLeg
    done: asyncio.Event = attrs.field(factory=asyncio.Event)


@attrs.define(eq=False, kw_only=True)
class Legs:
    """The legs of one call; *reconnects*: a carrier that brings back what was lost.

    A lost leg may come back within *reconnect_ms*; *abandoned* when it did not, and nobody knows
    whether the caller is still on the line. One that takes no more audio counts as lost.
    """

    clock: Clock
    events: CallEvents
    transfers: TransferState
    reconnects: bool
    reconnect_ms: int
    post: Callable[[TurnEvent], None]
    _attached: Mailbox[AttachedLeg] = attrs.field(
        factory=lambda: Mailbox(WAITING, Full.REFUSE), init=False
    )
    _leg: MediaLeg | None = attrs.field(default=None, init=False)
    _reading: asyncio.Timeout | None = attrs.field(default=None, init=False)
    _failure: PatterError | None = attrs.field(default=None, init=False)
    _patience: asyncio.Timeout | None = attrs.field(default=None, init=False)
    _not_taken_timer: Timer | None = attrs.field(default=None, init=False)
    _left_away: bool = attrs.field(default=False, init=False)
    abandoned: bool = attrs.field(default=False, init=False)
    _over: bool = attrs.field(default=False, init=False)
    _had_one: bool = attrs.field(default=False, init=False)

    async def attach(self, leg: MediaLeg) -> None:
        """Take *leg* as the call's media; return when the call is done with it.

        Raises WebhookVerificationError for one that comes back when the call is over.
        """
        if self._over and self._had_one:
            raise WebhookVerificationError(
                f"call {self.events.call_id} is over, and takes no more media",
                fix="place a new call; every call gets its own media_url",
            )
        attached, self._had_one = AttachedLeg(leg), True
        if self._over or not self._attached.put(attached):
            await leg.close()
            return
        await attached.done.wait()

    async def next(self) -> AttachedLeg | None:
        """The next leg; None when the call is over first."""
        try:
            return await anext(self._attached)
        except StopAsyncIteration:
            return None

    async def read(
        self, attached: AttachedLeg | None, sender: PlayoutSender, take: Callable[[LegEvent], None]
    ) -> None:
        """Pass what *attached* and later legs deliver to *take*, until the caller is gone."""
        while attached is not None:
            self._leg, self._failure = attached.leg, None
            sender.connect(attached.leg)
            self._came(attached.leg)
            try:
                await self._read(attached.leg, take)
            finally:
                sender.disconnect()
                self._leg = None
                attached.done.set()
            attached = await self._return()
        self.post(CallerHungUp(self.events.now_ms()))

    def fail(self, leg: MediaLeg, raised: Exception) -> None:
        """*leg* takes no more audio: unless it ends by itself, give it up."""
        if leg is self._leg and self._failure is None and self._reading is not None:
            self._failure = _not_taken(raised)
            self._reading.reschedule((self.clock.ms() + UNREAD_MS) / 1_000)

    def hung_up(self) -> None:
        """The leg reports a hang-up; during a transfer the carrier's report counts instead."""
        if self.transfers.outlives_leg:
            self._left_away = True
        else:
            self.post(CallerHungUp(self.events.now_ms()))

    def restart_timeout(self) -> None:
        """The transfer failed. Restart the reconnect timeout for the lost media leg."""
        if self._patience is not None:
            self._patience.reschedule((self.clock.ms() + self.reconnect_ms) / 1_000)

    def end(self) -> None:
        """The call is over: no more legs are taken."""
        self._over = True
        self._attached.close()

    async def close(self) -> None:
        """Close the leg there is."""
        if self._leg is None:
            return
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._leg.close()
        except Exception as raised:
            where = "closing the media"
            self.events.error(as_patter_error(raised, where), where)

    def release(self) -> None:
        """Nothing waits for this call any more."""
        if self._not_taken_timer is not None:
            self._not_taken_timer.cancel()
        for attached in self._attached.items():
            attached.done.set()

    async def _read(self, leg: MediaLeg, take: Callable[[LegEvent], None]) -> None:
        """Pass what *leg* delivers to *take* until it ends, or is given up."""
        try:
            async with asyncio.timeout(None) as self._reading:
                await self._read_paced(leg, take)
            self._failure = None
        except TimeoutError:
            if self._failure is None:
                raise
            await self._give_up(leg, self._failure)
        finally:
            self._reading = None

    async def _read_paced(self, leg: MediaLeg, take: Callable[[LegEvent], None]) -> None:
        """Pass on what comes no faster than anybody speaks; who sends more waits, and nobody else.

        A socket with a full buffer never waits by itself, so other calls get their turn here.
        """
        pace, count = InboundPace(leg.audio, self.clock.ms()), 0
        async for event in leg:
            count += 1
            # Before it is taken: what follows a hang-up must not find the leg still there.
            if not count % TURN:
                await asyncio.sleep(0)
            if not pace.admits(event, now_ms := self.clock.ms()):
                if pace.is_news(now_ms):
                    text = f"dropped {pace.dropped}: the line brings more than real time"
                    self.events.emit(Note(what="too_much", text=text))
                await self.clock.sleep(EXCESS_MS)
                continue
            take(event)

    async def _give_up(self, leg: MediaLeg, failure: PatterError) -> None:
        """Close the connection and not the call, where the leg knows the difference."""
        self.events.error(failure, "sending to the caller")
        self.events.emit(Wire(what="leg_lost", name=failure.message))
        try:
            async with asyncio.timeout(ABORT_S):
                await (leg.abort() if isinstance(leg, AbortableLeg) else leg.close())
        except Exception as raised:
            where = "giving up the media"
            self.events.error(as_patter_error(raised, where), where)

    async def _return(self) -> AttachedLeg | None:
        """The leg is gone without a hang-up: wait for the carrier to bring another."""
        if self._over or not self._may_return:
            self.abandoned = self.abandoned or self._failure is not None
            return None
        if self._failure is None:
            self.events.emit(Wire(what="leg_lost"))
        try:
            async with asyncio.timeout(None) as self._patience:
                if not self.transfers.away:
                    self.restart_timeout()
                attached = await self.next()
        except TimeoutError:
            self.abandoned = True
            return None
        finally:
            self._patience = None
        if attached is not None:
            self.events.emit(Wire(what="leg_back"))
        return attached

    @property
    def _may_return(self) -> bool:
        """Without word of how a transfer ends, the end of the media is the end of our part."""
        transfers = self.transfers
        brought_back = self._left_away or transfers.outlives_leg
        return brought_back or (self.reconnects and not transfers.away)

    def _came(self, leg: MediaLeg) -> None:
        """A leg that comes during a transfer means that the caller is back."""
        transfers, count = self.transfers, self.transfers.count
        transfers.leg_came()
        self._left_away = False
        if not transfers.away:
            return

        def not_taken() -> None:
            if self._leg is leg and transfers.away and transfers.count == count:
                self.post(TransferFailed(self.events.now_ms()))

        self._not_taken_timer = self.clock.at(self.clock.ms() + RETURNED_MS, not_taken)


def _not_taken(raised: Exception) -> PatterError:
    fix = "see the carrier's status, and whether this machine sends in time"
    if isinstance(raised, PatterError):
        return raised
    if isinstance(raised, TimeoutError):
        return PatterTimeoutError(f"the carrier took no audio for {SEND_S:g} s", fix=fix)
    reason = str(raised) or type(raised).__name__
    return PatterConnectionError(f"the carrier takes no audio: {reason}", fix=fix)
