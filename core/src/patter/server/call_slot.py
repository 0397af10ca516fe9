"""One call in this process, from its ticket to its summary.

Its session starts when its media first comes. Waiting for media and serving a leg are bounded
here, so that they end soon after the call even when the session does not let go of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TypeAlias

import attrs

from patter.log_lines import CALL_ID
from patter.observe.summary import CallSummary
from patter.providers.carrier import CallOutcome, MediaLeg
from patter.server.calls import UNREACHED, used_up
from patter.server.commands import CallCommand, event_for
from patter.server.live_session import Preparation, Session

# Commands come from the application and from carriers' reports; a ringing call gets a few at
# most, and the newest decide (a hang-up is never pushed out by what came before it).
KEPT_COMMANDS = 16
STOPPED = "the server stopped"
log = logging.getLogger("patter.server")

Start: TypeAlias = "asyncio.Future[Session | CallSummary]"
"""The session that the first media began, or the summary of a call that got no media."""


@attrs.define(eq=False)
class CallSlot:
    """A call this process has: `begin` starts its session or `fail` ends it, whichever is first.

    *media_ms*: how long its first media is waited for. *leg_ms*: how long its session may keep
    a leg after its end. *answerer_reported*: the application was told who answered. *still_up*:
    it ended here while the carrier still keeps the line up.
    """

    call_id: str
    epoch: int = 0
    media_ms: float = 60_000
    leg_ms: float = 2_000
    answerer_reported: bool = False
    still_up: bool = False
    session: Session | None = attrs.field(default=None, init=False)
    preparation: Preparation | None = attrs.field(default=None, init=False)
    _start: Start = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future(), init=False
    )
    _commands: deque[CallCommand] = attrs.field(
        factory=lambda: deque(maxlen=KEPT_COMMANDS), init=False
    )
    _legs: set[asyncio.Timeout] = attrs.field(factory=set, init=False)
    _task: asyncio.Task[object] | None = attrs.field(default=None, init=False)
    _stopped: bool = attrs.field(default=False, init=False)
    _done: bool = attrs.field(default=False, init=False)

    @property
    def decided(self) -> bool:
        """Has its session begun, or has it failed?"""
        return self._start.done()

    @property
    def abandoned(self) -> bool:
        """Has it failed before any media came?"""
        return self.decided and self.session is None

    @property
    def over(self) -> bool:
        """Is it too late for media? Its end may not be written down yet."""
        return self._done or self.abandoned

    def begin(self, session: Session) -> None:
        """Start with the first media; commands that came before it are delivered now."""
        self.session = session
        self._start.set_result(session)
        while self._commands:
            self.deliver(self._commands.popleft())

    def fail(self, summary: CallSummary, *, still_up: bool = False) -> None:
        """End the call without media, with *summary*; does nothing once it was decided."""
        if not self._start.done():
            self.still_up = still_up
            self._start.set_result(summary)

    def deliver(self, command: CallCommand) -> None:
        """Hand *command* to the session, now or when it begins."""
        if self.session is None:
            self._commands.append(command)
        else:
            self.session.post(event_for(command, self.session.now_ms()))

    def stop(self) -> None:
        """End it now: nothing more is waited for, a session that runs is cancelled."""
        # Once only: a second cancel would cut short what the session does at its end, such as
        # finishing its record.
        if self._stopped:
            return
        self._stopped = True
        self.fail(failed(self.call_id, STOPPED), still_up=True)
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> CallSummary:
        """Wait for media, run the session, and return how the call went."""
        self._task = asyncio.current_task()
        CALL_ID.set(self.call_id)
        try:
            return await self._outcome()
        except asyncio.CancelledError:
            if not self._stopped or self._task is None:
                raise
            # Our own cancel has done its work; left pending, it would cancel the registry's
            # requests that write the end down.
            self._task.uncancel()
            self.still_up = True
            return failed(self.call_id, STOPPED)
        except Exception:
            log.exception("call %s: its session failed", self.call_id)
            self.still_up = True
            return failed(self.call_id, "internal error")
        finally:
            self._task = None
            self._release_legs()

    async def serve(self, leg: MediaLeg) -> None:
        """Give the session *leg*; return when the session, or the call, is done with it.

        Raises WebhookVerificationError when the call was over before.
        """
        if self._done:
            raise used_up(self.call_id)
        if self.session is None:
            return
        # Without a limit while the call lasts; `_release_legs` sets one when it is over.
        bound = asyncio.timeout(None)
        try:
            async with bound:
                self._legs.add(bound)
                await self.session.attach(leg)
        except TimeoutError:
            if not bound.expired():
                raise
            log.error("call %s: its session kept a leg after its end", self.call_id)
        finally:
            self._legs.discard(bound)

    async def _outcome(self) -> CallSummary:
        await asyncio.wait([self._start], timeout=self.media_ms / 1_000)
        self.fail(failed(self.call_id, f"no media within {self.media_ms:.0f} ms"), still_up=True)
        start = self._start.result()
        # A session that began in the very moment of the stop is never run.
        if self._stopped:
            return failed(self.call_id, STOPPED)
        return start if isinstance(start, CallSummary) else await start.run()

    def _release_legs(self) -> None:
        self._done = True
        self._start.cancel()
        deadline = asyncio.get_running_loop().time() + self.leg_ms / 1_000
        for bound in self._legs:
            bound.reschedule(deadline)


def failed(
    call_id: str, reason: str, outcome: CallOutcome | None = CallOutcome.FAILED
) -> CallSummary:
    """The summary of a call that had no conversation."""
    final = outcome if outcome in UNREACHED else CallOutcome.FAILED
    return CallSummary(call_id=call_id, outcome=final.value, reason=reason)
