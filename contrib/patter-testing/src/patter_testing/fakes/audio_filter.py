"""An audio filter that lets audio through, or mutes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.audio_filter import AudioFilter
from patter_testing.fakes.stt import EVERY_FORMAT


@attrs.frozen(kw_only=True)
class FakeAudioFilter:
    """Lets audio through unchanged, or as silence when *mute*."""

    mute: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT

    def start(self, audio: AudioFormat) -> FakeAudioFilterSession:
        return FakeAudioFilterSession(self.mute, audio)


@attrs.define(eq=False)
class FakeAudioFilterSession:
    """One call's filter."""

    mute: bool
    audio: AudioFormat

    def process(self, audio: bytes) -> bytes:
        if not self.mute:
            return audio
        return self.audio.silence * (len(audio) // self.audio.sample_bytes)


if TYPE_CHECKING:
    _: type[AudioFilter] = FakeAudioFilter
