"""Silero's neural voice detector at the telephone's own rate.

The network judges windows of 32 ms, about 0.1 ms of computing each; two thresholds keep it
from flickering and `patter.providers.voicing` decides when a row of windows is a voice. A window
below the gate is never a voice, and costs no judgement.

What the network remembers of a voice makes it deaf to a single word some seconds later: of 24
recorded words, each after a sentence and a pause of 5 s, it heard 7. Its memory is cleared
half a second after a voice, and it hears 24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs.validators import ge, gt, le, lt

from patter.audio.formats import PCM16_8K, PCM16_16K, AudioFormat
from patter.audio.mix import level_db
from patter.errors import PatterConfigError
from patter.providers.vad import VAD, SpeechEvent
from patter.providers.voicing import Frames, Voicing
from patter_silero._model import Listener, load

_WINDOW_MS = 32
_ONSET_MS = _WINDOW_MS / 2
"""A window of which only the second half is a voice is rarely judged to be one."""
_MEMORY_MS = 500
"""Longer than the pauses within a sentence, in which the memory helps."""
_ACCEPTS = (PCM16_8K, PCM16_16K)


@attrs.frozen(kw_only=True)
class SileroVAD:
    """How sure to be of a voice. Immutable: share one between any number of calls.

    *activation*: likelihood from which a window is a voice. *deactivation*: likelihood below
    which a voice is gone; None is 0.15 less than *activation*. *min_voice_ms*: so much voice in
    a row makes a start. *tail_ms*: so much silence makes a stop. Both count windows of 32 ms.
    *gate_db*: windows quieter than this, in dB of full scale, are silence. Making one loads the
    model, once a process; raises PatterConfigError without it.
    """

    activation: float = attrs.field(default=0.5, converter=float, validator=[gt(0), lt(1)])
    deactivation: float | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(float),
        validator=attrs.validators.optional([ge(0), lt(1)]),
    )
    min_voice_ms: int = attrs.field(default=64, converter=int, validator=[ge(0), le(2_000)])
    tail_ms: int = attrs.field(default=100, converter=int, validator=[ge(0), le(5_000)])
    gate_db: float = attrs.field(default=-50.0, converter=float, validator=[ge(-120), le(0)])

    def __attrs_post_init__(self) -> None:
        if self.gone_below > self.activation:
            raise PatterConfigError(
                f"SileroVAD has deactivation {self.deactivation:g} above "
                f"activation {self.activation:g}",
                fix="lower deactivation, or leave it out",
            )
        load()

    @property
    def gone_below(self) -> float:
        """The likelihood below which a voice is gone."""
        if self.deactivation is not None:
            return self.deactivation
        return max(0.01, self.activation - 0.15)

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        return _ACCEPTS

    def start(self, audio: AudioFormat) -> SileroSession:
        """A fresh detector. Raises PatterConfigError for a format not in `accepts`."""
        if audio not in _ACCEPTS:
            raise PatterConfigError(
                f"SileroVAD cannot be fed {audio}",
                fix=f"convert to one of: {', '.join(map(str, _ACCEPTS))}",
            )
        return SileroSession(self, audio)


@attrs.define(eq=False)
class SileroSession:
    """The detector of one call."""

    settings: SileroVAD
    audio: AudioFormat
    _listener: Listener = attrs.field(init=False)
    _frames: Frames = attrs.field(init=False)
    _voicing: Voicing = attrs.field(init=False)
    _memory_ms: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._listener = Listener(self.audio.rate_hz)
        self._frames = Frames(self.audio.bytes_in(_WINDOW_MS))
        settings = self.settings
        self._voicing = Voicing(_WINDOW_MS, settings.min_voice_ms, settings.tail_ms, _ONSET_MS)

    def feed(self, audio: bytes) -> SpeechEvent | None:
        """Take any length of audio; return the oldest change not returned yet."""
        for frame in self._frames.feed(audio):
            self._voicing.hear(self._is_voiced(frame))
            self._forget_in_time()
        return self._voicing.take()

    def _is_voiced(self, frame: bytes) -> bool:
        settings, speaking = self.settings, self._voicing.speaking
        if level_db(frame) < settings.gate_db:
            self._listener.skip(frame)
            return False
        needed = settings.gone_below if speaking else settings.activation
        return self._listener.probability(frame) >= needed

    def _forget_in_time(self) -> None:
        """Clear the network's memory once a voice has been gone for `_MEMORY_MS`.

        Once only: cleared over and over, it takes laughter and music for voices more often.
        """
        if self._voicing.speaking:
            self._memory_ms = _MEMORY_MS
        elif self._memory_ms > 0:
            self._memory_ms -= _WINDOW_MS
            if self._memory_ms <= 0:
                self._listener.forget()


if TYPE_CHECKING:
    _: type[VAD] = SileroVAD
