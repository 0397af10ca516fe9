"""What is written down of a call, and how the carrier's word may change it (pure).

States only move forward. Reports come late, twice and in the wrong order; whatever does not
move a call forward leaves it as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import attrs

from patter.clock import Clock
from patter.errors import InputError, WebhookVerificationError
from patter.observe.summary import CallSummary
from patter.providers.carrier import Answerer, CallOutcome, CarrierCall, Incoming
from patter.providers.context import CallContext, Direction


class CallState(StrEnum):
    """How far a call has come."""

    ATTEMPTED = "attempted"
    UNKNOWN = "unknown"
    RINGING = "ringing"
    LIVE = "live"
    ENDED = "ended"


_ORDER = {state: rank for rank, state in enumerate(CallState)}
UNREACHED = frozenset(
    {CallOutcome.NO_ANSWER, CallOutcome.BUSY, CallOutcome.FAILED, CallOutcome.CANCELED}
)


@attrs.frozen(kw_only=True)
class CallRequest:
    """A call at the door, or one about to be placed.

    *call_id* is empty for a call that has none yet; *carrier_call_id* is empty until the
    carrier gave one. *agent* is a name: no process hands another an object. *wall* is when it
    was made, in seconds since 1970.
    """

    carrier: str
    account: str = ""
    carrier_call_id: str = ""
    call_id: str = ""
    direction: Direction = Direction.INBOUND
    caller: str = ""
    callee: str = ""
    agent: str = ""
    variables: Mapping[str, str] = attrs.field(factory=dict)
    wall: float = 0.0

    @classmethod
    def of(cls, incoming: Incoming) -> CallRequest:
        """What a carrier's webhook told."""
        return cls(
            carrier=incoming.carrier,
            account=incoming.account,
            carrier_call_id=incoming.carrier_call_id,
            direction=incoming.direction,
            caller=incoming.caller,
            callee=incoming.callee,
            variables=incoming.variables,
        )

    @property
    def carrier_call(self) -> CarrierCall:
        """The call by its carrier's name for it."""
        return CarrierCall(self.carrier, self.carrier_call_id, self.account)


@attrs.frozen(kw_only=True)
class CallEntry:
    """A call as the registry knows it: a value, JSON all the way down.

    (*call_id*, *version*) names this state of it; *version* grows with every change.
    *epoch* counts the claims on its media; *held* says whether the last one still stands.
    *status* is the carrier's last word that moved it, *outcome* how the attempt ended by it.
    *answerer* took the call, in the carrier's own word *answered_by*; a machine's *beep* came.
    *checkpoint* is what another process would need to carry the call on.
    """

    call_id: str
    attempt: CallRequest
    state: CallState
    version: int = 0
    epoch: int = 0
    held: bool = False
    status: str = ""
    outcome: CallOutcome | None = None
    answerer: Answerer | None = None
    answered_by: str = ""
    beep: bool = False
    recording_url: str = attrs.field(default="", repr=False)
    checkpoint: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    summary: CallSummary | None = None

    @property
    def over(self) -> bool:
        """Has it ended?"""
        return self.state is CallState.ENDED

    @property
    def reached(self) -> CallOutcome:
        """How the attempt to reach somebody ended, once it is over: nothing changes it then.

        The carrier's word that nobody was reached goes first. Who answered goes before that
        somebody did: a carrier says ``answered`` of a machine, too. A machine that is found out
        after the conversation has been written down is no news any more.
        """
        if self.outcome in UNREACHED:
            return self.outcome
        found_late = self.summary is not None and self.summary.outcome == "completed"
        if self.answerer is Answerer.MACHINE and not found_late:
            return CallOutcome.VOICEMAIL
        if self.outcome is not None:
            return self.outcome
        return CallOutcome.ANSWERED if self.epoch else self._unheard()

    def _unheard(self) -> CallOutcome:
        """The outcome of a call without media, as its end was written down."""
        told = self.summary.outcome if self.summary else ""
        return CallOutcome(told) if told in UNREACHED else CallOutcome.FAILED

    def context(self, clock: Clock) -> CallContext:
        """What everybody who works for this call is told of it."""
        told = self.attempt
        return CallContext(
            call_id=self.call_id,
            caller=told.caller,
            callee=told.callee,
            direction=told.direction,
            carrier=told.carrier,
            carrier_call_id=told.carrier_call_id,
            account=told.account,
            variables=told.variables,
            agent=told.agent,
            clock=clock,
        )


@attrs.frozen
class Reported:
    """The carrier said *status*; *outcome* when that decides how the attempt ended."""

    status: str
    outcome: CallOutcome | None = None


@attrs.frozen
class Detected:
    """The carrier says who took the call, in its own word *raw*; a machine has had its *beep*."""

    answerer: Answerer
    beep: bool = False
    raw: str = ""


@attrs.frozen
class RecordingReady:
    """The carrier's recording can be fetched at *url*."""

    url: str = attrs.field(repr=False)


@attrs.frozen
class Doubted:
    """The dial got no answer: the call may ring, or may never have been placed."""


@attrs.frozen
class Checkpoint:
    """What another process needs to carry the call on: JSON, with its own version inside."""

    data: Mapping[str, Any] = attrs.field(repr=False)


CarrierReport: TypeAlias = Reported | Detected | RecordingReady | Doubted | Checkpoint


def noted(entry: CallEntry, note: CarrierReport) -> CallEntry:
    """Return *entry* with *note* taken in; the same entry when it changes nothing."""
    match note:
        case RecordingReady(url) if url != entry.recording_url:
            return attrs.evolve(entry, recording_url=url)
        case _ if entry.over:
            return entry
        case Reported():
            return _reported(entry, note)
        case Detected():
            return _detected(entry, note)
        case Doubted() if entry.state is CallState.ATTEMPTED:
            return attrs.evolve(entry, state=CallState.UNKNOWN)
        case Checkpoint(data):
            return attrs.evolve(entry, checkpoint=data)
        case _:
            return entry


def advanced(entry: CallEntry, state: CallState) -> CallEntry:
    """Return *entry* in *state* if that is forward, else as it is."""
    if _ORDER[state] <= _ORDER[entry.state]:
        return entry
    return attrs.evolve(entry, state=state)


def _reported(entry: CallEntry, report: Reported) -> CallEntry:
    """The first outcome stands; a status after it is late."""
    if entry.outcome is not None:
        return entry
    return attrs.evolve(entry, status=report.status, outcome=report.outcome)


def _detected(entry: CallEntry, told: Detected) -> CallEntry:
    """The first answerer stands, unless it is `unknown`; the beep of a machine may follow."""
    machine = told.answerer is Answerer.MACHINE
    if entry.answerer in (None, Answerer.UNKNOWN):
        if told.answerer is entry.answerer:
            return entry
        return attrs.evolve(
            entry, answerer=told.answerer, answered_by=told.raw, beep=machine and told.beep
        )
    if machine and told.beep and entry.answerer is Answerer.MACHINE:
        return attrs.evolve(entry, beep=True)
    return entry


def used_up(call_id: str) -> WebhookVerificationError:
    """The call of a media token is over, told or not yet."""
    return WebhookVerificationError(
        f"call {call_id} is over, its media token is used up",
        fix="place a new call; every call gets its own media_url",
    )


def unknown(call_id: str) -> InputError:
    """There is no such call, or it was over long ago."""
    return InputError(
        f"no call {call_id!r} is known",
        fix="pass the call_id that on_call_start or phone.call told",
    )
