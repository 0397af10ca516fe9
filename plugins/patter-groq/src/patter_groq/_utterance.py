"""What a caller says, kept until it is worth a file, without the silence around it (pure)."""

from __future__ import annotations

import attrs

from patter.audio.formats import AudioFormat
from patter.audio.level import powers

BLOCK_MS = 10
PREROLL_MS = 300
"""So much before a voice goes with it: words begin softly."""

TAIL_MS = 300
"""So much after a voice does: they end softly, too."""


@attrs.frozen
class Utterance:
    """*sound*, and where in all audio it begins and its voice ends, in milliseconds.

    Without a voice *sound* is empty.
    """

    sound: bytes
    start_ms: int
    end_ms: int

    def position_ms(self, at_s: float) -> int:
        """Where in all audio *at_s* seconds of the sound lie, within the utterance.

        >>> Utterance(b"", 700, 1_500).position_ms(0.25)
        950
        """
        return max(self.start_ms, min(self.start_ms + int(at_s * 1_000), self.end_ms))


@attrs.define(eq=False)
class Utterances:
    """Cuts audio in the format *audio* into utterances; louder than *floor_db* is a voice.

    *floor_db* is in dB of full scale. Without a voice no more than `PREROLL_MS` is kept.
    """

    audio: AudioFormat
    floor_db: float
    _rest: bytes = attrs.field(default=b"", init=False, repr=False)
    _kept: bytearray = attrs.field(factory=bytearray, init=False, repr=False)
    _fed_ms: int = attrs.field(default=0, init=False)
    _voice_ms: int | None = attrs.field(default=None, init=False)

    @property
    def kept_ms(self) -> float:
        """How long what somebody is saying is; 0 as long as nobody says anything."""
        return 0.0 if self._voice_ms is None else self.audio.ms_in(len(self._kept))

    def feed(self, audio: bytes) -> None:
        """Take *audio*, cut anywhere."""
        self._rest += audio
        size = self.audio.bytes_in(BLOCK_MS)
        whole = len(self._rest) // size * size
        if not whole:
            return
        blocks, self._rest = self._rest[:whole], self._rest[whole:]
        least = 10 ** (self.floor_db / 10)
        loud = [at for at, p in enumerate(powers(blocks, self.audio, BLOCK_MS)) if p > least]
        self._kept += blocks
        self._fed_ms += whole // size * BLOCK_MS
        if loud:
            begun_ms = self._fed_ms - whole // size * BLOCK_MS
            if self._voice_ms is None:
                self._trim(begun_ms + loud[0] * BLOCK_MS)
            self._voice_ms = begun_ms + (loud[-1] + 1) * BLOCK_MS
        elif self._voice_ms is None:
            self._trim(self._fed_ms)

    def cut(self) -> Utterance:
        """What was said since the last time. Begins anew, with the silence that was left out."""
        if self._voice_ms is None:
            return Utterance(b"", self._fed_ms, self._fed_ms)
        start_ms, voice_ms = self._start_ms, self._voice_ms
        size = self.audio.bytes_in(voice_ms + TAIL_MS - start_ms)
        sound = bytes(self._kept[:size])
        del self._kept[:size]
        self._voice_ms = None
        self._trim(self._fed_ms)
        return Utterance(sound, start_ms, voice_ms)

    @property
    def _start_ms(self) -> int:
        return self._fed_ms - round(self.audio.ms_in(len(self._kept)))

    def _trim(self, until_ms: int) -> None:
        """Forget what is longer before *until_ms* than what goes with a voice."""
        over_ms = until_ms - PREROLL_MS - self._start_ms
        if over_ms > 0:
            del self._kept[: self.audio.bytes_in(over_ms)]
