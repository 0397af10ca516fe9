"""Where another voice goes on: whole words, in order, none twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patter.call.broken_speech import LEAST_CHARS, MS_PER_CHAR, SpokenPart, VoicePace
from patter.providers.tts import SpokenWord

TEXTS = st.lists(st.text("abcé,.", min_size=1, max_size=8), min_size=1, max_size=8).map(" ".join)


@given(TEXTS, st.floats(0, 10_000))
def test_by_its_pace_the_rest_begins_with_a_whole_word(text: str, ms: float) -> None:
    part = SpokenPart(text, ms=ms)
    rest = part.rest(VoicePace())
    assert text.endswith(rest)
    assert rest == "" or text == rest or text[len(text) - len(rest) - 1].isspace()
    said = len(text) - len(rest)
    assert not rest or said + 1 >= round(ms / MS_PER_CHAR)


@given(TEXTS, st.data())
def test_by_word_times_just_what_has_not_ended_is_said(text: str, data: st.DataObject) -> None:
    words = [word for word in text.split() if any(map(str.isalnum, word))]
    count = data.draw(st.integers(0, len(words)))
    part, pace = SpokenPart(text, from_ms=500.0), VoicePace(times_words=True)
    timed = [SpokenWord(word, 600 + 100 * at) for at, word in enumerate(words)]
    part.add(100.0 * count + 50, timed)
    if len(set(words)) == len(words):
        said = part.rest(pace).split()
        assert [word for word in said if any(map(str.isalnum, word))] == words[count:]


def test_dashes_between_words_do_not_hide_the_next_one() -> None:
    part = SpokenPart(". . . . a b", from_ms=0.0)
    part.add(150.0, [SpokenWord("a", 100), SpokenWord("b", 200)])
    assert part.rest(VoicePace(times_words=True)) == "b"


def test_a_voice_is_judged_by_what_it_has_completed() -> None:
    pace = VoicePace()
    assert pace.ms_per_char == MS_PER_CHAR
    pace.learn(SpokenPart("x" * LEAST_CHARS, ms=LEAST_CHARS * 90.0))
    assert pace.ms_per_char == 90.0
    part = SpokenPart("Good evening to you.", ms=90.0 * 5)
    assert part.rest(pace) == "evening to you."


def test_what_a_voice_has_not_told_yet_of_a_sentence_is_said_too() -> None:
    part = SpokenPart("We are op", untold="en from five.", ms=MS_PER_CHAR * 3)
    assert part.rest(VoicePace()) == "are open from five."
    part.ms = MS_PER_CHAR * 9
    assert part.rest(VoicePace()) == "from five."
