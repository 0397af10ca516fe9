"""Inventions are known; what callers say is not taken for one."""

from __future__ import annotations

import pytest

from patter.text.hallucinations import is_hallucination


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "...",
        "Thank you for watching!",
        "Thanks for watching. Please subscribe!",
        "Don't forget to subscribe.",
        "[Music]",
        "(silence)",
        "[BLANK_AUDIO]",
        "♪ ♪",
        "We'll see you next time. The end.",
        "Subtitles by the Amara.org community",
        "Transcription by CastingWords",
    ],
)
def test_credits_and_sound_labels_are_inventions(text: str) -> None:
    assert is_hallucination(text)


@pytest.mark.parametrize(
    "text",
    [
        "yes", "no", "OK.", "Thank you.", "bye bye", "stop", "hello", "two", "I am watching",
        "I like music", "Thanks for watching my dog", "Subscribe me to the newsletter", "[DTMF: 5]",
        "Thank you for watching. Now, a table for two.", "はい",
    ],
)  # fmt: skip
def test_words_of_a_caller_are_not(text: str) -> None:
    assert not is_hallucination(text)
