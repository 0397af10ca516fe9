"""The sound behind one call: mixed into the agent's words, alone while there are none.

It is made as it is sent, sample by sample, and is no part of any utterance: neither the heard
cursor nor marks nor the history know of it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs

from patter.audio.background import BackgroundAudioPlayer
from patter.audio.convert import Converter, converter
from patter.audio.fit import chain
from patter.audio.formats import AudioFormat, Encoding
from patter.audio.mix import mix
from patter.audio.resample import Resampler
from patter.audio.sound_file import Sound
from patter.call.playout.queue import AudioQueue

BLOCK_SAMPLES = 480
"""What is resampled at a time: 10 ms of a recording at 48 kHz."""


def _never() -> bool:
    return False


@attrs.define(eq=False)
class SoundStream:
    """*sound* from its beginning, at *rate_hz*; with *loop* without an end."""

    sound: Sound
    rate_hz: int
    loop: bool
    _position: int = attrs.field(default=0, init=False)
    _ready: AudioQueue = attrs.field(factory=AudioQueue, init=False)
    _resampler: Resampler | None = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        same = self.sound.rate_hz == self.rate_hz
        self._resampler = None if same else Resampler(self.sound.rate_hz, self.rate_hz)

    def read(self, count: int) -> bytes:
        """The next *count* samples, PCM16; fewer at the end, and then none."""
        size = 2 * count
        while self._ready.size < size and self._refill(size):
            pass
        return self._ready.take(size)

    def _refill(self, size: int) -> bool:
        """Is there more? Then some of it is ready, or on its way through the resampler."""
        pcm = self.sound.pcm
        if self._position >= len(pcm):
            if not self.loop:
                return self._drain()
            self._position = 0
        size = size if self._resampler is None else 2 * BLOCK_SAMPLES
        piece = pcm[self._position : self._position + size]
        self._position += len(piece)
        self._ready.push(piece if self._resampler is None else self._resampler.feed(piece))
        return True

    def _drain(self) -> bool:
        if self._resampler is None:
            return False
        self._ready.push(self._resampler.flush())
        self._resampler = None
        return True


@attrs.define(eq=False)
class Ambience:
    """*sound* on a line that speaks *line*, times *gain*.

    While *muted()*, neither heard nor going on: it resumes where it was.
    """

    sound: Sound
    line: AudioFormat
    gain: float
    loop: bool = False
    muted: Callable[[], bool] = _never
    _stream: SoundStream = attrs.field(init=False)
    _to_pcm: Converter = attrs.field(init=False)
    _to_line: Converter = attrs.field(init=False)
    _over: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        pcm = AudioFormat(Encoding.PCM16, self.line.rate_hz)
        self._stream = SoundStream(self.sound, self.line.rate_hz, self.loop)
        self._to_pcm = converter(chain(self.line, pcm))
        self._to_line = converter(chain(pcm, self.line))

    @property
    def audible(self) -> bool:
        """Would there be anything to hear now?"""
        return not self._over and not self.muted()

    def behind(self, audio: bytes) -> bytes:
        """The agent's *audio*, whole samples, with what plays behind it."""
        sound = self._read(len(audio))
        if not sound:
            return audio
        return self._to_line.feed(mix(self._to_pcm.feed(audio), sound, self.gain))

    def alone(self, size: int) -> bytes:
        """*size* bytes in which nobody speaks; fewer at the end, and none while muted."""
        sound = self._read(size)
        return self._to_line.feed(mix(bytes(len(sound)), sound, self.gain))

    def _read(self, size: int) -> bytes:
        if not self.audible:
            return b""
        count = size // self.line.sample_bytes
        sound = self._stream.read(count)
        self._over = len(sound) < 2 * count
        return sound


def ambience_of(
    player: BackgroundAudioPlayer, line: AudioFormat, rng: Random, muted: Callable[[], bool]
) -> Ambience | None:
    """What *player* plays behind one call whose line speaks *line*; None when it is nothing.

    Raises PatterError for a sound that cannot be read.
    """
    choice = player.choose(rng)
    if choice is None:
        return None
    sound, gain = choice
    return Ambience(sound, line, gain, player.loop, muted)
