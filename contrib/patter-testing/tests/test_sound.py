"""What suites tell from audio alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_24K, AudioFormat
from patter_testing.fakes.tts import spoken
from patter_testing.suites.sound import header_in, quiet_ms

WAV = b"RIFF\x24\0\0\0WAVEfmt "
FORMATS = pytest.mark.parametrize("audio", [MULAW_8K, ALAW_8K, PCM16_8K, PCM16_24K], ids=str)


@given(st.lists(st.integers(1, 12)), st.binary(max_size=40))
def test_a_wav_header_is_found_wherever_it_is_cut(sizes: list[int], before: bytes) -> None:
    stream, pieces = before + WAV, []
    for size in sizes:
        pieces.append(stream[:size])
        stream = stream[size:]
    assert header_in([*pieces, stream]) == "WAV"


@pytest.mark.parametrize("magic", [b"OggS", b"fLaC", b"ID3", b"FORM", b".snd", b"\x1aE\xdf\xa3"])
def test_other_files_are_known_by_how_a_piece_begins(magic: bytes) -> None:
    assert header_in([b"", magic[:2], magic[2:] + b"..."])
    assert header_in([b"sound", magic + b"..."])
    assert not header_in([b"sound" + magic])


@FORMATS
@pytest.mark.parametrize("ms", [0, 20, 700])
def test_silence_is_measured_up_to_the_voice(audio: AudioFormat, ms: int) -> None:
    silent = audio.silence * (audio.bytes_in(ms) // audio.sample_bytes)
    assert quiet_ms(silent + spoken("a", audio), audio) == ms
    assert quiet_ms(silent, audio) == ms
