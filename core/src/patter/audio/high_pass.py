"""Takes rumble and hum out of what a caller says: a Butterworth high pass of second order.

The filter is recursive, sample after sample. A block of it is a matrix, so the same result, to
rounding, comes from one multiplication a block and not from a loop over samples.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.float64]

LOWEST_HZ, HIGHEST_HZ = 10.0, 1_000.0
"""Below nothing is left to take away, above speech is."""
BLOCK = 160
_Q = 1 / math.sqrt(2)


def check_high_pass(cutoff_hz: float) -> None:
    """Raises PatterConfigError unless *cutoff_hz* is 10 to 1000 Hz."""
    number = isinstance(cutoff_hz, int | float) and not isinstance(cutoff_hz, bool)
    if not number or not LOWEST_HZ <= cutoff_hz <= HIGHEST_HZ:
        raise PatterConfigError(
            f"high_pass_hz={cutoff_hz!r} is out of range",
            fix=f"give {LOWEST_HZ:g} to {HIGHEST_HZ:g}, such as 80, or None for none",
        )


@attrs.define(eq=False)
class HighPass:
    """One caller's filter: *audio* is PCM16, and *cutoff_hz* is 3 dB down. It adds no delay."""

    audio: AudioFormat
    cutoff_hz: float
    _blocks: _Blocks = attrs.field(init=False)
    _state: Matrix = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        import numpy as np

        check_high_pass(self.cutoff_hz)
        self._blocks = _blocks(self.cutoff_hz, self.audio.rate_hz)
        self._state = np.zeros(2)

    def process(self, audio: bytes) -> bytes:
        """The same, without what lies below; whole samples."""
        import numpy as np

        samples = np.frombuffer(audio, "<i2").astype(np.float64)
        out = np.empty_like(samples)
        for at in range(0, len(samples), BLOCK):
            block = samples[at : at + BLOCK]
            out[at : at + BLOCK] = self._filtered(block)
        return np.clip(np.rint(out), -32768, 32767).astype("<i2").tobytes()

    def _filtered(self, block: Matrix) -> Matrix:
        of, count = self._blocks, len(block)
        out: Matrix = of.response[:count, :count] @ block + of.free[:count] @ self._state
        self._state = of.powers[count] @ self._state + of.reach[:, BLOCK - count :] @ block
        return out


@attrs.frozen(eq=False)
class _Blocks:
    """The filter for up to `BLOCK` samples: y = response x + free s, then s = power s + reach x."""

    response: Matrix
    free: Matrix
    powers: Matrix
    reach: Matrix


@lru_cache(maxsize=16)
def _blocks(cutoff_hz: float, rate_hz: int) -> _Blocks:
    """The matrices, from the state-space form of the biquad."""
    import numpy as np

    (b0, b1, b2), (a1, a2) = _biquad(cutoff_hz, rate_hz)
    step = np.array([[-a1, 1.0], [-a2, 0.0]])
    inlet = np.array([b1 - a1 * b0, b2 - a2 * b0])
    powers = np.empty((BLOCK + 1, 2, 2))
    powers[0] = np.eye(2)
    for n in range(BLOCK):
        powers[n + 1] = step @ powers[n]
    free = powers[:BLOCK, 0, :]
    impulse = np.concatenate(([b0], free[: BLOCK - 1] @ inlet))
    rows = np.arange(BLOCK)
    lag = rows[:, None] - rows[None, :]
    response = np.where(lag >= 0, impulse[np.maximum(lag, 0)], 0.0)
    reach = (powers[BLOCK - 1 :: -1] @ inlet).T
    return _Blocks(response, free, powers, np.ascontiguousarray(reach))


def _biquad(
    cutoff_hz: float, rate_hz: int
) -> tuple[tuple[float, float, float], tuple[float, float]]:
    """Numerator and denominator of the bilinear transform, the latter without its leading 1."""
    angle = 2 * math.pi * cutoff_hz / rate_hz
    alpha, cosine = math.sin(angle) / (2 * _Q), math.cos(angle)
    scale = 1 + alpha
    edge = (1 + cosine) / 2 / scale
    return (edge, -2 * edge, edge), (-2 * cosine / scale, (1 - alpha) / scale)
