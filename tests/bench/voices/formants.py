"""A small voice of our own: glottal pulses through formants, and breath through the same.

It speaks no language. It laughs, hums and says things like "pa" and "so", for what no speech
library does, and for where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from voices.sound import RATE_HZ, Samples, count, decay, faded, joined, quiet, rms, shape, white

A = (730.0, 1_090.0, 2_440.0, 3_300.0)
E = (530.0, 1_840.0, 2_480.0, 3_300.0)
I = (300.0, 2_200.0, 2_950.0, 3_400.0)  # noqa: E741
O = (500.0, 900.0, 2_400.0, 3_200.0)  # noqa: E741
U = (320.0, 870.0, 2_240.0, 3_100.0)
UH = (600.0, 1_200.0, 2_400.0, 3_300.0)
HUM = (270.0, 1_000.0, 2_100.0, 3_000.0)
VOWELS = (A, E, I, O, U, UH)
_WIDTHS = (70.0, 90.0, 130.0, 200.0)


@attrs.frozen
class Throat:
    """Who speaks: pitch in Hz, the length of the throat beside a man's, and how steady."""

    pitch_hz: float
    scale: float = 1.0
    jitter: float = 0.01


THROATS = (
    Throat(105),
    Throat(125, 1.02),
    Throat(145, 1.05),
    Throat(190, 1.14),
    Throat(215, 1.17),
    Throat(245, 1.2),
)


def voice(
    throat: Throat,
    vowel: Sequence[float],
    ms: float,
    random: np.random.Generator,
    *,
    rise: float = -0.1,
) -> Samples:
    """A *vowel* whose pitch moves by the factor *rise*, RMS 1."""
    size = count(ms)
    steps = random.standard_normal(size // 200 + 2)
    wobble = np.interp(np.arange(size), np.arange(len(steps)) * 200, steps)
    pitch = throat.pitch_hz * np.linspace(1, 1 + rise, size) * (1 + throat.jitter * wobble)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    sound = np.zeros(size)
    for number in range(1, int(3_700 / pitch.max(initial=80.0)) + 1):
        gain = _gain(number * pitch, vowel, throat.scale) / number
        sound += gain * np.sin(number * phase)
    return faded(sound / max(1e-9, rms(sound)), 25, 40)


def breath(vowel: Sequence[float], ms: float, random: np.random.Generator) -> Samples:
    """Air through a mouth shaped for *vowel*, RMS 1."""
    return shape(white(ms, random), lambda hz: _gain(hz, vowel, 1.0) * np.maximum(hz, 1) / 1_000)


def hiss(ms: float, random: np.random.Generator) -> Samples:
    """An "s": noise above 2.4 kHz, RMS 1."""
    return faded(shape(white(ms, random), lambda hz: 1 / (1 + (2_400 / (hz + 1)) ** 6)), 20, 20)


def hum_twice(throat: Throat, random: np.random.Generator) -> Samples:
    """ "Mm-hm": two hums, the second higher, air between them."""
    first = voice(throat, HUM, random.uniform(130, 200), random, rise=-0.08)
    higher = attrs.evolve(throat, pitch_hz=throat.pitch_hz * 1.15)
    second = voice(higher, HUM, random.uniform(170, 260), random, rise=0.12)
    air = breath(HUM, 50, random) * 0.08
    return np.concatenate([first, air, second * 1.1])


def grunt_twice(throat: Throat, random: np.random.Generator) -> Samples:
    """ "Uh-huh"."""
    first = voice(throat, UH, random.uniform(100, 150), random)
    second = voice(throat, UH, random.uniform(160, 240), random, rise=0.15)
    return np.concatenate([first, breath(UH, 70, random) * 0.2, second])


def laugh(throat: Throat, random: np.random.Generator) -> Samples:
    """ "Ha ha ha": bursts of air and voice, each lower and weaker."""
    pieces: list[Samples] = []
    bursts = int(random.integers(4, 8))
    for burst in range(bursts):
        high = attrs.evolve(throat, pitch_hz=throat.pitch_hz * (1.7 - 0.1 * burst), jitter=0.03)
        force = 0.85**burst
        pieces.append(breath(A, random.uniform(50, 90), random) * 0.3 * force)
        pieces.append(voice(high, A, random.uniform(70, 120), random, rise=-0.2) * force)
    return np.concatenate(pieces)


def cough(throat: Throat, random: np.random.Generator) -> Samples:
    """Two or three bursts of noise, each with a little voice at its end."""
    pieces: list[Samples] = []
    for _ in range(int(random.integers(2, 4))):
        ms = random.uniform(160, 260)
        burst = faded(breath(O, ms, random), 4, 10) * decay(ms, 55)
        burst[: count(25)] *= 1.6
        tail = voice(throat, UH, random.uniform(80, 180), random, rise=-0.3)
        pieces.append(np.concatenate([burst, tail * random.uniform(0.05, 0.3)]))
    return joined(pieces, [random.uniform(120, 300) for _ in pieces[1:]])


def syllable(throat: Throat, random: np.random.Generator) -> Samples:
    """A consonant and a vowel."""
    vowel = VOWELS[int(random.integers(len(VOWELS)))]
    match int(random.integers(3)):
        case 0:
            onset = hiss(random.uniform(60, 110), random) * 0.35
        case 1:
            onset = np.concatenate([quiet(40), faded(breath(vowel, 18, random), 1, 8) * 0.6])
        case _:
            onset = voice(throat, HUM, 60, random) * 0.5
    return np.concatenate([onset, voice(throat, vowel, random.uniform(110, 200), random)])


def words(
    throat: Throat, syllables: int, random: np.random.Generator, *, gap_ms: float = 30
) -> Samples:
    """Something like speech of so many syllables."""
    pieces = []
    for number in range(syllables):
        lower = attrs.evolve(throat, pitch_hz=throat.pitch_hz * (1.12 - 0.2 * number / syllables))
        pieces.append(syllable(lower, random) * random.uniform(0.7, 1.2))
    return joined(pieces, [gap_ms] * (syllables - 1))


def _gain(hz: Samples, vowel: Sequence[float], scale: float) -> Samples:
    """How loud *vowel* makes each frequency: the product of its resonances."""
    gain = np.ones(len(hz))
    for centre, width in zip(vowel, _WIDTHS, strict=True):
        centre = centre * scale
        gain *= centre**2 / np.sqrt((centre**2 - hz**2) ** 2 + (width * hz) ** 2)
    return gain
