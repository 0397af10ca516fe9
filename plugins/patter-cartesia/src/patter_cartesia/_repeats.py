"""Words that were final before: what a recogniser tells again, and what of it is new (pure)."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from patter_cartesia._words import letters

ALIKE = 0.5
"""Words that are less alike than this are others, not the same heard better."""


def rest_of(text: str, before: str) -> str:
    """What of *text* comes after *before*, which was told already; revised words are not new.

    >>> rest_of("a table for two", "A table"), rest_of("a cable for two", "a table")
    (' for two', ' for two')
    >>> rest_of("no, thanks", "a table for"), rest_of("yes", "yes.")
    ('no, thanks', '')
    """
    earlier = [letters(word) for word in before.split()]
    if not earlier:
        return text
    words = list(re.finditer(r"\S+", text))[: len(earlier)]
    begin = [letters(word[0]) for word in words]
    if begin != earlier[: len(begin)]:
        alike = SequenceMatcher(None, " ".join(begin), " ".join(earlier), autojunk=False).ratio()
        if alike < ALIKE:
            return text
    return text[words[-1].end() :] if words else ""
