"""The ears of the fake engine when it listens to audio: voices, turns, and words that come late.

All of it by the audio that was sent, so that virtual time and real time give the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.engine_events import CallerEvent, CallerTranscript, CallerTurnEnded
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter.providers.vad import VoiceStart
from patter_testing.fakes.vad import FakeVAD, FakeVADSession

FRAME_MS = 20


@attrs.define(eq=False)
class EngineListener:
    """A turn ends *turn_ms* after the voice; its words, told by `say`, come *words_ms* later.

    With *words_ms* None they never come.
    """

    audio: AudioFormat
    turn_ms: float
    words_ms: float | None
    _vad: FakeVADSession = attrs.field(init=False)
    _fed_ms: float = attrs.field(default=0.0, init=False)
    _ended_ms: float | None = attrs.field(default=None, init=False)
    _utterances: deque[str] = attrs.field(factory=lambda: deque(maxlen=16), init=False)
    _due: deque[tuple[float, str]] = attrs.field(factory=lambda: deque(maxlen=16), init=False)
    _items: count[int] = attrs.field(factory=lambda: count(1), init=False)

    def __attrs_post_init__(self) -> None:
        self._vad = FakeVAD().start(self.audio)

    def say(self, text: str) -> None:
        """The caller has said *text*: the words of the next turn that ends."""
        self._utterances.append(text)

    def feed(self, audio: bytes) -> Iterator[CallerEvent]:
        """What *audio* amounts to."""
        size = self.audio.bytes_in(FRAME_MS)
        for at in range(0, len(audio), size):
            piece = audio[at : at + size]
            self._fed_ms += self.audio.ms_in(len(piece))
            yield from self._voice(piece)
            yield from self._turn()

    def _voice(self, piece: bytes) -> Iterator[CallerEvent]:
        while (change := self._vad.feed(piece)) is not None:
            piece = b""
            if isinstance(change, VoiceStart):
                self._ended_ms = None
                yield SpeechStarted(change.at_ms)
            else:
                self._ended_ms = float(change.at_ms)
                yield SpeechEnded(change.at_ms)

    def _turn(self) -> Iterator[CallerEvent]:
        if self._ended_ms is not None and self._fed_ms - self._ended_ms >= self.turn_ms:
            self._ended_ms = None
            item = f"item-{next(self._items)}"
            if self.words_ms is not None:
                self._due.append((self._fed_ms + self.words_ms, item))
            yield CallerTurnEnded(item)
        while self._due and self._due[0][0] <= self._fed_ms:
            _, item = self._due.popleft()
            if self._utterances:
                yield CallerTranscript(item, self._utterances.popleft(), final=True)
