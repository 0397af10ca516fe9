"""What a caller says, kept until it is worth a file, without the silence around it (pure)."""

from __future__ import annotations

import attrs

from patter.audio.formats import AudioFormat
from patter.vendors.utterances import BLOCK_MS, Clip, VoiceBlocks

PREROLL_MS = 300
"""How much before a voice goes with it: words begin softly."""

TAIL_MS = 300
"""How much after a voice does: they end softly, too."""


@attrs.define(eq=False)
class Utterances:
    """Cuts audio in the format *audio* into utterances; louder than *floor_db* is a voice.

    *floor_db* is in dB of full scale. Without a voice no more than `PREROLL_MS` is kept.
    """

    audio: AudioFormat
    floor_db: float
    _blocks: VoiceBlocks = attrs.field(init=False)
    _kept: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _fed_ms: int = attrs.field(default=0, init=False)
    _voice_ms: int | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._blocks = VoiceBlocks(self.audio, self.floor_db)

    @property
    def kept_ms(self) -> float:
        """How long what somebody is saying is; 0 as long as nobody says anything."""
        return 0.0 if self._voice_ms is None else self.audio.ms_in(len(self._kept))

    def feed(self, audio: bytes) -> None:
        """Take *audio*, cut anywhere."""
        for block, voiced in self._blocks.feed(audio):
            self._kept += block
            self._fed_ms += BLOCK_MS
            if voiced:
                self._voice_ms = self._fed_ms
            elif self._voice_ms is None:
                self._trim()

    def cut(self) -> Clip:
        """What was said since the last time. Begins anew, with the silence that was left out."""
        if self._voice_ms is None:
            return Clip(b"", self._fed_ms, self._fed_ms)
        start_ms, voice_ms = self._start_ms, self._voice_ms
        size = self.audio.bytes_in(voice_ms + TAIL_MS - start_ms)
        sound = bytes(self._kept[:size])
        del self._kept[:size]
        self._voice_ms = None
        self._trim()
        return Clip(sound, start_ms, voice_ms)

    @property
    def _start_ms(self) -> int:
        return self._fed_ms - round(self.audio.ms_in(len(self._kept)))

    def _trim(self) -> None:
        """Forget what is longer ago than what goes with a voice."""
        over_ms = self._fed_ms - PREROLL_MS - self._start_ms
        if over_ms > 0:
            del self._kept[: self.audio.bytes_in(over_ms)]
