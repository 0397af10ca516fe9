"""What may be asked of a call by its id, from any process: plain values, JSON all the way down.

An order carries no moment of anybody's clock: durations count from when it arrives, and only
the call that receives it says when that is.
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
    """End the call; with *goodbye*, say the scripted one first."""

    reason: str
    goodbye: bool = False


@attrs.frozen
class LineDown:
    """The carrier says that the line is gone."""


@attrs.frozen
class TransferCommand:
    """Hand the caller to *target* once what is being said was heard."""

    target: str


@attrs.frozen
class SayCommand:
    """Say *text* when the floor is free."""

    text: str


@attrs.frozen
class MachineCommand:
    """A machine answered; with *beep*, it records from now on."""

    beep: bool


@attrs.frozen
class TransferEnded:
    """The transferred caller was *taken*, or comes back to us; *status* in the carrier's words."""

    taken: bool
    status: str = ""


@attrs.frozen
class DrainCommand:
    """The server leaves: say goodbye *in_ms* from now unless the call ended before."""

    in_ms: int


CallCommand: TypeAlias = (
    HangUp | LineDown | TransferCommand | SayCommand | MachineCommand | TransferEnded | DrainCommand
)


def cue(order: CallCommand, now_ms: int) -> TurnEvent:
    """What the turn engine is told when *order* arrives at *now_ms* of the call's clock."""
    match order:
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
