"""What the turn engine is told: values, never audio.

Every event says when it happened, in milliseconds of the call's clock.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

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


class TurnEvent(Struct, frozen=True):
    """Something happened, at *at_ms*."""

    at_ms: int


class Connected(TurnEvent, frozen=True):
    """The call is answered and its media flows: what is said from now on can be heard."""


class VoiceStarted(TurnEvent, frozen=True):
    """There is a voice; it began at *began_ms*, before now by the detector's delay."""

    began_ms: int


class VoiceStopped(TurnEvent, frozen=True):
    """The voice is gone; it ended at *ended_ms*, before now by the detector's tail."""

    ended_ms: int


class CallerWords(TurnEvent, frozen=True):
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


class CallerFinished(TurnEvent, frozen=True):
    """Something that understands speech is sure that the caller has finished."""


class VendorAnswers(TurnEvent, frozen=True):
    """A vendor that hears, thinks and speaks has ended the caller's turn and answers by itself."""


class EndOfTurnVerdict(TurnEvent, frozen=True):
    """A turn detector has judged the caller's pause: are they *finished*?"""

    finished: bool


class BargeInVerdict(TurnEvent, frozen=True):
    """A barge-in strategy has decided: is this an *interrupt*?"""

    interrupt: bool


class Digit(TurnEvent, frozen=True):
    """The caller pressed a key: one of 0-9 * # A-D."""

    digit: str

    def __repr__(self) -> str:
        return f"Digit(at_ms={self.at_ms})"


class CollectDigits(TurnEvent, frozen=True):
    """The application wants keys for itself: *count* of them (0: any number), or up to *end*."""

    count: int = 0
    end: str = "#"
    wait_ms: int = 10_000


class CollectionCancelled(TurnEvent, frozen=True):
    """Whoever wanted the keys is gone."""


class Audible(TurnEvent, frozen=True):
    """Audio of *epoch* that speaks its own text is on its way to the caller: the first, or the
    first after it ran dry."""

    epoch: int


class RanDry(TurnEvent, frozen=True):
    """The caller has heard all that there is of *epoch*, which is not complete."""

    epoch: int


class Heard(TurnEvent, frozen=True):
    """*epoch* is complete, and the caller has heard its end; or there was nothing to hear."""

    epoch: int


class ToolStarted(TurnEvent, frozen=True):
    """Reply *epoch* began a tool; nothing undoes one that runs *once*."""

    tool: str
    epoch: int
    once: bool = True


class ToolFinished(TurnEvent, frozen=True):
    """A tool came to an end: a result, an error, its time limit, or cancelled."""

    tool: str


class ReplyFailed(TurnEvent, frozen=True):
    """There will be no more of *epoch*; whoever made it has already tried again."""

    epoch: int


class ReplyWithdrawn(TurnEvent, frozen=True):
    """*epoch* must not go on: *replacement* is said instead, empty: nothing."""

    epoch: int
    replacement: str = ""


class RecogniserConnected(TurnEvent, frozen=True):
    """The connection to the recogniser was lost, or, when *connected*, stands again."""

    connected: bool


class HearingLost(TurnEvent, frozen=True):
    """Nothing the caller says will be understood any more."""


class Announce(TurnEvent, frozen=True):
    """The application has *text* for the caller, as soon as nobody speaks.

    A *kind* of `Kind.TONES` presses the keys that *text* names: they wait for the agent alone.
    """

    text: str
    kind: UtteranceKind = UtteranceKind.NOTICE


class EndRequested(TurnEvent, frozen=True):
    """Our side ends the call once what is said was heard; with *goodbye*, after saying it."""

    reason: str
    goodbye: bool = False


class TransferRequested(TurnEvent, frozen=True):
    """Our side hands the caller to *target* once what is said was heard."""

    target: str


class TransferFailed(TurnEvent, frozen=True):
    """Nobody took the caller, who is still on the line; *status* says why, if that is known."""

    status: str = ""


class TransferTaken(TurnEvent, frozen=True):
    """Somebody took the caller, who is no longer ours."""


class MachineDetected(TurnEvent, frozen=True):
    """An answering machine is on the line; after its *beep* it records."""

    beep: bool


class DrainRequested(TurnEvent, frozen=True):
    """The server wants to be gone: unless the call has ended, say goodbye at *by_ms*."""

    by_ms: int


class RulesChanged(TurnEvent, frozen=True):
    """From now on other *rules* hold."""

    rules: TurnRules


class CallerHungUp(TurnEvent, frozen=True):
    """The caller is gone."""


class TimerFired(TurnEvent, frozen=True):
    """A timer the engine started is due."""

    name: str
