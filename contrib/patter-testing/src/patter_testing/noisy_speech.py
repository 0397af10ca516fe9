"""Speech on a telephone, and noise in it: what the tests of audio filters feed them, and compare.

A line is an array of samples at 8 kHz, 1.0 being full scale.
"""

from __future__ import annotations

import wave
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, AudioFormat

Line: TypeAlias = NDArray[np.float64]


def voice(files: Iterable[Path], level_db: float = -20.0) -> Line:
    """A second of nothing, and then the speech in *files* (WAV, 8 kHz, PCM16), at *level_db*."""
    parts = []
    for path in files:
        with wave.open(str(path)) as file:
            parts.append(np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768)
    line = np.concatenate(parts)
    return np.concatenate((np.zeros(8_000), line * 10 ** (level_db / 20) / line.std()))


def hiss(count: int, level_db: float) -> Line:
    """*count* samples of white noise, the same each time."""
    return np.random.default_rng(1).standard_normal(count) * 10 ** (level_db / 20)


def fan(count: int, level_db: float) -> Line:
    """Noise as a fan makes it: most of it low."""
    hz = np.fft.rfftfreq(count, 1 / 8_000)
    line = np.fft.irfft(np.fft.rfft(hiss(count, 0)) / (1 + (hz / 300) ** 2), count)
    return np.asarray(line * 10 ** (level_db / 20) / line.std())


def over_the_line(line: Line, audio: AudioFormat) -> bytes:
    """*line* as a carrier brings it, in mu-law, and then in *audio*."""
    pcm = np.rint(np.clip(line, -1, 1) * 32_767).astype("<i2").tobytes()
    return convert(convert(pcm, PCM16_8K, MULAW_8K), MULAW_8K, audio)


def between(sound: bytes, audio: AudioFormat, begin_ms: float, end_ms: float) -> bytes:
    """The part of *sound* from *begin_ms* to *end_ms*."""
    return sound[audio.bytes_in(begin_ms) : audio.bytes_in(end_ms)]


def lateness(out: bytes, sound: bytes) -> int:
    """By how many samples *out* is behind *sound*, both PCM16, found by their likeness."""
    count = len(out) // 2
    one, other = (np.frombuffer(each, "<i2", count).astype(float) for each in (sound, out))
    spectra = [np.fft.rfft(each, 2 * count) for each in (other, one)]
    return int(np.argmax(np.fft.irfft(spectra[0] * spectra[1].conj())[:count]))
