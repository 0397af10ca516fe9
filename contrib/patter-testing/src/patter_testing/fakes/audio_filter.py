"""An audio filter that lets audio through, mutes it, or mutes what may be an echo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.audio_filter import AudioFilter, FarEndFilterSession
from patter_testing.fakes.stt import EVERY_FORMAT, optional_ms


@attrs.frozen(kw_only=True)
class FakeAudioFilter:
    """Lets audio through unchanged, or as silence when *mute*.

    With *echo_ms* it takes the far end, and silences whatever the caller's side sends while
    sound that was played so long ago may come back. *sessions* keeps those it started.
    """

    mute: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    echo_ms: float | None = attrs.field(default=None, converter=optional_ms)
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT
    sessions: list[FakeAudioFilterSession] = attrs.field(
        factory=list, init=False, repr=False, eq=False
    )

    def start(self, audio: AudioFormat) -> FakeAudioFilterSession:
        session = (
            FakeAudioFilterSession(self.mute, audio)
            if self.echo_ms is None
            else FakeFarEndFilterSession(self.mute, audio, self.echo_ms)
        )
        self.sessions.append(session)
        return session


@attrs.define(eq=False)
class FakeAudioFilterSession:
    """One call's filter; *played* is what it was shown of the far end."""

    mute: bool
    audio: AudioFormat
    played: bytearray = attrs.field(factory=bytearray, init=False, repr=False)

    def process(self, audio: bytes) -> bytes:
        if not self.mute:
            return audio
        return self.audio.silence * (len(audio) // self.audio.sample_bytes)


@attrs.define(eq=False)
class FakeFarEndFilterSession(FakeAudioFilterSession):
    """One call's filter; *played* begins with *echo_ms* of silence."""

    echo_ms: float
    _position: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.played += self.audio.silence * (
            self.audio.bytes_in(self.echo_ms) // self.audio.sample_bytes
        )

    def far_end(self, audio: bytes) -> None:
        self.played += audio

    def process(self, audio: bytes) -> bytes:
        width = self.audio.sample_bytes
        played = self.played[self._position : self._position + len(audio)]
        self._position += len(audio)
        return b"".join(
            self.audio.silence
            if self.mute or played[at : at + width] != self.audio.silence
            else audio[at : at + width]
            for at in range(0, len(audio), width)
        )


if TYPE_CHECKING:
    _: type[AudioFilter] = FakeAudioFilter
    __: type[FarEndFilterSession] = FakeFarEndFilterSession
