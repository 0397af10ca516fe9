"""What the scenes are made of: noise, swells, tones, voices. Every line of sound is a circle.

Noise is shaped over the whole circle, and what reaches past the end goes on at the beginning, so a
clip that loops has no seam. Random numbers come from a seed: the same clip every time.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8_000
Line: TypeAlias = NDArray[np.float64]


def silent(seconds: float) -> Line:
    """*seconds* of nothing."""
    return np.zeros(round(seconds * RATE_HZ))


def band(rng: np.random.Generator, count: int, low_hz: float, high_hz: float) -> Line:
    """*count* samples of noise between two frequencies, at an RMS of 1."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    # Third-order slopes: a wall in the spectrum rings.
    with np.errstate(divide="ignore"):
        spectrum /= np.sqrt((1 + (hz / high_hz) ** 6) * (1 + (low_hz / hz) ** 6))
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / noise.std())


def swells(rng: np.random.Generator, count: int, fastest_hz: float, depth: float) -> Line:
    """A level that wanders about 1, by at most *depth*, no faster than *fastest_hz*."""
    wander = band(rng, count, 1e-6, fastest_hz)
    return np.asarray(1 + depth * wander / np.abs(wander).max())


def place(line: Line, sound: Line, at_s: float) -> None:
    """Add *sound* to *line*, from *at_s* seconds on, round the end if it reaches past it."""
    where = (round(at_s * RATE_HZ) + np.arange(len(sound))) % len(line)
    np.add.at(line, where, sound)


def bump(seconds: float, rise: float = 0.5) -> Line:
    """From 0 to 1 and back; *rise* is the share of the time that it rises."""
    at = np.linspace(0, 1, round(seconds * RATE_HZ))
    place_in = np.where(at < rise, at / rise / 2, 0.5 + (at - rise) / (1 - rise) / 2)
    return np.asarray(np.sin(np.pi * place_in) ** 2)


def tone(hz: Line) -> Line:
    """A sine whose frequency is *hz*, sample for sample."""
    return np.asarray(np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ))


def voice(rng: np.random.Generator, seconds: float, pitch_hz: float) -> Line:
    """Somebody who talks too far away to be understood: pulses, three formants, syllables."""
    count = round(seconds * RATE_HZ)
    pitch = pitch_hz * swells(rng, count, 1.5, 0.2)
    pulses = tone(pitch) + 0.6 * tone(2 * pitch) + 0.5 * tone(3 * pitch) + 0.4 * tone(5 * pitch)
    buzz = pulses * swells(rng, count, 6, 0.9) + 0.15 * band(rng, count, 800, 3_000)
    spectrum, hz = np.fft.rfft(buzz), np.fft.rfftfreq(count, 1 / RATE_HZ)
    formants = rng.uniform((350, 900, 2_200), (700, 1_900, 2_900))
    shape = sum(
        level / (1 + ((hz - at) / 150) ** 2)
        for at, level in zip(formants, (1, 0.6, 0.3), strict=True)
    )
    spoken = np.fft.irfft(spectrum * shape, count)
    syllables = np.clip(band(rng, count, 0.3, 4), 0, None)
    spoken = spoken * syllables
    return np.asarray(spoken / spoken.std())


def pluck(hz: float, seconds: float, bright: float = 0.5) -> Line:
    """A string: harmonics that die the sooner the higher they are."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    harmonics = [n for n in range(1, 7) if n * hz < RATE_HZ * 0.45]
    sound = sum(
        bright ** (n - 1) * np.sin(2 * np.pi * n * hz * at) * np.exp(-at * (1.2 + 1.1 * n))
        for n in harmonics
    )
    return np.asarray(sound * np.minimum(1, at / 0.006) * np.minimum(1, (seconds - at) / 0.05))


def levelled(line: Line, rms_db: float, peak_db: float = -3.0) -> Line:
    """*line* at *rms_db* of full scale, or softer so that no peak is above *peak_db*."""
    line = line - line.mean()
    gain = min(10 ** (rms_db / 20) / line.std(), 10 ** (peak_db / 20) / np.abs(line).max())
    return np.asarray(line * gain)
