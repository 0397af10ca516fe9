"""A vendor's voice can be read back after all that happens to audio on its way to a caller."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patter.audio.convert import convert
from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter_testing.doubles.vendor_sound import LETTERS, read_back, sounded, word_times
from patter_testing.suites.sound import quiet_ms

FORMATS = [MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K, PCM16_24K]
formats = st.sampled_from(FORMATS)
texts = st.text(LETTERS, max_size=12)


@given(texts, formats, st.integers(40, 120))
def test_what_was_said_is_read_back(text: str, audio: AudioFormat, pace: int) -> None:
    assert read_back(sounded(text, audio, pace), audio, pace) == text


@settings(max_examples=60)
@given(texts, formats, formats)
def test_it_is_read_back_in_another_format(
    text: str, source: AudioFormat, sink: AudioFormat
) -> None:
    assert read_back(convert(sounded(text, source), source, sink), sink) == text


@pytest.mark.parametrize("sink", FORMATS, ids=str)
@pytest.mark.parametrize("source", FORMATS, ids=str)
def test_every_letter_survives_every_way(source: AudioFormat, sink: AudioFormat) -> None:
    assert read_back(convert(sounded(LETTERS, source), source, sink), sink) == LETTERS


@given(st.lists(texts, max_size=5), formats, st.integers(10, 300))
def test_silence_between_sentences_is_left_out(
    sentences: list[str], audio: AudioFormat, ms: int
) -> None:
    silence = audio.silence * (audio.bytes_in(ms) // audio.sample_bytes)
    heard = silence.join(sounded(each, audio) for each in sentences)
    assert read_back(silence + heard + silence, audio) == "".join(sentences)


@given(texts.filter(bool), formats, st.integers(0, 720))
def test_a_letter_counts_once_half_of_it_was_heard(text: str, audio: AudioFormat, ms: int) -> None:
    heard = sounded(text, audio)[: audio.bytes_in(ms)]
    read = read_back(heard, audio)
    assert text.startswith(read)
    assert abs(len(read) - min(ms / 60, len(text))) <= 0.6


@pytest.mark.parametrize("audio", FORMATS, ids=str)
def test_it_lasts_as_long_in_every_format_and_begins_at_once(audio: AudioFormat) -> None:
    sound = sounded("as long", audio)
    assert audio.ms_in(len(sound)) == 7 * 60
    assert quiet_ms(sound, audio) < 2


def test_what_has_no_tone_is_a_question_mark() -> None:
    assert read_back(sounded("caffè", MULAW_8K), MULAW_8K) == "caff?"


@given(st.text("ab ", max_size=20), st.integers(40, 90), st.integers(0, 5_000))
def test_words_lie_where_their_letters_are(text: str, pace: int, begin_ms: int) -> None:
    audio = PCM16_8K
    sound = sounded(text, audio, pace)
    for word in word_times(text, pace, begin_ms):
        span = slice(*(audio.bytes_in(at - begin_ms) for at in (word.start_ms, word.end_ms)))
        assert read_back(sound[span], audio, pace) == word.text
