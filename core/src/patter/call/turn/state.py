"""The state of one conversation: who speaks, what is open, what is still to be said.

Values only. What can be read off other fields is a property, so no two fields can disagree.
"""

from __future__ import annotations

from enum import Enum

import attrs

from patter.call.turn.effects import Draft
from patter.call.turn.events import CallerWords, CollectDigits, UtteranceKind
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

    ``RESULT``: a tool's result that came after its reply was cut. ``NOT_UNDERSTOOD``: a voice
    cut the reply, and no words came of it.
    """

    NOTHING = "nothing"
    RESULT = "result"
    NOT_UNDERSTOOD = "not_understood"


@attrs.frozen
class Reply:
    """The utterance in progress. *spent*: a ``once`` tool ran, which cannot be undone."""

    kind: UtteranceKind
    turn: int
    epoch: int
    text: str = ""
    audible: bool = False
    held: bool = False
    spent: bool = False

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


@attrs.frozen
class TurnState:
    """All that the turn engine remembers of one call.

    *paused_ms* is when the voice before the present pause ended. *words* are final and open (not
    yet committed), *interim* is what may follow them. *committed* is the text of the last commit,
    at *committed_ms*; words that end by *consumed_ms* are old. *reopened*: the turn keeps its
    number, because its answer was cut before it was audible. *pending*: what is still to be said;
    *idle_step*: how often silence was broken in a row.
    """

    rules: TurnRules = attrs.field(factory=TurnRules)
    phase: Phase = Phase.RINGING
    ending: Ending | None = None
    caller: CallerStatus = CallerStatus.QUIET
    paused_ms: int = 0
    words: str = ""
    interim: str = ""
    consumed_ms: int = -1
    reopened: bool = False
    committed: str = ""
    committed_ms: int = 0
    reply: Reply | None = None
    draft: Draft | None = None
    pending: Pending = Pending.NOTHING
    notices: tuple[tuple[UtteranceKind, str], ...] = ()
    turn: int = 0
    epoch: int = 0
    digits: str = attrs.field(default="", repr=False)
    collect: CollectDigits | None = None
    tools: frozenset[tuple[str, int]] = frozenset()
    idle_step: int = 0
    failures: int = 0
    timers: frozenset[tuple[str, int]] = frozenset()

    @property
    def agent(self) -> AgentStatus:
        """What the agent does, as its reply shows."""
        if self.reply is None:
            return AgentStatus.IDLE
        if self.reply.held:
            return AgentStatus.HELD
        return AgentStatus.SPEAKING if self.reply.audible else AgentStatus.THINKING

    @property
    def ignores_caller(self) -> bool:
        """Is the caller's audio taken for echo? With threshold 0, while the agent speaks."""
        return self.rules.barge_in_threshold_ms == 0 and self.agent is AgentStatus.SPEAKING

    @property
    def greeting_unheard(self) -> bool:
        """Is the greeting in progress and not audible yet?"""
        reply = self.reply
        return reply is not None and reply.kind is UtteranceKind.GREETING and not reply.audible

    @property
    def open_text(self) -> str:
        """What the caller has said since the last commit."""
        return " ".join(filter(None, (self.words, self.interim)))

    def yields(self, *, to_voice: bool = True) -> bool:
        """May the caller stop the agent now, by voice or (not *to_voice*) by key?"""
        reply, ending, rules = self.reply, self.ending, self.rules
        if reply is None or reply.keys:
            return False
        if ending and (ending.firm or not rules.goodbye_interruptible):
            return False
        if not reply.audible:
            return True
        if reply.kind is UtteranceKind.GREETING and not rules.greeting_interruptible:
            return False
        return rules.barge_in_threshold_ms > 0 or not to_voice

    def new_words(self, event: CallerWords) -> str:
        """What of *event* was not heard before: by position, else by repetition in silence."""
        if event.end_ms is not None:
            return "" if event.end_ms <= self.consumed_ms else event.text.strip()
        soon = event.at_ms - self.committed_ms <= self.rules.repeat_ms
        if soon and self.caller is CallerStatus.QUIET:
            return _after(self.committed, event.text)
        return event.text.strip()


def plain_words(text: str) -> list[str]:
    """The words of *text* without case and punctuation.

    >>> plain_words("Two tickets, please!")
    ['two', 'tickets', 'please']
    """
    return ["".join(filter(str.isalnum, word)).casefold() for word in text.split()]


def _after(committed: str, text: str) -> str:
    """*text* without *committed* in front; empty if it only begins to repeat it."""
    old, new = plain_words(committed), plain_words(text)
    if new[: len(old)] != old[: len(new)]:
        return text.strip()
    return " ".join(text.split()[len(old) :])
