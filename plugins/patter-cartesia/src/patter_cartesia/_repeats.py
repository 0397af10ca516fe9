"""Words that were final before: what a recogniser tells again, and what of it is new (pure)."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

ALIKE = 0.5
"""Words that are less alike than this are others, not the same heard better."""


def rest_of(text: str, given: str) -> str:
    """What of *text* comes after *given*, which was told already; revised words are not new.

    >>> rest_of("a table for two", "A table"), rest_of("a cable for two", "a table")
    (' for two', ' for two')
    >>> rest_of("no, thanks", "a table for"), rest_of("yes", "yes.")
    ('no, thanks', '')
    """
    before = [_letters(word) for word in given.split()]
    if not before:
        return text
    words = list(re.finditer(r"\S+", text))[: len(before)]
    begin = [_letters(word[0]) for word in words]
    if begin != before[: len(begin)]:
        alike = SequenceMatcher(None, " ".join(begin), " ".join(before), autojunk=False).ratio()
        if alike < ALIKE:
            return text
    return text[words[-1].end() :] if words else ""


def _letters(word: str) -> str:
    return "".join(filter(str.isalnum, word)).casefold()
