"""The caller's audio on its way in: to the voice detector, the turn detector, the recogniser.

Events for the turn engine carry the call's clock; positions in the audio are turned into it here,
once. Some carriers send no frames while the caller is silent. Whoever waits for a voice to end
would wait for ever, so time that brings no audio is heard as silence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from patter.audio.convert import Converter
from patter.audio.echo import EchoGate
from patter.audio.formats import AudioFormat
from patter.call.conditioning import Conditioning
from patter.call.stt_link import STTLink
from patter.call.turn.events import (
    CallerFinished,
    CallerWords,
    RecogniserConnected,
    TurnEvent,
    VoiceStarted,
    VoiceStopped,
)
from patter.call.turn_votes import TurnVotes
from patter.clock import CallClock, Flowing, FlowWatch, LoopClock, Timer, flow_watch
from patter.providers.stt import SpeechEnded, SpeechStarted, STTEvent, Transcript, TurnEnded
from patter.providers.vad import VADSession, VoiceStart
from patter.text.hallucinations import is_invented

RECENT_MS = 6_000
"""A voice that ended so long ago may still be what a recogniser's words are about."""
LATE_MS = 500.0
STRETCHES = 64
"""Gaps remembered: with one a second, a minute of positions."""
LATE_FRAME_MS = 80.0
"""A line whose next frame is later than this is quiet; on a good network they come closer."""
LONGEST_FRAME_MS = 200.0
STEP_MS = 40.0
LASTING_STEP_MS = 200.0
LASTING_MS = 400.0
"""So long a detector may be about to report; after that, silence follows in longer steps."""
TAIL_MS = 300.0
ENOUGH_MS = 3_000.0
"""After so much silence whoever waits for a voice to end knows; a call then costs nothing."""


@attrs.define
class _Stretch:
    """Audio without a gap, from position *from_ms* to *until_ms*; its clock is *offset_ms* on."""

    from_ms: float
    until_ms: float
    offset_ms: float

    def at(self, position_ms: float) -> float:
        # Nobody spoke in silence that was put in: what ends there ended with the audio.
        return self.offset_ms + min(position_ms, self.until_ms)


@attrs.define
class AudioPosition:
    """Where on the call's clock a position of the fed audio lies.

    Audio arrives in real time but never early: the least delay seen in a stretch is the truth.
    A stretch ends at silence that was put in, and at a delay beyond jitter. Audio that turns
    out to be from before what was put in moves its stretch back, and takes no time twice.
    """

    fed_ms: float = 0.0
    _stretches: deque[_Stretch] = attrs.field(factory=lambda: deque(maxlen=STRETCHES), init=False)
    _filled: bool = attrs.field(default=False, init=False)

    def took(self, length_ms: float, now_ms: float) -> None:
        """*length_ms* more of the caller's audio have arrived at *now_ms*."""
        offset_ms = now_ms - length_ms - self.fed_ms
        last = self._stretches[-1] if self._stretches else None
        if last is None or self._filled or offset_ms - last.offset_ms > LATE_MS:
            last = _Stretch(self.fed_ms, self.fed_ms, offset_ms)
            self._stretches.append(last)
            self._filled = False
            self._settle()
        elif offset_ms < last.offset_ms:
            last.offset_ms = offset_ms
            self._settle()
        self.fed_ms = last.until_ms = self.fed_ms + length_ms

    def filled(self, length_ms: float) -> None:
        """*length_ms* of silence were put in, because nothing arrived."""
        self.fed_ms += length_ms
        self._filled = True

    def at(self, position_ms: float) -> int:
        """The call's clock when the audio at *position_ms* was spoken."""
        for stretch in reversed(self._stretches):
            if stretch.from_ms <= position_ms:
                return max(0, round(stretch.at(position_ms)))
        first = self._stretches[0].at(position_ms) if self._stretches else position_ms
        return max(0, round(first))

    def _settle(self) -> None:
        """No stretch ends after the next begins: if it seems so, it was late itself."""
        later = self._stretches[-1]
        for index in range(len(self._stretches) - 2, -1, -1):
            earlier = self._stretches[index]
            begins_ms = later.offset_ms + later.from_ms
            over_ms = earlier.at(earlier.until_ms) - begins_ms
            if over_ms <= 0:
                return
            earlier.offset_ms -= over_ms
            later = earlier


def next_look_ms(now_ms: float, arrived_ms: float, fed_ms: float, gap_ms: float) -> float | None:
    """When to look again at a line whose last audio *arrived_ms*; None: when audio arrives.

    *fed_ms*: until when it was fed, which is later once silence was put in. *gap_ms*: how long
    it may bring nothing and not be quiet.
    """
    if fed_ms <= arrived_ms:
        return arrived_ms + gap_ms
    quiet_ms = now_ms - arrived_ms
    if quiet_ms >= ENOUGH_MS:
        return None
    return now_ms + (STEP_MS if quiet_ms < LASTING_MS else LASTING_STEP_MS)


@attrs.define(eq=False)
class QuietLine:
    """Looks at the line only when it is due. *put(ms)* is asked to feed *ms* of silence."""

    clock: CallClock
    put: Callable[[float], None]
    _arrived_ms: float = attrs.field(default=0.0, init=False)
    _fed_ms: float = attrs.field(default=0.0, init=False)
    _gap_ms: float = attrs.field(default=LATE_FRAME_MS, init=False)
    _due_ms: float = attrs.field(default=0.0, init=False)
    _timer: Timer | None = attrs.field(default=None, init=False)
    _watch: FlowWatch | None = attrs.field(default=None, init=False)

    def due_ms(self) -> float:
        """See `patter.clock.Flowing`."""
        return self.clock.zero_ms + self._arrived_ms + self._gap_ms

    def look(self) -> None:
        """See `patter.clock.Flowing`."""
        self._due_ms = self._arrived_ms + self._gap_ms
        self._look()

    def arrived(self, length_ms: float, now_ms: float) -> None:
        """The line has brought *length_ms* of audio."""
        self._arrived_ms = self._fed_ms = now_ms
        self._gap_ms = LATE_FRAME_MS + min(length_ms, LONGEST_FRAME_MS)
        if self._timer is None and self._watch is None:
            self._arm(now_ms)

    def stop(self) -> None:
        """Put in nothing until audio arrives again."""
        if self._watch is not None:
            self._watch.discard(self)
            self._watch = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, now_ms: float) -> None:
        due_ms = next_look_ms(now_ms, self._arrived_ms, self._fed_ms, self._gap_ms)
        self._timer = self._watch = None
        if due_ms is None:
            return
        if self._fed_ms <= self._arrived_ms and is_loop_time(self.clock):
            self._watch = flow_watch()
            self._watch.add(self)
        else:
            self._due_ms = due_ms
            self._timer = self.clock.at(due_ms, self._look)

    def _look(self) -> None:
        now_ms = self.clock.ms()
        if now_ms - self._due_ms > LATE_FRAME_MS:
            # The loop stood still, so the audio of that time may be here and not read yet.
            self._arrived_ms = self._fed_ms = now_ms
        elif self._fed_ms > self._arrived_ms or now_ms - self._arrived_ms >= self._gap_ms - 1.0:
            missing_ms, self._fed_ms = now_ms - self._fed_ms, now_ms
            self.put(missing_ms)
        if self._timer is not None or self._watch is not None:
            self._arm(now_ms)


def is_loop_time(clock: CallClock) -> bool:
    """Is it the event loop whose time *clock* tells?"""
    return isinstance(clock, CallClock) and isinstance(clock.clock, LoopClock)


@attrs.define(eq=False)
class AudioIn:
    """The way in of one call. *vad* comes with the converter that feeds it.

    *conditioning* cleans the audio before anybody hears it. To the detector, what *echo_gate*
    takes for the agent's own voice is silence.
    *on_failure* is called with what a detector raised; nothing is heard after that.
    Of a recogniser that *endpoints* silence is heard for longer. *question()*: was the agent's
    last utterance a question? With *filter_hallucinations* words that recognisers invent are
    dropped, see `patter.text.hallucinations`.
    """

    audio: AudioFormat
    clock: CallClock
    post: Callable[[TurnEvent], None]
    stt_link: STTLink
    on_failure: Callable[[Exception], None]
    question: Callable[[], bool]
    vad: VADSession | None = None
    to_vad: Converter | None = None
    conditioning: Conditioning | None = None
    echo_gate: EchoGate | None = None
    on_audio: tuple[Callable[[float, bytes], None], ...] = ()
    trusts_stt_voice: bool = False
    votes: TurnVotes | None = None
    endpoints: bool = False
    filter_hallucinations: bool = True
    _position: AudioPosition = attrs.field(factory=AudioPosition, init=False)
    _quiet_line: QuietLine = attrs.field(init=False)
    _bytes_per_s: int = attrs.field(init=False)
    _straight: bool = attrs.field(init=False)
    _failed: bool = attrs.field(default=False, init=False)
    _speaking: bool = attrs.field(default=False, init=False)
    _voice_ms: float | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._quiet_line = QuietLine(self.clock, self._hear_nothing)
        self._bytes_per_s = self.audio.bytes_in(1_000)
        # Nobody looks at the audio on its way to the recogniser.
        self._straight = not (self.conditioning or self.votes or self.vad)

    def stop(self) -> None:
        """Hear no silence any more until the line brings audio again."""
        self._quiet_line.stop()

    def hear(self, audio: bytes) -> None:
        """The caller's next audio."""
        if self._failed:
            return
        length_ms = len(audio) * 1_000 / self._bytes_per_s
        now = self.clock.ms()
        self._quiet_line.arrived(length_ms, now)
        self._position.took(length_ms, now)
        for listener in self.on_audio:
            listener(now - length_ms, audio)
        if self._straight:
            self.stt_link.send(audio)
        else:
            self._feed(audio, self._position.at(self._position.fed_ms - length_ms))

    def _hear_nothing(self, length_ms: float) -> None:
        """The line brought nothing for *length_ms*: it is as quiet as if it had said so."""
        self._put_silence(length_ms)
        if self._failed:
            return
        if not (self._speaking or self.endpoints or self.vad is None):
            # The detector knows, so that only the recogniser's own certainty is left.
            self.stop()
            self._put_silence(TAIL_MS)

    def _put_silence(self, length_ms: float) -> None:
        samples = self.audio.bytes_in(length_ms) // self.audio.sample_bytes
        audio = self.audio.silence * samples
        self._position.filled(self.audio.ms_in(len(audio)))
        self._feed(audio, self.clock.ms() - length_ms)

    def _feed(self, audio: bytes, from_ms: float) -> None:
        """A detector that fails ends hearing, not the reading of marks and keys."""
        try:
            self._process(audio, from_ms)
        except Exception as raised:
            self._failed = True
            self.stop()
            self.on_failure(raised)

    def _process(self, audio: bytes, from_ms: float) -> None:
        if self.conditioning:
            audio = self.conditioning.clean(audio, from_ms)
        # Asked before the gain: an echo that is made louder would pass for a voice.
        is_echo = self.echo_gate and self.echo_gate.is_echo(audio, from_ms, self.clock.ms())
        if self.conditioning and not is_echo:
            audio = self.conditioning.level(audio)
        if self.votes:
            self.votes.hear(audio)
        if self.vad and self.to_vad:
            changed = self.vad.feed(self.to_vad.feed(self._silent(audio) if is_echo else audio))
            if changed is not None:
                self._voice(isinstance(changed, VoiceStart), changed.at_ms)
        self.stt_link.send(audio)

    def _silent(self, audio: bytes) -> bytes:
        near = self.echo_gate.near if self.echo_gate else self.audio
        return near.silence * (len(audio) // near.sample_bytes)

    def finalize(self) -> None:
        """The caller paused: have the recogniser say what it has."""
        self.stt_link.finalize()

    def understood(self, event: STTEvent, base_ms: float) -> None:
        """What the recogniser says; its positions count from *base_ms*."""
        match event:
            case Transcript(text, final, end_ms):
                self._words(text, final, None if end_ms is None else base_ms + end_ms, base_ms)
            case SpeechStarted(at_ms) if self.trusts_stt_voice:
                self._voice(True, None if at_ms is None else base_ms + at_ms)
            case SpeechEnded(at_ms) if self.trusts_stt_voice:
                self._voice(False, None if at_ms is None else base_ms + at_ms)
            case TurnEnded():
                self.post(CallerFinished(self.clock.now_ms()))

    def recogniser_connected(self, connected: bool) -> None:
        """The recogniser's connection is lost, or stands again."""
        self.post(RecogniserConnected(self.clock.now_ms(), connected))

    def typed(self, text: str) -> None:
        """The caller wrote: words, and the end of the turn."""
        now = self.clock.now_ms()
        # Written now, so said now: it may interrupt, whatever the last voice was.
        self.post(CallerWords(now, text, True, now))
        self.post(CallerFinished(now))

    def _words(self, text: str, final: bool, end_ms: float | None, base_ms: float) -> None:
        if text and self._is_invented(text):
            if not final:
                return
            text = ""
        at = None if end_ms is None else self._position.at(end_ms)
        heard_from_ms = self._position.at(base_ms) if base_ms else None
        now = self.clock.now_ms()
        self.post(CallerWords(now, text, final, at, heard_from_ms=heard_from_ms))

    def _is_invented(self, text: str) -> bool:
        if not self.filter_hallucinations:
            return False
        voice_ms = self._voice_ms
        recent = voice_ms is not None and self.clock.ms() - voice_ms <= RECENT_MS
        voice = self._speaking or recent
        # After a voice it does not matter what was asked, and a reply may be long.
        return is_invented(text, question=not voice and self.question(), voice=voice)

    def _voice(self, started: bool, position_ms: float | None) -> None:
        if started and self.votes:
            self.votes.voice_started()
        now = self.clock.now_ms()
        at = now if position_ms is None else min(now, self._position.at(position_ms))
        self._speaking, self._voice_ms = started, now
        self.post(VoiceStarted(now, at) if started else VoiceStopped(now, at))


if TYPE_CHECKING:
    _: type[Flowing] = QuietLine
