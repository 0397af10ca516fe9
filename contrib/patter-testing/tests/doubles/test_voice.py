"""What a caller says and presses: whole frames, in order, nothing lost and nothing added."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import MULAW_8K, PCM16_16K, AudioFormat
from patter.providers.carrier import Dtmf
from patter_testing.doubles.voice import FRAME_MS, CallerVoice, is_silence, without_silence

formats = st.sampled_from([MULAW_8K, PCM16_16K])
words = st.integers(1, 1_500).map(lambda count: b"\x11\x12" * count)
utterances = st.lists(words | st.sampled_from("0123456789*#").map(Dtmf), max_size=12)


@given(formats, utterances)
def test_frames_are_whole_and_hold_what_was_said_in_order(
    audio: AudioFormat, said: list[bytes | Dtmf]
) -> None:
    voice = CallerVoice(audio)
    for each in said:
        voice.put(each)
    sent: list[bytes | Dtmf] = [*voice.keys()]
    while not sent or sent[-1] != audio.silence * (audio.bytes_in(FRAME_MS) // audio.sample_bytes):
        sent += [voice.frame(), *voice.keys()]
    frames = [each for each in sent if isinstance(each, bytes)]
    assert {len(each) for each in frames} <= {audio.bytes_in(FRAME_MS)}
    sounds = [each for each in said if isinstance(each, bytes)]
    assert b"".join(without_silence(each, audio) for each in frames) == b"".join(sounds)
    assert [each for each in sent if isinstance(each, Dtmf)] == [
        each for each in said if isinstance(each, Dtmf)
    ]
    assert is_silence(voice.frame(), audio)


@given(formats, utterances)
def test_the_rest_is_what_was_not_sent(audio: AudioFormat, said: list[bytes | Dtmf]) -> None:
    voice = CallerVoice(audio)
    for each in said:
        voice.put(each)
    left = voice.rest()
    frames = [without_silence(each, audio) for each in left if isinstance(each, bytes)]
    assert b"".join(frames) == b"".join(each for each in said if isinstance(each, bytes))
    assert not voice.rest()


def test_a_key_ends_the_frame_of_what_was_said_before_it() -> None:
    voice = CallerVoice(MULAW_8K)
    for each in (b"x" * 40, Dtmf("1"), b"y" * 40):
        voice.put(each)
    assert voice.keys() == []
    assert voice.frame() == b"x" * 40 + MULAW_8K.silence * 120
    assert voice.keys() == [Dtmf("1")]
    assert voice.frame() == b"y" * 40 + MULAW_8K.silence * 120


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_16K])
def test_silence_is_known_in_every_format(audio: AudioFormat) -> None:
    assert is_silence(audio.silence * 160, audio)
    assert not is_silence(audio.silence * 160 + b"\x01", audio)
    assert without_silence(audio.silence * 9, audio) == b""
