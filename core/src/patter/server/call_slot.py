"""One call in this process, from its ticket to its summary.

Its session starts when its media first comes. What waits for media, and what serves a leg,
ends soon after the call does, whatever the session forgot.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TypeAlias

import attrs

from patter.observe.summary import CallSummary
from patter.providers.carrier import CallOutcome, MediaLeg
from patter.server.calls import UNREACHED, used_up
from patter.server.commands import CallCommand, cue
from patter.server.live_session import Session

KEPT_ORDERS = 16
STOPPED = "the server stopped"
log = logging.getLogger("patter.server")

First: TypeAlias = "asyncio.Future[Session | CallSummary]"


@attrs.define(eq=False)
class CallSlot:
    """A call this process has: `begin` or `fail` decides what becomes of it, once.

    *media_ms*: how long its first media is waited for. *leg_ms*: how long its session may keep
    a leg after its end. *answerer_told*: somebody was told who took it. *still_up*: it was
    given up, or cut, without its carrier's knowledge.
    """

    call_id: str
    epoch: int = 0
    media_ms: float = 60_000
    leg_ms: float = 2_000
    answerer_told: bool = False
    still_up: bool = False
    live: Session | None = attrs.field(default=None, init=False)
    _first: First = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )
    _orders: deque[CallCommand] = attrs.field(factory=lambda: deque(maxlen=KEPT_ORDERS), init=False)
    _legs: set[asyncio.Timeout] = attrs.field(factory=set, init=False)
    _living: asyncio.Task[object] | None = attrs.field(default=None, init=False)
    _stopped: bool = attrs.field(default=False, init=False)
    _done: bool = attrs.field(default=False, init=False)

    @property
    def decided(self) -> bool:
        """Did media come, or was it given up?"""
        return self._first.done()

    @property
    def given_up(self) -> bool:
        """Will there be no media any more?"""
        return self.decided and self.live is None

    @property
    def over(self) -> bool:
        """Is it too late for media, though its end may not be written down yet?"""
        return self._done or self.given_up

    def begin(self, live: Session) -> None:
        """The first media has come; orders that came before it are handed over."""
        self.live = live
        self._first.set_result(live)
        while self._orders:
            self.deliver(self._orders.popleft())

    def fail(self, summary: CallSummary, *, still_up: bool = False) -> None:
        """There will be no media; too late once there was."""
        if not self._first.done():
            self.still_up = still_up
            self._first.set_result(summary)

    def deliver(self, order: CallCommand) -> None:
        """Hand *order* to the session, now or when it begins."""
        if self.live is None:
            self._orders.append(order)
        else:
            self.live.tell(cue(order, self.live.now_ms()))

    def stop(self) -> None:
        """End it now: nothing more is waited for, a session that runs is cancelled, once.

        A second word must not cut short what a session does at its end.
        """
        if self._stopped:
            return
        self._stopped = True
        self.fail(failed(self.call_id, STOPPED), still_up=True)
        if self._living is not None:
            self._living.cancel()

    async def lived(self) -> CallSummary:
        """Wait for media, live through the call, and say how it went."""
        self._living = asyncio.current_task()
        try:
            return await self._outcome()
        except asyncio.CancelledError:
            if not self._stopped or self._living is None:
                raise
            self._living.uncancel()
            self.still_up = True
            return failed(self.call_id, STOPPED)
        except Exception:
            log.exception("call %s: its session failed", self.call_id)
            self.still_up = True
            return failed(self.call_id, "internal error")
        finally:
            self._living = None
            self._release_legs()

    async def serve(self, leg: MediaLeg) -> None:
        """Give the session *leg*; return when the session, or the call, is done with it.

        Raises WebhookVerificationError when the call was over before.
        """
        if self._done:
            raise used_up(self.call_id)
        if self.live is None:
            return
        bound = asyncio.timeout(None)
        try:
            async with bound:
                self._legs.add(bound)
                await self.live.attach(leg)
        except TimeoutError:
            if not bound.expired():
                raise
            log.error("call %s: its session kept a leg after its end", self.call_id)
        finally:
            self._legs.discard(bound)

    async def _outcome(self) -> CallSummary:
        await asyncio.wait([self._first], timeout=self.media_ms / 1_000)
        self.fail(failed(self.call_id, f"no media within {self.media_ms:.0f} ms"), still_up=True)
        first = self._first.result()
        if self._stopped:
            return failed(self.call_id, STOPPED)
        return first if isinstance(first, CallSummary) else await first.run()

    def _release_legs(self) -> None:
        self._done = True
        self._first.cancel()
        deadline = asyncio.get_running_loop().time() + self.leg_ms / 1_000
        for bound in self._legs:
            bound.reschedule(deadline)


def failed(
    call_id: str, reason: str, outcome: CallOutcome | None = CallOutcome.FAILED
) -> CallSummary:
    """The summary of a call that had no conversation."""
    told = outcome if outcome in UNREACHED else CallOutcome.FAILED
    return CallSummary(call_id=call_id, outcome=told.value, reason=reason)
