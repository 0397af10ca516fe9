"""Placed calls that are not over yet: what each was asked to be, by its id.

Bound before a call is dialled, gone when it is over; what comes in meanwhile sees none of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from patter.agent import Agent
from patter.call.plan import MessageHandler
from patter.clock import Clock, LoopClock
from patter.parts import AgentParts
from patter.phone.callbacks import called
from patter.phone.results import CallResult, MachineDetectionResult, OnMachine, ServingStopped
from patter.providers.carrier import Answerer
from patter.providers.context import CallContext
from patter.server.call_slot import STOPPED
from patter.server.calls import CallEntry

DIAL_S = 5.0
log = logging.getLogger("patter.phone.serving")


@attrs.frozen(kw_only=True)
class AgentAndParts:
    """Who takes a call: an agent, its parts, and the function that answers instead of a model."""

    agent: Agent
    parts: AgentParts
    brain: MessageHandler | None = None


@attrs.define(eq=False, kw_only=True)
class PendingCall:
    """One call. *over* is what somebody waits for; *on_machine* is told once.

    *answered* is set when the dial was, with the carrier's id or, when it failed, without.
    """

    cast: AgentAndParts
    on_machine: OnMachine | None = None
    over: asyncio.Future[CallResult] | None = None
    carrier_call_id: str = ""
    answered: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)


@attrs.define(eq=False)
class PendingCalls:
    """All of one phone's."""

    clock: Clock = attrs.field(factory=LoopClock)
    _calls: dict[str, PendingCall] = attrs.field(factory=dict, init=False)

    def close(self) -> None:
        """The server is gone: nobody waits any more."""
        for placed in self._calls.values():
            _fail(placed)
        self._calls.clear()

    def __len__(self) -> int:
        return len(self._calls)

    def expect(self, call_id: str, placed: PendingCall) -> None:
        """The call of that id is this one."""
        self._calls[call_id] = placed

    def cast(self, call_id: str) -> AgentAndParts | None:
        """Who takes the call; None when it was not placed here."""
        placed = self._calls.get(call_id)
        return None if placed is None else placed.cast

    async def named(self, call: CallContext) -> CallContext:
        """*call* with the carrier's id, waiting a moment for it: media may overtake the dial.

        Without the id nothing could be asked of the carrier, not even to hang up.
        """
        placed = self._calls.get(call.call_id)
        if placed is None or call.carrier_call_id:
            return call
        try:
            async with asyncio.timeout(DIAL_S):
                await placed.answered.wait()
        except TimeoutError:
            log.warning("call %s: its carrier has not said what it calls it", call.call_id)
        return attrs.evolve(call, carrier_call_id=placed.carrier_call_id)

    async def detected(self, entry: CallEntry, raw: str) -> None:
        """Tell the call's callback who took it, the first time."""
        placed = self._calls.get(entry.call_id)
        if placed is None or placed.on_machine is None:
            return
        tell, placed.on_machine = placed.on_machine, None
        found = MachineDetectionResult(
            call_id=entry.call_id,
            carrier=entry.request.carrier,
            classification=entry.answerer or Answerer.UNKNOWN,
            raw=raw,
            detected_at=datetime.fromtimestamp(self.clock.wall(), UTC),
        )
        await called("on_machine", tell, entry.call_id, found)

    def ended(self, entry: CallEntry, history: Iterable[Mapping[str, Any]]) -> None:
        """The call is over; whoever waits for it is told."""
        placed = self._calls.pop(entry.call_id, None)
        if placed is None or placed.over is None or placed.over.done():
            return
        if entry.summary is not None and entry.summary.reason == STOPPED:
            _fail(placed)
        else:
            placed.over.set_result(result_of(entry, history))


def result_of(entry: CallEntry, history: Iterable[Mapping[str, Any]]) -> CallResult:
    """How the call of *entry* went, with the words of both sides."""
    summary = entry.summary
    return CallResult(
        call_id=entry.call_id,
        outcome=entry.reached,
        status=entry.status,
        duration_seconds=summary.duration_ms / 1_000 if summary else 0.0,
        transcript=tuple({"role": row["role"], "text": row["text"]} for row in history),
        cost=summary.cost_usd if summary else None,
        metrics=summary,
    )


def _fail(placed: PendingCall) -> None:
    if placed.over is not None and not placed.over.done():
        placed.over.set_exception(
            ServingStopped(
                "serving stopped before the call was over", fix="keep serving until it is"
            )
        )
