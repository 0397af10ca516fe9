"""Audio filters: make the caller easier to hear.

A filter that cancels the agent's echo has sessions of the second kind here; any other ignores
what the caller is played, and need not know of it.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from patter.audio.formats import AudioFormat


class AudioFilterSession(Protocol):
    """The filter of one call."""

    def process(self, audio: bytes) -> bytes:
        """Filter the next audio; synchronous, below one millisecond for 20 ms."""
        ...


@runtime_checkable
class FarEndFilterSession(AudioFilterSession, Protocol):
    """The filter of one call that also wants to know what the caller is played: the far end."""

    def far_end(self, audio: bytes) -> None:
        """What was played to the caller while the audio of the next `process` was recorded.

        As long as that audio, in the same format; silence while the agent is. The echo of it
        comes later, by the way to the telephone and back, often 100 to 500 ms. Synchronous,
        and with `process` below one millisecond for 20 ms.
        """
        ...


class AudioFilter(Protocol):
    """Settings of a filter. What else it may tell is in `ProviderTraits`."""

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """Formats it can filter, best first; it delivers what it was fed."""
        ...

    def start(self, audio: AudioFormat) -> AudioFilterSession:
        """A fresh filter for one call, a `FarEndFilterSession` if it wants the far end.

        *audio* is one of `accepts`.
        """
        ...
