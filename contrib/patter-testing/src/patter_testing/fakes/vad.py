"""A voice detector for which everything but digital silence is a voice."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat, Encoding
from patter.providers.vad import VAD, SpeechEvent, VoiceStart, VoiceStop
from patter_testing.fakes.stt import EVERY_FORMAT

BLOCK_MS = 10


@attrs.frozen(kw_only=True)
class FakeVAD:
    """A voice begins after *onset_ms* of sound and is gone after *tail_ms* without.

    With *script*, its events are returned when that much audio was fed, whatever it holds.
    """

    onset_ms: int = attrs.field(default=30, converter=int)
    tail_ms: int = attrs.field(default=100, converter=int)
    script: tuple[SpeechEvent, ...] | None = None
    accepts: tuple[AudioFormat, ...] = EVERY_FORMAT

    def start(self, audio: AudioFormat) -> FakeVADSession:
        return FakeVADSession(self, audio)


@attrs.define(eq=False)
class FakeVADSession:
    """Judges blocks of 10 ms, however the audio is cut."""

    settings: FakeVAD
    audio: AudioFormat
    _rest: bytes = attrs.field(default=b"", init=False)
    _done_ms: int = attrs.field(default=0, init=False)
    _run_ms: int = attrs.field(default=0, init=False)
    _speaking: bool = attrs.field(default=False, init=False)
    _reports: deque[SpeechEvent] = attrs.field(factory=deque, init=False)
    _scripted: int = attrs.field(default=0, init=False)

    def feed(self, audio: bytes) -> SpeechEvent | None:
        audio = self._rest + audio
        size = self.audio.bytes_in(BLOCK_MS)
        whole = len(audio) - len(audio) % size
        self._rest = audio[whole:]
        for at in range(0, whole, size):
            self._judge(audio[at : at + size])
        return self._reports.popleft() if self._reports else None

    def _judge(self, block: bytes) -> None:
        self._done_ms += BLOCK_MS
        if self.settings.script is not None:
            self._follow(self.settings.script)
            return
        changing = is_sound(block, self.audio) != self._speaking
        self._run_ms = self._run_ms + BLOCK_MS if changing else 0
        needed = self.settings.tail_ms if self._speaking else self.settings.onset_ms
        if changing and self._run_ms >= needed:
            at = self._done_ms - self._run_ms
            self._reports.append(VoiceStop(at) if self._speaking else VoiceStart(at))
            self._speaking, self._run_ms = not self._speaking, 0

    def _follow(self, script: tuple[SpeechEvent, ...]) -> None:
        rest = script[self._scripted :]
        if rest and rest[0].at_ms <= self._done_ms:
            self._reports.append(rest[0])
            self._scripted += 1


def is_sound(block: bytes, audio: AudioFormat) -> bool:
    """Does *block* hold a sample that is not silence, of either sign where there are two?"""
    quiet = {Encoding.MULAW: b"\xff\x7f", Encoding.ALAW: b"\xd5\x55"}.get(audio.encoding, b"\0")
    return bool(block.strip(quiet))


if TYPE_CHECKING:
    _: type[VAD] = FakeVAD
