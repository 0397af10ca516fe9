"""What the turn engine asks for: values, performed at once and in the order given."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from patter.call.turn.events import UtteranceKind


class Effect(Struct, frozen=True):
    """Something to do."""


class StartTimer(Effect, frozen=True):
    """At *at_ms* send ``TimerFired(name)``; there is one timer of a name."""

    name: str
    at_ms: int


class StopTimer(Effect, frozen=True):
    """Do not send ``TimerFired(name)`` after all."""

    name: str


class Commit(Effect, frozen=True):
    """Write the caller's row for *turn*; one that *amends* takes the place of the last."""

    turn: int
    text: str
    amends: bool = False


class Think(Effect, frozen=True):
    """Open the gate for *epoch* and answer *turn*; if *drafted*, with what is prepared."""

    turn: int
    epoch: int
    drafted: bool = False


class Say(Effect, frozen=True):
    """Open the gate for *epoch* and speak the script for *kind*.

    A filler leaves the gate as it is and goes before the answer of the same epoch, or before
    what is still to come of it; its *detail* is ``progress`` when it is not the first. A re-prompt
    with the detail ``unheard`` goes on with what was not heard of the utterance that was cut.
    """

    kind: UtteranceKind
    turn: int
    epoch: int
    detail: str = ""


class Draft(Effect, frozen=True):
    """Prepare, unheard, an answer to *text*; only ``read`` tools may run for it."""

    turn: int
    epoch: int
    text: str


class DiscardDraft(Effect, frozen=True):
    """Nobody will hear draft *epoch*."""

    epoch: int


class Finalize(Effect, frozen=True):
    """The caller paused: ask the STT for the words it still holds."""


class Hold(Effect, frozen=True):
    """Send no more of *epoch* for now, and lose none of it."""

    epoch: int


class Resume(Effect, frozen=True):
    """Go on sending *epoch*."""

    epoch: int


class Cut(Effect, frozen=True):
    """End *epoch* where it is: gate to *gate*, carrier cleared, its making cancelled."""

    turn: int
    epoch: int
    gate: int


class WriteAgentRow(Effect, frozen=True):
    """Write the agent's row for *epoch*: all of it if *whole*, else what was heard of it."""

    turn: int
    epoch: int
    whole: bool


class DigitsCollected(Effect, frozen=True):
    """The keys somebody collects; not *complete* when the caller stopped pressing."""

    digits: str
    complete: bool

    def __repr__(self) -> str:
        return f"DigitsCollected(complete={self.complete})"


class TransferCall(Effect, frozen=True):
    """The carrier is to connect the caller to *target*."""

    target: str


class EndCall(Effect, frozen=True):
    """The carrier is to end the call."""

    reason: str


class Observe(Effect, frozen=True):
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
