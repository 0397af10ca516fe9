"""One call's media, leg after leg: read while it lasts, waited for while it may come back.

What the end of a leg means is not decided here alone: while the caller is handed over, the
carrier's word counts and not its sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs

from patter.aio import Full, Mailbox
from patter.call.link import as_patter_error
from patter.call.playout.sender import PlayoutSender
from patter.call.transfer import TransferState
from patter.call.turn.events import CallerHungUp, TransferFailed, TurnEvent
from patter.clock import Clock, Timer
from patter.errors import WebhookVerificationError
from patter.observe.call_events import CallEvents
from patter.observe.events import Wire
from patter.providers.carrier import LegEvent, MediaLeg

CLOSE_S = 10.0
UNTOLD_MS = 2_000
"""A caller who has been back for so long was not taken, whatever the carrier forgot to tell."""
WAITING = 4


@attrs.frozen(eq=False)
class AttachedLeg:
    """A leg, and the promise to say when the call is done with it."""

    leg: MediaLeg
    done: asyncio.Event = attrs.field(factory=asyncio.Event)


@attrs.define(eq=False, kw_only=True)
class Legs:
    """The legs of one call; *reconnects*: a carrier that brings back what was lost.

    A lost leg may come back within *reconnect_ms*; *given_up* when it did not, and nobody knows
    whether the caller is still on the line.
    """

    clock: Clock
    events: CallEvents
    transfers: TransferState
    reconnects: bool
    reconnect_ms: int
    tell: Callable[[TurnEvent], None]
    _visits: Mailbox[AttachedLeg] = attrs.field(
        factory=lambda: Mailbox(WAITING, Full.REFUSE), init=False
    )
    _leg: MediaLeg | None = attrs.field(default=None, init=False)
    _patience: asyncio.Timeout | None = attrs.field(default=None, init=False)
    _untold: Timer | None = attrs.field(default=None, init=False)
    _left_away: bool = attrs.field(default=False, init=False)
    given_up: bool = attrs.field(default=False, init=False)
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
        visit, self._had_one = AttachedLeg(leg), True
        if self._over or not self._visits.put(visit):
            await leg.close()
            return
        await visit.done.wait()

    async def next(self) -> AttachedLeg | None:
        """The next leg; None when the call is over first."""
        try:
            return await anext(self._visits)
        except StopAsyncIteration:
            return None

    async def read(
        self, visit: AttachedLeg | None, sender: PlayoutSender, take: Callable[[LegEvent], None]
    ) -> None:
        """Hand what *visit* and the legs after it deliver to *take*, until the caller is gone."""
        while visit is not None:
            self._leg = visit.leg
            sender.connect(visit.leg)
            self._came(visit.leg)
            try:
                async for event in visit.leg:
                    take(event)
            finally:
                sender.disconnect()
                self._leg = None
                visit.done.set()
            visit = await self._return()
        self.tell(CallerHungUp(self.events.now_ms()))

    def hung_up(self) -> None:
        """The leg says that the caller is gone; a carrier that has them knows better."""
        if self.transfers.outlives_leg:
            self._left_away = True
        else:
            self.tell(CallerHungUp(self.events.now_ms()))

    def hurry(self) -> None:
        """The caller is ours again: from now on their leg has so long to come back."""
        if self._patience is not None:
            self._patience.reschedule((self.clock.ms() + self.reconnect_ms) / 1_000)

    def end(self) -> None:
        """The call is over: no more legs are taken."""
        self._over = True
        self._visits.close()

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
        if self._untold is not None:
            self._untold.cancel()
        for visit in self._visits.items():
            visit.done.set()

    async def _return(self) -> AttachedLeg | None:
        """The leg is gone without a word: wait for the carrier to bring another."""
        if self._over or not self._may_return:
            return None
        self.events.emit(Wire(what="leg_lost"))
        try:
            async with asyncio.timeout(None) as self._patience:
                if not self.transfers.away:
                    self.hurry()
                visit = await self.next()
        except TimeoutError:
            self.given_up = True
            return None
        finally:
            self._patience = None
        if visit is not None:
            self.events.emit(Wire(what="leg_back"))
        return visit

    @property
    def _may_return(self) -> bool:
        """Without word of how a transfer ends, the end of the media is the end of our part."""
        transfers = self.transfers
        brought_back = self._left_away or transfers.outlives_leg
        return brought_back or (self.reconnects and not transfers.away)

    def _came(self, leg: MediaLeg) -> None:
        """A leg that comes while the caller is away brings them back, be it told or not."""
        transfers, count = self.transfers, self.transfers.count
        transfers.leg_came()
        self._left_away = False
        if not transfers.away:
            return

        def not_taken() -> None:
            if self._leg is leg and transfers.away and transfers.count == count:
                self.tell(TransferFailed(self.events.now_ms()))

        self._untold = self.clock.at(self.clock.ms() + UNTOLD_MS, not_taken)
