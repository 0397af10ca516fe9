"""Commands to a call by its id, from any process: plain values of JSON types.

A command carries no time of day: processes have different clocks, so durations count from its
arrival at the call.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from patter.call.turn.events import (
    Announce,
    CallerHungUp,
    DrainRequested,
    EndRequested,
    MachineDetected,
    TransferFailed,
    TransferRequested,
    TransferTaken,
    TurnEvent,
)


@attrs.frozen
class HangUp:
    """End the call; with *goodbye*, say the agent's goodbye first."""

    reason: str
    goodbye: bool = False


@attrs.frozen
class LineDown:
    """The carrier reports that the line is down."""


@attrs.frozen
class TransferCommand:
    """Transfer the caller to *target* once what is being said was heard."""

    target: str


@attrs.frozen
class SayCommand:
    """Say *text* when neither side speaks."""

    text: str


@attrs.frozen
class MachineCommand:
    """A machine answered; with *beep*, it has started to record."""

    beep: bool


@attrs.frozen
class TransferEnded:
    """The transfer was answered (*taken*) or failed; *status* is the carrier's word for it."""

    taken: bool
    status: str = ""


@attrs.frozen
class DrainCommand:
    """The server stops: say goodbye *in_ms* after this arrives, unless the call has ended."""

    in_ms: int


CallCommand: TypeAlias = (
    HangUp | LineDown | TransferCommand | SayCommand | MachineCommand | TransferEnded | DrainCommand
)


def event_for(command: CallCommand, now_ms: int) -> TurnEvent:
    """The event of the turn engine for *command*, which arrives at *now_ms* of the call's clock."""
    match command:
        case HangUp(reason, goodbye):
            return EndRequested(now_ms, reason, goodbye)
        case LineDown():
            return CallerHungUp(now_ms)
        case TransferCommand(target):
            return TransferRequested(now_ms, target)
        case SayCommand(text):
            return Announce(now_ms, text)
        case MachineCommand(beep):
            return MachineDetected(now_ms, beep)
        case TransferEnded(taken, status):
            return TransferTaken(now_ms) if taken else TransferFailed(now_ms, status)
        case DrainCommand(in_ms):
            return DrainRequested(now_ms, now_ms + in_ms)
