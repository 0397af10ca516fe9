"""A bad line, on purpose: which frames are lost, when the others arrive, what echoes back.

Nothing here waits or sends. The same seed and the same frames give the same line.
"""

from __future__ import annotations

from collections import deque
from random import Random

import attrs
import numpy as np
from numpy.typing import NDArray

from patter.audio.formats import MULAW_8K
from patter.audio.g711 import mulaw_to_pcm16, pcm16_to_mulaw

FRAME_BYTES = 160
ECHO_DELAY_MS = 120
_validators = attrs.validators


@attrs.frozen(kw_only=True)
class Faults:
    """How bad the line is: percent of frames lost, milliseconds of jitter, echo in dB."""

    loss_percent: float = attrs.field(
        default=0.0, validator=[_validators.ge(0), _validators.le(30)]
    )
    jitter_ms: int = attrs.field(default=0, validator=[_validators.ge(0), _validators.le(400)])
    echo_db: float | None = attrs.field(
        default=None,
        validator=_validators.optional([_validators.ge(-40), _validators.le(0)]),
    )
    seed: int = 7


@attrs.define
class Line:
    """One direction of a line: what becomes of each frame put on it."""

    faults: Faults
    name: str
    _random: Random = attrs.field(init=False, repr=False)
    _last_ms: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._random = Random(f"{self.faults.seed}/{self.name}")

    def carry(self, frame: bytes) -> bytes:
        """*frame*, or as much silence where it was lost: a line keeps its time."""
        if self._random.random() * 100 < self.faults.loss_percent:
            return MULAW_8K.silence * len(frame)
        return frame

    def arrival_ms(self, now_ms: float) -> float:
        """When a frame sent *now_ms* arrives: late by the jitter, never before an earlier one."""
        late = self._random.uniform(0, self.faults.jitter_ms)
        self._last_ms = max(self._last_ms, now_ms + late)
        return self._last_ms


@attrs.define
class Echo:
    """The agent's voice coming back into the caller's microphone, later and quieter."""

    gain_db: float | None
    _room: deque[bytes] = attrs.field(factory=lambda: deque(maxlen=4_096), init=False)
    _rest: bytes = attrs.field(default=b"", init=False)

    def played(self, audio: bytes) -> None:
        """*audio* goes to the loudspeaker after what was sent before."""
        if self.gain_db is None:
            return
        if not self._room and not self._rest:
            self._room.append(MULAW_8K.silence * MULAW_8K.bytes_in(ECHO_DELAY_MS))
        self._room.append(audio)

    def stopped(self) -> None:
        """The loudspeaker dropped what it had not played."""
        self._room.clear()
        self._rest = b""

    def mix(self, frame: bytes) -> bytes:
        """*frame* as the microphone hears it while the loudspeaker plays."""
        if self.gain_db is None:
            return frame
        loud = self._take(len(frame))
        if not loud:
            return frame
        back = _samples(loud.ljust(len(frame), MULAW_8K.silence)) * 10 ** (self.gain_db / 20)
        both = np.clip(_samples(frame) + back, -32_768, 32_767)
        return pcm16_to_mulaw(both.astype("<i2").tobytes())

    def _take(self, size: int) -> bytes:
        taken = self._rest
        while len(taken) < size and self._room:
            taken += self._room.popleft()
        self._rest = taken[size:]
        return taken[:size]


def _samples(audio: bytes) -> NDArray[np.float32]:
    return np.frombuffer(mulaw_to_pcm16(audio), "<i2").astype(np.float32)


def frames(audio: bytes, size: int = FRAME_BYTES) -> list[bytes]:
    """*audio* in pieces of *size* bytes, the last one shorter if it must be."""
    return [audio[start : start + size] for start in range(0, len(audio), size)]
