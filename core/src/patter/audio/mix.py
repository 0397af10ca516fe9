"""Two sounds at once, and how loud a sound is. PCM16, mono, little-endian, whole samples."""

from __future__ import annotations

SILENCE_DB = -120.0
"""The level of digital silence: below that of the smallest sample, which is -90 dB."""


def mix(pcm: bytes, other: bytes, gain: float = 1.0) -> bytes:
    """Add *other*, times *gain*, to *pcm*; as long as *pcm*, clipped at full scale.

    A shorter *other* ends early, a longer one is cut. Raises ValueError for half samples.
    """
    import numpy as np

    if not other or gain == 0.0:
        return pcm
    # Floats, since the sum of two loud samples does not fit 16 bits.
    base = np.frombuffer(pcm, "<i2").astype(np.float32)
    added = np.frombuffer(other, "<i2")[: len(base)]
    base[: len(added)] += np.rint(added * np.float32(gain))
    return np.clip(base, -32768, 32767).astype("<i2").tobytes()


def level_db(pcm: bytes) -> float:
    """Level in dB of full scale, RMS: 0.0 is a square wave at the limit, a full sine is -3.

    Silence and no samples at all are `SILENCE_DB`.
    """
    import numpy as np

    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    power = float(samples @ samples)
    if not power:
        return SILENCE_DB
    return max(SILENCE_DB, 10.0 * float(np.log10(power / len(samples) / 32768.0**2)))
