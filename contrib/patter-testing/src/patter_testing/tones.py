"""Which keys were pressed, by their sound: a small receiver for doubles and tests.

It measures the eight tones of a keypad (Goertzel) and believes a key when nearly all the
sound is one tone of a row and one of a column, for as long as ITU-T Q.24 asks.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from patter.audio.convert import convert
from patter.audio.dtmf import HIGH_HZ, KEYPAD, LOW_HZ
from patter.audio.formats import AudioFormat, Encoding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_MS, HOP_MS = 26, 8
LEAST_MS = 40
QUIET = 100.0
"""Root mean square of what counts as silence, in PCM16."""
SHARE = 0.7
"""What of all the sound must be the two tones."""
TWIST = 10.0
"""The most by which the power of one tone may be above the other's."""


def digits_in(audio: bytes, format: AudioFormat) -> str:
    """The keys that sound in *audio*, in order; speech and noise are none."""
    import numpy as np

    pcm = convert(audio, format, AudioFormat(Encoding.PCM16, format.rate_hz))
    samples = np.frombuffer(pcm, "<i2").astype(float)
    size, hop = (format.rate_hz * ms // 1_000 for ms in (FRAME_MS, HOP_MS))
    if len(samples) < size:
        return ""
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    return "".join(
        key
        for key, run in groupby(_keys(frames, format.rate_hz))
        if key and len(list(run)) * HOP_MS >= LEAST_MS - FRAME_MS
    )


def _keys(frames: NDArray[np.float64], rate_hz: int) -> list[str]:
    """The key of each frame; empty where there is none."""
    import numpy as np

    powers = np.abs(frames @ _probes(frames.shape[1], rate_hz)) ** 2
    energy = (frames**2).sum(axis=1)
    low, high = powers[:, :4], powers[:, 4:]
    pair = low.max(axis=1) + high.max(axis=1)
    twist = low.max(axis=1) / np.maximum(high.max(axis=1), 1e-9)
    # The power of a sine in a frame of n samples is 2 / n of what its probe measures.
    sure = pair * 2 / frames.shape[1] >= SHARE * energy
    sure &= (twist < TWIST) & (twist > 1 / TWIST)
    sure &= energy > frames.shape[1] * QUIET**2
    rows, columns = low.argmax(axis=1), high.argmax(axis=1)
    return [
        KEYPAD[row][column] if good else ""
        for good, row, column in zip(sure, rows, columns, strict=True)
    ]


def _probes(size: int, rate_hz: int) -> NDArray[np.complex128]:
    """A column for each tone: what a frame is multiplied with to measure it."""
    import numpy as np

    turns = np.outer(np.arange(size), (*LOW_HZ, *HIGH_HZ)) / rate_hz
    probes: NDArray[np.complex128] = np.exp(-2j * np.pi * turns)
    return probes
