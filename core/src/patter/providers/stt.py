"""Speech to text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.context import CallContext
from patter.providers.traits import ProviderTraits


@attrs.frozen
class Word:
    """A word and where it lies, in milliseconds of the audio sent to this session."""

    text: str
    start_ms: int
    end_ms: int


@attrs.frozen
class Transcript:
    """Words. An interim replaces the interim before it; a final stands.

    *end_ms* is where the words end in milliseconds of the audio sent to this session (None
    if the vendor cannot tell). An empty final answers `finalize`: there were no words.
    """

    text: str
    final: bool
    end_ms: int | None = None
    confidence: float | None = attrs.field(default=None)
    words: tuple[Word, ...] = ()


@attrs.frozen
class SpeechStarted:
    """The vendor hears a voice, at *at_ms* of the audio sent."""

    at_ms: int | None = None


@attrs.frozen
class SpeechEnded:
    """The vendor hears no voice any more, since *at_ms* of the audio sent."""

    at_ms: int | None = None


@attrs.frozen
class TurnEnded:
    """The vendor's turn model is sure that the speaker has finished."""


STTEvent: TypeAlias = Transcript | SpeechStarted | SpeechEnded | TurnEnded


class STTSession(Protocol):
    """One caller's audio going up, and words coming down."""

    async def send(self, audio: bytes) -> None:
        """Take the next audio, any length, in the format the session was opened with.

        Must not block for longer than the network does. Raises PatterError when the
        connection is gone.
        """
        ...

    async def finalize(self) -> None:
        """The caller has paused: deliver what is pending as a final, an empty one if none."""
        ...

    def __aiter__(self) -> AsyncIterator[STTEvent]:
        """Events until the session closes; ends or raises when the vendor hangs up."""
        ...


@attrs.frozen(kw_only=True)
class STTTraits(ProviderTraits):
    """What a recogniser may tell of itself beside `STT`.

    *chunk_ms*: how much audio one `send` should carry; two frames of a telephone are so few that
    no recogniser notices the end of a voice later. *endpoints*: it sends TurnEnded. *hears_voice*:
    it sends SpeechStarted and SpeechEnded, so that it can be the voice detector, too.
    """

    chunk_ms: int = attrs.field(default=40, validator=attrs.validators.gt(0))
    endpoints: bool = False
    hears_voice: bool = False


class STT(Protocol):
    """Settings of a recogniser. What else it may tell is in `STTTraits`."""

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """Formats it can be sent, best first."""
        ...

    def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AbstractAsyncContextManager[STTSession]:
        """Connect for one call; *audio* is one of `accepts`.

        Raises PatterError: AUTH, RATE_LIMIT, CONFIG (there is no such model), CONNECTION,
        TIMEOUT or PROVIDER_ERROR as the vendor answers.
        """
        ...
