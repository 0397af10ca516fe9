"""The call session as the server sees it: give it media, send it events, wait for its end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias, runtime_checkable

from patter.audio.formats import AudioFormat
from patter.call.listen_in import AudioListener
from patter.call.turn.events import TurnEvent
from patter.observe.summary import CallSummary
from patter.providers.carrier import MediaLeg
from patter.providers.context import CallContext
from patter.server.calls import CallEntry


class Session(Protocol):
    """A call session; everything it opens is closed when `run` returns."""

    @property
    def call(self) -> CallContext: ...

    async def run(self) -> CallSummary:
        """Run the call to its end; its failures become its summary, never an exception."""
        ...

    async def attach(self, leg: MediaLeg) -> None:
        """Take *leg* as the call's media; return when the call is done with it.

        A call may have several legs one after the other; the conversation continues on each.
        Raises WebhookVerificationError for another one when the call is over.
        """
        ...

    def post(self, event: TurnEvent) -> None:
        """Post an event to the turn engine: EndRequested, MachineDetected, ..."""
        ...

    def now_ms(self) -> int:
        """The call's clock, for the *at_ms* of events."""
        ...


@runtime_checkable
class AudibleSession(Protocol):
    """A session that somebody else may hear."""

    def listen(self, listener: AudioListener) -> AbstractContextManager[AudioFormat]:
        """Let *listener* hear the call while inside; in which format.

        Raises CallStateError before it has media.
        """
        ...


class Preparation(Protocol):
    """What is opened for a call while it rings."""

    async def run(self) -> None:
        """Open it, and hold it until it was used or abandoned; nothing is raised."""
        ...

    def abandon(self) -> None:
        """The call is over, or never came."""
        ...


class RecordKeeper(Protocol):
    """Keeps the records of the calls of this process."""

    async def announce(self, entry: CallEntry) -> None:
        """Keep that the call exists, before its carrier hears of it; bounded, never raises.

        Asked for again with every webhook of a call that has no media yet.
        """
        ...

    def release(self, call_id: str) -> None:
        """This process has nothing more to do with the call; never waits, never raises."""
        ...


CallStarter: TypeAlias = Callable[[CallContext], Session]
"""Makes the session of one call; does not start it."""
