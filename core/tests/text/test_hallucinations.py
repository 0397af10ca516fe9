"""Inventions are known; what callers say is not taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.text.hallucinations import asks, is_hallucination, is_invented


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


@pytest.mark.parametrize("text", ["Subscribe.", "Music", "The end.", "See you next time."])
def test_words_were_said_if_something_was_asked_or_there_was_a_voice(text: str) -> None:
    assert is_invented(text, question=False, voice=False)
    assert not is_invented(text, question=True, voice=False)
    assert not is_invented(text, question=False, voice=True)


@pytest.mark.parametrize("text", ["", "...", "[Music]", "(silence)", "♪ ♪", "[Music]. [Applause]"])
def test_what_has_no_words_was_never_said(text: str) -> None:
    assert is_invented(text, question=True, voice=True)


@given(st.text(max_size=60), st.booleans(), st.booleans())
def test_only_known_inventions_are_dropped(text: str, question: bool, voice: bool) -> None:
    if is_invented(text, question=question, voice=voice):
        assert is_hallucination(text)


@pytest.mark.parametrize(
    "text",
    [
        "Would you like to cancel or to subscribe?",
        'Did you say "music"?" ',
        "Which one? Take your time.",
        "キャンセルですか？",
        "هل تريد الإلغاء؟",
        "First line\nAnd who are you?",
    ],
)
def test_a_question_is_recognised_by_its_end(text: str) -> None:
    assert asks(text)


@pytest.mark.parametrize("text", ["", "We are open.", "Who is it? It is Ada. Let us go on."])
def test_what_is_no_question_asks_nothing(text: str) -> None:
    assert not asks(text)
