"""From the words that Sonic times to those of a sentence (pure).

Sonic times words, in Chinese or Japanese single characters, and now and then what it made of a
number. They are looked up letter by letter in the sentence, so that what is told as spoken is
always the sentence's own.
"""

from __future__ import annotations

import attrs

from patter.providers.tts import SpokenWord

NEAR = 8
"""A word is looked for among so many of the next words: some are left out, or told otherwise."""


@attrs.frozen
class _Token:
    """A word of the sentence, between two positions in its letters."""

    text: str
    start: int
    end: int


@attrs.define(eq=False)
class SentenceWords:
    """Which words of a sentence have been told; *timed* once any was.

    >>> words = SentenceWords("Call 4242 now.")
    >>> heard = words.hear("Call", 300), words.hear("four", 500), words.hear("now.", 1_500)
    >>> [told and [(word.text, word.end_ms) for word in told] for told in heard]
    [[('Call', 300)], None, [('4242', 1500), ('now.', 1500)]]
    """

    sentence: str
    timed: bool = attrs.field(default=False, init=False)
    _letters: str = attrs.field(default="", init=False)
    _tokens: list[_Token] = attrs.field(factory=list, init=False)
    _at: int = attrs.field(default=0, init=False)
    _next: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        for word in self.sentence.split():
            if spelled := letters(word):
                start = len(self._letters)
                self._letters += spelled
                self._tokens.append(_Token(word, start, len(self._letters)))

    def hear(self, word: str, end_ms: float) -> list[SpokenWord] | None:
        """*word* ends at *end_ms*: the words that are over with it; None if it is not said here."""
        spelled = letters(word)
        if not spelled or not (end := self._find(spelled)):
            return None
        self._at, self.timed = end, True
        return self._over(end_ms)

    def rest(self, end_ms: float) -> list[SpokenWord]:
        """The sentence is over at *end_ms*: the words that were not told; none if none was."""
        if not self.timed:
            return []
        self._at = len(self._letters)
        return self._over(end_ms)

    def _find(self, spelled: str) -> int:
        """Where *spelled* ends in the letters that follow, 0 if it is not there."""
        if self._letters.startswith(spelled, self._at):
            return self._at + len(spelled)
        for token in self._tokens[self._next : self._next + NEAR]:
            if self._letters[token.start : token.end] == spelled:
                return token.end
        return 0

    def _over(self, end_ms: float) -> list[SpokenWord]:
        first = self._next
        while self._next < len(self._tokens) and self._tokens[self._next].end <= self._at:
            self._next += 1
        return [SpokenWord(token.text, int(end_ms)) for token in self._tokens[first : self._next]]


def letters(text: str) -> str:
    """What of *text* is spoken: letters and digits, whatever their case.

    >>> letters("Don't!")
    'dont'
    """
    # Folding first: it makes two characters of some, of which one is no letter.
    return "".join(filter(str.isalnum, text.casefold()))
