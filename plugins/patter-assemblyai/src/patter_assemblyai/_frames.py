"""Audio in messages as long as AssemblyAI takes them: 50 to 1000 ms (pure).

What is shorter waits for the rest; anything else would end the session (code 3007). A pause finds
at most 50 ms waiting, which are of its silence, so they are not filled up: what is sent is the
caller's audio and nothing else, and positions need no correction.
"""

from __future__ import annotations

import attrs

from patter.audio.formats import AudioFormat

LEAST_MS = 50.0
MOST_MS = 1_000.0


@attrs.define(eq=False)
class AudioFrames:
    """Cuts *audio* of any length into messages of whole samples.

    >>> from patter.audio.formats import MULAW_8K
    >>> frames = AudioFrames(MULAW_8K)
    >>> [len(frame) for frame in frames.take(bytes(160))]
    []
    >>> [len(frame) for frame in frames.take(bytes(8_300))]
    [8000, 460]
    """

    audio: AudioFormat
    _rest: bytes = attrs.field(default=b"", init=False, repr=False)

    def take(self, audio: bytes) -> list[bytes]:
        """The messages that *audio* completes, in order."""
        least, most = self.audio.bytes_in(LEAST_MS), self.audio.bytes_in(MOST_MS)
        waiting = self._rest + audio if self._rest else audio
        whole = len(waiting) - len(waiting) % self.audio.sample_bytes
        frames, at = [], 0
        while whole - at >= least:
            # What is left over after the longest message may be too short to go by itself.
            size = min(most, whole - at)
            frames.append(waiting[at : at + size])
            at += size
        self._rest = waiting[at:]
        return frames
