"""Money, shares and plain numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from patter_spoken.language import CODES, CURRENCIES, Language
from patter_spoken.numerals import cardinal, decimal, digits, ordinal, whole, year

Say: TypeAlias = Callable[[re.Match[str]], str | None]
Form: TypeAlias = tuple[re.Pattern[str], Say]

_BEFORE = r"(?<![\w.,:/+\-–@#&=%$€£¥*^~<>'’])"
_AFTER = r"(?![\w:/@#=+\-–°²³$€£¥%*^]|[.,'’]\d)"
_SCALE = re.compile(
    r"\s?(?:k|m|bn|mio|mrd|thousand|tausend|duizend|mil|mille|mill?i\w+|billi\w+)\b", re.I
)
_YEARS = re.compile(
    r"(?:\b(?:in|since|until|by|of|year|from)|january|february|march|april|may|june|july|august"
    r"|september|october|november|december)(?:\s\d{1,2})?,?\s$",
    re.I,
)
LONG = 7
"""How many digits in a row are no number that anybody counts to."""


def amounts(language: Language) -> Iterator[Form]:
    """The forms of *language*, the most special first."""
    groups = re.escape(language.groups)
    number = rf"(\d{{1,3}}(?:[{groups}]\d{{3}})+(?!\d)|\d+)"
    cents = r"(?:[.,](\d{1,2}))?(?![\w]|[.,]\d)"
    unit = "|".join([*map(re.escape, sorted(CURRENCIES, key=len, reverse=True)), *CODES])
    point = re.escape(language.decimal)
    yield re.compile(rf"(?<![\w.,])({unit})\s?{number}{cents}"), _money(language, 1, 2, 3)
    amount = rf"{_BEFORE}{number}(?:[.,](\d{{1,2}}))?\s?({unit})(?!\w)"
    yield re.compile(amount), _money(language, 3, 1, 2)
    yield (
        re.compile(rf"{_BEFORE}([-−])?{number}(?:{point}(\d+))?\s?%(?!\w)"),
        _share(language),
    )
    if language.ordinals:
        pattern = rf"{_BEFORE}(\d{{1,6}})({language.ordinals})(?![\w\-])"
        yield re.compile(pattern), _ordinal(language)
    yield (
        re.compile(rf"{_BEFORE}([-−](?=\d))?{number}(?:{point}(\d+))?{_AFTER}"),
        _number(language),
    )


def _money(language: Language, unit: int, number: int, cents: int) -> Say:
    def say(match: re.Match[str]) -> str | None:
        if _SCALE.match(match.string, match.end()):
            return None
        code = CURRENCIES.get(match[unit], match[unit])
        return price(language, code, match[number], match[cents] or "")

    return say


def price(language: Language, code: str, number: str, cents: str) -> str:
    """An amount of a currency: with *cents* of two digits, or none."""
    amount = int(re.sub(r"\D", "", number))
    one, many = language.money[code]
    unit = one if amount == 1 else many
    if cents and len(cents) != 2:
        return f"{decimal(language, number, cents)} {many}"
    words = language.one if amount == 1 else _before_unit(language, whole(language, number))
    if int(cents or 0) == 0:
        return f"{words} {unit}"
    return language.cents.format(
        whole=words,
        unit=unit,
        cents=cardinal(language.lang, int(cents)),
        minor=_minor(code, int(cents)),
    )


def _minor(code: str, cents: int) -> str:
    if code == "GBP":
        return "penny" if cents == 1 else "pence"
    return "cent" if cents == 1 else "cents"


def _before_unit(language: Language, number: str) -> str:
    """*number* as it is before a noun: Spanish drops the end of its one."""
    if language.lang != "es":
        return number
    return re.sub(r"uno$", "un", re.sub(r"veintiuno$", "veintiún", number))


def _share(language: Language) -> Say:
    def say(match: re.Match[str]) -> str:
        sign = f"{language.signs['minus']} " if match[1] else ""
        return f"{sign}{decimal(language, match[2], match[3] or '')} {language.signs['percent']}"

    return say


def _ordinal(language: Language) -> Say:
    def say(match: re.Match[str]) -> str | None:
        number = int(match[1])
        if number == 0:
            return None
        word = ordinal(language, number)
        return word[:-1] + "a" if match[2].endswith("ª") and word.endswith("o") else word

    return say


def _number(language: Language) -> Say:
    code = re.compile(rf"\b(?:{language.codes})\b[\s:#]{{0,3}}(?:\w{{1,3}}\s)?$", re.IGNORECASE)

    def say(match: re.Match[str]) -> str:
        sign, number, decimals = match[1], match[2], match[3] or ""
        before = match.string[max(0, match.start() - 40) : match.start()]
        if not decimals and not sign and number.isdigit():
            if len(number) >= LONG or (len(number) > 2 and code.search(before)):
                return digits(language, number)
            if language.lang == "en" and len(number) == 4 and _YEARS.search(before):
                return year(language, int(number))
        words = decimal(language, number, decimals)
        return f"{language.signs['minus']} {words}" if sign else words

    return say
