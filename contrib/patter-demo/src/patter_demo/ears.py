"""What a caller hears: sound or silence, from the loudspeaker's audio alone.

It knows nothing of the agent's side; mu-law 8 kHz in, milliseconds of it out.
"""

from __future__ import annotations

import attrs
import numpy as np

from patter.audio.formats import MULAW_8K
from patter.audio.g711 import mulaw_to_pcm16

FRAME_MS = 20
FRAME_BYTES = MULAW_8K.bytes_in(FRAME_MS)
LOUD = 200.0
"""Root mean square of 16-bit samples from which a frame counts as sound."""


@attrs.frozen
class Sound:
    """From *began_ms* to *ended_ms* of a side there was sound, with no longer pause in it."""

    began_ms: int
    ended_ms: int


def is_loud(frame: bytes) -> bool:
    """Is there sound in this piece of mu-law?"""
    samples = np.frombuffer(mulaw_to_pcm16(frame), "<i2").astype(np.float64)
    return bool(len(samples)) and float(np.sqrt(np.mean(samples**2))) >= LOUD


def sounds(audio: bytes, pause_ms: int = 400) -> list[Sound]:
    """The stretches of sound in *audio*; those less than *pause_ms* apart are one."""
    sounds_so_far: list[Sound] = []
    for index in range(len(audio) // FRAME_BYTES):
        began_ms = index * FRAME_MS
        if not is_loud(audio[index * FRAME_BYTES : (index + 1) * FRAME_BYTES]):
            continue
        if sounds_so_far and began_ms - sounds_so_far[-1].ended_ms < pause_ms:
            sounds_so_far[-1] = attrs.evolve(sounds_so_far[-1], ended_ms=began_ms + FRAME_MS)
        else:
            sounds_so_far.append(Sound(began_ms, began_ms + FRAME_MS))
    return sounds_so_far


@attrs.define(eq=False)
class Ears:
    """Follows *audio* as it grows: how much sound there was, and how long it has been quiet."""

    audio: bytearray
    sounded_ms: int = attrs.field(default=0, init=False)
    quiet_ms: int = attrs.field(default=0, init=False)
    _read: int = attrs.field(default=0, init=False)

    def listen(self) -> None:
        """Take in what has come since the last time."""
        while self._read + FRAME_BYTES <= len(self.audio):
            frame = bytes(self.audio[self._read : self._read + FRAME_BYTES])
            self._read += FRAME_BYTES
            if is_loud(frame):
                self.sounded_ms += FRAME_MS
                self.quiet_ms = 0
            else:
                self.quiet_ms += FRAME_MS

    def forget(self) -> None:
        """Count from here."""
        self.listen()
        self.sounded_ms = self.quiet_ms = 0

    def has_heard(self, ms: int) -> bool:
        """Has there been so much sound?"""
        self.listen()
        return self.sounded_ms >= ms

    def has_heard_out(self, ms: int, quiet_ms: int) -> bool:
        """Has there been so much sound, and then silence for *quiet_ms*?"""
        return self.has_heard(ms) and self.quiet_ms >= quiet_ms
