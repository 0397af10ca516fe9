"""Cuts a reply that comes in tokens into sentences, as early as the text allows.

A sentence is handed out once what follows shows that it has ended: a space and, where a
period is doubtful ("Dr.", "5 p.m.", "Hmm..."), the next word. So the same text gives the same
sentences however it was cut into tokens, and nothing but the space between them is left out.
When no more text comes, or only after a pause, `flush` gives the rest.
"""

from __future__ import annotations

import re

import attrs

_TERMINATORS = ".!?…;"
_FOREIGN = "。！？；．｡।॥؟۔؛։።፧፨។៕།။"
_CLOSERS = "\"'”’»›)]}*_」』】）"
_CANDIDATE = re.compile(
    rf"(?P<hard>[{re.escape(_TERMINATORS + _FOREIGN)}]+[{re.escape(_CLOSERS)}]*)"
    r"|(?P<line>\n+)|(?P<soft>[,—–])"
)
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]", re.ASCII)
_LIST_NUMBER = re.compile(r"(?:.*\n)?\s*\d{1,3}", re.DOTALL)
_CURRENCY = re.compile(r"[$€£¥₹₩₽₺]")
_OPEN_QUOTES = "\"'“‘«"
_OPENERS = _OPEN_QUOTES + "([{*_"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words("""
    mr mrs ms dr prof gen sen rep lt capt col sgt maj rev hon pres gov st mt messrs
    sig sigg dott avv ing arch geom rag sr sra srta lic arq hr fr frl dipl nr bzw usw
    mme mlle eng exmo exma
""")
"""Words whose period introduces what follows."""

_SUFFIXES = _words("""
    inc ltd jr co corp vs etc vol pp ave blvd rd approx dept est fig ext tel a.m p.m
""")
"""Words whose period ends a sentence only if a capital follows."""

_ALWAYS_MIDDLE = _words("e.g i.e cf viz")
_DIGIT_FOLLOWS = _words("no nos art p pg")


@attrs.define(eq=False)
class SentenceChunker:
    """One reply at a time: `push` tokens, then `flush`.

    *min_sentence_len*: characters below which a piece joins the next one, unless it is plainly
    a sentence ("Sure.", at least *min_words_for_short_flush* words). *aggressive_first_flush*
    hands out the first piece of a reply at a comma or dash from *aggressive_first_min_len*
    characters on; not in Italian, whose decimals carry commas.
    """

    min_sentence_len: int = 20
    min_words_for_short_flush: int = 1
    aggressive_first_flush: bool = False
    aggressive_first_min_len: int = 40
    language: str = "en"
    _text: str = attrs.field(default="", init=False)
    _seen: int = attrs.field(default=0, init=False)
    _first: bool = attrs.field(default=True, init=False)

    # `_seen` is where the search goes on: without it every token would search the whole reply.
    def push(self, token: str) -> list[str]:
        """Add text; return the sentences it has completed, in order, often none."""
        self._text += token
        sentences: list[str] = []
        start = 0
        while (match := _CANDIDATE.search(self._text, self._seen)) is not None:
            ends = self._ends(start, match)
            if ends is None:
                self._seen = match.start()
                break
            self._seen = match.end()
            if ends:
                sentences.append(self._text[start : match.end()].strip())
                start, self._first = match.end(), False
        else:
            self._seen = len(self._text)
        self._text, self._seen = self._text[start:], self._seen - start
        return sentences

    def flush(self) -> list[str]:
        """Return what is left as a last sentence, if anything is, and begin a new reply."""
        rest = self._text.strip()
        self.reset()
        return [rest] if rest else []

    def reset(self) -> None:
        """Forget what was pushed and begin a new reply."""
        self._text, self._seen, self._first = "", 0, True

    def _ends(self, start: int, match: re.Match[str]) -> bool | None:
        """Does a sentence end here? None: the text that decides has not come yet."""
        before, after = self._text[start : match.start()], self._text[match.end() :]
        # Whatever the mark, only what follows it decides: "3" may become "3.50".
        if not after:
            return None
        if match["soft"]:
            return self._ends_softly(before, match["soft"], after)
        if match["line"]:
            return len(before.strip()) >= max(1, self.min_sentence_len)
        mark = match["hard"]
        if mark[0] not in _FOREIGN and (verdict := _stops(before, mark, after)) is not True:
            return verdict
        long_enough = len((before + mark).strip()) >= self.min_sentence_len
        return long_enough or self._short_is_whole(before, mark)

    def _short_is_whole(self, before: str, mark: str) -> bool:
        """May a piece this short go alone? A list number or an acronym may not."""
        words = before.split()
        if len(words) < max(1, self.min_words_for_short_flush):
            return False
        if sum(char in _TERMINATORS + _FOREIGN for char in mark) != 1 or before[-1].isdigit():
            return False
        last = _last_word(before)
        acronym = last.isascii() and last.isupper() and len(last) <= 3
        return not (mark[0] == "." and acronym)

    def _ends_softly(self, before: str, mark: str, after: str) -> bool | None:
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
        return follows[0] not in _OPEN_QUOTES if follows else None


def _stops(before: str, mark: str, after: str) -> bool | None:
    """Is *mark* the end of a sentence, as far as the text around it tells?"""
    if not after[0].isspace() or (mark == "." and _LIST_NUMBER.fullmatch(before)):
        return False
    if not _period_is_doubtful(before, mark):
        return True
    follows = after.lstrip()
    return _begins_sentence(_last_word(before), follows) if follows else None


def _last_word(before: str) -> str:
    if not before or before[-1].isspace():
        return ""
    return before.rsplit(maxsplit=1)[-1].lstrip(_OPENERS)


def _period_is_doubtful(before: str, mark: str) -> bool:
    """Must the next word be seen to tell whether this period, or these, end a sentence?"""
    if mark.startswith(("..", "…")):
        return True
    if not mark.startswith("."):
        return False
    word = _last_word(before)
    doubtful = _TITLES | _SUFFIXES | _ALWAYS_MIDDLE | _DIGIT_FOLLOWS
    return word.lower() in doubtful or _is_initial(word)


def _begins_sentence(word: str, after: str) -> bool:
    """After a doubtful period behind *word*: does *after* begin a new sentence?"""
    low = word.lower()
    if low in _DIGIT_FOLLOWS:
        return not after[0].isdigit()
    if low in _SUFFIXES:
        return after[0].isupper()
    if low in _TITLES or low in _ALWAYS_MIDDLE or _is_initial(word):
        return False
    return not after[0].islower()


def _is_initial(word: str) -> bool:
    """The J of "J. Smith", the U.S of "U.S. Army"."""
    single = len(word) == 1 and word.isalpha() and word != "I"
    return single or _DOTTED.fullmatch(word) is not None


def _is_balanced(text: str) -> bool:
    pairs = all(text.count(a) == text.count(b) for a, b in ("()", "[]", "{}", "“”"))
    return pairs and text.count('"') % 2 == 0
