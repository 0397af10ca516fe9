"""A voice whose audio can be read: every letter is a stretch of one sample value.

So a test can tell from the bytes a caller was played exactly which letters were heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import groupby
from typing import TYPE_CHECKING

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConnectionError, PatterError
from patter.providers.context import CallContext
from patter.providers.tts import TTS, Speech, SpokenWord
from patter_testing.fakes.stt import EVERY_FORMAT, optional_ms

MS_PER_LETTER = 60


@attrs.frozen(kw_only=True)
class FakeTTS:
    """Speaks *ms_per_letter* a letter, in pieces of *piece_ms*, words timed if *timed*.

    The first audio of a sentence comes *first_ms* late. At so many milliseconds of audio a
    reply *fails_at_ms* (raises), *stalls_at_ms* (nothing more comes) or *closes_at_ms* (ends
    as if complete); 0 is before the first audio. *refuses* is raised by `open`.
    """

    ms_per_letter: int = attrs.field(default=MS_PER_LETTER, converter=int)
    piece_ms: int = attrs.field(default=100, converter=int)
    first_ms: float = attrs.field(default=0.0, converter=float)
    timed: bool = attrs.field(default=False, converter=attrs.converters.to_bool)
    refuses: PatterError | None = None
    fails_at_ms: float | None = attrs.field(default=None, converter=optional_ms)
    stalls_at_ms: float | None = attrs.field(default=None, converter=optional_ms)
    closes_at_ms: float | None = attrs.field(default=None, converter=optional_ms)
    produces: tuple[AudioFormat, ...] = EVERY_FORMAT
    sessions: list[FakeTTSSession] = attrs.field(factory=list, init=False, repr=False, eq=False)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[FakeTTSSession]:
        if self.refuses is not None:
            raise self.refuses
        session = FakeTTSSession(self, call, audio)
        self.sessions.append(session)
        yield session


@attrs.define(eq=False)
class FakeTTSSession:
    """One call's voice; *sentences* are those to be spoken, *cancelled* how many replies."""

    settings: FakeTTS
    call: CallContext
    audio: AudioFormat
    sentences: list[str] = attrs.field(factory=list, init=False)
    cancelled: int = attrs.field(default=0, init=False)

    async def say(self, text: AsyncIterator[str]) -> AsyncIterator[Speech]:
        done_ms = 0.0
        try:
            async for sentence in text:
                self.sentences.append(sentence)
                await asyncio.sleep(self.settings.first_ms / 1_000)
                for piece in self._pieces(sentence, done_ms):
                    if await self._ends(done_ms):
                        return
                    yield piece
                    done_ms += self.audio.ms_in(len(piece.audio))
                if await self._ends(done_ms):
                    return
        except (GeneratorExit, asyncio.CancelledError):
            self.cancelled += 1
            raise

    def _pieces(self, sentence: str, from_ms: float) -> Iterator[Speech]:
        audio = spoken(sentence, self.audio, self.settings.ms_per_letter)
        words = self._words(sentence, from_ms) if self.settings.timed else []
        size = self.audio.bytes_in(self.settings.piece_ms)
        for at in range(0, len(audio), size):
            piece = audio[at : at + size]
            until = from_ms + self.audio.ms_in(at + len(piece))
            ended = tuple(word for word in words if word.end_ms <= until)
            words = words[len(ended) :]
            yield Speech(piece, text="" if at else sentence, words=ended)

    def _words(self, sentence: str, from_ms: float) -> list[SpokenWord]:
        words, at = [], 0
        for word in sentence.split():
            at = sentence.index(word, at) + len(word)
            words.append(SpokenWord(word, int(from_ms + at * self.settings.ms_per_letter)))
        return words

    async def _ends(self, done_ms: float) -> bool:
        """Fail, stall or close as set, once *done_ms* were delivered; True to stop early."""
        settings = self.settings
        if settings.fails_at_ms is not None and done_ms >= settings.fails_at_ms:
            raise PatterConnectionError("the fake voice failed", fix="try again")
        if settings.stalls_at_ms is not None and done_ms >= settings.stalls_at_ms:
            await asyncio.get_running_loop().create_future()
        return settings.closes_at_ms is not None and done_ms >= settings.closes_at_ms


def spoken(text: str, audio: AudioFormat, ms_per_letter: int = MS_PER_LETTER) -> bytes:
    """The audio of *text*: never silence, and readable by `read_back`."""
    count = audio.bytes_in(ms_per_letter) // audio.sample_bytes
    return b"".join(_sample(letter, audio) * count for letter in text)


def read_back(heard: bytes, audio: AudioFormat, ms_per_letter: int = MS_PER_LETTER) -> str:
    """The letters in *heard*, silence left out; a letter counts once half of it is there."""
    size, whole = audio.sample_bytes, audio.bytes_in(ms_per_letter)
    samples = (heard[at : at + size] for at in range(0, len(heard), size))
    letters = []
    for sample, run in groupby(samples):
        if sample != audio.silence:
            count = (2 * size * sum(1 for _ in run) + whole) // (2 * whole)
            letters.append(chr(sample[-1]) * count)
    return "".join(letters)


def _sample(letter: str, audio: AudioFormat) -> bytes:
    code = ord(letter) if " " <= letter <= "~" else 0x21 + ord(letter) % 90
    return bytes([0, code]) if audio.sample_bytes == 2 else bytes([code])


if TYPE_CHECKING:
    _: type[TTS] = FakeTTS
