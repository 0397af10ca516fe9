"""From ElevenLabs' timed characters to the words and sentences of a reply.

Pure. Characters come with each piece of audio, timed from its first sample, and are those of the
text that was sent. They are joined into words and looked up in it, so that what is told as spoken
is always the text's own; where they do not fit it, nothing is told of single words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from patter.providers.tts import SpokenWord

NEAR = 8
"""A word is looked for among so many of the text's next words: the vendor may leave some out."""

LOST = 6
"""After so many words in a row that are not in the text, its characters are not believed."""


@attrs.frozen
class Alignment:
    """Characters, and where each begins and how long it lasts, in ms of its piece of audio."""

    chars: tuple[str, ...]
    starts_ms: tuple[float, ...]
    durations_ms: tuple[float, ...]

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Each character, and where it ends."""
        for char, start, duration in zip(
            self.chars, self.starts_ms, self.durations_ms, strict=True
        ):
            yield char, start + duration


@attrs.frozen
class _Token:
    """A word of the text; *last* of its sentence, the *sentence*-th."""

    text: str
    letters: str
    sentence: int
    last: bool


@attrs.define(eq=False)
class ReplyWords:
    """How much of a reply has been spoken."""

    sentences: list[str] = attrs.field(factory=list, init=False)
    aligned: bool = attrs.field(default=False, init=False)
    _tokens: list[_Token] = attrs.field(factory=list, init=False)
    _at: int = attrs.field(default=0, init=False)
    _begun: int = attrs.field(default=0, init=False)
    _word: str = attrs.field(default="", init=False)
    _word_ms: float = attrs.field(default=0.0, init=False)
    _end_ms: int = attrs.field(default=0, init=False)
    _misses: int = attrs.field(default=0, init=False)
    _missed: bool = attrs.field(default=False, init=False)

    def add(self, sentence: str) -> None:
        """*sentence* is sent to be spoken next."""
        words = [(word, spoken) for word in sentence.split() if (spoken := letters(word))]
        index = len(self.sentences)
        self.sentences.append(sentence)
        self._tokens += [
            _Token(word, spoken, index, at + 1 == len(words))
            for at, (word, spoken) in enumerate(words)
        ]

    @property
    def has_letters(self) -> bool:
        """Is there anything to be heard of it?"""
        return bool(self._tokens)

    @property
    def waiting(self) -> bool:
        """Is there a sentence with letters in it that has not begun?"""
        return bool(self._tokens) and self._tokens[-1].sentence >= self._begun

    @property
    def skipped(self) -> bool:
        """Was a sentence left out, as far as that can be known?"""
        return self.waiting and self.aligned and not self._missed

    def hear(
        self, alignment: Alignment | None, from_ms: float
    ) -> tuple[str, tuple[SpokenWord, ...]]:
        """Take in what comes with audio from *from_ms* on: the text that begins, words that end.

        Without characters, or with those of another text, all that was sent has begun.
        """
        before, words = self._begun, list[SpokenWord]()
        for char, end_ms in alignment or ():
            self.aligned = True
            words += self._hear(char, from_ms + end_ms)
        if not self.aligned or self._misses >= LOST:
            self._begun = len(self.sentences)
        return " ".join(self.sentences[before : self._begun]), tuple(words)

    def end(self) -> tuple[SpokenWord, ...]:
        """The reply is over: the word that was not followed by anything."""
        return tuple(self._end_word())

    def _hear(self, char: str, end_ms: float) -> Iterable[SpokenWord]:
        if char.isspace():
            yield from self._end_word()
            return
        if self._is_whole():
            # A sentence's last word is not always followed by a space.
            yield from self._end_word()
        if not self._word and self._at < len(self._tokens):
            self._begin(self._next_sentence())
        self._word, self._word_ms = self._word + char, end_ms

    def _next_sentence(self) -> int:
        """The sentence of the next word, if every word before it was found."""
        token = self._tokens[self._at]
        first = self._at == 0 or self._tokens[self._at - 1].last
        return token.sentence if first else self._begun - 1

    def _begin(self, sentence: int) -> None:
        self._begun = max(self._begun, sentence + 1)

    def _is_whole(self) -> bool:
        if not self._word or self._at >= len(self._tokens):
            return False
        token = self._tokens[self._at]
        return token.last and self._word == token.text

    def _end_word(self) -> Iterable[SpokenWord]:
        word, self._word = letters(self._word), ""
        if not word:
            return
        for index in range(self._at, min(self._at + NEAR, len(self._tokens))):
            token = self._tokens[index]
            if token.letters == word:
                self._at, self._misses = index + 1, 0
                self._begin(token.sentence)
                self._end_ms = max(self._end_ms, round(self._word_ms))
                yield SpokenWord(token.text, self._end_ms)
                return
        self._misses, self._missed = self._misses + 1, True


def letters(text: str) -> str:
    """What of *text* is spoken: letters and digits, whatever their case.

    >>> letters("Don't!")
    'dont'
    """
    kept = text if text.isalnum() else "".join(filter(str.isalnum, text))
    return kept.casefold()
