"""A voice that lives in this process: settings, and one call's session.

A sentence is synthesised in one go in a worker thread, about two milliseconds for two
seconds of speech, and handed out in pieces; so the lock on the library is never held while
anybody waits for a listener.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.audio.convert import convert
from patter.audio.formats import (
    ALAW_8K,
    MULAW_8K,
    PCM16_8K,
    PCM16_16K,
    PCM16_24K,
    AudioFormat,
    Encoding,
)
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.tts import TTS, Speech
from patter_espeak._library import RATE_HZ, Voice, espeak
from patter_espeak._words import cut, portions, word_ends

PCM16_22K = AudioFormat(Encoding.PCM16, RATE_HZ)


def _between(low: int, high: int) -> Callable[[Any, Any, int], None]:
    return attrs.validators.and_(attrs.validators.ge(low), attrs.validators.le(high))


@attrs.frozen(kw_only=True)
class EspeakTTS:
    """How to sound. Immutable: share it between any number of calls.

    *voice* is espeak's name of a voice or language (``en-us``, ``de``), *variant* one of its
    variants (``klatt``, ``f3``), *rate_wpm* words a minute, *pitch* and *volume* 0 to 100,
    *chunk_ms* how much audio comes at a time.
    """

    hosts: ClassVar[tuple[str, ...]] = ()
    produces: ClassVar[tuple[AudioFormat, ...]] = (
        PCM16_22K,
        MULAW_8K,
        PCM16_16K,
        PCM16_8K,
        PCM16_24K,
        ALAW_8K,
    )

    voice: str = attrs.field(default="en-us", converter=str)
    variant: str = attrs.field(default="", converter=str)
    rate_wpm: int = attrs.field(default=160, converter=int, validator=_between(80, 450))
    pitch: int = attrs.field(default=50, converter=int, validator=_between(0, 100))
    volume: int = attrs.field(default=100, converter=int, validator=_between(0, 100))
    chunk_ms: int = attrs.field(default=60, converter=int, validator=_between(20, 1_000))

    async def warm(self) -> None:
        """Load the library, the voice and what converts it: its first sentence finds all there."""
        await asyncio.to_thread(_load, self._espeak_voice())

    def _espeak_voice(self) -> Voice:
        name = f"{self.voice}+{self.variant}" if self.variant else self.voice
        return Voice(name, self.rate_wpm, self.pitch, self.volume)

    @asynccontextmanager
    async def open(
        self,
        call: CallContext,  # noqa: ARG002
        audio: AudioFormat,
    ) -> AsyncIterator[EspeakTTSSession]:
        """Load the library and the voice; raises PatterConfigError if espeak has none such."""
        if audio not in self.produces:
            raise PatterConfigError(
                f"espeak tts does not produce {audio}",
                fix=f"open it with one of {', '.join(map(str, self.produces))}",
            )
        voice = self._espeak_voice()
        await asyncio.to_thread(_check, voice)
        yield EspeakTTSSession(voice, audio, self.chunk_ms)


@attrs.frozen(eq=False)
class EspeakTTSSession:
    """One call's voice. Holds nothing that would have to be closed."""

    _voice: Voice
    _audio: AudioFormat
    _chunk_ms: int

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        """Speak sentence by sentence; closing the iterator stops within a piece."""
        before_ms = 0.0
        unwanted = threading.Event()
        try:
            async for sentence in text:
                for portion in portions(sentence):
                    pieces, length_ms = await asyncio.to_thread(
                        self._speak, portion, before_ms, unwanted
                    )
                    before_ms += length_ms
                    for piece in pieces:
                        yield piece
        finally:
            unwanted.set()

    def _speak(
        self, text: str, before_ms: float, unwanted: threading.Event
    ) -> tuple[list[Speech], float]:
        speech = espeak().say(text, self._voice, unwanted.is_set)
        audio = convert(speech.pcm, PCM16_22K, self._audio)
        length_ms = self._audio.ms_in(len(audio))
        words = word_ends(text, [(w.index, w.ms) for w in speech.words], int(length_ms))
        pieces = cut(audio, words, text, round(before_ms), self._audio, self._chunk_ms)
        return list(pieces), length_ms


def _check(voice: Voice) -> None:
    espeak().check(voice)


def _load(voice: Voice) -> None:
    _check(voice)
    convert(PCM16_22K.silence, PCM16_22K, MULAW_8K)  # imports its resampler


if TYPE_CHECKING:
    _: type[TTS] = EspeakTTS
