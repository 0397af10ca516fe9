"""Going on where another model broke off: what is asked for, and what of it is new.

Pure. A model that is asked to go on may begin anew, or say the last words again: what was said
already is taken out, so that the caller hears no word twice.
"""

from __future__ import annotations

import re

import attrs

from patter.providers.llm import LLMRequest, Message

GO_ON = (
    "[Your answer broke off there. Go on exactly where it stops, in the middle of the sentence "
    "if need be, and in its language. Repeat nothing of it, and do not mention this.]"
)

MS_PER_LETTER = 60.0
"""How long a letter takes to be said."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
"""Letters of scripts that put no space between words."""

# Compiled when a model first breaks off: it would be a hundredth of what every start takes.
_WORD = rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+"
_IS_UNSPACED = f"[{_UNSPACED}]"


def continued(request: LLMRequest, text: str) -> LLMRequest:
    """*request* by a model that is to go on after *text*."""
    rows = (Message("assistant", text), Message("user", GO_ON))
    return attrs.evolve(request, messages=(*request.messages, *rows))


@attrs.define
class WholeWords:
    """Lets text through as it comes, but for a word that may not be at its end yet.

    So what is through ends where a word does, and another model can go on there.
    """

    _kept: str = ""

    def push(self, text: str) -> str:
        """Take the next piece; what is through."""
        text = self._kept + text
        end = len(text)
        while end and text[end - 1].isalnum():
            end -= 1
        self._kept = text[end:]
        return text[:end]

    def flush(self) -> str:
        """There is no more."""
        kept, self._kept = self._kept, ""
        return kept

    def drop(self) -> None:
        """Forget the word that was not at its end."""
        self._kept = ""


@attrs.define
class Continuation:
    """Text that goes on after *text*, without what it repeats: its last words, or all of it.

    It is kept back until that is clear, for no longer than *text* is.
    """

    text: str
    _letters: str = attrs.field(init=False)
    _starts: list[int] = attrs.field(init=False)
    _kept: str = attrs.field(default="", init=False)
    _decided: bool = attrs.field(default=False, init=False)
    _repeats: bool = attrs.field(default=False, init=False)
    _joined: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._letters, self._starts = "", []
        for word in re.findall(_WORD, self.text):
            self._starts.append(len(self._letters))
            self._letters += letters_of(word)

    def push(self, text: str) -> str:
        """Take the next piece; what of it is new."""
        if self._decided:
            return self._join(text)
        self._kept += text
        letters = letters_of(self._kept)
        # At its end a word may go on: "five" is no repetition in "fiveteen".
        open_end = self._kept[-1:].isalnum()
        if not letters or any(self._may_repeat(start, letters, open_end) for start in self._starts):
            return ""
        return self._decide()

    def flush(self) -> str:
        """There is no more."""
        return "" if self._decided else self._decide()

    def _may_repeat(self, start: int, letters: str, open_end: bool) -> bool:
        """Is *letters* the beginning of a repetition that is not complete?"""
        earlier = self._letters[start:]
        return earlier.startswith(letters) and (len(letters) < len(earlier) or open_end)

    def _decide(self) -> str:
        self._decided = True
        kept, self._kept = self._kept, ""
        for start in self._starts:
            if (end := _end_of(self._letters[start:], kept)) is not None:
                self._repeats = True
                return self._join(kept[end:])
        return self._join(kept)

    def _join(self, text: str) -> str:
        """*text* as it comes, but for the marks and the space between it and what was before."""
        if self._joined:
            return text
        if self._repeats:
            text = _after_marks(text, self.text)
        if self.text[-1:].isspace():
            text = text.lstrip()
        elif text[:1].isalnum() and not _runs_on(self.text[-1:], text[0]):
            text = f" {text}"
        self._joined = bool(text)
        return text


def letters_of(text: str) -> str:
    """What of *text* is spoken, whatever its case."""
    return "".join(filter(str.isalnum, text)).casefold()


def _end_of(earlier: str, text: str) -> int | None:
    """Where *text* has repeated all of *earlier*, at the end of a word; None if it has not."""
    letters = ""
    for at, each in enumerate(text):
        letters += letters_of(each)
        if len(letters) >= len(earlier):
            after = text[at + 1 : at + 2]
            ends = not after.isalnum() or _runs_on(each, after)
            return at + 1 if letters == earlier and ends else None
        if not earlier.startswith(letters):
            return None
    return None


def _runs_on(before: str, after: str) -> bool:
    """Does one word follow another here without a space?"""
    return bool(re.match(_IS_UNSPACED, before) or re.match(_IS_UNSPACED, after))


def _after_marks(rest: str, text: str) -> str:
    """*rest* without the marks that *text* has at its end already."""
    stripped = text.rstrip()
    if stripped and not stripped[-1].isalnum():
        while rest and not rest[0].isalnum() and not rest[0].isspace():
            rest = rest[1:]
    return rest
