"""Cuts a reply that comes in tokens into sentences, as early as the text allows.

A sentence is handed out once what follows shows that it has ended: the next word, unless it is
in lower case or continues an abbreviation ("Dr.", "5 p.m.", "am 3. Juli"). So the same text gives
the same sentences however it was cut into tokens, and nothing but the space between them is left
out. When no more text comes, `flush` gives the rest; when none came for a moment, `pause` does.
What is a sentence whatever follows, `settled` gives before anything does.
"""

from __future__ import annotations

import re

import attrs

from patter.text.boundary import (
    CLOSERS,
    FOREIGN,
    OPENERS,
    TERMINATORS,
    SentenceMark,
    ends,
    ends_whatever_follows,
    is_abbreviated,
    is_balanced,
    may_go_on_unspaced,
)
from patter.text.languages import rules_of
from patter.text.languages.rules import LanguageRules

_CANDIDATE = re.compile(
    rf"(?P<hard>[{re.escape(TERMINATORS + FOREIGN)}]+[{re.escape(CLOSERS)}]*(?:[^\S\n]?»)?)"
    r"|(?P<line>\n+)|(?P<soft>[,—–])"
)
_MARKS = TERMINATORS + FOREIGN + CLOSERS
_ENDINGS = frozenset(_MARKS)
_CURRENCY = re.compile(r"[$€£¥₹₩₽₺]")
_OPEN_QUOTES = "\"'“‘«"
# With fewer words, "At 3 p.m." is more likely the beginning of a sentence than one.
_ABBREVIATED_WORDS, _WHOLE_WORDS = 4, 3
# More than any decision needs: without a bound each mark would copy the whole reply.
_BEFORE, _AFTER = 600, 80


@attrs.define(eq=False)
class SentenceChunker:
    """One reply at a time: `push` tokens, then `flush`.

    *min_sentence_len*: characters below which a piece joins the next one, unless it is plainly
    a sentence ("Sure.", at least *min_words_for_short_flush* words). *aggressive_first_flush*
    hands out the first piece of a reply at a comma or dash from *aggressive_first_min_len*
    characters on; not in Italian, whose decimals carry commas. *language* is a tag such as
    ``de`` or ``pt-BR``, for its abbreviations and ordinals.
    """

    min_sentence_len: int = 20
    min_words_for_short_flush: int = 1
    aggressive_first_flush: bool = False
    aggressive_first_min_len: int = 40
    language: str = "en"
    _rules: LanguageRules = attrs.field(init=False, repr=False)
    _text: str = attrs.field(default="", init=False)
    _seen: int = attrs.field(default=0, init=False)
    _first: bool = attrs.field(default=True, init=False)
    _closing: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._rules = rules_of(self.language)

    # `_seen` is where the search goes on: without it every token would search the whole reply.
    def push(self, token: str) -> list[str]:
        """Add text; return the sentences it has completed, in order, often none."""
        if self._closing:
            token = self._without_closers(token)
        self._text += token
        return self._cut(final=False)

    def settled(self) -> list[str]:
        """Return what is a sentence already, whatever comes: it need not wait for a token.

        Whoever streams slowly asks for it after each `push`. What comes next begins a sentence.
        """
        if not self.may_be_over or not self._is_settled():
            return []
        return self._rest()

    @property
    def may_be_over(self) -> bool:
        """Does the text end in a mark that may be the end of a sentence? Cheap."""
        return self._text.rstrip()[-1:] in _ENDINGS

    def pause(self) -> list[str]:
        """The text has paused: return what can be said without knowing how it goes on.

        That is everything if it ends like a sentence, and nothing otherwise. What comes next
        begins a sentence then, whatever it is.
        """
        return self._rest() if self.may_be_over and self._is_over() else []

    def flush(self) -> list[str]:
        """Return what is left as the last sentences, if anything is, and begin a new reply."""
        sentences = self._cut(final=True)
        rest = self._text.strip()
        self.reset()
        return [*sentences, rest] if rest else sentences

    def reset(self) -> None:
        """Forget what was pushed and begin a new reply."""
        self._text, self._seen, self._first, self._closing = "", 0, True, False

    def _rest(self) -> list[str]:
        """Everything, before the text goes on; marks that still come belong to it."""
        sentences = self._cut(final=True)
        rest = self._text.strip()
        self._text, self._seen, self._first, self._closing = "", 0, False, True
        return [*sentences, rest] if rest else sentences

    def _without_closers(self, token: str) -> str:
        """*token* without the marks that end a sentence which was handed out before them."""
        rest = token.lstrip(_MARKS)
        self._closing = not rest
        return rest

    def _cut(self, *, final: bool) -> list[str]:
        sentences: list[str] = []
        start = 0
        while (match := _CANDIDATE.search(self._text, self._seen)) is not None:
            verdict = self._ends(start, match, final)
            if verdict is None:
                self._seen = match.start()
                break
            self._seen = match.end()
            if verdict:
                sentences.append(self._text[start : match.end()].strip())
                start, self._first = match.end(), False
        else:
            self._seen = len(self._text)
        self._text, self._seen = self._text[start:], self._seen - start
        return sentences

    def _ends(self, start: int, match: re.Match[str], final: bool) -> bool | None:
        """Does a sentence end here? None: the text that decides has not come yet."""
        before = self._text[max(start, match.start() - _BEFORE) : match.start()]
        after = self._text[match.end() : match.end() + _AFTER]
        # Whatever the mark, only what follows it decides: "3" may become "3.50".
        if not after:
            return False if final else None
        if match["soft"]:
            return self._ends_softly(before, match["soft"], after, final)
        if match["line"]:
            return self._line_ends(before, match["line"], after, final)
        mark = match["hard"]
        # A closing guillemet may still come behind the space.
        if not final and len(after) == 1 and after.isspace():
            return None
        verdict = ends(SentenceMark(before, mark, after, final), self._rules)
        if verdict is not True:
            return verdict
        long_enough = len((before + mark).strip()) >= self.min_sentence_len
        return long_enough or self._short_is_whole(before, mark)

    def _line_ends(self, before: str, line: str, after: str, final: bool) -> bool | None:
        """A blank line ends a sentence; a line does, unless the next begins in lower case."""
        if len(before.strip()) < max(1, self.min_sentence_len):
            return False
        if len(line) > 1:
            return True
        follows = after.lstrip().lstrip(OPENERS)
        if not follows:
            return _undecided(after, final)
        return not follows[0].islower()

    def _short_is_whole(self, before: str, mark: str) -> bool:
        """May a piece this short go alone? "Sure." may, "12." and "Really?!" wait for more."""
        words = before.split()
        if len(words) < max(1, self.min_words_for_short_flush):
            return False
        if mark[0] == "." and is_abbreviated(before):
            return len(words) >= _ABBREVIATED_WORDS
        marks = sum(char in TERMINATORS + FOREIGN for char in mark)
        plain = marks == 1 and not before[-1].isdigit()
        return plain or (len(words) >= _WHOLE_WORDS and "..." not in mark)

    def _ends_softly(self, before: str, mark: str, after: str, final: bool) -> bool | None:
        if not (self.aggressive_first_flush and self._first) or self.language.startswith("it"):
            return False
        piece = before + mark
        if len(piece.strip()) < self.aggressive_first_min_len or not is_balanced(piece):
            return False
        if _CURRENCY.search(piece[-9:-1]) or before.endswith(("...", "…")):
            return False
        if before[-1:].isdigit() and after[0].isdigit():
            return False
        follows = after.lstrip()
        return follows[0] not in _OPEN_QUOTES if follows else _undecided(after, final)

    def _last_mark(self) -> SentenceMark | None:
        """The mark that the text ends in."""
        text = self._text.rstrip()
        marks = list(_CANDIDATE.finditer(text, max(0, len(text) - 8)))
        if not marks or not marks[-1]["hard"] or marks[-1].end() != len(text):
            return None
        begin = marks[-1].start()
        return SentenceMark(text[max(0, begin - _BEFORE) : begin], marks[-1]["hard"], " Aa ", True)

    def _is_over(self) -> bool:
        """Does the text end like a sentence, whatever may follow?"""
        at = self._last_mark()
        if at is None:
            return False
        if at.mark[0] not in ".!" or at.mark.startswith(".."):
            return True
        spaced = self._text[-1:].isspace()
        return ends(at, self._rules) is True and (spaced or not may_go_on_unspaced(at.before))

    def _is_settled(self) -> bool:
        at = self._last_mark()
        if at is None or not ends_whatever_follows(at, self._rules):
            return False
        long_enough = len((at.before + at.mark).strip()) >= self.min_sentence_len
        return long_enough or self._short_is_whole(at.before, at.mark)


def _undecided(after: str, final: bool) -> bool | None:
    """Only space follows so far: wait for more, but not for ever."""
    if final:
        return False
    return None if len(after) < _AFTER else True
