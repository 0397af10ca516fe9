"""Cuts a reply that comes in tokens into sentences, as early as the text allows.

A sentence is handed out once what follows shows that it has ended: the next word, unless it is
in lower case or continues an abbreviation ("Dr.", "5 p.m.", "am 3. Juli"). So the same text gives
the same sentences however it was cut into tokens, and nothing but the space between them is left
out. When no more text comes, `flush` gives the rest; when none came for a moment, `pause` does.
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
    is_abbreviated,
)
from patter.text.languages import rules_of
from patter.text.languages.rules import LanguageRules

_CANDIDATE = re.compile(
    rf"(?P<hard>[{re.escape(TERMINATORS + FOREIGN)}]+[{re.escape(CLOSERS)}]*(?:[^\S\n]?»)?)"
    r"|(?P<line>\n+)|(?P<soft>[,—–])"
)
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

    def __attrs_post_init__(self) -> None:
        self._rules = rules_of(self.language)

    # `_seen` is where the search goes on: without it every token would search the whole reply.
    def push(self, token: str) -> list[str]:
        """Add text; return the sentences it has completed, in order, often none."""
        self._text += token
        return self._cut(final=False)

    def pause(self) -> list[str]:
        """The text has paused: return what can be said without knowing how it goes on.

        That is everything if it ends like a sentence, and nothing otherwise. What comes next
        begins a sentence then, whatever it is.
        """
        if not self._is_over():
            return []
        sentences = self._cut(final=True)
        rest = self._text.strip()
        self._text, self._seen, self._first = "", 0, False
        return [*sentences, rest] if rest else sentences

    def flush(self) -> list[str]:
        """Return what is left as the last sentences, if anything is, and begin a new reply."""
        sentences = self._cut(final=True)
        rest = self._text.strip()
        self.reset()
        return [*sentences, rest] if rest else sentences

    def reset(self) -> None:
        """Forget what was pushed and begin a new reply."""
        self._text, self._seen, self._first = "", 0, True

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
        if len(piece.strip()) < self.aggressive_first_min_len or not _is_balanced(piece):
            return False
        if _CURRENCY.search(piece[-9:-1]) or before.endswith(("...", "…")):
            return False
        if before[-1:].isdigit() and after[0].isdigit():
            return False
        follows = after.lstrip()
        return follows[0] not in _OPEN_QUOTES if follows else _undecided(after, final)

    def _is_over(self) -> bool:
        """Does the text end like a sentence, whatever may follow?"""
        text = self._text.rstrip()
        found = list(_CANDIDATE.finditer(text, max(0, len(text) - 8)))
        if not found or not found[-1]["hard"] or found[-1].end() != len(text):
            return False
        mark, before = found[-1]["hard"], text[: found[-1].start()]
        if mark[0] != "." or mark.startswith(".."):
            return True
        return ends(SentenceMark(before, mark, " Aa ", True), self._rules) is True and not (
            before[-1:].isdigit() and len(text) == len(self._text)
        )


def _undecided(after: str, final: bool) -> bool | None:
    """Only space follows so far: wait for more, but not for ever."""
    if final:
        return False
    return None if len(after) < _AFTER else True


def _is_balanced(text: str) -> bool:
    pairs = all(text.count(a) == text.count(b) for a, b in ("()", "[]", "{}", "“”"))
    return pairs and text.count('"') % 2 == 0
