"""The seven clips, each a function of nothing that returns its sound at 8 kHz."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from patter_ambience.synthesis import (
    RATE_HZ,
    Line,
    band,
    bump,
    levelled,
    place,
    pluck,
    silent,
    swells,
    tone,
    voice,
)

AMBIENCE_S = 20.0


def city() -> Line:
    """Traffic that never stops, cars that pass, and somebody who hoots two streets away."""
    rng = np.random.default_rng(1)
    line = silent(AMBIENCE_S)
    line += band(rng, len(line), 60, 350) * swells(rng, len(line), 0.3, 0.4)
    for at_s in (0.5, 4.0, 6.5, 11.0, 13.5, 17.0):
        seconds = rng.uniform(3.5, 6.0)
        passing = bump(seconds, 0.45)
        place(line, rng.uniform(0.8, 1.6) * passing * band(rng, len(passing), 120, 900), at_s)
    for at_s, seconds in ((8.2, 0.25), (8.6, 0.5)):
        envelope = bump(seconds, 0.2)
        horn = tone(np.full(len(envelope), 415.0)) + tone(np.full(len(envelope), 523.0))
        place(line, 0.25 * envelope * horn, at_s)
    return levelled(line, -20)


def forest() -> Line:
    """Wind in the leaves, and three birds that answer one another."""
    rng = np.random.default_rng(2)
    line = silent(AMBIENCE_S)
    line += band(rng, len(line), 150, 700) * swells(rng, len(line), 0.25, 0.6)
    line += 0.5 * band(rng, len(line), 900, 3_200) * swells(rng, len(line), 0.5, 0.8)
    at_s = 0.8
    while at_s < AMBIENCE_S - 1:
        song_hz = rng.choice((2_100.0, 2_700.0, 3_300.0))
        for note in range(rng.integers(2, 6)):
            envelope = bump(rng.uniform(0.06, 0.14), 0.3)
            glide = np.linspace(1.0, rng.uniform(0.85, 1.15), len(envelope))
            place(line, 0.9 * envelope * tone(song_hz * glide), at_s + 0.17 * note)
        at_s += rng.uniform(1.4, 3.2)
    return levelled(line, -22)


def office() -> Line:
    """Air conditioning, two colleagues behind a partition, and a keyboard now and then."""
    rng = np.random.default_rng(3)
    line = silent(AMBIENCE_S)
    line += 0.8 * band(rng, len(line), 80, 500) * swells(rng, len(line), 0.2, 0.15)
    line += 0.1 * tone(np.full(len(line), 100.0))
    for pitch_hz in (115.0, 205.0):
        talk = np.clip(band(rng, len(line), 0.05, 0.3), 0, None)
        line += 0.5 * talk * voice(rng, AMBIENCE_S, pitch_hz)
    for at_s in (2.0, 9.5, 15.0):
        _type(line, rng, at_s, seconds=2.0, per_s=6.0, level=1.2)
    return levelled(line, -21)


def crowd() -> Line:
    """Fourteen people in one room, none of whom can be understood."""
    rng = np.random.default_rng(4)
    line = silent(AMBIENCE_S)
    line += 0.6 * band(rng, len(line), 100, 1_200)
    for _ in range(14):
        talk = 0.3 + np.clip(band(rng, len(line), 0.05, 0.4), 0, None)
        pitch_hz = rng.choice((105.0, 125.0, 190.0, 220.0)) * rng.uniform(0.9, 1.1)
        line += rng.uniform(0.3, 0.8) * talk * voice(rng, AMBIENCE_S, pitch_hz)
    return levelled(line, -20)


def typing() -> Line:
    """Somebody who types steadily, and thinks in between."""
    rng = np.random.default_rng(5)
    line = silent(10.0)
    for at_s, seconds in ((0.3, 2.6), (3.6, 1.5), (5.8, 3.4)):
        _type(line, rng, at_s, seconds=seconds, per_s=6.5, level=1.0)
    return levelled(line, -28)


def typing_fast() -> Line:
    """Somebody who types fast, on louder keys."""
    rng = np.random.default_rng(6)
    line = silent(10.0)
    for at_s, seconds in ((0.2, 4.2), (4.8, 1.2), (6.4, 3.0)):
        _type(line, rng, at_s, seconds=seconds, per_s=10.0, level=1.0, body_hz=260.0)
    return levelled(line, -26)


def _type(
    line: Line,
    rng: np.random.Generator,
    at_s: float,
    *,
    seconds: float,
    per_s: float,
    level: float,
    body_hz: float = 340.0,
) -> None:
    """Keys for *seconds*: each a click going down, a softer one coming up, and the case's body."""
    end_s = at_s + seconds
    while at_s < end_s:
        strength = level * rng.uniform(0.5, 1.0)
        for late_s, part in ((0.0, 1.0), (rng.uniform(0.06, 0.1), 0.35)):
            count = round(0.03 * RATE_HZ)
            decay = np.exp(-np.arange(count) / (0.004 * RATE_HZ))
            body = np.exp(-np.arange(count) / (0.009 * RATE_HZ)) * tone(np.full(count, body_hz))
            click = decay * band(rng, count, 900, 3_500) + 0.8 * body
            place(line, 3 * strength * part * click, at_s + late_s)
        at_s += rng.exponential(0.6 / per_s) + 0.4 / per_s


BEAT_S = 0.6
CHORDS = (
    ("G", (43, 55, 59, 62)),
    ("Em", (40, 55, 59, 64)),
    ("C", (48, 55, 60, 64)),
    ("D", (50, 57, 62, 66)),
    ("G", (43, 55, 59, 62)),
    ("Bm", (47, 54, 59, 62)),
    ("C", (48, 55, 60, 64)),
    ("Am", (45, 57, 60, 64)),
    ("D", (50, 57, 62, 66)),
    ("D", (50, 57, 62, 66)),
)
"""One a bar: the bass, and three tones above it, as MIDI keys."""
MELODY = (
    *(71, 74, 79, 0, 76, 74, 71, 0, 72, 76, 79, 76, 74, 0, 69, 0, 71, 74, 79, 81),
    *(78, 0, 74, 71, 72, 0, 76, 79, 76, 72, 69, 0, 69, 72, 74, 78, 74, 72, 71, 69),
)
"""One a beat; 0 is a rest."""


def hold_music() -> Line:
    """Ten bars of plucked chords with a melody above, 24 s, in G major."""
    line = silent(4 * BEAT_S * len(CHORDS))
    for bar, (_, (bass, *others)) in enumerate(CHORDS):
        place(line, 1.1 * pluck(_hz(bass), 2.2), 4 * bar * BEAT_S)
        for half, note in enumerate((*others, others[1]) * 2):
            place(line, 0.5 * pluck(_hz(note), 1.2), (4 * bar + half / 2) * BEAT_S)
    for beat, note in enumerate(MELODY):
        if note:
            place(line, 0.7 * pluck(_hz(note), 1.6, 0.3), beat * BEAT_S)
    return levelled(line, -18)


def _hz(key: int) -> float:
    """The frequency of a MIDI key."""
    return float(440 * 2 ** ((key - 69) / 12))


SCENES: Mapping[str, Callable[[], Line]] = {
    "city-ambience": city,
    "forest-ambience": forest,
    "office-ambience": office,
    "crowded-room": crowd,
    "keyboard-typing": typing,
    "keyboard-typing2": typing_fast,
    "hold-music": hold_music,
}
"""By the names of `patter.audio.background.BuiltinAudioClip`."""
