"""The state of one conversation: who speaks, what is open, what is still to be said.

Values only. What can be read off other fields is a property, so no two fields can disagree.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any

import attrs

from patter.call.turn.effects import Draft
from patter.call.turn.events import CollectDigits, UtteranceKind
from patter.call.turn.rules import TurnRules


class Phase(Enum):
    """How far the call has come."""

    RINGING = "ringing"
    LIVE = "live"
    CLOSING = "closing"
    AWAY = "away"
    OVER = "over"


class CallerStatus(Enum):
    """What the caller does."""

    QUIET = "quiet"
    TALKING = "talking"
    PAUSED = "paused"
    DONE = "done"


class AgentStatus(Enum):
    """What the agent does."""

    IDLE = "idle"
    THINKING = "thinking"
    SPEAKING = "speaking"
    HELD = "held"


class Pending(Enum):
    """What the agent must still say of its own accord.

    ``GREETING``: it failed before anybody heard it. ``RESULT``: a tool's result that came after
    its reply was cut. ``UNHEARD``: what was not heard of a reply that a voice cut, of which no
    words came. ``APOLOGY``: a reply broke off.
    """

    NOTHING = "nothing"
    GREETING = "greeting"
    RESULT = "result"
    UNHEARD = "unheard"
    APOLOGY = "apology"


@attrs.frozen
class Reply:
    """The utterance in progress, audible since *audible_ms*.

    *dry*: the caller has heard all there is, and more is to come. *spent*: a ``once`` tool ran,
    which cannot be undone. *insists*: it was held long enough, and goes on over a voice that
    says nothing. *broken*: it failed, and ends with what can be heard. Before *speak_ms* it
    is not spoken, however soon it is ready. *hello*: the caller greeted before hearing this
    greeting. *fillers*: how often the caller was told to wait; *false_holds*: how often it
    was held for nothing.
    """

    kind: UtteranceKind
    turn: int
    epoch: int
    text: str = ""
    audible_ms: int | None = None
    held: bool = False
    dry: bool = False
    spent: bool = False
    insists: bool = False
    broken: bool = False
    hello: bool = False
    fillers: int = 0
    false_holds: int = 0
    speak_ms: int = -1

    @property
    def audible(self) -> bool:
        """Has audio of its own text been sent?"""
        return self.audible_ms is not None

    @property
    def silent(self) -> bool:
        """Does the caller hear nothing of it now, and wait for more?"""
        return not self.audible or self.dry

    @property
    def keys(self) -> bool:
        """Is this a row of DTMF tones? They are sent whole and cannot be interrupted."""
        return self.kind is UtteranceKind.TONES


@attrs.frozen
class Ending:
    """Why and how the call ends. The caller cannot interrupt a *firm* ending.

    *target*: who the call is transferred to. *goodbye*: it is still to be said. *beep*: an
    answering machine records by now.
    """

    reason: str
    target: str = ""
    goodbye: bool = False
    firm: bool = False
    beep: bool = True


# No slots: `but` copies all fields at once, and there is one state a call.
@attrs.frozen(slots=False)
class TurnState:
    """All that the turn engine remembers of one call.

    *paused_ms* is when the voice before the present pause ended. *words* are final and open (not
    yet committed), *interim* is what may follow them, up to *interim_end_ms*; once its final is not
    waited for any longer it is *interim_taken*, and *interim_left* since the connection of the
    recogniser that told it was lost. *committed* is the text of the last commit, the row of
    *committed_turn*, at *committed_ms*, of a voice that ended at *turn_end_ms*; *wordless*: it had
    no words, and they may still come; *greeted*: it was a mere hello, which the greeting answers.
    *unconfirmed* is the end of it that was an interim, *overtaken* such an end whose final later
    words overtook, and *consumed_ms* where words end that are old. *finals* are the last ones, each
    with its time. *reopened*: the turn keeps its number, because its answer was cut before it was
    audible; *restarts* counts how often. *drafts* counts the drafts of this turn, whose words are
    the same since *worded_ms*. *voice_on* and its times are what the detector says, whatever is
    made of it. *recogniser_away*: its connection is lost. *sure*: somebody who understands speech
    has ended the turn; *finished*: a turn detector would. *probing*: a voice goes on without words,
    and the recogniser was asked. *reply_to* is the agent's sentence the caller heard last.
    *pending*: what is still to be said; *idle_step*: how often silence was broken in a row, and
    *idle_left_ms* how long it may still last when keys have been collected in it; *answers*: how
    many answers were heard. *tools* run once, *reads* may be cancelled; both with the epoch of
    their reply.
    """

    rules: TurnRules = attrs.field(factory=TurnRules)
    phase: Phase = Phase.RINGING
    ending: Ending | None = None
    caller: CallerStatus = CallerStatus.QUIET
    voice_on: bool = False
    voice_began_ms: int = -1
    voice_ended_ms: int = -1
    recogniser_away: bool = False
    probing: bool = False
    sure: bool = False
    finished: bool = False
    paused_ms: int = 0
    words: str = ""
    interim: str = ""
    interim_end_ms: int | None = None
    interim_taken: bool = False
    interim_left: bool = False
    interims_seen: bool = False
    finals: tuple[tuple[str, int], ...] = ()
    consumed_ms: int = -1
    unconfirmed: str = ""
    overtaken: str = ""
    continues: bool = False
    keyed: str = attrs.field(default="", repr=False)
    reply_to: str = ""
    reopened: bool = False
    restarts: int = 0
    taken_ms: int = -1
    committed: str = ""
    committed_turn: int = 0
    committed_ms: int = 0
    turn_end_ms: int = -1
    wordless: bool = False
    greeted: bool = False
    reply: Reply | None = None
    draft: Draft | None = None
    drafts: int = 0
    worded_ms: int = -1
    pending: Pending = Pending.NOTHING
    notices: tuple[tuple[UtteranceKind, str], ...] = ()
    turn: int = 0
    epoch: int = 0
    digits: str = attrs.field(default="", repr=False)
    collect: CollectDigits | None = None
    tools: frozenset[tuple[str, int]] = frozenset()
    reads: frozenset[tuple[str, int]] = frozenset()
    waited_for_tool: bool = False
    idle_step: int = 0
    idle_left_ms: int = 0
    failures: int = 0
    answers: int = 0
    timers: frozenset[tuple[str, int]] = frozenset()

    def but(self, **changes: Any) -> TurnState:
        """This state with other values of some fields, as `attrs.evolve` makes it.

        A step changes a few of forty fields several times; evolving took half of its time.
        """
        if unknown := changes.keys() - self.__dict__.keys():
            raise TypeError(f"a state has no {', '.join(sorted(unknown))}")
        state = object.__new__(TurnState)
        state.__dict__.update(self.__dict__, **changes)
        return state

    @property
    def agent(self) -> AgentStatus:
        """What the agent does, as its reply shows."""
        if self.reply is None:
            return AgentStatus.IDLE
        if self.reply.held:
            return AgentStatus.HELD
        return AgentStatus.SPEAKING if self.reply.audible else AgentStatus.THINKING

    @property
    def to_be_transferred(self) -> bool:
        """Is the caller transferred once what is being said was heard?"""
        return self.ending is not None and bool(self.ending.target)

    @property
    def ignores_caller(self) -> bool:
        """Is the caller's audio taken for echo? With threshold 0, while the agent is heard."""
        reply = self.reply
        if self.rules.barge_in_threshold_ms or reply is None or reply.silent:
            return False
        return not reply.held

    @property
    def greeting_unheard(self) -> bool:
        """Is the greeting in progress and not audible yet?"""
        reply = self.reply
        return reply is not None and reply.kind is UtteranceKind.GREETING and not reply.audible

    @property
    def open_text(self) -> str:
        """What the caller has said and keyed in since the last commit."""
        return " ".join(filter(None, (self.words, self.interim, self.keyed)))

    def yields(self, *, to_voice: bool = True) -> bool:
        """May the caller stop the agent now, by voice or (not *to_voice*) by key?"""
        reply, ending, rules = self.reply, self.ending, self.rules
        if reply is None or reply.keys:
            return False
        if not reply.audible and ending and ending.reason == "idle":
            # Who speaks before hearing that nobody speaks is no reason to leave.
            return True
        if ending and (ending.firm or not rules.goodbye_interruptible):
            return False
        if not reply.audible:
            return True
        if reply.kind is UtteranceKind.GREETING and not rules.greeting_interruptible:
            return False
        return rules.barge_in_threshold_ms > 0 or not to_voice

    @property
    def spoke_since(self) -> bool:
        """Has a voice begun since the last turn ended?"""
        return self.voice_began_ms > self.turn_end_ms

    @property
    def doubts_machine(self) -> bool:
        """Has the other side answered too often to be a machine?"""
        return self.answers >= self.rules.machine_doubt_turns


def plain_words(text: str) -> list[str]:
    """The words of *text* without case and punctuation.

    >>> plain_words("Two tickets, please!")
    ['two', 'tickets', 'please']
    """
    return list(_plain_words(text))


# One text is asked for several times while it is weighed.
@lru_cache(maxsize=32)
def _plain_words(text: str) -> tuple[str, ...]:
    return tuple(["".join(filter(str.isalnum, word)).casefold() for word in text.split()])
