"""Networks: one a caller, and some that are made before anybody calls.

To make one is a quarter of a second of computing, to run one some 1.2 ms for 10 ms of audio. The
loop has no time for either, so both happen in threads; the library lets go of the interpreter.
"""

from __future__ import annotations

import ctypes
import weakref
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeAlias

import attrs
import numpy as np
from numpy.typing import NDArray

from patter.audio.convert import Converter, converter
from patter.audio.fit import chain
from patter.audio.formats import AudioFormat, Encoding
from patter.errors import PatterTimeoutError
from patter_deepfilternet.library import FRAME, RATE_HZ, library

Samples: TypeAlias = NDArray[np.float32]
PCM16_48K = AudioFormat(Encoding.PCM16, RATE_HZ)
NO_LIMIT_DB = 100.0
SPARES = 2
"""Calls that may begin at once without waiting; each is 10 MB."""
MAKE_S, TAKE_S = 10.0, 1.0
"""How long to wait for one: before there are calls, and in a call's own thread."""


@attrs.define(eq=False, weakref_slot=True)
class Network:
    """What one caller's audio goes through, and remembers of it. *path* is known to be a model."""

    path: Path
    state: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.state = library().df_create(str(self.path).encode(), NO_LIMIT_DB, None)
        weakref.finalize(self, library().df_free, self.state)

    def limit(self, db: float) -> None:
        """Make noise softer by *db* at most."""
        library().df_set_atten_lim(self.state, db)

    def clean(self, frame: bytes) -> bytes:
        """The next `FRAME` samples, PCM16, without noise."""
        samples = np.frombuffer(frame, "<i2").astype(np.float32) / np.float32(32_768)
        out = np.empty_like(samples)
        library().df_process_frame(self.state, _pointer(samples), _pointer(out))
        rounded: NDArray[np.int16] = np.clip(np.rint(out * 32_768), -32_768, 32_767).astype("<i2")
        return rounded.tobytes()


@attrs.define(eq=False)
class Stream:
    """A caller's audio on its way to 48 kHz, through *network*, and back. For one thread."""

    audio: AudioFormat
    network: Network
    _up: Converter = attrs.field(init=False)
    _down: Converter = attrs.field(init=False)
    _waiting: bytes = attrs.field(default=b"", init=False)

    def __attrs_post_init__(self) -> None:
        self._up = converter(chain(self.audio, PCM16_48K))
        self._down = converter(chain(PCM16_48K, self.audio))

    def clean(self, audio: bytes) -> bytes:
        """As much of *audio*, and of what was held back, as fills frames."""
        self._waiting += self._up.feed(audio)
        whole = len(self._waiting) // (2 * FRAME) * (2 * FRAME)
        frames, self._waiting = self._waiting[:whole], self._waiting[whole:]
        starts = range(0, whole, 2 * FRAME)
        return self._down.feed(
            b"".join(self.network.clean(frames[at : at + 2 * FRAME]) for at in starts)
        )


@attrs.define(eq=False)
class Spares:
    """Networks of the model *path* that wait for a caller."""

    path: Path
    _maker: ThreadPoolExecutor = attrs.field(init=False)
    _made: deque[Future[Network]] = attrs.field(factory=deque, init=False)

    def __attrs_post_init__(self) -> None:
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="deepfilternet-spare")
        for _ in range(SPARES):
            self._order()

    def take(self) -> Network:
        """One that nobody has, while the next is made. Waits for it where all are taken.

        Raises PatterTimeoutError after `TAKE_S`.
        """
        self._order()
        return self._ready(self._made.popleft(), TAKE_S)

    def ready(self) -> None:
        """Wait for the first of them. Raises PatterTimeoutError after `MAKE_S`."""
        self._ready(self._made[0], MAKE_S)

    def _order(self) -> None:
        self._made.append(self._maker.submit(Network, self.path))

    def _ready(self, made: Future[Network], within_s: float) -> Network:
        try:
            return made.result(within_s)
        except TimeoutError as late:
            raise PatterTimeoutError(
                f"a network of {self.path.name} was not made within {within_s:g} s",
                fix="give calls more processors, or take fewer at a time",
            ) from late


@cache
def spares(path: Path) -> Spares:
    """Those of the model *path*, for all filters of the process."""
    return Spares(path)


def _pointer(samples: Samples) -> ctypes._Pointer[ctypes.c_float]:
    return samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
