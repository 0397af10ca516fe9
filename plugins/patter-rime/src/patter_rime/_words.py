"""From the words that Rime times to the words of the text that was to be spoken. Pure.

Rime times what it spoke: words after text normalisation, whose punctuation is a part of them
(Coda) or a word of its own (Mist v2). What is told as heard is always the text's own word; where
Rime spoke another ("$5" as "five dollars"), nothing is told of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from patter.providers.tts import SpokenWord
from patter_rime._wire import TimedWord

NEAR = 8
"""A word is looked for among so many of the text's next words."""


@attrs.define(eq=False)
class UtteranceWords:
    """How much of *text* has been timed; its audio begins *from_ms* after that of the reply."""

    text: str
    from_ms: float = 0.0
    _words: list[str] = attrs.field(init=False)
    _at: int = attrs.field(default=0, init=False)
    _part: str = attrs.field(default="", init=False)
    _end_ms: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._words = [word for word in self.text.split() if letters(word)]
        self._end_ms = round(self.from_ms)

    def hear(self, timed: Iterable[TimedWord]) -> tuple[SpokenWord, ...]:
        """The text's words among those that are *timed*, which come in order."""
        words = []
        for word in timed:
            if (text := self._find(letters(word.text))) is not None:
                self._end_ms = max(self._end_ms, round(self.from_ms + word.end_s * 1_000))
                words.append(SpokenWord(text, self._end_ms))
        return tuple(words)

    def _find(self, spoken: str) -> str | None:
        """The word that ends with *spoken*, which may be a part of it; None when none does."""
        if not spoken:
            return None
        # "well-known" may be timed as two words.
        for whole in dict.fromkeys((self._part + spoken, spoken)):
            ahead = [letters(word) for word in self._words[self._at : self._at + NEAR]]
            if ahead and ahead[0] != whole and ahead[0].startswith(whole):
                self._part = whole
                return None
            if whole in ahead:
                self._at, self._part = self._at + ahead.index(whole) + 1, ""
                return self._words[self._at - 1]
        self._part = ""
        return None


def letters(text: str) -> str:
    """What of *text* is spoken: letters and digits, whatever their case.

    >>> letters("Don't!")
    'dont'
    """
    return "".join(filter(str.isalnum, text)).casefold()
