"""Audio filters: make the caller easier to hear."""

from __future__ import annotations

from typing import Protocol

from patter.audio.formats import AudioFormat


class AudioFilterSession(Protocol):
    """The filter of one call."""

    def process(self, audio: bytes) -> bytes:
        """Filter the next audio; synchronous, below one millisecond for 20 ms."""
        ...


class AudioFilter(Protocol):
    """Settings of a filter. What else it may tell is in `ProviderTraits`."""

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """Formats it can filter, best first; it delivers what it was fed."""
        ...

    def start(self, audio: AudioFormat) -> AudioFilterSession: ...
