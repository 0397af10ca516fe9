"""G.711 as lookup tables: mu-law and A-law to 16-bit PCM, back, and across.

Exact per ITU-T G.711, with the rounding of the reference code in ITU-T G.191: a value that
lies on a decision boundary goes to the greater neighbour. Every function takes whole samples
and keeps no state, so any chunking gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MULAW_BIAS = 132
_CODES = range(256)


def _mulaw_value(code: int) -> int:
    code ^= 0xFF
    magnitude = ((((code & 0x0F) << 3) + _MULAW_BIAS) << (code >> 4 & 7)) - _MULAW_BIAS
    return -magnitude if code & 0x80 else magnitude


def _alaw_value(code: int) -> int:
    code ^= 0x55
    chord, step = code >> 4 & 7, (code & 0x0F) << 4
    magnitude = step + 8 if chord == 0 else step + 264 << chord - 1
    return magnitude if code & 0x80 else -magnitude


def _split(values: list[int]) -> tuple[bytes, bytes]:
    """The low and the high byte of each value: two tables for `bytes.translate`."""
    words = [value & 0xFFFF for value in values]
    return bytes(word & 0xFF for word in words), bytes(word >> 8 for word in words)


MULAW_VALUES = tuple(map(_mulaw_value, _CODES))
"""The PCM16 value of each mu-law code."""
ALAW_VALUES = tuple(map(_alaw_value, _CODES))
"""The PCM16 value of each A-law code."""

_MULAW_LOW, _MULAW_HIGH = _split(list(MULAW_VALUES))
_ALAW_LOW, _ALAW_HIGH = _split(list(ALAW_VALUES))


def mulaw_to_pcm16(audio: bytes) -> bytes:
    """Two bytes, little-endian, for each byte of mu-law."""
    return _widen(audio, _MULAW_LOW, _MULAW_HIGH)


def alaw_to_pcm16(audio: bytes) -> bytes:
    """Two bytes, little-endian, for each byte of A-law."""
    return _widen(audio, _ALAW_LOW, _ALAW_HIGH)


def pcm16_to_mulaw(pcm: bytes) -> bytes:
    """One byte of mu-law for each sample; louder than full scale is clipped.

    Raises ValueError when *pcm* ends inside a sample.
    """
    return _narrow(pcm, _table(_mulaw_code))


def pcm16_to_alaw(pcm: bytes) -> bytes:
    """One byte of A-law for each sample.

    Raises ValueError when *pcm* ends inside a sample.
    """
    return _narrow(pcm, _table(_alaw_code))


def mulaw_to_alaw(audio: bytes) -> bytes:
    """A-law whose values are nearest to those of *audio*."""
    return audio.translate(_cross()[0])


def alaw_to_mulaw(audio: bytes) -> bytes:
    """Mu-law whose values are nearest to those of *audio*."""
    return audio.translate(_cross()[1])


def _widen(audio: bytes, low: bytes, high: bytes) -> bytes:
    pcm = bytearray(2 * len(audio))
    pcm[::2] = audio.translate(low)
    pcm[1::2] = audio.translate(high)
    return bytes(pcm)


def _narrow(pcm: bytes, table: NDArray[np.uint8]) -> bytes:
    import numpy as np

    return table.take(np.frombuffer(pcm, "<u2")).tobytes()


@cache
def _table(code: Callable[[NDArray[np.int32]], NDArray[np.signedinteger]]) -> NDArray[np.uint8]:
    """The code of each of the 65,536 samples, indexed by their unsigned pattern."""
    import numpy as np

    return code(np.arange(1 << 16, dtype="<u2").view("<i2").astype(np.int32)).astype(np.uint8)


@cache
def _cross() -> tuple[bytes, bytes]:
    codes = bytes(_CODES)
    return pcm16_to_alaw(mulaw_to_pcm16(codes)), pcm16_to_mulaw(alaw_to_pcm16(codes))


def _mulaw_code(samples: NDArray[np.int32]) -> NDArray[np.signedinteger]:
    import numpy as np

    magnitude = np.minimum((_magnitude(samples) >> 2) + 33, 0x1FFF)
    chord = np.frexp(magnitude)[1] - 6
    code = chord << 4 | (magnitude >> chord + 1 & 0x0F)
    coded: NDArray[np.signedinteger] = code ^ np.where(samples < 0, 0x7F, 0xFF)
    return coded


def _alaw_code(samples: NDArray[np.int32]) -> NDArray[np.signedinteger]:
    import numpy as np

    magnitude = _magnitude(samples) >> 4
    chord = np.maximum(np.frexp(magnitude)[1] - 4, 0)
    code = chord << 4 | (magnitude >> np.maximum(chord - 1, 0) & 0x0F)
    coded: NDArray[np.signedinteger] = code ^ np.where(samples < 0, 0x55, 0xD5)
    return coded


def _magnitude(samples: NDArray[np.int32]) -> NDArray[np.int32]:
    """One's complement of the negative ones, as in G.191: that is what settles the ties."""
    import numpy as np

    return np.where(samples < 0, ~samples, samples)
