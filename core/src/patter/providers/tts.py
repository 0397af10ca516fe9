"""Text to speech."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.context import CallContext


@attrs.frozen
class SpokenWord:
    """A word and when it ends, in milliseconds from the first audio of this `say`."""

    text: str
    end_ms: int


@attrs.frozen
class Speech:
    """A piece of audio, any whole number of samples.

    *text* is the text that begins to be spoken with this audio, if the session knows where
    its pieces begin; empty means that it goes on with what came before. *words* are those
    whose end the vendor has told, in order.
    """

    audio: bytes = attrs.field(repr=False)
    text: str = ""
    words: tuple[SpokenWord, ...] = ()


class TTSSession(Protocol):
    """A voice for one call."""

    def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        """Speak one reply, given in sentences as they come.

        Audio follows as soon as it exists; the first sentence must not wait for the second.
        Closing the iterator (``aclose``) cancels the rest at the vendor, within a second.
        One `say` at a time. Raises PatterError when the vendor fails; a sentence with letters
        that ends without audio is a failure, not an end. Of a voice that ends before *text* does
        the rest is asked at once, in another `say`.
        """
        ...


class TTS(Protocol):
    """Settings of a voice. What else it may tell is in `ProviderTraits`."""

    @property
    def produces(self) -> tuple[AudioFormat, ...]:
        """Formats it can deliver, best first."""
        ...

    def open(
        self, call: CallContext, audio: AudioFormat
    ) -> AbstractAsyncContextManager[TTSSession]:
        """Get ready to speak on one call; *audio* is one of `produces`."""
        ...
