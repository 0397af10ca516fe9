"""Which of a caller's audio is worth sending to a recogniser that charges for silence (pure).

Audio is let through from a moment before a voice begins until a moment after it has ended. What
was let through lies closer together than it was said, and `Gate` knows where it was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from importlib import import_module

import attrs

from patter.audio.formats import AudioFormat
from patter.vendors.utterances import BLOCK_MS, Clip, VoiceBlocks

PREROLL_MS = 300
"""How much before a voice is let through with it: words begin softly."""

TAIL_MS = 600
"""How much after a voice is let through: a pause within a sentence, mostly."""


@attrs.define(eq=False)
class Gate:
    """Lets voices louder than *floor_db* (dB of full scale) through, in the format *audio*."""

    audio: AudioFormat
    floor_db: float = -50.0
    _blocks: VoiceBlocks = attrs.field(init=False)
    _before: deque[bytes] = attrs.field(
        factory=lambda: deque(maxlen=PREROLL_MS // BLOCK_MS), init=False, repr=False
    )
    _fed_ms: float = attrs.field(default=0.0, init=False)
    _passed_ms: float = attrs.field(default=0.0, init=False)
    _voice_ms: float | None = attrs.field(default=None, init=False)
    _anchors: list[tuple[float, float]] = attrs.field(factory=list, init=False, repr=False)
    _cut_ms: float = attrs.field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._blocks = VoiceBlocks(self.audio, self.floor_db)

    @property
    def position_ms(self) -> int:
        """How much audio it was fed."""
        return int(self._fed_ms + self.audio.ms_in(len(self._blocks.rest)))

    @property
    def passed_ms(self) -> float:
        """How much it let through since the last cut."""
        return self._passed_ms

    @property
    def voiced(self) -> bool:
        """Did anybody speak since the last cut?"""
        return self._voice_ms is not None

    def feed(self, audio: bytes) -> bytes:
        """What is to be sent now that *audio*, cut anywhere, was heard."""
        return b"".join(self._block(*each) for each in self._blocks.feed(audio))

    def cut(self, sound: bytes = b"") -> Clip:
        """What was let through since the last time: *sound*, if it was kept. Begins anew."""
        start_ms = self._anchors[0][1] if self._anchors else self._cut_ms
        end_ms = self._fed_ms if self._voice_ms is None else self._voice_ms
        clip = Clip(sound, int(start_ms), int(end_ms), tuple(self._anchors))
        self._voice_ms, self._passed_ms, self._cut_ms = None, 0.0, self._fed_ms
        self._anchors = []
        self._before.clear()
        return clip

    def _block(self, block: bytes, voiced: bool) -> bytes:
        begin_ms = self._fed_ms
        self._fed_ms += BLOCK_MS
        if voiced:
            self._voice_ms = self._fed_ms
        elif self._voice_ms is None or self._fed_ms - self._voice_ms > TAIL_MS:
            self._before.append(block)
            return b""
        passed = b"".join([*self._before, block])
        count = len(self._before)
        if count or not self._anchors:
            self._anchors.append((self._passed_ms, begin_ms - count * BLOCK_MS))
        self._passed_ms += (count + 1) * BLOCK_MS
        self._before.clear()
        return passed


@attrs.define(eq=False)
class GatedClips:
    """What *gate* lets through, kept for a file."""

    gate: Gate
    _sound: bytearray = attrs.field(factory=bytearray, init=False, repr=False)

    @property
    def kept_ms(self) -> float:
        """How much is kept."""
        return self.gate.passed_ms

    def feed(self, audio: bytes) -> None:
        """Take *audio*, cut anywhere."""
        self._sound += self.gate.feed(audio)

    def cut(self) -> Clip:
        """What was said since the last time. Begins anew."""
        sound = bytes(self._sound)
        self._sound.clear()
        return self.gate.cut(sound)


async def prepared() -> None:
    """Import what loudness is reckoned with, off the loop."""
    await asyncio.to_thread(import_module, "numpy")
