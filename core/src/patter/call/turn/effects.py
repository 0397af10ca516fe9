"""What the turn engine asks for: values, performed at once and in the order given."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from patter.call.turn.events import UtteranceKind


@attrs.frozen
class Effect:
    """Something to do."""


@attrs.frozen
class StartTimer(Effect):
    """At *at_ms* send ``TimerFired(name)``; there is one timer of a name."""

    name: str
    at_ms: int


@attrs.frozen
class StopTimer(Effect):
    """Do not send ``TimerFired(name)`` after all."""

    name: str


@attrs.frozen
class Commit(Effect):
    """Write the caller's row for *turn*; one that *amends* takes the place of the last."""

    turn: int
    text: str
    amends: bool = False


@attrs.frozen
class Think(Effect):
    """Open the gate for *epoch* and answer *turn*; if *drafted*, with what is prepared."""

    turn: int
    epoch: int
    drafted: bool = False


@attrs.frozen
class Say(Effect):
    """Open the gate for *epoch* and speak the script for *kind*.

    A filler leaves the gate as it is and goes before the answer of the same epoch, or before
    what is still to come of it; its *detail* is ``progress`` when it is not the first. A re-prompt
    with the detail ``unheard`` goes on with what was not heard of the utterance that was cut.
    """

    kind: UtteranceKind
    turn: int
    epoch: int
    detail: str = ""


@attrs.frozen
class Draft(Effect):
    """Prepare, unheard, an answer to *text*; only ``read`` tools may run for it."""

    turn: int
    epoch: int
    text: str


@attrs.frozen
class DiscardDraft(Effect):
    """Nobody will hear draft *epoch*."""

    epoch: int


@attrs.frozen
class Finalize(Effect):
    """The caller paused: ask the STT for the words it still holds."""


@attrs.frozen
class Hold(Effect):
    """Send no more of *epoch* for now, and lose none of it."""

    epoch: int


@attrs.frozen
class Resume(Effect):
    """Go on sending *epoch*."""

    epoch: int


@attrs.frozen
class Cut(Effect):
    """End *epoch* where it is: gate to *gate*, carrier cleared, its making cancelled."""

    turn: int
    epoch: int
    gate: int


@attrs.frozen
class WriteAgentRow(Effect):
    """Write the agent's row for *epoch*: all of it if *whole*, else what was heard of it."""

    turn: int
    epoch: int
    whole: bool


@attrs.frozen
class DigitsCollected(Effect):
    """The keys somebody collects; not *complete* when the caller stopped pressing."""

    digits: str = attrs.field(repr=False)
    complete: bool


@attrs.frozen
class TransferCall(Effect):
    """The carrier is to connect the caller to *target*."""

    target: str


@attrs.frozen
class EndCall(Effect):
    """The carrier is to end the call."""

    reason: str


@attrs.frozen
class Observe(Effect):
    """Something observers may count; no row, no sound."""

    what: Literal[
        "false_interruption",
        "backchannel",
        "stalled",
        "empty_reply",
        "reply_failed",
        "tones",
        "machine_doubted",
    ]
    text: str = ""


Effects: TypeAlias = tuple[Effect, ...]
