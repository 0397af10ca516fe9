"""Numbers in words. num2words knows the languages; this bounds what it is asked."""

from __future__ import annotations

import re
from functools import lru_cache

from num2words import num2words  # type: ignore[import-untyped]

from patter_spoken.language import Language

MOST_DIGITS = 15
"""Longer numbers are read out digit by digit, as everybody would."""


@lru_cache(maxsize=4_096)
def cardinal(lang: str, number: int) -> str:
    """*number*, 0 or more, in words."""
    return str(num2words(number, lang=lang))


def ordinal(language: Language, number: int) -> str:
    """Which one in a row."""
    return str(num2words(number, lang=language.lang, to="ordinal"))


def year(language: Language, number: int) -> str:
    """A year as it is called."""
    if language.lang == "en":
        return str(num2words(number, lang="en", to="year"))
    return cardinal(language.lang, number)


def digits(language: Language, text: str) -> str:
    """The digits in *text*, one after the other; what stands between them is a pause."""
    groups = re.findall(r"[0-9]+", text)
    return ", ".join(" ".join(cardinal(language.lang, int(d)) for d in group) for group in groups)


def whole(language: Language, text: str) -> str:
    """The integer *text*, whose groups may be set apart."""
    bare = re.sub(r"[^0-9]", "", text)
    if len(bare) > MOST_DIGITS or (bare[0] == "0" and len(bare) > 1):
        return digits(language, bare)
    return cardinal(language.lang, int(bare))


def decimal(language: Language, text: str, decimals: str) -> str:
    """The number *text* with *decimals*, of which each is said."""
    if not decimals:
        return whole(language, text)
    rest = digits(language, decimals)
    return f"{whole(language, text)} {language.signs['point']} {rest}"


def feminine(word: str) -> str:
    """A number that ends in one or two, as languages from Latin count hours."""
    for ending, other in (("uno", "una"), ("um", "uma"), ("dois", "duas"), ("un", "une")):
        if word.endswith(ending) and (word == ending or word[-len(ending) - 1] in " i"):
            return word[: -len(ending)] + other
    return word
