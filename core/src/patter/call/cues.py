"""The words a call thinks in: cues (what the turn engine is told) and effects (what it asks for).

Values only, and never audio. Every cue says when it happened, in milliseconds of the call's
clock; every effect is performed at once, in the order given.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from patter.call.floor import Rules


class Kind(Enum):
    """Why the agent opens its mouth."""

    GREETING = "greeting"
    ANSWER = "answer"
    FILLER = "filler"
    REPROMPT = "reprompt"
    NOTICE = "notice"
    APOLOGY = "apology"
    GOODBYE = "goodbye"
    VOICEMAIL = "voicemail"
    TONES = "tones"


@attrs.frozen
class Event:
    """Something happened, at *at_ms*."""

    at_ms: int


@attrs.frozen
class Connected(Event):
    """The call is answered and its media flows: what is said from now on can be heard."""


@attrs.frozen
class VoiceStarted(Event):
    """There is a voice; it began at *began_ms*, before now by the detector's delay."""

    began_ms: int


@attrs.frozen
class VoiceStopped(Event):
    """The voice is gone; it ended at *ended_ms*, before now by the detector's tail."""

    ended_ms: int


@attrs.frozen
class Transcript(Event):
    """The caller's words; *end_ms* is where they ended on the call's clock, if that is known.

    An interim replaces the one before it. An empty final answers `Finalize`: no words.
    """

    text: str
    final: bool
    end_ms: int | None = None


@attrs.frozen
class TurnEnded(Event):
    """Something that understands speech is sure that the caller has finished."""


@attrs.frozen
class Verdict(Event):
    """A barge-in strategy has decided: is this an *interrupt*?"""

    interrupt: bool


@attrs.frozen
class Digit(Event):
    """The caller pressed a key: one of 0-9 * # A-D."""

    digit: str = attrs.field(repr=False)


@attrs.frozen
class Collect(Event):
    """The application wants keys for itself: *count* of them (0: any number), or up to *end*."""

    count: int = 0
    end: str = "#"
    wait_ms: int = 10_000


@attrs.frozen
class Audible(Event):
    """The first audio of *epoch* that speaks its own text is on its way to the caller."""

    epoch: int


@attrs.frozen
class Heard(Event):
    """*epoch* is complete, and the caller has heard its end; or there was nothing to hear."""

    epoch: int


@attrs.frozen
class ToolStarted(Event):
    """Reply *epoch* began a ``once`` tool, which nothing undoes."""

    tool: str
    epoch: int


@attrs.frozen
class ToolFinished(Event):
    """A ``once`` tool came to an end: a result, an error, or its time limit."""

    tool: str


@attrs.frozen
class ReplyFailed(Event):
    """There will be no more of *epoch*; whoever made it has already tried again."""

    epoch: int


@attrs.frozen
class EarsLost(Event):
    """Nothing the caller says will be understood any more."""


@attrs.frozen
class Announce(Event):
    """The application has *text* for the caller, as soon as nobody speaks.

    A *kind* of `Kind.TONES` presses the keys that *text* names: they wait for the agent alone.
    """

    text: str
    kind: Kind = Kind.NOTICE


@attrs.frozen
class End(Event):
    """Our side ends the call once what is said was heard; with *goodbye*, after saying it."""

    reason: str
    goodbye: bool = False


@attrs.frozen
class Transfer(Event):
    """Our side hands the caller to *target* once what is said was heard."""

    target: str


@attrs.frozen
class TransferFailed(Event):
    """Nobody took the caller, who is still on the line; *status* says why, if that is known."""

    status: str = ""


@attrs.frozen
class TransferTaken(Event):
    """Somebody took the caller, who is no longer ours."""


@attrs.frozen
class MachineDetected(Event):
    """An answering machine is on the line; after its *beep* it records."""

    beep: bool


@attrs.frozen
class Drain(Event):
    """The server wants to be gone: unless the call has ended, say goodbye at *by_ms*."""

    by_ms: int


@attrs.frozen
class Reconfigure(Event):
    """From now on other *rules* hold."""

    rules: Rules


@attrs.frozen
class HungUp(Event):
    """The caller is gone."""


@attrs.frozen
class TimerFired(Event):
    """A timer the engine started is due."""

    name: str


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

    A filler leaves the gate as it is and goes before the answer of the same epoch.
    """

    kind: Kind
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
class Discard(Effect):
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
class Record(Effect):
    """Write the agent's row for *epoch*: all of it if *whole*, else what was heard of it."""

    turn: int
    epoch: int
    whole: bool


@attrs.frozen
class Digits(Effect):
    """The keys somebody collects; not *complete* when the caller stopped pressing."""

    digits: str = attrs.field(repr=False)
    complete: bool


@attrs.frozen
class TransferCall(Effect):
    """The carrier is to connect the caller to *target*."""

    target: str


@attrs.frozen
class Hangup(Effect):
    """The carrier is to end the call."""

    reason: str


@attrs.frozen
class Note(Effect):
    """Something observers may count; no row, no sound."""

    what: Literal[
        "false_interruption", "backchannel", "stalled", "empty_reply", "reply_failed", "tones"
    ]
    text: str = ""


Effects: TypeAlias = tuple[Effect, ...]
