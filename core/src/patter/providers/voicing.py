"""Turns a yes or no for each frame into voices that start and stop, for every detector.

Pure arithmetic on frame numbers; one value for one call. A detector plugin cuts its audio with
`Frames`, judges each frame, tells `Voicing`, and hands on what comes out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import attrs

from patter.providers.vad import SpeechEvent, VoiceStart, VoiceStop

_MOST_PENDING = 64


@attrs.define(eq=False)
class Frames:
    """Cuts audio of any length into frames of *size* bytes and keeps what is left over."""

    size: int
    _rest: bytes = attrs.field(default=b"", init=False)

    def feed(self, audio: bytes) -> Iterator[bytes]:
        """Every frame that is complete now; take them all before feeding again."""
        if self._rest:
            audio = self._rest + audio
        end = len(audio) - len(audio) % self.size
        self._rest = audio[end:]
        for start in range(0, end, self.size):
            yield audio[start : start + self.size]


@attrs.define(eq=False)
class Voicing:
    """Starts a voice after *min_voice_ms* of voiced frames in a row, stops it *tail_ms* after.

    Both are rounded to whole frames, at least one. Starts and stops alternate; `take` gives
    them one at a time. Whoever feeds minutes without taking loses the oldest pairs. A voice is
    told to have begun *onset_ms*, less than a frame, before its first voiced frame.
    """

    frame_ms: float
    min_voice_ms: float
    tail_ms: float
    onset_ms: float = 0.0
    speaking: bool = attrs.field(default=False, init=False)
    _frame: int = attrs.field(default=0, init=False)
    _run: int = attrs.field(default=0, init=False)
    _events: deque[SpeechEvent] = attrs.field(factory=deque, init=False)

    def hear(self, voiced: bool) -> None:
        """The next frame was *voiced*, or not."""
        self._frame += 1
        self._run = 0 if voiced is self.speaking else self._run + 1
        wait_ms = self.tail_ms if self.speaking else self.min_voice_ms
        if self._run < max(1, round(wait_ms / self.frame_ms)):
            return
        at_ms = (self._frame - self._run) * self.frame_ms
        if self.speaking:
            self._tell(VoiceStop(round(at_ms)))
        else:
            self._tell(VoiceStart(round(max(0.0, at_ms - self.onset_ms))))
        self.speaking, self._run = not self.speaking, 0

    def take(self) -> SpeechEvent | None:
        """The oldest change that was not taken yet."""
        return self._events.popleft() if self._events else None

    def _tell(self, event: SpeechEvent) -> None:
        if len(self._events) == _MOST_PENDING:
            # A start and its stop together, so that they still alternate.
            self._events.popleft()
            self._events.popleft()
        self._events.append(event)
