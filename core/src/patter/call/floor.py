"""Who has the floor: the rules of a call and the state of its conversation.

Values only. What can be read off other fields is a property, so no two fields can disagree.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Literal

import attrs

from patter.call.cues import Collect, Draft, Kind, Transcript
from patter.errors import PatterConfigError


class Phase(Enum):
    """How far the call has come."""

    RINGING = "ringing"
    LIVE = "live"
    CLOSING = "closing"
    AWAY = "away"
    OVER = "over"


class Caller(Enum):
    """The caller's side of the floor."""

    QUIET = "quiet"
    TALKING = "talking"
    PAUSED = "paused"
    DONE = "done"


class Agent(Enum):
    """The agent's side of the floor."""

    IDLE = "idle"
    THINKING = "thinking"
    SPEAKING = "speaking"
    HELD = "held"


class Owed(Enum):
    """What the agent must still say although nobody asks for it."""

    NOTHING = "nothing"
    RESULT = "result"
    UNHEARD = "unheard"


@attrs.frozen
class Reply:
    """The utterance in progress; once *spent* it has done something that stays done."""

    kind: Kind
    turn: int
    epoch: int
    text: str = ""
    audible: bool = False
    held: bool = False
    spent: bool = False

    @property
    def keys(self) -> bool:
        """Are these keys? They go out whole, say nothing, and nobody interrupts them."""
        return self.kind is Kind.TONES


@attrs.frozen
class Ending:
    """Where the call is going; out of a *firm* ending the caller cannot talk us."""

    reason: str
    target: str = ""
    goodbye: bool = False
    firm: bool = False
    beep: bool = True


def _rungs(given: Iterable[int]) -> tuple[int, ...]:
    return tuple(given)


@attrs.frozen(kw_only=True)
class Rules:
    """How one call takes turns. Times are whole milliseconds.

    A *barge_in_threshold_ms* of 0 means that nobody interrupts audible speech by voice;
    *barge_in_min_words* of 0 that words alone never do; an empty *idle_ms* that silence is
    never broken; a *filler_ms* of 0 that nothing fills it. *vad*, *voice_tail_ms* and
    *needs_words* describe what listens, and are set from it. Raises PatterConfigError when a
    value is out of range or two of them contradict each other.
    """

    barge_in_threshold_ms: int = 300
    barge_in_mode: Literal["cancel", "pause_resume"] = "cancel"
    barge_in_confirm_ms: int = 1_500
    barge_in_min_words: int = 1
    vad: bool = True
    voice_tail_ms: int = 100
    silence_ms: int = 500
    wait_for_turn_end: bool = False
    max_hold_ms: int = 1_200
    final_wait_ms: int = 1_000
    needs_words: bool = True
    repeat_ms: int = 2_000
    talk_max_ms: int = 15_000
    greeting: bool = True
    greeting_interruptible: bool = True
    greeting_words: int = 3
    goodbye_interruptible: bool = False
    idle_ms: tuple[int, ...] = attrs.field(default=(8_000, 8_000, 8_000), converter=_rungs)
    filler_ms: int = 0
    reply_max_ms: int = 15_000
    speech_max_ms: int = 120_000
    tool_wait_ms: int = 10_000
    tool_max_ms: int = 60_000
    speculate: bool = False
    digit_gap_ms: int = 2_000
    digit_end: str = "#"
    failures_max: int = 2
    voicemail: Literal["ignore", "hang_up", "message"] = "hang_up"
    beep_wait_ms: int = 30_000
    machine_silence_ms: int = 2_000
    transfer_max_ms: int = 60_000
    closing_max_ms: int = 30_000
    call_max_ms: int = 3_600_000

    def __attrs_post_init__(self) -> None:
        _refuse_bad_numbers(self)
        _refuse_unknown_choices(self)
        _refuse_contradictions(self)

    @property
    def patience_ms(self) -> int:
        """How long a pause may last before the caller counts as done."""
        return self.max_hold_ms if self.wait_for_turn_end else self.silence_ms

    @property
    def evidence_ms(self) -> int:
        """How long after its beginning a voice nobody has reported gone is proven."""
        return self.barge_in_threshold_ms + self.voice_tail_ms


_MAY_BE_ZERO = frozenset(
    {
        "barge_in_threshold_ms",
        "barge_in_min_words",
        "filler_ms",
        "final_wait_ms",
        "greeting_words",
        "repeat_ms",
        "silence_ms",
        "voice_tail_ms",
    }
)
_CHOICES = {
    "barge_in_mode": ("cancel", "pause_resume"),
    "voicemail": ("ignore", "hang_up", "message"),
}


def _refuse_bad_numbers(rules: Rules) -> None:
    """Everything counted is counted in positive whole numbers, bar the documented zeros."""
    for name, value in attrs.asdict(rules).items():
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, bool | str):
                continue
            least = 0 if name in _MAY_BE_ZERO else 100 if name == "barge_in_confirm_ms" else 1
            if not isinstance(number, int) or number < least:
                raise PatterConfigError(
                    f"{name}={value!r} is out of range", fix=f"give a whole number >= {least}"
                )


def _refuse_unknown_choices(rules: Rules) -> None:
    for name, choices in _CHOICES.items():
        if getattr(rules, name) not in choices:
            raise PatterConfigError(
                f"{name}={getattr(rules, name)!r} means nothing",
                fix=f"choose one of {', '.join(choices)}",
            )


def _refuse_contradictions(rules: Rules) -> None:
    if rules.barge_in_threshold_ms == 0 and rules.barge_in_mode == "pause_resume":
        raise PatterConfigError(
            "barge_in_mode='pause_resume' has no effect with barge_in_threshold_ms=0",
            fix="give barge_in_threshold_ms a value above 0, or use barge_in_mode='cancel'",
        )
    if rules.wait_for_turn_end and rules.max_hold_ms < rules.silence_ms:
        raise PatterConfigError(
            "a max_hold_ms below silence_ms would cut callers off sooner, not later",
            fix="make max_hold_ms at least silence_ms",
        )


@attrs.frozen
class State:
    """All that the turn engine remembers of one call.

    *words* are final and open (not yet committed), *interim* is what may follow them. *said*
    is what the last commit consumed, at *said_ms*; words that end by *consumed_ms* are old.
    *reopened* says that the turn number stays, because its answer was taken back.
    """

    rules: Rules = attrs.field(factory=Rules)
    phase: Phase = Phase.RINGING
    ending: Ending | None = None
    caller: Caller = Caller.QUIET
    words: str = ""
    interim: str = ""
    consumed_ms: int = -1
    reopened: bool = False
    said: str = ""
    said_ms: int = 0
    reply: Reply | None = None
    draft: Draft | None = None
    owed: Owed = Owed.NOTHING
    notices: tuple[tuple[Kind, str], ...] = ()
    turn: int = 0
    epoch: int = 0
    digits: str = attrs.field(default="", repr=False)
    collect: Collect | None = None
    tools: frozenset[tuple[str, int]] = frozenset()
    rung: int = 0
    failures: int = 0
    timers: frozenset[tuple[str, int]] = frozenset()

    @property
    def agent(self) -> Agent:
        """What the agent does, as its reply shows."""
        if self.reply is None:
            return Agent.IDLE
        if self.reply.held:
            return Agent.HELD
        return Agent.SPEAKING if self.reply.audible else Agent.THINKING

    @property
    def deaf(self) -> bool:
        """Does what comes in now count as echo? With threshold 0, while the agent speaks."""
        return self.rules.barge_in_threshold_ms == 0 and self.agent is Agent.SPEAKING

    @property
    def greets(self) -> bool:
        """Is the greeting on its way, and still unheard?"""
        reply = self.reply
        return reply is not None and reply.kind is Kind.GREETING and not reply.audible

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
        if reply.kind is Kind.GREETING and not rules.greeting_interruptible:
            return False
        return rules.barge_in_threshold_ms > 0 or not to_voice

    def new_words(self, event: Transcript) -> str:
        """What of *event* was not heard before: by position, else by repetition in silence."""
        if event.end_ms is not None:
            return "" if event.end_ms <= self.consumed_ms else event.text.strip()
        soon = event.at_ms - self.said_ms <= self.rules.repeat_ms
        if soon and self.caller is Caller.QUIET:
            return _rest(self.said, event.text)
        return event.text.strip()


def plain(text: str) -> list[str]:
    """The words of *text* without case and punctuation.

    >>> plain("Two tickets, please!")
    ['two', 'tickets', 'please']
    """
    return ["".join(filter(str.isalnum, word)).casefold() for word in text.split()]


def _rest(said: str, text: str) -> str:
    """*text* without *said* in front; nothing if it only begins to repeat it."""
    old, new = plain(said), plain(text)
    if new[: len(old)] != old[: len(new)]:
        return text.strip()
    return " ".join(text.split()[len(old) :])
