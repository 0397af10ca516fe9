"""WebRTC's voice detector behind an energy gate.

WebRTC judges frames of 20 ms; a frame below the gate is never a voice, whatever it says, and
`patter.providers.voicing` decides when a row of frames is one. About 5 us a frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import webrtcvad  # type: ignore[import-untyped]
from attrs.validators import ge, in_, le

from patter.audio.formats import PCM16_8K, PCM16_16K, AudioFormat, Encoding
from patter.audio.mix import level_db
from patter.errors import PatterConfigError
from patter.providers.vad import VAD, SpeechEvent
from patter.providers.voicing import Frames, Voicing

_FRAME_MS = 20
_LEARNING_FRAMES = 6
"""Its noise model starts blank and takes steady noise for a voice in the first 80 ms."""
_ACCEPTS = (
    PCM16_8K,
    PCM16_16K,
    *(AudioFormat(Encoding.PCM16, rate_hz) for rate_hz in (32_000, 48_000)),
)


@attrs.frozen(kw_only=True)
class WebrtcVAD:
    """How strict to listen. Immutable: share one between any number of calls.

    *mode*: 0 takes nearly everything for a voice, 3 the least. *min_voice_ms*: so much voice
    in a row makes a start. *tail_ms*: so much silence makes a stop. *gate_db*: frames quieter
    than this, in dB of full scale, are silence.
    """

    mode: int = attrs.field(default=2, converter=int, validator=in_(range(4)))
    min_voice_ms: int = attrs.field(default=60, converter=int, validator=[ge(20), le(2_000)])
    tail_ms: int = attrs.field(default=100, converter=int, validator=[ge(20), le(5_000)])
    gate_db: float = attrs.field(default=-50.0, converter=float, validator=[ge(-120), le(0)])

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        return _ACCEPTS

    def start(self, audio: AudioFormat) -> WebrtcSession:
        """A fresh detector. Raises PatterConfigError for a format not in `accepts`."""
        if audio not in _ACCEPTS:
            raise PatterConfigError(
                f"WebrtcVAD cannot be fed {audio}",
                fix=f"convert to one of: {', '.join(map(str, _ACCEPTS))}",
            )
        return WebrtcSession(self, audio)


@attrs.define(eq=False)
class WebrtcSession:
    """The detector of one call."""

    settings: WebrtcVAD
    audio: AudioFormat
    _detector: webrtcvad.Vad = attrs.field(init=False)
    _frames: Frames = attrs.field(init=False)
    _voicing: Voicing = attrs.field(init=False)
    _learning: int = attrs.field(default=_LEARNING_FRAMES, init=False)

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        self._detector = webrtcvad.Vad(settings.mode)
        self._frames = Frames(self.audio.bytes_in(_FRAME_MS))
        self._voicing = Voicing(_FRAME_MS, settings.min_voice_ms, settings.tail_ms)

    def feed(self, audio: bytes) -> SpeechEvent | None:
        """Take any length of audio; tell the oldest change not told yet."""
        for frame in self._frames.feed(audio):
            self._voicing.hear(self._is_voiced(frame))
        return self._voicing.take()

    def _is_voiced(self, frame: bytes) -> bool:
        voiced = self._detector.is_speech(frame, self.audio.rate_hz)
        if self._learning:
            self._learning -= 1
            return False
        return bool(voiced) and level_db(frame) >= self.settings.gate_db


if TYPE_CHECKING:
    _: type[VAD] = WebrtcVAD
