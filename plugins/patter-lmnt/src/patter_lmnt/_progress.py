"""Which sentences of a reply were sent, and what came of them: audio, words, ends (pure).

Audio has no label: it belongs to the oldest sentence whose flush LMNT has not completed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import attrs

from patter.audio.formats import AudioFormat
from patter.providers.tts import Speech, SpokenWord
from patter_lmnt._wire import Token
from patter_lmnt._words import SentenceWords


@attrs.define
class _Sentence:
    text: str
    nonce: int
    words: SentenceWords
    heard: bool = False


@attrs.define
class Progress:
    """A reply in *audio*, sentence by sentence."""

    audio: AudioFormat
    _waiting: deque[_Sentence] = attrs.field(factory=deque, init=False)
    _half: bytes = attrs.field(default=b"", init=False)
    _size: int = attrs.field(default=0, init=False)
    _from_ms: float = attrs.field(default=0.0, init=False)
    _timed: list[SpokenWord] = attrs.field(factory=list, init=False)
    _end_ms: int = attrs.field(default=0, init=False)

    @property
    def owes(self) -> int:
        """Of how many sentences audio may still come."""
        return len(self._waiting)

    @property
    def nonces(self) -> frozenset[int]:
        """Of the flushes that were not completed."""
        return frozenset(sentence.nonce for sentence in self._waiting)

    def add(self, text: str, nonce: int) -> None:
        """*text* is sent, and flushed with *nonce*."""
        self._waiting.append(_Sentence(text, nonce, SentenceWords(text)))

    def hear(self, chunk: bytes) -> Speech | None:
        """What can be played of what has come: whole samples, and words whose end is timed."""
        if not self._waiting:
            return None
        ready = self._half + chunk
        end = len(ready) - len(ready) % self.audio.sample_bytes
        ready, self._half = ready[:end], ready[end:]
        if not ready:
            return None
        self._size += len(ready)
        first = self._waiting[0]
        text, first.heard = "" if first.heard else first.text, True
        return Speech(ready, text, self._take_words())

    def time(self, tokens: Iterable[Token]) -> None:
        """LMNT has timed *tokens*, from the first audio of the sentence that is spoken."""
        if self._waiting:
            for text, end_ms in self._waiting[0].words.take(tokens):
                self._end_ms = max(self._end_ms, round(self._from_ms + end_ms))
                self._timed.append(SpokenWord(text, self._end_ms))

    def end(self, nonce: int) -> bool:
        """The flush with *nonce* is complete, and so are those before it.

        False when one of them was not heard.
        """
        complete = True
        while self._waiting and self._waiting[0].nonce <= nonce:
            sentence = self._waiting.popleft()
            complete = complete and sentence.heard
            self._half, self._from_ms = b"", self.audio.ms_in(self._size)
        return complete

    def rest(self) -> Speech | None:
        """Words that were timed after their audio."""
        words = self._take_words()
        return Speech(b"", "", words) if words else None

    def _take_words(self) -> tuple[SpokenWord, ...]:
        words, self._timed = tuple(self._timed), []
        return words
