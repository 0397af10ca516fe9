"""One reply of a voice: utterances that are spoken one after the other, and what comes of them.

An utterance is owed from the moment it is sent until Rime says that it is done.
"""

from __future__ import annotations

import asyncio

import attrs

from patter.aio import Full, Mailbox
from patter.audio.formats import AudioFormat
from patter.clock import Clock, Timer
from patter.errors import PatterConnectionError
from patter.providers.tts import Speech
from patter_rime._errors import ERRORS
from patter_rime._wire import Chunk, Done, Message, Timestamps
from patter_rime._words import UtteranceWords

MOST_UNREAD = 20_000
"""Pieces of a reply that nobody has read; hours of audio."""


@attrs.define(eq=False)
class Utterance:
    """What is spoken as *context*. *flushed*: Rime was told to; *labelled*: it names the context.

    *half* is the sample whose other byte has not come yet.
    """

    context: str
    words: UtteranceWords
    flushed: bool = False
    heard: bool = False
    labelled: bool = False
    half: bytes = b""

    def is_meant(self, message: Message) -> bool:
        """Is *message* about this utterance? One without a context is about what is spoken."""
        context: str = getattr(message, "context", "")
        if context:
            self.labelled = self.labelled or context == self.context
            return context == self.context
        return not self.labelled


@attrs.define(eq=False)
class Reply:
    """What came of a reply; *out* ends with it, or with its *failure*.

    Audio that is owed, and does not come for *timeout_ms*, is a failure.
    """

    audio: AudioFormat
    clock: Clock
    timeout_ms: float
    out: Mailbox[Speech] = attrs.field(factory=lambda: Mailbox(MOST_UNREAD, Full.REFUSE))
    failure: BaseException | None = attrs.field(default=None, init=False)
    owed: Utterance | None = attrs.field(default=None, init=False)
    quiet: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _heard_bytes: int = attrs.field(default=0, init=False)
    _news_ms: float = attrs.field(default=0.0, init=False)
    _timer: Timer | None = attrs.field(default=None, init=False)

    def begin(self, text: str, context: str) -> Utterance:
        """*text* is sent, to be spoken as *context*."""
        words = UtteranceWords(text, self.audio.ms_in(self._heard_bytes))
        self.owed = Utterance(context, words)
        self.quiet.clear()
        self._news()
        self._watch()
        return self.owed

    def take(self, message: Message) -> None:
        """Take in what Rime sends while this reply is spoken."""
        owed = self.owed
        if owed is None or not owed.is_meant(message):
            return
        self._news()
        match message:
            case Chunk():
                self._hear(owed, message.audio)
            case Timestamps():
                if words := owed.words.hear(message.words):
                    self._put(Speech(b"", words=words))
            case Done():
                self._end(owed)

    def fail(self, error: BaseException) -> None:
        """It ends here; the first error counts."""
        self.failure = self.failure or error
        self.close()

    def close(self) -> None:
        """There is no further utterance, or nobody listens any more."""
        self.out.close()
        self.quiet.set()
        if self._timer is not None:
            self._timer.cancel()

    def _hear(self, owed: Utterance, chunk: bytes) -> None:
        ready = owed.half + chunk
        end = len(ready) - len(ready) % self.audio.sample_bytes
        ready, owed.half = ready[:end], ready[end:]
        if ready:
            self._heard_bytes += len(ready)
            text, owed.heard = "" if owed.heard else owed.words.text, True
            self._put(Speech(ready, text))

    def _end(self, owed: Utterance) -> None:
        self.owed = None
        if not owed.heard:
            self.fail(
                PatterConnectionError(
                    "Rime sent no audio for a sentence",
                    fix="try again; see that the model has the speaker and the lang",
                )
            )
        self.quiet.set()

    def _put(self, speech: Speech) -> None:
        if not self.out.put(speech):
            self.fail(PatterConnectionError("nobody takes the audio", fix="read what is said"))

    def _news(self) -> None:
        self._news_ms = self.clock.ms()

    def _watch(self) -> None:
        """Look again when Rime, which owes audio, may have been silent for too long."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.clock.at(self._news_ms + self.timeout_ms, self._look)

    def _look(self) -> None:
        if self.owed is None:
            return
        if self.clock.ms() - self._news_ms + 1 < self.timeout_ms:
            self._watch()
        else:
            self.fail(ERRORS.late())
