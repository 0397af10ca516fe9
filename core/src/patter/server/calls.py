"""The registry's entry of a call, and how a carrier's report may change it (pure).

States only move forward. Reports come late, twice and in the wrong order; one that does not
move a call forward leaves its entry as it was.
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
    """The data with which a call is first written down, before any media.

    *call_id* is empty for a call that has none yet; *carrier_call_id* is empty until the
    carrier gave one. *agent* is a name, since entries are shared between processes. *wall* is
    when it was made, in seconds since 1970.
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
        """The request of an incoming call, from its carrier's webhook."""
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
        """The call by its carrier, the carrier's id and the account."""
        return CarrierCall(self.carrier, self.carrier_call_id, self.account)


@attrs.frozen(kw_only=True)
class CallEntry:
    """A call as the registry has it: a value of JSON types.

    (*call_id*, *version*) names this state of it; *version* grows with every change.
    *epoch* counts the claims on its media; *held* says whether the last one is still open.
    *status* is the last carrier status that changed it, *outcome* how the carrier says it ended.
    *answerer* took the call, in the carrier's own word *answered_by*; *beep*: a machine beeped.
    *checkpoint* is what another process would need to continue the call.
    """

    call_id: str
    request: CallRequest
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
        """Whether anybody was reached, and how the call ended; final once it is over."""
        # The carrier's report that nobody was reached wins over everything we believe.
        if self.outcome in UNREACHED:
            return self.outcome
        # The answerer goes before the carrier's outcome: carriers report `answered` for machines
        # too. But a detection that comes after a whole conversation does not undo it.
        detected_late = self.summary is not None and self.summary.outcome == "completed"
        if self.answerer is Answerer.MACHINE and not detected_late:
            return CallOutcome.VOICEMAIL
        if self.outcome is not None:
            return self.outcome
        return CallOutcome.ANSWERED if self.epoch else self._without_media()

    def _without_media(self) -> CallOutcome:
        """The outcome of a call without media, as its end was written down."""
        outcome = self.summary.outcome if self.summary else ""
        return CallOutcome(outcome) if outcome in UNREACHED else CallOutcome.FAILED

    def context(self, clock: Clock) -> CallContext:
        """The call's data for its session, its providers and its tools."""
        request = self.request
        return CallContext(
            call_id=self.call_id,
            caller=request.caller,
            callee=request.callee,
            direction=request.direction,
            carrier=request.carrier,
            carrier_call_id=request.carrier_call_id,
            account=request.account,
            variables=request.variables,
            agent=request.agent,
            clock=clock,
        )


@attrs.frozen
class Reported:
    """The carrier reports *status*; *outcome* when that status is final."""

    status: str
    outcome: CallOutcome | None = None


@attrs.frozen
class Detected:
    """The carrier reports who answered, in its own word *raw*; *beep*: the machine has beeped."""

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
    """What another process needs to continue the call: JSON, with its own version inside."""

    data: Mapping[str, Any] = attrs.field(repr=False)


CarrierReport: TypeAlias = Reported | Detected | RecordingReady | Doubted | Checkpoint


def apply_report(entry: CallEntry, report: CarrierReport) -> CallEntry:
    """Return *entry* changed by *report*; the same entry when nothing changes."""
    match report:
        # Before the check for calls that are over: a recording is only ready after the end.
        case RecordingReady(url) if url != entry.recording_url:
            return attrs.evolve(entry, recording_url=url)
        case _ if entry.over:
            return entry
        case Reported():
            return _reported(entry, report)
        case Detected():
            return _detected(entry, report)
        case Doubted() if entry.state is CallState.ATTEMPTED:
            return attrs.evolve(entry, state=CallState.UNKNOWN)
        case Checkpoint(data):
            return attrs.evolve(entry, checkpoint=data)
        case _:
            return entry


def advanced(entry: CallEntry, state: CallState) -> CallEntry:
    """Return *entry* in *state* if that is a later one, else as it is."""
    if _ORDER[state] <= _ORDER[entry.state]:
        return entry
    return attrs.evolve(entry, state=state)


def _reported(entry: CallEntry, report: Reported) -> CallEntry:
    """The first outcome is final; a status that comes after it is ignored as late."""
    if entry.outcome is not None:
        return entry
    return attrs.evolve(entry, status=report.status, outcome=report.outcome)


def _detected(entry: CallEntry, report: Detected) -> CallEntry:
    """The first answerer is final unless it is `unknown`; the beep of a machine may follow."""
    machine = report.answerer is Answerer.MACHINE
    if entry.answerer in (None, Answerer.UNKNOWN):
        if report.answerer is entry.answerer:
            return entry
        return attrs.evolve(
            entry, answerer=report.answerer, answered_by=report.raw, beep=machine and report.beep
        )
    if machine and report.beep and entry.answerer is Answerer.MACHINE:
        return attrs.evolve(entry, beep=True)
    return entry


def used_up(call_id: str) -> WebhookVerificationError:
    """The error for a media token whose call is over."""
    return WebhookVerificationError(
        f"call {call_id} is over, its media token is used up",
        fix="place a new call; every call gets its own media_url",
    )


def unknown(call_id: str) -> InputError:
    """The error for the id of no call, or of one that was over too long ago."""
    return InputError(
        f"no call {call_id!r} is known",
        fix="pass the call_id that on_call_start or phone.call told",
    )
