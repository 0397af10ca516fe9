"""A detector alone: when does it hear a voice begin in a stretch of audio?"""

from __future__ import annotations

import numpy as np

from patter.audio.formats import PCM16_8K
from patter.providers.vad import VAD, VoiceStart
from voices import noises
from voices.clip import Clip
from voices.sound import Samples, ms_of, placed, to_pcm

PAUSE_MS, _FEED_MS, _AFTER_MS = 5_000.0, 20, 1_000.0
_EARLY_MS, _LATE_MS = 150, 100


def starts(vad: VAD, samples: Samples) -> list[int]:
    """When voices begin, in milliseconds."""
    session, pcm, size = vad.start(PCM16_8K), to_pcm(samples), PCM16_8K.bytes_in(_FEED_MS)
    changes = [session.feed(pcm[at : at + size]) for at in range(0, len(pcm), size)]
    return [change.at_ms for change in changes if isinstance(change, VoiceStart)]


def hears(vad: VAD, word: Clip, before: Clip | None = None) -> bool:
    """Is *word* heard, on a quiet line, or five seconds after *before* was said?"""
    line = [(500.0, before.samples)] if before else []
    at_ms = 500.0 + (before.ms if before else 0.0) + PAUSE_MS
    line.append((at_ms, word.samples))
    length_ms = at_ms + word.ms + _AFTER_MS
    samples = placed(length_ms, line) + noises.line_noise(length_ms, np.random.default_rng(2))
    first, last = at_ms + word.begins_ms - _EARLY_MS, at_ms + word.ends_ms + _LATE_MS
    return any(first <= start <= last for start in starts(vad, samples))


def starts_a_minute(vad: VAD, noise: tuple[Clip, ...]) -> float:
    """How often a voice begins where nobody speaks."""
    found = sum(len(starts(vad, clip.samples)) for clip in noise)
    return found * 60_000 / sum(ms_of(clip.samples) for clip in noise)
