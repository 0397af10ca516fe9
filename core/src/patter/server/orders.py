"""What may be asked of a call by its id, from any process: plain values, JSON all the way down.

An order carries no moment of anybody's clock: durations count from when it arrives, and only
the call that receives it says when that is.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from patter.call import cues


@attrs.frozen
class HangUp:
    """End the call; with *goodbye*, say the scripted one first."""

    reason: str
    goodbye: bool = False


@attrs.frozen
class LineDown:
    """The carrier says that the line is gone."""


@attrs.frozen
class SendTo:
    """Hand the caller to *target* once what is being said was heard."""

    target: str


@attrs.frozen
class Tell:
    """Say *text* when the floor is free."""

    text: str


@attrs.frozen
class Machine:
    """A machine answered; with *beep*, it records from now on."""

    beep: bool


@attrs.frozen
class TransferEnded:
    """The transferred caller was *taken*, or comes back to us; *status* in the carrier's words."""

    taken: bool
    status: str = ""


@attrs.frozen
class GoAway:
    """The server leaves: say goodbye *in_ms* from now unless the call ended before."""

    in_ms: int


Order: TypeAlias = HangUp | LineDown | SendTo | Tell | Machine | TransferEnded | GoAway


def cue(order: Order, now_ms: int) -> cues.Event:
    """What the turn engine is told when *order* arrives at *now_ms* of the call's clock."""
    match order:
        case HangUp(reason, goodbye):
            return cues.End(now_ms, reason, goodbye)
        case LineDown():
            return cues.HungUp(now_ms)
        case SendTo(target):
            return cues.Transfer(now_ms, target)
        case Tell(text):
            return cues.Announce(now_ms, text)
        case Machine(beep):
            return cues.MachineDetected(now_ms, beep)
        case TransferEnded(taken, status):
            return cues.TransferTaken(now_ms) if taken else cues.TransferFailed(now_ms, status)
        case GoAway(in_ms):
            return cues.Drain(now_ms, now_ms + in_ms)
