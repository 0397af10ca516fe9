"""The call registry: which calls there are and which process has them.

Nothing here assumes that a webhook, a media socket and a control command reach one process.
Every coroutine returns, or raises a PatterError, within the implementation's own deadline:
PatterConnectionError or PatterTimeoutError when what it keeps its calls in cannot be reached.
`patter_testing.call_registry.CallRegistrySuite` is what an implementation has to pass.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from patter.observe.summary import CallSummary
from patter.server.calls import CallEntry, CallRequest, CarrierReport
from patter.server.commands import CallCommand

Deliver: TypeAlias = Callable[[CallCommand], object]
"""Takes a command for a call of this process; does not wait and does not raise."""


class CallRegistry(Protocol):
    """The calls of one server, or of all servers that share it."""

    async def admit(self, request: CallRequest, *, limit: int) -> CallEntry:
        """`open` *request* unless *limit* calls are open, in one atomic step.

        A call that is in the registry already is never refused. Raises RateLimitError.
        """
        ...

    async def open(self, request: CallRequest) -> CallEntry:
        """Write *request* down under a new id, before anything else is done about the call.

        The same (account, carrier, carrier id) gives the same entry for as long as it is
        remembered, over or not. With *request.call_id*, that call gets the carrier's id.
        Raises InputError when no such call is known or another call has the carrier's id.
        """
        ...

    async def find(self, call_id: str) -> CallEntry | None:
        """Return the call of that id, over or not, as long as it is remembered."""
        ...

    async def find_at(
        self, carrier: str, carrier_call_id: str, account: str = ""
    ) -> CallEntry | None:
        """Return the call of *account* that the carrier knows by that id, and no other's."""
        ...

    def attach(self, call_id: str, deliver: Deliver) -> AbstractAsyncContextManager[int]:
        """Hold the call's media while inside; yields the epoch of this claim, from 1 up.

        From here on *deliver* gets the call's commands, those kept for it first, also after the
        media was lost, until somebody else claims it or it is over. Raises
        WebhookVerificationError when the call is unknown, over, or held by somebody.
        """
        ...

    def note(self, call_id: str, report: CarrierReport) -> None:
        """Apply *report*: never waits, never raises; one of an unknown call is dropped."""
        ...

    async def finish(self, call_id: str, summary: CallSummary, *, epoch: int) -> bool:
        """End the call if *epoch* is still its last claim and nobody ended it before.

        Returns True to one caller only, ever; *epoch* is 0 for a call whose media never came.
        """
        ...

    async def tell(self, call_id: str, command: CallCommand) -> bool:
        """Hand *command* to the process that has the call, or keep it for the first that will.

        False when the call is unknown or over, or too many commands wait already.
        """
        ...

    def watch(self, call_id: str = "") -> AbstractAsyncContextManager[AsyncIterator[CallEntry]]:
        """Follow one call, or with no id all of them, while inside.

        One call: its present state first, and the end after `ENDED`. A slow reader misses
        states in between, never the last. Raises InputError for an unknown id.
        """
        ...
