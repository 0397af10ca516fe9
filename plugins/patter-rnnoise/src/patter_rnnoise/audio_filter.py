"""Takes noise out of a caller's audio with RNNoise, a small recurrent network at 48 kHz."""

from __future__ import annotations

import ctypes
import weakref
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import attrs
import numpy as np
from numpy.typing import NDArray

from patter.audio.convert import Converter, converter
from patter.audio.fit import chain
from patter.audio.formats import PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat, Encoding
from patter_rnnoise.library import FRAME, library

if TYPE_CHECKING:
    from patter.providers.audio_filter import AudioFilter

PCM16_48K = AudioFormat(Encoding.PCM16, 48_000)
Samples: TypeAlias = NDArray[np.float32]


@attrs.frozen(kw_only=True)
class RNNoiseFilter:
    """RNNoise, which has nothing to set. Raises NotInstalled where its library cannot be loaded."""

    hosts: ClassVar[tuple[str, ...]] = ()
    accepts: tuple[AudioFormat, ...] = attrs.field(
        default=(PCM16_8K, PCM16_16K, PCM16_24K, PCM16_48K), init=False
    )

    def __attrs_post_init__(self) -> None:
        # A library that is not there is missed when the agent is made, not when somebody calls.
        library()

    def start(self, audio: AudioFormat) -> RNNoiseSession:
        return RNNoiseSession(audio)


@attrs.define(eq=False, weakref_slot=True)
class RNNoiseSession:
    """One caller's network, and the way of *audio* to 48 kHz and back."""

    audio: AudioFormat
    _state: int = attrs.field(init=False)
    _up: Converter = attrs.field(init=False)
    _down: Converter = attrs.field(init=False)
    _waiting: bytes = attrs.field(default=b"", init=False)

    def __attrs_post_init__(self) -> None:
        self._state = library().rnnoise_create(None)
        weakref.finalize(self, library().rnnoise_destroy, self._state)
        self._up = converter(chain(self.audio, PCM16_48K))
        self._down = converter(chain(PCM16_48K, self.audio))

    def process(self, audio: bytes) -> bytes:
        """*audio* with less noise, 85 ms late at 8 kHz and 25 ms at 48 kHz."""
        self._waiting += self._up.feed(audio)
        size, cleaned = 2 * FRAME, bytearray()
        while len(self._waiting) >= size:
            frame, self._waiting = self._waiting[:size], self._waiting[size:]
            cleaned += self._clean(np.frombuffer(frame, "<i2").astype(np.float32))
        return self._down.feed(bytes(cleaned))

    def _clean(self, frame: Samples) -> bytes:
        out = np.empty_like(frame)
        library().rnnoise_process_frame(self._state, _pointer(out), _pointer(frame))
        return np.clip(np.rint(out), -32768, 32767).astype("<i2").tobytes()


def _pointer(samples: Samples) -> ctypes._Pointer[ctypes.c_float]:
    return samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))


if TYPE_CHECKING:
    _: type[AudioFilter] = RNNoiseFilter
