"""Sentences and words with labels, spoken by espeak-ng, or by `formants` where that is missing."""

from __future__ import annotations

import asyncio
import ctypes
import zlib
from collections.abc import AsyncIterator
from functools import cache
from importlib.util import find_spec

import attrs
import numpy as np

from patter.audio.formats import PCM16_8K
from patter.providers.context import CallContext
from voices import formants
from voices.clip import Clip, Word, span_words
from voices.sound import Samples, at_level, count, from_pcm, ms_of, telephone, voiced_ms

LEVEL_DB = -22.0
_LEAD_MS = 60


@attrs.frozen
class Speaker:
    """A voice of espeak and, where that is missing, a throat of `formants.THROATS`."""

    name: str
    language: str
    variant: str
    pitch: int
    throat: int


MAN = Speaker("man", "en-us", "m3", 38, 0)
WOMAN = Speaker("woman", "en-us", "f3", 62, 4)
GERMAN = Speaker("german", "de", "m2", 45, 1)
FRENCH = Speaker("french", "fr", "f5", 55, 3)
SPANISH = Speaker("spanish", "es", "m7", 42, 2)
ITALIAN = Speaker("italian", "it", "f2", 66, 5)
EVERYONE = (MAN, WOMAN, GERMAN, FRENCH, SPANISH, ITALIAN)


def has_library() -> bool:
    """Is there an espeak to speak with?"""
    return all(map(find_spec, ("patter_espeak", "espeakng_loader")))


def speak(text: str, speaker: Speaker, *, name: str = "") -> Clip:
    """*text* on the telephone at `LEVEL_DB`, without silence around it."""
    seed = zlib.crc32(f"{speaker.name}/{text}".encode())
    samples, ends = _library(text, speaker, seed) if has_library() else _throat(text, speaker, seed)
    return labelled(samples, name or f"{speaker.name}: {text[:24]}", text, ends)


def labelled(samples: Samples, name: str, text: str, ends: list[float] | None = None) -> Clip:
    """A clip of clean *samples*, cut to what sounds; its words end at *ends*, else evenly."""
    spans = voiced_ms(samples)
    begin = max(0, spans[0][0] - _LEAD_MS)
    samples = telephone(at_level(samples[count(begin) : count(spans[-1][1] + _LEAD_MS)], LEVEL_DB))
    moved = tuple((first - begin, last - begin) for first, last in spans)
    if ends is None:
        return Clip(name, samples, moved, span_words(moved, text.split()))
    words, start = [], moved[0][0]
    for word, end in zip(text.split(), ends, strict=True):
        end_ms = max(start, min(round(end) - begin, moved[-1][1]))
        words.append(Word(word, start, end_ms))
        start = end_ms
    return Clip(name, samples, moved, tuple(words))


def _library(text: str, speaker: Speaker, seed: int) -> tuple[Samples, list[float]]:
    _start_library()
    _seed_library(seed)
    return asyncio.run(_espeak(text, speaker))


async def _espeak(text: str, speaker: Speaker) -> tuple[Samples, list[float]]:
    from patter_espeak import EspeakTTS

    tts = EspeakTTS(voice=speaker.language, variant=speaker.variant, pitch=speaker.pitch)
    audio, ends = bytearray(), []
    async with tts.open(CallContext(call_id="clip"), PCM16_8K) as session:
        async for piece in session.say(_once(text)):
            audio += piece.audio
            ends += [float(word.end_ms) for word in piece.words]
    return from_pcm(bytes(audio)), ends


async def _once(text: str) -> AsyncIterator[str]:
    yield text


@cache
def _start_library() -> None:
    """Its start takes a seed of its own."""
    asyncio.run(_espeak("one", MAN))


def _seed_library(seed: int) -> None:
    """espeak's breath is noise, seeded by the time of day; so no two runs would be alike."""
    import espeakng_loader  # type: ignore[import-untyped]

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_ng_SetRandSeed(ctypes.c_long(seed))


def _throat(text: str, speaker: Speaker, seed: int) -> tuple[Samples, list[float]]:
    """A syllable or two a word, so that it lasts about as long as speech does."""
    random, words = np.random.default_rng(seed), text.split()
    throat = formants.THROATS[speaker.throat]
    pieces, ends, at_ms = [], [], 0.0
    for word in words:
        pieces.append(formants.words(throat, 1 + (len(word) > 5), random, gap_ms=15))
        at_ms += ms_of(pieces[-1])
        ends.append(at_ms)
    return np.concatenate(pieces), ends
