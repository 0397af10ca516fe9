"""How one call takes turns: every threshold, wait and bound of the turn engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs

from patter.errors import PatterConfigError

VOICE_TAIL_MS = 100
"""How long after its end a voice may still be taken to last, on every detector.

A voice that has lasted for the threshold may have ended since, and its detector not know yet.
Were it the detector's own tail, a more patient one would make every interruption later.
"""

FAILS_FIRST_MS = 100
"""So much sooner than the reply, which only knows that nothing came, its model or tool fails."""


def _steps(waits_ms: Iterable[int]) -> tuple[int, ...]:
    return tuple(waits_ms)


@attrs.frozen(kw_only=True)
class TurnRules:
    """How one call takes turns. Times are whole milliseconds.

    A *barge_in_threshold_ms* of 0 means that nobody interrupts audible speech by voice;
    *barge_in_min_words* of 0 that words alone never do; an empty *idle_ms* that silence is never
    broken; after *barge_in_holds_max* holds for nothing a voice that says no words does not hold
    this utterance any more; a *filler_ms* of 0 that no filler is said, a *progress_ms* of 0 that
    none follows it; a *speak_after_ms* of 0 that an answer is spoken as soon as it is ready.
    With *speculate* answers are drafted before the turn has ended: to an interim that has ended a
    sentence, or stood for *preemptive_min_stable_ms*, and in a pause to words that are final.
    *language* chooses which words are a listener's, a hello, a contradiction or an unfinished
    sentence; with none, none are. *max_hold_ms* is the longest pause that a turn detector, or an
    STT that ends turns itself, is given; a detector that has not judged a pause within
    *verdict_wait_ms* has no vote on it. *vad*, *voice_tail_ms* and *needs_words* describe what
    listens, and are set from it. Raises PatterConfigError when a value is out of range or two
    contradict each other.
    """

    barge_in_threshold_ms: int = 300
    barge_in_mode: Literal["cancel", "pause_resume"] = "cancel"
    barge_in_confirm_ms: int = 1_500
    barge_in_min_words: int = 1
    barge_in_hold_ms: int = 1_200
    barge_in_holds_max: int = 2
    language: str = ""
    vad: bool = True
    voice_tail_ms: int = VOICE_TAIL_MS
    silence_ms: int = 500
    speak_after_ms: int = 0
    words_stop_ms: int = 2_000
    restarts_max: int = 2
    restart_max_ms: int = 10_000
    wait_for_turn_end: bool = False
    max_hold_ms: int = 1_200
    verdict_wait_ms: int = 400
    final_wait_ms: int = 1_000
    needs_words: bool = True
    repeat_ms: int = 2_000
    talk_max_ms: int = 15_000
    greeting: bool = True
    greeting_interruptible: bool = True
    greeting_words: int = 3
    goodbye_interruptible: bool = False
    idle_ms: tuple[int, ...] = attrs.field(default=(8_000, 8_000, 8_000), converter=_steps)
    filler_ms: int = 0
    progress_ms: int = 0
    model_ms: int = 4_000
    reply_max_ms: int = 15_000
    speech_max_ms: int = 120_000
    tool_ms: int = 60_000
    tool_wait_ms: int = 10_000
    tool_max_ms: int = 60_000
    speculate: bool = False
    preemptive_min_stable_ms: int = 300
    digit_gap_ms: int = 2_000
    digit_end: str = "#"
    failures_max: int = 2
    machine_doubt_turns: int = 2
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
        """How long a pause may last before it ends the caller's turn (endpointing)."""
        return self.max_hold_ms if self.wait_for_turn_end else self.silence_ms

    @property
    def first_words_ms(self) -> int:
        """How long a model may send nothing: it fails before its reply does, and says why."""
        return max(1, self.reply_max_ms - FAILS_FIRST_MS)

    @property
    def evidence_ms(self) -> int:
        """How long after its beginning an uninterrupted voice counts as a barge-in."""
        return self.barge_in_threshold_ms + self.voice_tail_ms


_MAY_BE_ZERO = frozenset(
    {
        "barge_in_holds_max",
        "barge_in_threshold_ms",
        "barge_in_min_words",
        "filler_ms",
        "final_wait_ms",
        "greeting_words",
        "progress_ms",
        "repeat_ms",
        "restarts_max",
        "silence_ms",
        "speak_after_ms",
        "preemptive_min_stable_ms",
        "voice_tail_ms",
    }
)


_CHOICES = {
    "barge_in_mode": ("cancel", "pause_resume"),
    "voicemail": ("ignore", "hang_up", "message"),
}


def _refuse_bad_numbers(rules: TurnRules) -> None:
    """Numbers are whole and positive; those in `_MAY_BE_ZERO` may be 0."""
    for name, value in attrs.asdict(rules).items():
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, bool | str):
                continue
            least = 0 if name in _MAY_BE_ZERO else 100 if name == "barge_in_confirm_ms" else 1
            if not isinstance(number, int) or number < least:
                raise PatterConfigError(
                    f"{name}={value!r} is out of range", fix=f"give a whole number >= {least}"
                )


def _refuse_unknown_choices(rules: TurnRules) -> None:
    for name, choices in _CHOICES.items():
        if getattr(rules, name) not in choices:
            raise PatterConfigError(
                f"{name}={getattr(rules, name)!r} means nothing",
                fix=f"choose one of {', '.join(choices)}",
            )


def _refuse_contradictions(rules: TurnRules) -> None:
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
