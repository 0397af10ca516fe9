"""Settings that mean nothing are refused when they are made, with what to do instead."""

from __future__ import annotations

from typing import Any

import pytest

from patter.call.playout.timing import PlayoutTiming
from patter.call.turn.rules import TurnRules
from patter.call.turn.state import plain_words
from patter.errors import PatterConfigError


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"barge_in_threshold_ms": 0, "barge_in_mode": "pause_resume"}, "no effect"),
        ({"wait_for_turn_end": True, "max_hold_ms": 100}, "sooner"),
        ({"barge_in_mode": "sometimes"}, "means nothing"),
        ({"voicemail": "sing"}, "means nothing"),
        ({"silence_ms": -1}, "out of range"),
        ({"call_max_ms": 0}, "out of range"),
        ({"barge_in_confirm_ms": 99}, "out of range"),
        ({"idle_ms": (8_000, 0)}, "out of range"),
        ({"silence_ms": 0.5}, "out of range"),
    ],
)
def test_rules_that_cannot_hold_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(PatterConfigError, match=said) as refused:
        TurnRules(**settings)
    assert refused.value.fix


def test_a_line_that_must_run_dry_is_refused() -> None:
    with pytest.raises(PatterConfigError, match="cannot keep"):
        PlayoutTiming(lead_ms=100, chunk_ms=100)


def test_patience_is_the_silence_or_with_a_turn_model_the_hold() -> None:
    assert TurnRules().patience_ms == 500
    assert TurnRules(wait_for_turn_end=True).patience_ms == 1_200


def test_zeros_that_mean_something_are_kept() -> None:
    rules = TurnRules(barge_in_threshold_ms=0, barge_in_min_words=0, filler_ms=0, idle_ms=())
    assert rules.evidence_ms == rules.voice_tail_ms


def test_words_are_compared_without_case_and_punctuation() -> None:
    assert plain_words("Two tickets, PLEASE!") == ["two", "tickets", "please"]
