"""Voice activity: is somebody speaking?"""

from __future__ import annotations

from typing import Protocol, TypeAlias

import attrs

from patter.audio.formats import AudioFormat


@attrs.frozen
class VoiceStart:
    """A voice; it began at *at_ms* of the audio fed, earlier by the detector's delay.

    Turns count from *at_ms*, so two detectors that hear the same voice have to agree on it,
    within 40 ms or so.
    """

    at_ms: int


@attrs.frozen
class VoiceStop:
    """The voice has been gone for the detector's short tail; it ended at *at_ms*."""

    at_ms: int


SpeechEvent: TypeAlias = VoiceStart | VoiceStop


class VADSession(Protocol):
    """The detector of one call."""

    def feed(self, audio: bytes) -> SpeechEvent | None:
        """Take the next audio, any length, in the session's format; tell a change.

        Synchronous, below one millisecond for 20 ms of audio. Starts and stops alternate.
        If one piece of audio holds two changes the second is told with the next piece.
        """
        ...


class VAD(Protocol):
    """Settings of a detector. What else it may tell is in `ProviderTraits`."""

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """Formats it can be fed, best first."""
        ...

    @property
    def tail_ms(self) -> int:
        """Silence before a voice is reported gone: about 100. Patience is not its job.

        When a voice counts as an interruption does not depend on it: that waits 100 ms for the
        stop of a voice that was too short, so with a longer tail shorter voices interrupt.
        """
        ...

    def start(self, audio: AudioFormat) -> VADSession:
        """A fresh detector for one call; *audio* is one of `accepts`."""
        ...
