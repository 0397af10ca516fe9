"""Recordings of people, from a folder of WAV files with labels. They are nobody's to ship.

``labels.json`` is a list of ``{"file", "set", "speech_ms"}``: telephone audio, 8,000 samples of
16 bits a second, and where in it somebody speaks. The sets are ``sent word back``, and
``non:`` with the name of a noise.
"""

from __future__ import annotations

import json
import wave
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs
import numpy as np

from voices.clip import Clip, Clips, chained, guessed, pauses
from voices.sound import RATE_HZ, count, from_pcm

LABELS = "labels.json"
_LONGEST_PAUSE_MS = 200


def recordings(folder: Path, seed: int = 1) -> Clips:
    """The clips of *folder*. Raises OSError, ValueError or KeyError for what is no such folder."""
    labels = json.loads((folder / LABELS).read_text(encoding="utf-8"))
    sets: dict[str, list[Clip]] = {}
    for label in labels:
        sets.setdefault(label["set"], []).append(_clip(folder, label))
    sentences = [_with_words(clip) for clip in sets["sent"]]
    fluent = [_without_pauses(clip) for clip in sentences]
    singles = tuple(clip.meaning("seven") for clip in sets["word"])
    return Clips(
        source="recordings",
        questions=tuple(
            clip for clip in sentences if len(clip.spans) == 1 and clip.ends_ms > 1_400
        ),
        sentences=tuple(sentences),
        singles=singles[:24],
        stops=tuple(clip.meaning("stop") for clip in singles[:24]),
        backchannels=tuple(clip.meaning("mm-hm") for clip in sets["back"]),
        laughs=tuple(map(_all_of_it, sets.get("non:laugh", ()))),
        agents=tuple(_longest(fluent[::2])),
        strangers=tuple(_longest(fluent[1::2])),
        monologues=tuple(_monologues(sentences, seed)),
        noises={
            name.removeprefix("non:"): tuple(clips)
            for name, clips in sets.items()
            if name.startswith("non:")
        },
    )


def _clip(folder: Path, label: dict[str, object]) -> Clip:
    name = str(label["file"])
    with wave.open(str(folder / Path(name).name)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE_HZ, 1, 2):
            raise ValueError(f"{name} is not mono PCM16 at {RATE_HZ} Hz")
        samples = from_pcm(file.readframes(file.getnframes()))
    spans: Iterable[Sequence[int]] = label["speech_ms"]  # type: ignore[assignment]
    return Clip(Path(name).stem, samples, tuple((int(first), int(last)) for first, last in spans))


def _with_words(clip: Clip) -> Clip:
    return attrs.evolve(clip, words=guessed(clip.spans))


def _without_pauses(clip: Clip) -> Clip:
    """What somebody says in one go."""
    parts = [clip.samples[count(first) : count(last)] for first, last in clip.spans]
    cut = [Clip(clip.name, part, ((0, round(len(part) * 1_000 / RATE_HZ)),)) for part in parts]
    return chained(clip.name, cut, [_LONGEST_PAUSE_MS] * (len(cut) - 1))


def _longest(clips: Sequence[Clip]) -> list[Clip]:
    """The three who say most."""
    return sorted(clips, key=lambda clip: -clip.ms)[:3]


def _monologues(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """Each speaker's phrases, twice and with pauses of any length between them."""
    found = []
    for number, clip in enumerate(clips):
        phrases = [_with_words(_piece(clip, first, last)) for first, last in clip.spans]
        phrases = [phrase for phrase in phrases if phrase.ms >= 300]
        if len(phrases) < 2:
            continue
        random = np.random.default_rng((seed, number))
        twice = (phrases * 3)[:6]
        found.append(chained(clip.name, twice, pauses(len(twice) - 1, random)))
    return found


def _piece(clip: Clip, first: int, last: int) -> Clip:
    return Clip(clip.name, clip.samples[count(first) : count(last)], ((0, last - first),))


def _all_of_it(clip: Clip) -> Clip:
    """All of a laugh counts as a voice that says nothing."""
    return attrs.evolve(clip, spans=((0, round(clip.ms)),))
