"""From LMNT's timed parts of a text to its words (pure).

LMNT times what it generates: words, and what stands between them. Their letters are followed
through the sentence, so that what is told as spoken is always a word of the text, each once and in
its place. A part that is not in the text, such as a number that was written out, is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from patter_lmnt._options import letters
from patter_lmnt._wire import Token

NEAR = 8
"""A part is looked for among so many of the next words: LMNT may leave some out."""


@attrs.frozen
class _Word:
    """A word of the sentence, and where its letters begin and end among all of its letters."""

    text: str
    start: int
    end: int


def _words(text: str) -> tuple[_Word, ...]:
    words, at = list[_Word](), 0
    for word in text.split():
        if size := len(letters(word)):
            words.append(_Word(word, at, at + size))
            at += size
    return tuple(words)


@attrs.define
class SentenceWords:
    """How far into *text* the vendor's parts have come."""

    text: str
    _letters: str = attrs.field(init=False)
    _words: tuple[_Word, ...] = attrs.field(init=False)
    _at: int = attrs.field(default=0, init=False)
    _next: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._words = _words(self.text)
        self._letters = "".join(letters(word.text) for word in self._words)

    def take(self, tokens: Iterable[Token]) -> Iterator[tuple[str, float]]:
        """The words that end with *tokens*, and where, in ms from the sentence's first audio."""
        for token in tokens:
            part = letters(token.text)
            begin = self._place(part) if part else None
            if begin is not None:
                yield from self._advance(begin, begin + len(part), token.end_ms)

    def _place(self, part: str) -> int | None:
        """Where *part* begins among the letters: next, or where one of the next words does."""
        starts = [word.start for word in self._words[self._next : self._next + NEAR]]
        for begin in (self._at, *(start for start in starts if start > self._at)):
            if self._letters.startswith(part, begin):
                return begin
        return None

    def _advance(self, begin: int, end: int, end_ms: float) -> Iterator[tuple[str, float]]:
        """The words that are complete with the letters from *begin* to *end*."""
        self._at = end
        while self._next < len(self._words) and self._words[self._next].end <= end:
            word = self._words[self._next]
            self._next += 1
            # One that was passed over had no time of its own.
            if word.end > begin:
                yield word.text, end_ms
