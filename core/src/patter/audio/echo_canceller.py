"""Subtracts the echo of what a caller is played from what comes back.

A Kalman filter in the frequency domain (Enzner and Vary 2006), in partitions so that it spans the
way to a telephone and back. How far it trusts a block follows from how much of that block it cannot
explain, so a caller who talks over the agent does not lead it astray.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from patter.audio.formats import AudioFormat

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Spectra: TypeAlias = NDArray[np.complexfloating]
    Reals: TypeAlias = NDArray[np.floating]

BLOCK_MS = 20
TAIL_MS = 640
"""Echoes that come later are not known for what they are."""
KEEPS = 0.9995
"""How much of what was learned about the way still holds 20 ms later."""
NEW_DOUBT = 0.002
"""A way that was not there may come: what was found to be silent stays in a little doubt."""
SMOOTHING = 0.8
CONSTRAINED = 8
"""Partitions a block whose response is cut to its length: all in turn cost four times as much."""
FIRST_DOUBT = 0.02
"""How strong any part of an echo is at first taken to be, as power: more makes noise of its own."""
NOISE_DB = -60.0
"""Nothing softer can be told from the rounding of G.711, so nothing is learned of it."""


@attrs.define(eq=False)
class EchoCanceller:
    """One caller's canceller, for PCM16 *audio*; a `FarEndFilterSession`.

    Pieces of whole 20 ms come back at once, others once they fill 20 ms. After `TAIL_MS`
    without anything played, audio passes as it is.
    """

    audio: AudioFormat
    _size: int = attrs.field(init=False)
    _near: bytes = attrs.field(default=b"", init=False)
    _far: bytes = attrs.field(default=b"", init=False)
    _window: Reals = attrs.field(init=False)
    _played: Spectra = attrs.field(init=False)
    _way: Spectra = attrs.field(init=False)
    _doubt: Reals = attrs.field(init=False)
    _other: Reals = attrs.field(init=False)
    _noise: float = attrs.field(init=False)
    _quiet: int = attrs.field(init=False)
    _turn: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        import numpy as np

        self._size = self.audio.rate_hz * BLOCK_MS // 1_000
        self._quiet = parts = TAIL_MS // BLOCK_MS
        shape = (parts, self._size + 1)
        self._window = np.zeros(2 * self._size, np.float32)
        self._played = np.zeros(shape, np.complex64)
        self._way = np.zeros(shape, np.complex64)
        self._doubt = np.full(shape, FIRST_DOUBT, np.float32)
        self._noise = self._size * 10 ** (NOISE_DB / 10)
        self._other = np.zeros(shape[1], np.float32)

    def far_end(self, audio: bytes) -> None:
        """What the caller was played during the audio of the next `process`."""
        self._far += audio

    def process(self, audio: bytes) -> bytes:
        """The same, less its echo."""
        self._near += audio
        size, out = 2 * self._size, bytearray()
        while len(self._near) >= size:
            near, self._near = self._near[:size], self._near[size:]
            far, self._far = self._far[:size], self._far[size:]
            out += self._without_echo(near, far.ljust(size, b"\0"))
        return bytes(out)

    def _without_echo(self, near: bytes, far: bytes) -> bytes:
        import numpy as np

        self._quiet = 0 if any(far) else self._quiet + 1
        if self._quiet >= len(self._played):
            return near
        samples = np.frombuffer(near, "<i2").astype(np.float32) / 32768
        self._show(np.frombuffer(far, "<i2").astype(np.float32) / 32768)
        echo = np.fft.irfft((self._played * self._way).sum(axis=0))[self._size :]
        rest = (samples - echo).astype(np.float32)
        self._learn(rest)
        return np.clip(np.rint(rest * 32768), -32768, 32767).astype("<i2").tobytes()

    def _show(self, far: Reals) -> None:
        """Take the next block that was played, with the one before: echoes overlap."""
        import numpy as np

        self._window = np.concatenate((self._window[self._size :], far))
        self._played = np.roll(self._played, 1, axis=0)
        self._played[0] = np.fft.rfft(self._window)

    def _learn(self, rest: Reals) -> None:
        """Correct the way by what it left over, as far as that is not somebody else's sound."""
        import numpy as np

        error = np.fft.rfft(np.concatenate((np.zeros_like(rest), rest))).astype(np.complex64)
        self._other = SMOOTHING * self._other + (1 - SMOOTHING) * np.abs(error) ** 2
        power = np.abs(self._played) ** 2
        expected = 0.5 * (power * self._doubt).sum(axis=0) + self._other + self._noise
        step = self._doubt / expected
        self._way += step * self._played.conj() * error
        self._doubt *= 1 - 0.5 * step * power
        self._constrain()
        fresh = np.abs(self._way) ** 2 + NEW_DOUBT
        self._doubt = KEEPS**2 * self._doubt + (1 - KEEPS**2) * fresh
        self._way *= KEEPS

    def _constrain(self) -> None:
        """Cut some partitions of the way to the length they have."""
        import numpy as np

        rows = (np.arange(CONSTRAINED) + self._turn) % len(self._way)
        self._turn = (self._turn + CONSTRAINED) % len(self._way)
        response = np.fft.irfft(self._way[rows], axis=1)
        response[:, self._size :] = 0
        self._way[rows] = np.fft.rfft(response, axis=1)
