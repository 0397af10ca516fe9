"""Outbound calls that are not over yet, by id: their agent, their callback, and who waits.

Added before a call is dialled, removed when it is over; incoming calls have no entry.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from patter.agent import Agent
from patter.call.answering import MessageHandler
from patter.clock import Clock, LoopClock
from patter.observe.call_metrics import CallMetrics
from patter.parts import AgentParts
from patter.phone.delivery import called
from patter.phone.results import CallResult, MachineDetectionResult, OnMachine, ServingStopped
from patter.providers.carrier import Answerer
from patter.providers.context import CallContext
from patter.server.call_slot import STOPPED
from patter.server.calls import CallEntry

# Media that overtakes the answer to the dial does so by a second or two; then the conversation
# begins without the carrier's id, and cannot be hung up or transferred.
DIAL_S = 5.0
log = logging.getLogger("patter.phone.serving")

_CUT = (STOPPED, "stopped")
"""The reasons of a call that the server cut: its own, and that of the call's session."""


@attrs.frozen(kw_only=True)
class AgentAndParts:
    """An agent, its parts, and the function that answers instead of a model, if any."""

    agent: Agent
    parts: AgentParts
    on_message: MessageHandler | None = None


@attrs.define(eq=False, kw_only=True)
class PendingCall:
    """One outbound call. `Patter.call` waits for *over*; *on_machine* is called once.

    *answered* is set when the dial got its answer; *carrier_call_id* is empty if it failed.
    """

    pair: AgentAndParts
    on_machine: OnMachine | None = None
    over: asyncio.Future[CallResult] | None = None
    carrier_call_id: str = ""
    answered: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)


@attrs.define(eq=False)
class PendingCalls:
    """The pending calls of one `serve`."""

    clock: Clock = attrs.field(factory=LoopClock)
    _calls: dict[str, PendingCall] = attrs.field(factory=dict, init=False)

    def close(self) -> None:
        """The server stopped: fail what still waits."""
        for pending in self._calls.values():
            _fail(pending)
        self._calls.clear()

    def __len__(self) -> int:
        return len(self._calls)

    def expect(self, call_id: str, pending: PendingCall) -> None:
        """Add *pending* as the call of that id."""
        self._calls[call_id] = pending

    def agent_of(self, call_id: str) -> AgentAndParts | None:
        """The agent of the call; None when it was not placed here."""
        pending = self._calls.get(call_id)
        return None if pending is None else pending.pair

    def is_waited_for(self, call_id: str) -> bool:
        """Does `Patter.call` wait for the end of the call?"""
        pending = self._calls.get(call_id)
        return pending is not None and pending.over is not None

    async def named(self, call: CallContext) -> CallContext:
        """*call* with the carrier's id, waiting a moment for it: media may overtake the dial.

        Without the id no request could be made of the carrier, not even to hang up.
        """
        pending = self._calls.get(call.call_id)
        if pending is None or call.carrier_call_id:
            return call
        try:
            async with asyncio.timeout(DIAL_S):
                await pending.answered.wait()
        except TimeoutError:
            log.warning("call %s: its carrier has not said what it calls it", call.call_id)
        return attrs.evolve(call, carrier_call_id=pending.carrier_call_id)

    async def detected(self, entry: CallEntry, raw: str) -> None:
        """Call the call's *on_machine*, the first time only."""
        pending = self._calls.get(entry.call_id)
        if pending is None or pending.on_machine is None:
            return
        tell, pending.on_machine = pending.on_machine, None
        result = MachineDetectionResult(
            call_id=entry.call_id,
            carrier=entry.request.carrier,
            classification=entry.answerer or Answerer.UNKNOWN,
            raw=raw,
            detected_at=datetime.fromtimestamp(self.clock.wall(), UTC),
        )
        await called("on_machine", tell, entry.call_id, result)

    def ended(
        self,
        entry: CallEntry,
        history: Iterable[Mapping[str, Any]],
        metrics: CallMetrics | None = None,
    ) -> None:
        """Remove the call, which is over, and resolve its future."""
        pending = self._calls.pop(entry.call_id, None)
        if pending is None or pending.over is None or pending.over.done():
            return
        if entry.summary is not None and entry.summary.reason in _CUT:
            _fail(pending)
        else:
            pending.over.set_result(result_of(entry, history, metrics))


def result_of(
    entry: CallEntry, history: Iterable[Mapping[str, Any]], metrics: CallMetrics | None = None
) -> CallResult:
    """The result of the call of *entry*, with the transcript of *history*."""
    summary = entry.summary
    return CallResult(
        call_id=entry.call_id,
        outcome=entry.reached,
        status=entry.status,
        duration_seconds=summary.duration_ms / 1_000 if summary else 0.0,
        transcript=tuple({"role": row["role"], "text": row["text"]} for row in history),
        cost=summary.cost_usd if summary else None,
        metrics=metrics,
    )


def _fail(pending: PendingCall) -> None:
    if pending.over is not None and not pending.over.done():
        pending.over.set_exception(
            ServingStopped(
                "serving stopped before the call was over", fix="keep serving until it is"
            )
        )
