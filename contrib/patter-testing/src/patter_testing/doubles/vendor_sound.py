"""A vendor's voice: audio for a text, in any format, that can be read back from what was heard.

Each letter is a tone of its own, as long as every other. So the text survives what happens on
the way to a caller: another rate, mu-law, A-law, a volume. `fakes.tts.spoken` does not; it is
cheaper, and exact to the byte. Letters outside of ASCII are read back as "?".
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from patter.audio.convert import convert
from patter.audio.formats import AudioFormat, Encoding
from patter.providers.stt import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MS_PER_LETTER = 60
"""About a thousand letters a minute, as people speak; at least 40 are needed to be read back."""

LETTERS = "".join(map(chr, range(0x20, 0x7F)))
LOW_HZ, STEP_HZ = 300, 32
"""The tones lie within what a telephone carries: 300 to 3308 Hz."""

LOUD, QUIET = 8_000, 200
"""Amplitudes of a tone, and of what is silence, of 32768."""

_GAP_MS = 5


def sounded(text: str, audio: AudioFormat, ms_per_letter: int = MS_PER_LETTER) -> bytes:
    """The audio of *text*, of which `read_back` makes *text* again."""
    pcm = b"".join(_tone(letter, audio.rate_hz, ms_per_letter) for letter in text)
    return convert(pcm, AudioFormat(Encoding.PCM16, audio.rate_hz), audio)


def word_times(text: str, ms_per_letter: int = MS_PER_LETTER, from_ms: int = 0) -> list[Word]:
    """Where the words of *text* lie in its audio, which begins at *from_ms*.

    >>> [(word.text, word.start_ms, word.end_ms) for word in word_times("hi you", 100)]
    [('hi', 0, 200), ('you', 300, 600)]
    """
    words, at = [], 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        times = (from_ms + letters * ms_per_letter for letters in (start, at))
        words.append(Word(word, *times))
    return words


def read_back(heard: bytes, audio: AudioFormat, ms_per_letter: int = MS_PER_LETTER) -> str:
    """The letters in *heard*, silence left out; a letter counts once half of it is there."""
    import numpy as np

    linear = convert(heard, audio, AudioFormat(Encoding.PCM16, audio.rate_hz))
    samples = np.frombuffer(linear, "<i2").astype(np.float64)
    size = _samples(ms_per_letter, audio.rate_hz)
    return "".join(_letters(run, size, audio.rate_hz) for run in _runs(samples, audio.rate_hz))


def _runs(samples: NDArray[np.float64], rate_hz: int) -> list[NDArray[np.float64]]:
    """The stretches of sound between silences."""
    import numpy as np

    loud = np.flatnonzero(np.abs(samples) > QUIET)
    gaps = np.flatnonzero(np.diff(loud) > _samples(_GAP_MS, rate_hz))
    return [samples[run[0] : run[-1] + 1] for run in np.split(loud, gaps + 1) if len(run)]


def _letters(run: NDArray[np.float64], size: int, rate_hz: int) -> str:
    """The letters of sound without a break, each *size* samples long."""
    import numpy as np

    count = round(len(run) / size)
    whole = np.zeros(count * size)
    whole[: min(len(run), len(whole))] = run[: len(whole)]
    best = np.abs(whole.reshape(count, size) @ _probes(size, rate_hz)).argmax(axis=1)
    return "".join(LETTERS[at] for at in best)


@cache
def _tone(letter: str, rate_hz: int, ms: int) -> bytes:
    import numpy as np

    at = LETTERS.find(letter if letter in LETTERS else "?")
    turns = np.arange(_samples(ms, rate_hz)) * ((LOW_HZ + STEP_HZ * at) / rate_hz)
    samples: NDArray[np.float64] = LOUD * np.sin(2 * np.pi * turns)
    return samples.astype("<i2").tobytes()


@cache
def _probes(size: int, rate_hz: int) -> NDArray[np.complex128]:
    """A column for each letter: what sound is multiplied with to see how much of it is there."""
    import numpy as np

    tones_hz = LOW_HZ + STEP_HZ * np.arange(len(LETTERS))
    probes: NDArray[np.complex128] = np.exp(
        -2j * np.pi * np.outer(np.arange(size), tones_hz) / rate_hz
    )
    return probes


def _samples(ms: int, rate_hz: int) -> int:
    return ms * rate_hz // 1_000
