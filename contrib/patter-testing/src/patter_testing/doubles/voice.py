"""What a caller says and presses, as a telephone sends it: 20 ms at a time, silence between (pure).

Carriers send a frame every 20 ms from the beginning of a stream to its end, whether anybody
speaks or not, and every frame is whole.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.carrier import Dtmf

FRAME_MS = 20
Utterance: TypeAlias = bytes | Dtmf


def is_silence(sound: bytes, audio: AudioFormat) -> bool:
    """Is *sound* nothing but silence, in the format *audio*?

    >>> from patter.audio.formats import MULAW_8K
    >>> is_silence(MULAW_8K.silence * 160, MULAW_8K), is_silence(b"x", MULAW_8K)
    (True, False)
    """
    return sound == (audio.silence * len(sound))[: len(sound)]


def without_silence(sound: bytes, audio: AudioFormat) -> bytes:
    """*sound* without the silent samples at its beginning and its end.

    >>> from patter.audio.formats import MULAW_8K
    >>> without_silence(MULAW_8K.silence * 3 + b"xy" + MULAW_8K.silence, MULAW_8K)
    b'xy'
    """
    size, begin, end = audio.sample_bytes, 0, len(sound)
    while begin < end and is_silence(sound[begin : begin + size], audio):
        begin += size
    while begin < end and is_silence(sound[end - size : end], audio):
        end -= size
    return sound[begin:end]


@attrs.define(eq=False)
class CallerVoice:
    """A caller's words and keys in order, in the format *audio*; a key waits for words before it.

    >>> from patter.audio.formats import MULAW_8K
    >>> voice = CallerVoice(MULAW_8K)
    >>> voice.put(b"x" * 200)
    >>> [voice.frame().count(b"x") for _ in range(3)]
    [160, 40, 0]
    """

    audio: AudioFormat
    _queue: deque[Utterance] = attrs.field(factory=deque, init=False, repr=False)

    def put(self, utterance: Utterance) -> None:
        """Say or press this next."""
        if utterance:
            self._queue.append(utterance)

    def frame(self) -> bytes:
        """The next 20 ms, filled up with silence."""
        size, frame = self.audio.bytes_in(FRAME_MS), b""
        while len(frame) < size and self._queue and isinstance(head := self._queue[0], bytes):
            self._queue.popleft()
            if rest := head[size - len(frame) :]:
                self._queue.appendleft(rest)
            frame += head[: size - len(frame)]
        return (frame + self.audio.silence * size)[:size]

    def keys(self) -> list[Dtmf]:
        """The keys that are pressed now: nothing is to be said before them."""
        pressed: list[Dtmf] = []
        while self._queue and isinstance(head := self._queue[0], Dtmf):
            self._queue.popleft()
            pressed.append(head)
        return pressed

    def whole(self) -> list[Utterance]:
        """All of it as it was put in, at once."""
        left = list(self._queue)
        self._queue.clear()
        return left

    def rest(self) -> list[Utterance]:
        """All that was not said or pressed yet, in whole frames, without the time it takes."""
        left: list[Utterance] = []
        while self._queue:
            left += self.keys() or [self.frame()]
        return left
