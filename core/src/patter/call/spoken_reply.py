"""The sentences of one reply on their way to the voice, and back, once it begins to say them.

The voice is given them as they are spoken. It says what it begins in its own pieces, of which this
finds what they are as written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import attrs

from patter.call.broken_speech import letters_of
from patter.text.respelling import Respelled, Respelling, respelled


async def one_sentence(text: str) -> AsyncIterator[str]:
    """A reply that is *text*, or none if that is empty."""
    if text:
        yield text


@attrs.define
class PlainReply:
    """Sentences on their way to the voice, and how many characters were taken: TTS is paid so.

    An iterator, not a generator: a reader cancelled while it waits has lost nothing.
    """

    source: AsyncIterator[str]
    characters: int = 0

    def begun(self, text: str) -> tuple[str, None]:
        """What a voice begins that says it begins *text*."""
        return text, None

    def broke_off(self, chars: int) -> None:
        """The last *chars* characters are begun again: they are written as they sound."""

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        sentence = await anext(self.source)
        self.characters += len(sentence)
        return sentence


@attrs.define(eq=False)
class SpokenReply:
    """*source* by *respellings*. *characters*: how many the voice was given.

    An iterator, not a generator: a reader cancelled while it waits has lost nothing.
    """

    source: AsyncIterator[str]
    respellings: tuple[Respelling, ...]
    characters: int = 0
    _pending: list[Respelled] = attrs.field(factory=list, init=False)
    _last: Respelled = attrs.field(factory=lambda: Respelled("", ""), init=False)

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        text = respelled(await anext(self.source), self.respellings)
        self._pending.append(text)
        self.characters += len(text.spoken)
        return text.spoken

    def begun(self, text: str) -> tuple[str, Respelled]:
        """What a voice begins that says it begins *text*: as written, and as it sounds.

        Nothing is written of what belongs to something that has begun already. Spelt
        differently, *text* stands for one sentence.
        """
        part = self._last = self._begun(text)
        return part.written.rstrip(), part

    def broke_off(self, chars: int) -> None:
        """The last *chars* characters of what was begun last are begun again."""
        whole = len(self._last.spoken)
        if (end := max(0, whole - chars)) < whole:
            self._pending.insert(0, self._last.part(end, whole))
            self._last = self._last.part(0, end)

    def _begun(self, text: str) -> Respelled:
        parts, letters = list[Respelled](), letters_of(text)
        while self._pending and (letters or not parts):
            sentence = self._pending.pop(0)
            parts.append(sentence)
            of_sentence = letters_of(sentence.spoken)
            if letters.startswith(of_sentence):
                letters = letters[len(of_sentence) :]
                continue
            if of_sentence.startswith(letters):
                end = _end_of_letters(sentence.spoken, len(letters))
                parts[-1] = sentence.part(0, end)
                self._pending.insert(0, sentence.part(end, len(sentence.spoken)))
            break
        if not parts:
            return Respelled(text, text)
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.followed_by(part)
        return whole


def _end_of_letters(text: str, letters: int) -> int:
    """Where the first *letters* of *text* end, with the marks and the space that follow them."""
    end, spaced = 0, False
    for end, char in enumerate(text):
        if letters <= 0 and (char.isalnum() or (spaced and not char.isspace())):
            return end
        spaced = char.isspace()
        letters -= len(letters_of(char))
    return end + 1
