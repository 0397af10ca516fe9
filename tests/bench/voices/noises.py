"""What is on a telephone line and is nobody's speech: keys, tones, music, an office, a crowd."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from patter.audio.dtmf import tones
from patter.audio.formats import PCM16_8K
from voices.formants import A, breath
from voices.sound import (
    RATE_HZ,
    Samples,
    at_level,
    count,
    decay,
    faded,
    from_pcm,
    joined,
    ms_of,
    pink,
    placed,
    quiet,
    shape,
    white,
)

_CHORDS = ((0, 4, 7, 12), (-3, 0, 4, 9), (5, 9, 12, 17), (-5, -1, 2, 7))
_ROOT_HZ = 261.6


def line_noise(ms: float, random: np.random.Generator) -> Samples:
    """The hiss of a quiet line."""
    return at_level(white(ms, random), -68)


def keyboard(ms: float, random: np.random.Generator) -> Samples:
    """Somebody types: bursts of strokes, a click down and a weaker one up each."""
    strokes: list[tuple[float, Samples]] = []
    at_ms = 200.0
    while at_ms < ms:
        down, up = _click(random), _click(random) * 0.4
        strokes += [(at_ms, down), (at_ms + random.uniform(50, 110), up)]
        at_ms += random.uniform(90, 220) if random.random() < 0.85 else random.uniform(500, 1_500)
    return at_level(placed(ms, strokes), -30) + at_level(pink(ms, random), -58)


def music(ms: float, random: np.random.Generator) -> Samples:
    """Music on hold: chords, a bass, a tune above them."""
    beat_ms = 60_000 / random.uniform(84, 120)
    notes: list[tuple[float, Samples]] = []
    for beat in range(int(ms / beat_ms) + 1):
        chord = _CHORDS[beat // 4 % len(_CHORDS)]
        if beat % 4 == 0:
            notes += [(beat * beat_ms, 0.5 * _note(step, beat_ms * 4)) for step in chord]
        notes.append((beat * beat_ms, 0.6 * _note(chord[0] - 12, beat_ms)))
        for half in (0.0, 0.5):
            step = chord[int(random.integers(len(chord)))] + 12
            notes.append(((beat + half) * beat_ms, 0.7 * _note(step, beat_ms * 0.7)))
    return at_level(placed(ms, notes), -22)


def ringback(ms: float) -> Samples:
    """The far end rings: 440 and 480 Hz, two seconds of six."""
    at = np.arange(count(2_000)) / RATE_HZ
    tone = np.sin(2 * np.pi * 440 * at) + np.sin(2 * np.pi * 480 * at)
    return at_level(
        placed(ms, [(begin, faded(tone, 5, 5)) for begin in range(0, round(ms), 6_000)]), -22
    )


def keys(ms: float, random: np.random.Generator) -> Samples:
    """Somebody presses keys, two a second."""
    line = [
        (at_ms, from_pcm(tones(str(random.integers(10)), PCM16_8K)))
        for at_ms in np.arange(300.0, ms, 500.0)
    ]
    return at_level(placed(ms, line), -16)


def office(ms: float, random: np.random.Generator, talk: Sequence[Samples] = ()) -> Samples:
    """Air conditioning, a hum, now and then a knock, and people far away."""
    at = np.arange(count(ms)) / RATE_HZ
    hum = sum(np.sin(2 * np.pi * hz * at) / number for number, hz in enumerate((200, 300, 400), 1))
    knocks = [
        (at_ms, _knock(random)) for at_ms in np.cumsum(random.uniform(900, 3_500, round(ms / 900)))
    ]
    line = at_level(pink(ms, random), -46) + at_level(np.asarray(hum), -52)
    line = line + at_level(placed(ms, knocks), -32)
    return line + at_level(crowd(ms, random, talk), -50) if talk else line


def crowd(ms: float, random: np.random.Generator, talk: Sequence[Samples]) -> Samples:
    """Many people at once: *talk*, each from a place of its own, over and over."""
    people = []
    for _ in range(8):
        order = [talk[int(number)] for number in random.permutation(len(talk))]
        one = joined(order, [random.uniform(100, 400) for _ in order[1:]])
        begin = int(random.integers(len(one)))
        loop = np.resize(np.concatenate([one[begin:], one[:begin]]), count(ms))
        people.append(at_level(loop, random.uniform(-40, -32)))
    return np.asarray(np.sum(people, axis=0))


def breaths(ms: float, random: np.random.Generator) -> Samples:
    """Somebody breathes at the telephone, in and out."""
    pieces, at_ms = [], 300.0
    while at_ms < ms:
        out = faded(breath(A, random.uniform(600, 1_100), random), 250, 350)
        pieces.append((at_ms, out * random.uniform(0.6, 1.0)))
        at_ms += ms_of(out) + random.uniform(500, 900)
    return at_level(placed(ms, pieces), -36)


def one_breath(random: np.random.Generator) -> Samples:
    """Air against the telephone, once."""
    return at_level(faded(breath(A, random.uniform(350, 700), random), 120, 200), -32)


def spread(ms: float, pieces: Sequence[Samples], random: np.random.Generator) -> Samples:
    """*pieces* one after the other, a pause of one to three seconds between them."""
    line: list[tuple[float, Samples]] = []
    at_ms, number = 500.0, 0
    while at_ms < ms:
        piece = pieces[number % len(pieces)]
        line.append((at_ms, piece))
        at_ms, number = at_ms + ms_of(piece) + random.uniform(1_000, 3_000), number + 1
    return placed(ms, line)


def _click(random: np.random.Generator) -> Samples:
    ms = random.uniform(8, 16)
    high = shape(white(ms, random), lambda hz: 1 / (1 + (1_500 / (hz + 1)) ** 2))
    return high * decay(ms, 2.5) * random.uniform(0.5, 1.0)


def _knock(random: np.random.Generator) -> Samples:
    low = shape(white(80, random), lambda hz: 1 / (1 + (hz / 700) ** 4))
    return low * decay(80, 12) * random.uniform(0.3, 1.0)


def _note(step: int, ms: float) -> Samples:
    """A plucked note so many half tones above the root."""
    at = np.arange(count(ms)) / RATE_HZ
    hz = _ROOT_HZ * 2 ** (step / 12)
    partials = [np.sin(2 * np.pi * hz * n * at) / n**1.5 for n in range(1, 7) if hz * n < 3_600]
    return faded(np.sum(partials, axis=0) * decay(ms, 350), 8, 30) if len(at) else quiet(0)
