"""What the network sees of a voice: the log-mel spectrogram of its last 8 s, as Whisper takes it.

Pure functions of samples; no file and no network. The definition is that of Whisper's feature
extractor (frames of 25 ms every 10 ms under a periodic Hann window, 80 triangular bands of equal
area on Slaney's mel scale, the decimal logarithm of their power with a floor 8 below the loudest,
plus 4, over 4), after the samples were brought to mean 0 and variance 1, which is how Smart Turn
was trained: github.com/pipecat-ai/smart-turn, ``do_normalize=True``.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RATE_HZ = 16_000
WINDOW_MS = 8_000
SAMPLES = RATE_HZ * WINDOW_MS // 1_000
BANDS = 80
FRAMES = 800
FRAME = 400
HOP = 160
# Slaney's scale is linear up to here, 15 mel, and logarithmic above: 27 mel for a factor of 6.4.
_BREAK_HZ, _BREAK_MEL = 1_000.0, 15.0
_LOG_STEP = np.log(6.4) / 27.0
_LEAST_POWER = 1e-10
_LEAST_VARIANCE = 1e-7


def last_window(pcm: bytes) -> Floats:
    """The last 8 s of *pcm* (16-bit, 16 kHz) from -1 to 1; zeros before what is shorter."""
    heard = np.frombuffer(pcm[: len(pcm) & ~1], "<i2")[-SAMPLES:]
    window = np.zeros(SAMPLES, np.float32)
    if heard.size:
        np.divide(heard, np.float32(32_768), out=window[-heard.size :])
    return window


def log_mel(samples: Floats) -> Floats:
    """The features of `SAMPLES` *samples*: `BANDS` rows of `FRAMES`, time to the right."""
    logs = np.log10(np.maximum(_in_bands(_power(_normal(samples))), _LEAST_POWER))
    loud: Floats = ((np.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0).astype(np.float32)
    return loud


@cache
def mel_filters() -> Doubles:
    """The weight of each of 201 frequencies, 0 to 8000 Hz, in each of the `BANDS`."""
    edges = mel_to_hz(np.linspace(0.0, hz_to_mel(RATE_HZ / 2), BANDS + 2))
    frequencies = np.linspace(0.0, RATE_HZ / 2, FRAME // 2 + 1)
    return np.stack([_triangle(frequencies, *edges[i : i + 3]) for i in range(BANDS)])


def _in_bands(power: Doubles) -> Doubles:
    """The sum of *power*, a row a frequency, in each band.

    Not a product of matrices: most weights are 0, and BLAS would take every processor for it.
    """
    heard, weights, starts = _weights()
    return np.add.reduceat(power[heard] * weights, starts)


@cache
def _weights() -> tuple[NDArray[np.intp], Doubles, NDArray[np.intp]]:
    """The frequencies of the bands, one band after the other; their weights; where each begins."""
    bands, heard = np.nonzero(mel_filters())
    return heard, mel_filters()[bands, heard][:, np.newaxis], np.searchsorted(bands, range(BANDS))


def hz_to_mel(hz: float) -> float:
    """Slaney's mel of a frequency."""
    if hz < _BREAK_HZ:
        return hz * _BREAK_MEL / _BREAK_HZ
    return float(_BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP)


def mel_to_hz(mel: Doubles) -> Doubles:
    """The frequencies of Slaney's mels."""
    above = np.maximum(mel - _BREAK_MEL, 0.0)
    return np.where(
        mel < _BREAK_MEL, mel * _BREAK_HZ / _BREAK_MEL, _BREAK_HZ * np.exp(above * _LOG_STEP)
    )


def _triangle(frequencies: Doubles, low: float, peak: float, high: float) -> Doubles:
    """Up from *low* to *peak* and down to *high*, with an area of 1 Hz."""
    height = 2.0 / (high - low)
    return np.interp(frequencies, [low, peak, high], [0.0, height, 0.0])


def _normal(samples: Floats) -> Floats:
    """*samples* with mean 0 and variance 1; silence stays silence."""
    spread = np.sqrt(samples.var() + np.float32(_LEAST_VARIANCE))
    normal: Floats = (samples - samples.mean()) / spread
    return normal


def _power(samples: Floats) -> Doubles:
    """The power of each frequency in each frame; frames are centred, the ends mirrored."""
    mirrored = np.pad(samples.astype(np.float64), FRAME // 2, mode="reflect")
    frames = sliding_window_view(mirrored, FRAME)[::HOP][:FRAMES]
    spectrum = np.fft.rfft(frames * _hann())
    power: Doubles = spectrum.real**2 + spectrum.imag**2
    return power.T


@cache
def _hann() -> Doubles:
    """Periodic: as long as a frame, its second zero belongs to the next one."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
