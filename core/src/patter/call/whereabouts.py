"""Where the caller is: always in exactly one place. Pure."""

from __future__ import annotations

from enum import StrEnum

from patter.call.floor import Phase


class Whereabouts(StrEnum):
    """Who has the caller.

    ``hold``: handed over, and nobody has answered yet. ``human``: somebody has, so that it is
    no longer our call. ``ended``: for our part, the call is over.
    """

    AGENT = "agent"
    HOLD = "hold"
    HUMAN = "human"
    ENDED = "ended"


def whereabouts(phase: Phase, *, taken: bool, ended: bool) -> Whereabouts:
    """Read it off the engine's *phase*, whether somebody has *taken* the caller, and our end.

    Nothing is more than *ended*, and who was *taken* does not come back.
    """
    if ended:
        return Whereabouts.ENDED
    if taken:
        return Whereabouts.HUMAN
    if phase is Phase.AWAY:
        return Whereabouts.HOLD
    return Whereabouts.ENDED if phase is Phase.OVER else Whereabouts.AGENT
