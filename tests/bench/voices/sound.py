"""Samples of telephone audio: 8,000 a second, floats with full scale at 1. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from patter.audio.g711 import mulaw_to_pcm16, pcm16_to_mulaw

RATE_HZ = 8_000
BAND_HZ = (300.0, 3_400.0)
Samples: TypeAlias = NDArray[np.float64]


def count(ms: float) -> int:
    """How many samples last *ms*."""
    return round(ms * RATE_HZ / 1_000)


def ms_of(samples: Samples) -> float:
    """How long *samples* last."""
    return len(samples) * 1_000 / RATE_HZ


def quiet(ms: float) -> Samples:
    """Digital silence."""
    return np.zeros(count(ms))


def white(ms: float, random: np.random.Generator) -> Samples:
    """Noise of all frequencies alike, RMS 1."""
    return random.standard_normal(count(ms))


def pink(ms: float, random: np.random.Generator) -> Samples:
    """Noise that loses 3 dB an octave, RMS 1."""
    return shape(white(ms, random), lambda hz: 1 / np.sqrt(np.maximum(hz, 20.0)))


def shape(samples: Samples, gain: Callable[[Samples], Samples]) -> Samples:
    """*samples* through a filter of that gain at each frequency in Hz, RMS 1."""
    if not len(samples):
        return samples
    hz = np.asarray(np.fft.rfftfreq(len(samples), 1 / RATE_HZ), np.float64)
    filtered = np.fft.irfft(np.fft.rfft(samples) * gain(hz), len(samples))
    return np.asarray(filtered / max(1e-12, rms(filtered)))


def rms(samples: Samples) -> float:
    """The root of the mean power."""
    return float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0


def level_db(samples: Samples) -> float:
    """Level in dB of full scale; -120 is silence."""
    return max(-120.0, 20 * float(np.log10(max(1e-6, rms(samples)))))


def at_level(samples: Samples, db: float) -> Samples:
    """*samples* with that level where they sound: frames 30 dB below their loudest do not count."""
    return samples * 10 ** ((db - active_db(samples)) / 20)


def active_db(samples: Samples) -> float:
    """The level of what sounds in *samples*."""
    frames = frame_db(samples, 20)
    loud = np.repeat(frames > frames.max() - 30, count(20)) if len(frames) else frames
    return level_db(samples[: len(loud)][loud]) if len(loud) else level_db(samples)


def frame_db(samples: Samples, frame_ms: float) -> Samples:
    """The level of each whole frame."""
    size = count(frame_ms)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    return np.asarray(10 * np.log10(np.mean(frames**2, axis=1) + 1e-12))


def faded(samples: Samples, in_ms: float, out_ms: float) -> Samples:
    """*samples* that rise and fall in a straight line."""
    envelope = np.ones(len(samples))
    rise, fall = min(count(in_ms), len(samples)), min(count(out_ms), len(samples))
    envelope[:rise] *= np.linspace(0, 1, rise, endpoint=False)
    envelope[len(samples) - fall :] *= np.linspace(1, 0, fall)
    return samples * envelope


def decay(ms: float, half_ms: float) -> Samples:
    """From 1 downwards, half of it every *half_ms*."""
    return np.asarray(0.5 ** (np.arange(count(ms)) / count(half_ms)))


def joined(pieces: Sequence[Samples], gaps_ms: Sequence[float]) -> Samples:
    """*pieces* with those pauses behind all but the last."""
    between = [*(quiet(gap) for gap in gaps_ms), quiet(0)]
    return np.concatenate([part for pair in zip(pieces, between, strict=True) for part in pair])


def placed(length_ms: float, pieces: Sequence[tuple[float, Samples]]) -> Samples:
    """Silence of that length with each of *pieces* added at its millisecond."""
    line = quiet(length_ms)
    for at_ms, samples in pieces:
        begin = count(at_ms)
        part = samples[: max(0, len(line) - begin)]
        line[begin : begin + len(part)] += part
    return line


def telephone(samples: Samples) -> Samples:
    """What a telephone leaves of *samples*: 300 to 3,400 Hz, mu-law."""
    low, high = BAND_HZ
    hz = np.fft.rfftfreq(max(1, len(samples)), 1 / RATE_HZ)
    gain = 1 / np.sqrt((1 + (low / np.maximum(hz, 1)) ** 8) * (1 + (hz / high) ** 24))
    narrow = np.fft.irfft(np.fft.rfft(samples) * gain, len(samples))
    return from_pcm(mulaw_to_pcm16(to_mulaw(np.asarray(narrow))))


def to_mulaw(samples: Samples) -> bytes:
    """A byte a sample; what is too loud is clipped."""
    return pcm16_to_mulaw(to_pcm(samples))


def to_pcm(samples: Samples) -> bytes:
    """PCM16, little-endian; what is too loud is clipped."""
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype("<i2").tobytes()


def from_pcm(pcm: bytes) -> Samples:
    """The samples of PCM16."""
    return np.frombuffer(pcm, "<i2") / 32_768.0


def from_mulaw(audio: bytes) -> Samples:
    """The samples of mu-law."""
    return from_pcm(mulaw_to_pcm16(audio))


def voiced_ms(
    samples: Samples, *, below_db: float = 32, merge_ms: float = 150
) -> list[tuple[int, int]]:
    """Where *samples* of a clean recording sound: (from, to) in milliseconds.

    A frame sounds if it is at most *below_db* quieter than the loudest; shorter gaps are closed.
    """
    frame = 10
    loud = frame_db(samples, frame)
    spans: list[tuple[int, int]] = []
    for index in np.flatnonzero(loud > loud.max(initial=-120.0) - below_db):
        begin, end = int(index) * frame, (int(index) + 1) * frame
        if spans and begin - spans[-1][1] <= merge_ms:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return [span for span in spans if span[1] - span[0] >= 3 * frame]
