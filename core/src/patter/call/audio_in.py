"""The caller's audio on its way in: to the voice detector, the turn detector, the recogniser.

Events for the turn engine carry the call's clock; positions in the audio are turned into it here,
once.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from patter.audio.convert import Converter
from patter.audio.echo import EchoGate
from patter.audio.far_end import FarEnd
from patter.audio.formats import AudioFormat
from patter.call.stt_link import STTLink
from patter.call.turn.events import (
    CallerFinished,
    CallerWords,
    TurnEvent,
    VoiceStarted,
    VoiceStopped,
)
from patter.call.turn_votes import TurnVotes
from patter.providers.audio_filter import AudioFilterSession, FarEndFilterSession
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript, TurnEnded
from patter.providers.vad import VADSession, VoiceStart
from patter.text.hallucinations import is_hallucination

LATE_MS = 500.0


@attrs.define
class AudioPosition:
    """Where on the call's clock a position of the caller's audio lies.

    Audio arrives in real time but never early: the least delay seen so far is the truth.
    A delay that grows beyond jitter is a gap in the audio, and moves what follows.
    """

    offset_ms: float | None = None
    heard_ms: float = 0.0

    def took(self, length_ms: float, now_ms: float) -> None:
        """*length_ms* more have arrived at *now_ms*."""
        began = now_ms - length_ms
        if self.offset_ms is None:
            self.offset_ms = began
        late = began - (self.offset_ms + self.heard_ms)
        if late < 0 or late > LATE_MS:
            self.offset_ms += late
        self.heard_ms += length_ms

    def at(self, position_ms: float) -> int:
        """The call's clock when the audio at *position_ms* was spoken."""
        return max(0, round((self.offset_ms or 0.0) + position_ms))


@attrs.define(eq=False)
class AudioIn:
    """The way in of one call. *vad* and *filter* come with the converter that feeds them.

    *far_end* and *far_to_filter* give a filter that wants it what the caller is played. To
    the detector, what *echo_gate* takes for the agent's own voice is silence.
    """

    audio: AudioFormat
    now: Callable[[], float]
    post: Callable[[TurnEvent], None]
    stt_link: STTLink
    vad: VADSession | None = None
    to_vad: Converter | None = None
    filter: AudioFilterSession | None = None
    to_filter: Converter | None = None
    far_end: FarEnd | None = None
    far_to_filter: Converter | None = None
    echo_gate: EchoGate | None = None
    on_audio: Callable[[float, bytes], None] | None = None
    trusts_stt_voice: bool = False
    votes: TurnVotes | None = None
    _clock: AudioPosition = attrs.field(factory=AudioPosition, init=False)

    def hear(self, audio: bytes) -> None:
        """The caller's next audio."""
        length_ms = self.audio.ms_in(len(audio))
        now = self.now()
        self._clock.took(length_ms, now)
        if self.on_audio:
            self.on_audio(now - length_ms, audio)
        began = self._clock.at(self._clock.heard_ms - length_ms)
        if self.filter and self.to_filter:
            self._show_far_end(began, len(audio))
            audio = self.filter.process(self.to_filter.feed(audio))
        if self.votes:
            self.votes.hear(audio)
        if self.vad and self.to_vad:
            changed = self.vad.feed(self.to_vad.feed(self._without_echo(audio, began, now)))
            if changed is not None:
                self._voice(isinstance(changed, VoiceStart), changed.at_ms)
        self.stt_link.send(audio)

    def _show_far_end(self, from_ms: float, size: int) -> None:
        if self.far_end and self.far_to_filter and isinstance(self.filter, FarEndFilterSession):
            played = self.far_end.read(from_ms, size)
            self.filter.far_end(self.far_to_filter.feed(played))

    def _without_echo(self, audio: bytes, from_ms: float, now_ms: float) -> bytes:
        gate = self.echo_gate
        if gate is None or not gate.is_echo(audio, from_ms, now_ms):
            return audio
        return gate.near.silence * (len(audio) // gate.near.sample_bytes)

    def finalize(self) -> None:
        """The caller paused: have the recogniser say what it has."""
        self.stt_link.finalize()

    def understood(self, event: STTEvent, base_ms: float) -> None:
        """What the recogniser says; its positions count from *base_ms*."""
        match event:
            case Transcript(text, final, end_ms):
                self._words(text, final, None if end_ms is None else base_ms + end_ms)
            case SpeechStarted(at_ms) if self.trusts_stt_voice:
                self._voice(True, None if at_ms is None else base_ms + at_ms)
            case SpeechEnded(at_ms) if self.trusts_stt_voice:
                self._voice(False, None if at_ms is None else base_ms + at_ms)
            case TurnEnded():
                self.post(CallerFinished(int(self.now())))

    def typed(self, text: str) -> None:
        """The caller wrote: words, and the end of the turn."""
        now = int(self.now())
        self.post(CallerWords(now, text, True))
        self.post(CallerFinished(now))

    def _words(self, text: str, final: bool, end_ms: float | None) -> None:
        if text and is_hallucination(text):
            if not final:
                return
            text = ""
        at = None if end_ms is None else self._clock.at(end_ms)
        self.post(CallerWords(int(self.now()), text, final, at))

    def _voice(self, started: bool, position_ms: float | None) -> None:
        now = int(self.now())
        at = now if position_ms is None else min(now, self._clock.at(position_ms))
        if started and self.votes:
            self.votes.voice_started()
        self.post(VoiceStarted(now, at) if started else VoiceStopped(now, at))
