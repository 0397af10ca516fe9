"""What the turn engine is told: values, never audio.

Every event says when it happened, in milliseconds of the call's clock.
"""

from __future__ import annotations

from enum import Enum

import attrs

from patter.call.turn.rules import TurnRules


class UtteranceKind(Enum):
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
class TurnEvent:
    """Something happened, at *at_ms*."""

    at_ms: int


@attrs.frozen
class Connected(TurnEvent):
    """The call is answered and its media flows: what is said from now on can be heard."""


@attrs.frozen
class VoiceStarted(TurnEvent):
    """There is a voice; it began at *began_ms*, before now by the detector's delay."""

    began_ms: int


@attrs.frozen
class VoiceStopped(TurnEvent):
    """The voice is gone; it ended at *ended_ms*, before now by the detector's tail."""

    ended_ms: int


@attrs.frozen
class CallerWords(TurnEvent):
    """The caller's words; *end_ms* is where they ended on the call's clock, if that is known.

    An interim replaces the one before it. An empty final answers `Finalize`: no words. *reply_to*
    is the agent's sentence that is being heard, or was heard last. A recogniser that took over
    has the caller's audio from *heard_from_ms* on, which another one may have understood before.
    """

    text: str
    final: bool
    end_ms: int | None = None
    reply_to: str = ""
    heard_from_ms: int | None = None


@attrs.frozen
class CallerFinished(TurnEvent):
    """Something that understands speech is sure that the caller has finished."""


@attrs.frozen
class VendorAnswers(TurnEvent):
    """A vendor that hears, thinks and speaks has ended the caller's turn and answers by itself."""


@attrs.frozen
class EndOfTurnVerdict(TurnEvent):
    """A turn detector has judged the caller's pause: are they *finished*?"""

    finished: bool


@attrs.frozen
class BargeInVerdict(TurnEvent):
    """A barge-in strategy has decided: is this an *interrupt*?"""

    interrupt: bool


@attrs.frozen
class Digit(TurnEvent):
    """The caller pressed a key: one of 0-9 * # A-D."""

    digit: str = attrs.field(repr=False)


@attrs.frozen
class CollectDigits(TurnEvent):
    """The application wants keys for itself: *count* of them (0: any number), or up to *end*."""

    count: int = 0
    end: str = "#"
    wait_ms: int = 10_000


@attrs.frozen
class CollectionCancelled(TurnEvent):
    """Whoever wanted the keys is gone."""


@attrs.frozen
class Audible(TurnEvent):
    """Audio of *epoch* that speaks its own text is on its way to the caller: the first, or the
    first after it ran dry."""

    epoch: int


@attrs.frozen
class RanDry(TurnEvent):
    """The caller has heard all that there is of *epoch*, which is not complete."""

    epoch: int


@attrs.frozen
class Heard(TurnEvent):
    """*epoch* is complete, and the caller has heard its end; or there was nothing to hear."""

    epoch: int


@attrs.frozen
class ToolStarted(TurnEvent):
    """Reply *epoch* began a tool; nothing undoes one that runs *once*."""

    tool: str
    epoch: int
    once: bool = True


@attrs.frozen
class ToolFinished(TurnEvent):
    """A tool came to an end: a result, an error, its time limit, or cancelled."""

    tool: str


@attrs.frozen
class ReplyFailed(TurnEvent):
    """There will be no more of *epoch*; whoever made it has already tried again."""

    epoch: int


@attrs.frozen
class ReplyWithdrawn(TurnEvent):
    """*epoch* must not go on: *replacement* is said instead, empty: nothing."""

    epoch: int
    replacement: str = ""


@attrs.frozen
class HearingLost(TurnEvent):
    """Nothing the caller says will be understood any more."""


@attrs.frozen
class Announce(TurnEvent):
    """The application has *text* for the caller, as soon as nobody speaks.

    A *kind* of `Kind.TONES` presses the keys that *text* names: they wait for the agent alone.
    """

    text: str
    kind: UtteranceKind = UtteranceKind.NOTICE


@attrs.frozen
class EndRequested(TurnEvent):
    """Our side ends the call once what is said was heard; with *goodbye*, after saying it."""

    reason: str
    goodbye: bool = False


@attrs.frozen
class TransferRequested(TurnEvent):
    """Our side hands the caller to *target* once what is said was heard."""

    target: str


@attrs.frozen
class TransferFailed(TurnEvent):
    """Nobody took the caller, who is still on the line; *status* says why, if that is known."""

    status: str = ""


@attrs.frozen
class TransferTaken(TurnEvent):
    """Somebody took the caller, who is no longer ours."""


@attrs.frozen
class MachineDetected(TurnEvent):
    """An answering machine is on the line; after its *beep* it records."""

    beep: bool


@attrs.frozen
class DrainRequested(TurnEvent):
    """The server wants to be gone: unless the call has ended, say goodbye at *by_ms*."""

    by_ms: int


@attrs.frozen
class RulesChanged(TurnEvent):
    """From now on other *rules* hold."""

    rules: TurnRules


@attrs.frozen
class CallerHungUp(TurnEvent):
    """The caller is gone."""


@attrs.frozen
class TimerFired(TurnEvent):
    """A timer the engine started is due."""

    name: str
