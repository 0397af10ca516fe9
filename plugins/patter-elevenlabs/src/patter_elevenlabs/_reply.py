"""One reply of a voice: sentences that go up, and their audio and words that come down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import attrs

from patter.aio import Mailbox
from patter.audio.formats import AudioFormat
from patter.clock import Clock
from patter.errors import PatterConnectionError
from patter.providers.tts import Speech, SpokenWord
from patter_elevenlabs._contexts import Contexts, Heard
from patter_elevenlabs._errors import ERRORS
from patter_elevenlabs._wire import Piece
from patter_elevenlabs._words import ReplyWords


@attrs.define(eq=False)
class VoicedReply:
    """What is said in *context*, and heard in *inbox*; nothing is owed for over *timeout_ms*."""

    contexts: Contexts
    context: str
    inbox: Mailbox[Heard]
    clock: Clock
    audio: AudioFormat
    timeout_ms: float
    words: ReplyWords = attrs.field(factory=ReplyWords, init=False)
    _ended: bool = attrs.field(default=False, init=False)
    _heard_bytes: int = attrs.field(default=0, init=False)
    _half: bytes = attrs.field(default=b"", init=False)
    _since_ms: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._since_ms = self.clock.ms()

    async def speak(self, sentence: str) -> None:
        """Send *sentence*. Raises PatterError."""
        self.words.add(sentence)
        self._since_ms = self.clock.ms()
        await self.contexts.speak(self.context, sentence)

    async def send(self, text: AsyncIterator[str]) -> None:
        """Send each sentence of *text* when it comes; what fails, fails whoever listens."""
        try:
            async for sentence in text:
                await self.speak(sentence)
            self._ended, self._since_ms = True, self.clock.ms()
            if self.words.sentences:
                await self.contexts.close(self.context)
            else:
                self.inbox.put(Piece(self.context, final=True))
        except Exception as failed:
            self.inbox.put(failed)

    async def heard(self) -> AsyncIterator[Speech]:
        """The audio. Raises PatterError when it breaks or is owed too long, and what *text* did."""
        final = False
        while not final:
            piece = await self._next()
            self._since_ms, final = self.clock.ms(), piece.final
            speech = self._speech(piece)
            if speech.audio or speech.text or speech.words:
                yield speech
        self._check_complete()

    def _speech(self, piece: Piece) -> Speech:
        begins, words = "", tuple[SpokenWord, ...]()
        if piece.audio:
            begins, words = self.words.hear(piece.alignment, self.audio.ms_in(self._heard_bytes))
        if piece.final:
            words += self.words.end()
        return Speech(self._whole(piece.audio), begins, words)

    async def _next(self) -> Piece:
        while (left_ms := self.timeout_ms - self._owed_ms) > 0:
            try:
                async with asyncio.timeout(left_ms / 1_000):
                    item = await anext(self.inbox)
            except TimeoutError:
                continue
            if isinstance(item, Exception):
                raise item
            return item
        raise ERRORS.late()

    @property
    def _owed_ms(self) -> float:
        """How long something has been owed: audio of what was sent, or the end."""
        owes = self._ended or self.words.waiting
        return self.clock.ms() - self._since_ms if owes else 0.0

    def _whole(self, audio: bytes) -> bytes:
        """The samples that are complete; half of one waits for the other."""
        audio = self._half + audio
        size = len(audio) - len(audio) % self.audio.sample_bytes
        self._half = audio[size:]
        self._heard_bytes += size
        return audio[:size]

    def _check_complete(self) -> None:
        """Raise PatterConnectionError when something was not spoken."""
        if not self._ended:
            raise ERRORS.hung_up(reason="the reply was not over")
        if self.words.skipped or (self.words.has_letters and not self._heard_bytes):
            raise PatterConnectionError(
                "ElevenLabs sent no audio for a sentence", fix="try again, or use another voice"
            )
