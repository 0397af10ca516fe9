"""One reply of a voice: utterances that are spoken one after the other, and what comes of them.

An utterance is owed from the moment it is sent until Rime says that it is done.
"""

from __future__ import annotations

import asyncio

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import PatterConnectionError
from patter.providers.tts import Speech
from patter.vendors.speech_session import SpeechReply
from patter_rime._errors import ERRORS
from patter_rime._wire import Chunk, Done, Message, Timestamps
from patter_rime._words import UtteranceWords


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
class Reply(SpeechReply):
    """What came of a reply; *owed* is the utterance that is spoken."""

    errors = ERRORS
    audio: AudioFormat
    owed: Utterance | None = attrs.field(default=None, init=False)
    quiet: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _heard_bytes: int = attrs.field(default=0, init=False)

    @property
    def owes(self) -> bool:
        """Is Rime not done with the utterance?"""
        return self.owed is not None

    def begin(self, text: str, context: str) -> Utterance:
        """*text* is sent, to be spoken as *context*."""
        words = UtteranceWords(text, self.audio.ms_in(self._heard_bytes))
        self.owed = Utterance(context, words)
        self.quiet.clear()
        self.news()
        return self.owed

    def take(self, message: Message) -> None:
        """Take in what Rime sends while this reply is spoken."""
        owed = self.owed
        if owed is None or not owed.is_meant(message):
            return
        self.news()
        match message:
            case Chunk():
                self._hear(owed, message.audio)
            case Timestamps():
                if words := owed.words.hear(message.words):
                    self.put(Speech(b"", words=words))
            case Done():
                self._end(owed)

    def close(self) -> None:
        """There is no further utterance, or nobody listens any more."""
        SpeechReply.close(self)
        self.quiet.set()

    def _hear(self, owed: Utterance, chunk: bytes) -> None:
        ready = owed.half + chunk
        end = len(ready) - len(ready) % self.audio.sample_bytes
        ready, owed.half = ready[:end], ready[end:]
        if ready:
            self._heard_bytes += len(ready)
            text, owed.heard = "" if owed.heard else owed.words.text, True
            self.put(Speech(ready, text))

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
