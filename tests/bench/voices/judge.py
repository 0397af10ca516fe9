"""From what came of talks to figures. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from voices.clip import WORD_MS, Clip
from voices.talker import ANSWER, answer_words
from voices.talks import QUESTION_MS, Outcome

WORDS = len(answer_words(ANSWER))
NEVER_MS = 60_000.0


def was_cut(outcome: Outcome) -> bool:
    """Did what sounded over the answer interrupt it?"""
    return outcome.over_ms is not None and any(cut >= outcome.over_ms for cut in outcome.cuts)


def silence_ms(outcome: Outcome) -> float | None:
    """From the voice over the answer to the agent's silence; None if it went on to speak."""
    if not was_cut(outcome) or outcome.over_ms is None:
        return None
    ends = [end for begin, end in outcome.played if begin <= outcome.over_ms < end]
    return ends[0] - outcome.over_ms if ends else 0.0


def hole_ms(outcome: Outcome) -> float:
    """The longest silence in an answer that was not cut, from what sounded over it on."""
    if outcome.over_ms is None or was_cut(outcome):
        return 0.0
    pairs = zip(outcome.played, outcome.played[1:], strict=False)
    gaps = [after[0] - before[1] for before, after in pairs if before[1] > outcome.over_ms]
    return max(gaps[:1], default=0.0)


def words_lost(outcome: Outcome) -> int:
    """How many of the answer's fifty words the caller never heard."""
    return WORDS - len(outcome.heard)


def answer_s(outcome: Outcome) -> float:
    """How many seconds of the answer were heard."""
    return len(outcome.heard) * WORD_MS / 1_000


def turn_ms(outcome: Outcome) -> float:
    """How long after the end of the question it was taken for complete; `NEVER_MS` if never."""
    late = [commit - outcome.asked_ms for commit in outcome.commits]
    return max(0.0, late[0]) if late else NEVER_MS


def early_commits(outcome: Outcome) -> int:
    """How often a turn was taken for complete before its end."""
    return sum(commit < outcome.asked_ms for commit in outcome.commits)


def heard_over(outcome: Outcome, monologue: Clip) -> int:
    """How many stretches of the agent's voice fell on the caller's."""
    spans = [(QUESTION_MS + first, QUESTION_MS + last) for first, last in monologue.spans]
    return sum(
        any(begin < last and first < end for first, last in spans) for begin, end in outcome.played
    )


def p50(values: Iterable[float]) -> float | None:
    """The middle one; None of none."""
    found = list(values)
    return median(found) if found else None


def within(values: Sequence[float | None], limit: float) -> float:
    """The share, in percent, of *values* that are there and at most *limit*."""
    good = sum(value is not None and value <= limit for value in values)
    return 100 * good / len(values) if values else 100.0
