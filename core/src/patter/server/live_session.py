"""What the server knows of a running call: enough to feed it, steer it and wait for its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from patter.call.turn.events import TurnEvent
from patter.observe.summary import CallSummary
from patter.providers.carrier import MediaLeg
from patter.providers.context import CallContext


class Session(Protocol):
    """A call session. Nothing survives `run`."""

    @property
    def call(self) -> CallContext: ...

    async def run(self) -> CallSummary:
        """Live through the call; its failures become its summary, never an exception."""
        ...

    async def attach(self, leg: MediaLeg) -> None:
        """Take *leg* as the call's media; return when the call is done with it.

        A call may have several legs one after the other: history and heard cursor go on.
        Raises WebhookVerificationError for another one when the call is over.
        """
        ...

    def tell(self, cue: TurnEvent) -> None:
        """Post an event to the turn engine: End, Drain, MachineDetected, Transfer, ..."""
        ...

    def now_ms(self) -> int:
        """The call's clock, for the *at_ms* of what is told."""
        ...


CallStarter: TypeAlias = Callable[[CallContext], Session]
"""Makes the session of one call; does not start it."""
