"""How far a reply has got: which sentences were sent, and whose the audio is that comes (pure).

A reply is spoken in one context, or in several, one after the other: a context in which nothing
is said for a second expires, and what an agent looks up may take longer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.tts import Speech, SpokenWord
from patter_cartesia._sonic import TimedWord
from patter_cartesia._words import SentenceWords

SLACK_MS = 200.0
"""Times that lie more than this before their sentence count from it, not from the context."""


@attrs.define(eq=False)
class _Sentence:
    text: str
    flush: int
    words: SentenceWords
    heard: bool = False
    begun_ms: float = 0.0
    shift_ms: float | None = None
    pending: list[SpokenWord] = attrs.field(factory=list)


@attrs.define
class Progress:
    """The state of one reply, in *audio*.

    *missed*: a sentence was complete without any audio.
    """

    audio: AudioFormat
    missed: bool = attrs.field(default=False, init=False)
    _context_ms: float = attrs.field(default=0.0, init=False)
    _flushes: int = attrs.field(default=0, init=False)
    _first_flush: int = attrs.field(default=1, init=False)
    _waiting: deque[_Sentence] = attrs.field(factory=deque, init=False)
    _heard_bytes: int = attrs.field(default=0, init=False)
    _half: bytes = attrs.field(default=b"", init=False)
    _end_ms: int = attrs.field(default=0, init=False)

    @property
    def owes(self) -> bool:
        """May audio still come of what was sent?"""
        return bool(self._waiting)

    @property
    def begun(self) -> bool:
        """Has some of the audio that is owed come?"""
        return any(each.heard for each in self._waiting)

    @property
    def heard_ms(self) -> float:
        """How much audio has come."""
        return self.audio.ms_in(self._heard_bytes)

    def begin(self) -> None:
        """What is sent from now on is sent in another context."""
        self._context_ms = self.heard_ms
        self._flushes, self._first_flush = 0, 1

    def sent(self, text: str) -> None:
        """A sentence was sent, and flushed."""
        self._flushes += 1
        self._waiting.append(_Sentence(text, self._flushes, SentenceWords(text)))

    def chunk(self, data: bytes, flush: int | None) -> Speech | None:
        """What can be played of audio that has come: whole samples."""
        words = [] if flush is None else self._finish(self._number(flush) - 1)
        before_ms, audio = self.heard_ms, self._whole(data)
        if not audio and not words:
            return None
        begun = [each for each in self._waiting if not each.heard and audio]
        if flush is not None:
            begun = [each for each in begun if each.flush == self._number(flush)]
        for sentence in begun:
            sentence.heard, sentence.begun_ms = True, before_ms
            words += self._take(sentence)
        return Speech(audio, " ".join(each.text for each in begun), tuple(words))

    def times(self, words: Iterable[TimedWord], flush: int | None) -> Speech | None:
        """Words whose end is told; those of a sentence that has not begun wait for it."""
        spoken_words = list[SpokenWord]()
        for word in words:
            for sentence in self._waiting:
                fits = flush is None or sentence.flush == self._number(flush)
                if fits and self._hear(sentence, word):
                    spoken_words += self._take(sentence) if sentence.heard else []
                    break
        return Speech(b"", "", tuple(spoken_words)) if spoken_words else None

    def flushed(self, flush: int) -> Speech | None:
        """Sentence *flush* of the context is complete, and so are those before it."""
        words = self._finish(self._number(flush))
        return Speech(b"", "", tuple(words)) if words else None

    def done(self) -> Speech | None:
        """The context is over: everything in it is complete."""
        return self.flushed(self._flushes + self._first_flush)

    def unheard(self) -> list[str]:
        """The sentences that were sent and have not begun, which are owed no more."""
        texts = [each.text for each in self._waiting if not each.heard]
        self._waiting = deque(each for each in self._waiting if each.heard)
        return texts

    def _number(self, flush: int) -> int:
        """Which sentence of the context that is, from 1 on, should Cartesia count from 0."""
        self._first_flush = min(self._first_flush, flush)
        return flush + 1 - self._first_flush

    def _hear(self, sentence: _Sentence, word: TimedWord) -> bool:
        if sentence.shift_ms is None:
            begun_ms = sentence.begun_ms if sentence.heard else self.heard_ms
            anew = self._context_ms + word.start_ms + SLACK_MS < begun_ms
            sentence.shift_ms = begun_ms if anew else self._context_ms
        words = sentence.words.hear(word.text, sentence.shift_ms + word.end_ms)
        sentence.pending += words or []
        return words is not None

    def _take(self, sentence: _Sentence) -> list[SpokenWord]:
        """The words of *sentence* that were told since, in order."""
        pending, sentence.pending = sentence.pending, []
        taken = []
        for word in pending:
            self._end_ms = max(self._end_ms, word.end_ms)
            taken.append(SpokenWord(word.text, self._end_ms))
        return taken

    def _finish(self, number: int) -> list[SpokenWord]:
        """The sentences to the *number*-th of the context are complete: the rest of their words."""
        words = list[SpokenWord]()
        while self._waiting and self._waiting[0].flush <= number:
            sentence = self._waiting.popleft()
            self.missed = self.missed or not sentence.heard
            sentence.pending += sentence.words.rest(self.heard_ms)
            words += self._take(sentence)
            self._half = b""
        return words

    def _whole(self, data: bytes) -> bytes:
        """The samples that are complete; half of one waits for the other."""
        ready = self._half + data
        size = len(ready) - len(ready) % self.audio.sample_bytes
        ready, self._half = ready[:size], ready[size:]
        self._heard_bytes += size
        return ready
