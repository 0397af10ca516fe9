"""The registry of one process, in dictionaries. Nothing in it ever waits.

Calls that are over are remembered for a while, so that a late webhook does not open them
again; how many is bounded, and so are the commands kept for a call without media.
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
    apply_report,
    unknown,
    used_up,
)
from patter.server.commands import CallCommand
from patter.server.registry import CallRegistry, Deliver

# As many as a `CallSlot` keeps: more would be dropped there.
KEPT_COMMANDS = 16
# An id is that of one call for ever: it names the record, also where servers share a log root.
ID_BYTES = 16
# A call changes its state about ten times in its life; a watcher of all calls that reads more
# slowly than this misses states in between, never the last.
WATCHED_STATES = 64
log = logging.getLogger("patter.server")


@attrs.define(eq=False)
class _Kept:
    """A call, where its commands go, and those that wait until that is known."""

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

    async def admit(self, request: CallRequest, *, limit: int) -> CallEntry:
        if (kept := self._lookup(request)) is not None:
            return kept.entry
        if self.open_calls >= limit:
            raise Unavailable(
                f"{self.open_calls} calls are open, and {limit} is the limit",
                fix="raise max_calls (--max-calls) if this machine can hold more",
            )
        return await self.open(request)

    async def open(self, request: CallRequest) -> CallEntry:
        if request.call_id:
            return self._with_carrier_id(request)
        if (kept := self._lookup(request)) is not None:
            return kept.entry
        entry = _first_entry(secrets.token_hex(ID_BYTES), request)
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

    def note(self, call_id: str, report: CarrierReport) -> None:
        if (kept := self._calls.get(call_id)) is not None:
            self._change(kept, apply_report(kept.entry, report))

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

    async def tell(self, call_id: str, command: CallCommand) -> bool:
        kept = self._calls.get(call_id)
        if kept is None or kept.entry.over:
            return False
        if kept.deliver is not None:
            kept.deliver(command)
            return True
        if len(kept.waiting) >= KEPT_COMMANDS:
            return False
        kept.waiting.append(command)
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

    def _lookup(self, request: CallRequest) -> _Kept | None:
        return self._calls.get(self._at.get(request.carrier_call, ""))

    def _with_carrier_id(self, request: CallRequest) -> CallEntry:
        """Give a call that was written down before it was dialled its carrier's id."""
        kept = self._need(request.call_id)
        other = self._lookup(request)
        # A webhook of this call may have opened it a second time, as if it had come in.
        if other is not None and other is not kept:
            raise InputError(
                f"{request.carrier} call {request.carrier_call_id} is call {other.entry.call_id}, "
                f"not {request.call_id}",
                fix="answer webhooks of calls placed here with the ticket they were dialled with",
            )
        full = attrs.evolve(kept.entry.request, carrier_call_id=request.carrier_call_id)
        ringing = advanced(attrs.evolve(kept.entry, request=full), CallState.RINGING)
        self._index(ringing)
        return self._change(kept, ringing)

    def _claim(self, call_id: str, deliver: Deliver) -> int:
        kept = self._calls.get(call_id)
        if kept is None or kept.entry.over or kept.entry.held:
            raise _unclaimable(call_id, kept)
        epoch = kept.entry.epoch + 1
        entry = advanced(kept.entry, CallState.LIVE)
        self._change(kept, attrs.evolve(entry, epoch=epoch, held=True))
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
        request = entry.request
        if request.carrier_call_id:
            self._at[request.carrier_call] = entry.call_id

    def _forget_oldest(self) -> None:
        while len(self._over) > self.remembered:
            call_id, _ = self._over.popitem(last=False)
            self._at.pop(self._calls.pop(call_id).entry.request.carrier_call, None)

    def _need(self, call_id: str) -> _Kept:
        if (kept := self._calls.get(call_id)) is None:
            raise unknown(call_id)
        return kept


def _first_entry(call_id: str, request: CallRequest) -> CallEntry:
    """The entry of a new call: an inbound one rings already, one of ours is only attempted."""
    inbound = request.direction is Direction.INBOUND
    state = CallState.RINGING if inbound else CallState.ATTEMPTED
    request = attrs.evolve(request, call_id=call_id)
    return CallEntry(call_id=call_id, request=request, state=state)


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
