"""The registry of one process: a few dictionaries. Nothing in it ever waits.

Calls that are over are remembered for a while, so that a late webhook does not open them
again; how many is bounded, and so are the orders kept for a call without media.
"""

from __future__ import annotations

import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from patter.aio import Mailbox
from patter.errors import InputError, WebhookVerificationError
from patter.observe.summary import CallSummary
from patter.providers.carrier import CarrierCall
from patter.providers.context import Direction
from patter.server.admission import Unavailable
from patter.server.calls import (
    CallEntry,
    CallRequest,
    CallState,
    CarrierReport,
    advanced,
    noted,
    unknown,
    used_up,
)
from patter.server.commands import CallCommand
from patter.server.registry import CallRegistry, Deliver

KEPT_ORDERS = 16
WATCHED_STATES = 64
log = logging.getLogger("patter.server")


@attrs.define(eq=False)
class _Kept:
    """A call, and who gets its orders."""

    entry: CallEntry
    deliver: Deliver | None = None
    waiting: deque[CallCommand] = attrs.field(factory=deque)


@attrs.define(eq=False)
class LocalRegistry:
    """All calls of this process; the last *remembered* of those that are over."""

    remembered: int = attrs.field(default=1_000, validator=attrs.validators.ge(1))
    _calls: dict[str, _Kept] = attrs.field(factory=dict, init=False)
    _at: dict[CarrierCall, str] = attrs.field(factory=dict, init=False)
    _over: OrderedDict[str, None] = attrs.field(factory=OrderedDict, init=False)
    _watching: dict[Mailbox[CallEntry], str] = attrs.field(factory=dict, init=False)

    @property
    def open_calls(self) -> int:
        """Calls that are not over."""
        return len(self._calls) - len(self._over)

    async def admit(self, attempt: CallRequest, *, limit: int) -> CallEntry:
        if (known := self._known(attempt)) is not None:
            return known.entry
        if self.open_calls >= limit:
            raise Unavailable(
                f"{self.open_calls} calls are open, and {limit} is the limit",
                fix="raise max_calls (--max-calls) if this machine can hold more",
            )
        return await self.open(attempt)

    async def open(self, attempt: CallRequest) -> CallEntry:
        if attempt.call_id:
            return self._bound(attempt)
        if (known := self._known(attempt)) is not None:
            return known.entry
        entry = _first_entry(self._mint(), attempt)
        self._calls[entry.call_id] = _Kept(entry)
        self._index(entry)
        self._publish(entry)
        return entry

    async def find(self, call_id: str) -> CallEntry | None:
        kept = self._calls.get(call_id)
        return kept.entry if kept is not None else None

    async def find_at(
        self, carrier: str, carrier_call_id: str, account: str = ""
    ) -> CallEntry | None:
        return await self.find(self._at.get(CarrierCall(carrier, carrier_call_id, account), ""))

    @asynccontextmanager
    async def attach(self, call_id: str, deliver: Deliver) -> AsyncIterator[int]:
        epoch = self._claim(call_id, deliver)
        try:
            yield epoch
        finally:
            self._let_go(call_id, epoch)

    def note(self, call_id: str, note: CarrierReport) -> None:
        if (kept := self._calls.get(call_id)) is not None:
            self._change(kept, noted(kept.entry, note))

    async def finish(self, call_id: str, summary: CallSummary, *, epoch: int) -> bool:
        kept = self._calls.get(call_id)
        if kept is None or kept.entry.over or kept.entry.epoch != epoch:
            return False
        ended = attrs.evolve(kept.entry, state=CallState.ENDED, summary=summary)
        self._over[call_id] = None
        kept.deliver = None
        kept.waiting.clear()
        self._change(kept, ended)
        self._forget_oldest()
        return True

    async def tell(self, call_id: str, order: CallCommand) -> bool:
        kept = self._calls.get(call_id)
        if kept is None or kept.entry.over:
            return False
        if kept.deliver is not None:
            kept.deliver(order)
            return True
        if len(kept.waiting) >= KEPT_ORDERS:
            return False
        kept.waiting.append(order)
        return True

    @asynccontextmanager
    async def watch(self, call_id: str = "") -> AsyncIterator[AsyncIterator[CallEntry]]:
        changes: Mailbox[CallEntry] = Mailbox(WATCHED_STATES)
        if call_id:
            self._see(changes, self._need(call_id).entry)
        self._watching[changes] = call_id
        try:
            yield changes
        finally:
            del self._watching[changes]

    def _known(self, attempt: CallRequest) -> _Kept | None:
        return self._calls.get(self._at.get(attempt.carrier_call, ""))

    def _bound(self, attempt: CallRequest) -> CallEntry:
        """Give a call that was written down before it was dialled its carrier's id."""
        kept = self._need(attempt.call_id)
        other = self._known(attempt)
        if other is not None and other is not kept:
            raise InputError(
                f"{attempt.carrier} call {attempt.carrier_call_id} is call {other.entry.call_id}, "
                f"not {attempt.call_id}",
                fix="answer webhooks of calls placed here with the ticket they were dialled with",
            )
        told = attrs.evolve(kept.entry.attempt, carrier_call_id=attempt.carrier_call_id)
        rung = advanced(attrs.evolve(kept.entry, attempt=told), CallState.RINGING)
        self._index(rung)
        return self._change(kept, rung)

    def _claim(self, call_id: str, deliver: Deliver) -> int:
        kept = self._calls.get(call_id)
        if kept is None or kept.entry.over or kept.entry.held:
            raise _unclaimable(call_id, kept)
        epoch = kept.entry.epoch + 1
        live = advanced(kept.entry, CallState.LIVE)
        self._change(kept, attrs.evolve(live, epoch=epoch, held=True))
        kept.deliver = deliver
        while kept.waiting:
            deliver(kept.waiting.popleft())
        return epoch

    def _let_go(self, call_id: str, epoch: int) -> None:
        kept = self._calls.get(call_id)
        if kept is not None and kept.entry.epoch == epoch:
            self._change(kept, attrs.evolve(kept.entry, held=False))

    def _change(self, kept: _Kept, entry: CallEntry) -> CallEntry:
        """Keep *entry* as the call's next version; the same entry is no change."""
        if entry != kept.entry:
            kept.entry = attrs.evolve(entry, version=kept.entry.version + 1)
            self._publish(kept.entry)
        return kept.entry

    def _publish(self, entry: CallEntry) -> None:
        for changes, wanted in self._watching.items():
            if wanted in ("", entry.call_id):
                self._see(changes, entry, once=bool(wanted))

    def _see(self, changes: Mailbox[CallEntry], entry: CallEntry, *, once: bool = True) -> None:
        changes.put(entry)
        if once and entry.over:
            changes.close()

    def _index(self, entry: CallEntry) -> None:
        told = entry.attempt
        if told.carrier_call_id:
            self._at[told.carrier_call] = entry.call_id

    def _forget_oldest(self) -> None:
        while len(self._over) > self.remembered:
            call_id, _ = self._over.popitem(last=False)
            self._at.pop(self._calls.pop(call_id).entry.attempt.carrier_call, None)

    def _need(self, call_id: str) -> _Kept:
        if (kept := self._calls.get(call_id)) is None:
            raise unknown(call_id)
        return kept

    def _mint(self) -> str:
        """Return an id that is short enough to be read aloud."""
        while (call_id := secrets.token_hex(4)) in self._calls:
            pass
        return call_id


def _first_entry(call_id: str, attempt: CallRequest) -> CallEntry:
    """A call that comes to us rings; one that we place has only been attempted."""
    theirs = attempt.direction is Direction.INBOUND
    state = CallState.RINGING if theirs else CallState.ATTEMPTED
    told = attrs.evolve(attempt, call_id=call_id)
    return CallEntry(call_id=call_id, attempt=told, state=state)


def _unclaimable(call_id: str, kept: _Kept | None) -> WebhookVerificationError:
    if kept is None:
        return WebhookVerificationError(
            f"the media token is for call {call_id}, which is not known here",
            fix="servers behind one address must share one registry; otherwise call again",
        )
    if kept.entry.over:
        return used_up(call_id)
    return WebhookVerificationError(
        f"the media of call {call_id} is held by another socket",
        fix="close the first media socket before opening the next",
    )


_: type[CallRegistry] = LocalRegistry
